import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.kit.errors import ShopError
from chalicelib.web.openapi import document
from tests.web.openapi.test_contract import KNOWN, place
from tests.web.storefront import fake


@pytest.fixture
def described(browser):
    return json.loads(browser.get("/api/v1/openapi.json").body)


def check(described, shape, body: bytes) -> None:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": described["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        json.loads(body)
    )


def test_the_document_is_openapi_3_1_with_every_call_of_the_contract(described):
    assert described["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(described).validate()
    assert {(path, verb) for path, verbs in described["paths"].items() for verb in verbs} == {
        ("/healthz", "get"),
        ("/api/v1/goods", "get"),
        ("/api/v1/orders", "post"),
        ("/api/v1/orders/{order_no}", "get"),
    }


def test_every_reference_leads_somewhere(described):
    text = json.dumps(described)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in described["components"]["schemas"]
        Draft202012Validator.check_schema(described["components"]["schemas"][name])


def test_real_answers_are_as_described(described, browser, store):
    check(described, "GoodsPage", browser.get("/api/v1/goods").body)
    check(described, "OrderPlaced", place(browser).body)
    check(described, "Problem", place(browser, {"quantity": 0}).body)
    store.reach("delivered", "paid", "delivered", codes=("A", "B"))
    check(described, "OrderView", browser.get(f"/api/v1/orders/{fake.NUMBER}", **KNOWN).body)


def test_an_order_without_a_way_to_pay_is_as_described_too(described, browser, store):
    store.order = replace(store.order, status="paid")
    check(described, "OrderPlaced", place(browser).body)


def test_what_is_described_of_a_request_is_what_is_checked(described):
    shape = described["components"]["schemas"]["OrderRequest"]
    assert shape["additionalProperties"] is False
    assert set(shape["required"]) == set(shape["properties"]) - {"return_waiver"}
    assert shape["properties"]["quantity"] == {"type": "integer", "minimum": 1, "maximum": 10**9}


def test_every_code_described_is_one_that_exists_with_that_status():
    known = {(kind.code, kind.status) for kind in _kinds(ShopError)}
    described = {
        (code, status) for call in document.CODES.values() for status, codes in call.items() for code in codes
    }
    assert described - known == set()


def _kinds(kind: type[ShopError]) -> set[type[ShopError]]:
    return {kind}.union(*(_kinds(child) for child in kind.__subclasses__()))
