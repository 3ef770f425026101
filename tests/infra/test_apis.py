"""The packaged REST APIs: each path at the function of its audience, callbacks apart."""

import pytest

from infra.package import refusals, rest

pytestmark = pytest.mark.package

# path → face, as the shop's map has it; every path below /console and /partner belongs to the console
FACES = {
    "/": "storefront",
    "/goods/{goods_id}": "storefront",
    "/login": "storefront",
    "/signup": "storefront",
    "/logout": "storefront",
    "/healthz": "storefront",
    "/api/v1/goods": "storefront",
    "/api/v1/openapi.json": "storefront",
    "/robots.txt": "storefront",
    "/status": "storefront",
    "/lang/{lang}": "storefront",
    "/buy/{goods_id}": "checkout",
    "/pay/{order_no}": "checkout",
    "/api/v1/orders": "checkout",
    "/wallet": "checkout",
    "/wallet/back": "checkout",
    "/wallet/free": "checkout",
    "/wallet/name": "checkout",
    "/wallet/password": "checkout",
    "/wallet/topup": "checkout",
    "/orders": "receipts",
    "/orders/{order_no}": "receipts",
    "/orders/{order_no}/state": "receipts",
    "/orders/{order_no}/codes": "receipts",
    "/orders/{order_no}/refunds": "receipts",
    "/api/v1/orders/{order_no}": "receipts",
    "/hooks/{channel}/{merchant}": "hooks",
}


def test_every_path_leads_to_the_function_of_its_audience(packaged):
    found = {path: face for api in ("RestAPI", "HooksAPI") for path, face in _faces(packaged, api).items()}
    console = {path for path in found if path.split("/")[1] in ("apply", "console", "partner")}
    assert {path: face for path, face in found.items() if path not in console} == FACES
    assert {found[path] for path in console} == {"console"}


def _faces(packaged, api):
    found = {}
    for path, methods in packaged.resources[api]["Properties"]["DefinitionBody"]["paths"].items():
        uris = {method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"] for method in methods.values()}
        (uri,) = uris
        (found[path],) = [face for face in rest.FACES if f"${{{face.capitalize()}.Arn}}" in uri]
    return found


def test_payment_callbacks_have_an_api_and_a_reserve_of_their_own(packaged):
    assert set(_faces(packaged, "HooksAPI").values()) == {"hooks"}
    assert "hooks" not in _faces(packaged, "RestAPI").values()
    reserve = packaged.functions["Hooks"]["ReservedConcurrentExecutions"]["Fn::If"]
    assert reserve[1:] == [{"Ref": "HooksReserve"}, {"Ref": "AWS::NoValue"}]
    assert packaged.template["Conditions"][reserve[0]] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "HooksReserve"}, 0]}]
    }
    source = packaged.resources["HooksInvokePermission"]["Properties"]["SourceArn"]["Fn::Sub"]
    assert "${HooksAPI}" in source


@pytest.mark.parametrize("api", ["RestAPI", "HooksAPI"])
def test_an_api_is_regional_within_its_quota_and_knows_404(packaged, api):
    properties = packaged.resources[api]["Properties"]
    assert properties["EndpointConfiguration"] == "REGIONAL"
    body = properties["DefinitionBody"]
    parts = [path.strip("/").split("/") for path in body["paths"]]
    nodes = {tuple(part[: i + 1]) for part in parts for i in range(len(part))}
    assert len(nodes) <= 280
    said = body["x-amazon-apigateway-gateway-responses"]
    assert said == refusals.responses(pages=api == "RestAPI")
    assert said["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"


@pytest.mark.parametrize("face", rest.FACES)
def test_a_face_serves_itself_alone(packaged, face):
    function = packaged.functions[face.capitalize()]
    assert function["Handler"] == "app.app"
    assert function["Environment"]["Variables"]["FACES"] == face
    assert function["MemorySize"] == {"Ref": "PageMemory"}
    assert function["Timeout"] == {"Ref": "PageTimeout"}
