"""The REST API, split: Chalice emits one function for all paths; here each face gets its own.

A face is what `app.py` registers when the environment variable FACES names it, so the paths of a function are
asked of the code and written down nowhere else. Payment callbacks have an API of their own, and the shops' takes no
more than a share of the requests that an account has for both: browsing cannot starve them.
"""

import copy
from typing import Any

from . import refusals

Resources = dict[str, Any]

FACES = ("storefront", "checkout", "receipts", "hooks", "console")
HAS_EDGE = "HasEdge"  # the condition under which a secret is named
_THROTTLE = {
    "HttpMethod": "*",
    "ResourcePath": "/*",
    "ThrottlingRateLimit": {"Ref": "ShopRequests"},
    "ThrottlingBurstLimit": {"Ref": "ShopBurst"},
}
_OWN_API = {"hooks": "HooksAPI"}  # every other face lives in the API that Chalice named


class Unmapped(RuntimeError):
    """A path belongs to no face, or to more than one."""


def split(resources: Resources, paths: dict[str, list[str]], settings: dict[str, dict[str, int]]) -> None:
    """Replace Chalice's API and handler by functions and APIs per face, in place. Raises Unmapped."""
    face_by_path = _faces(resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"], paths)
    api, handler = resources.pop("RestAPI"), resources.pop("APIHandler")
    del resources["APIHandlerInvokePermission"]
    for name in ("RestAPI", *_OWN_API.values()):
        resources[name] = _api(api, name, face_by_path)
    for face in FACES:
        resources[face.capitalize()] = _function(handler, face, settings.get(face, {}))
        resources[f"{face.capitalize()}InvokePermission"] = _permission(face)


def _faces(known: dict[str, Any], paths: dict[str, list[str]]) -> dict[str, str]:
    face_by_path: dict[str, str] = {}
    for face in FACES:
        for path in paths[face]:
            if path in face_by_path:
                raise Unmapped(f"{path} belongs to {face_by_path[path]} and to {face}")
            face_by_path[path] = face
    if face_by_path.keys() != known.keys():
        raise Unmapped(f"no face, or no route, for {sorted(face_by_path.keys() ^ known.keys())}")
    return face_by_path


def _api(whole: dict[str, Any], name: str, face_by_path: dict[str, str]) -> dict[str, Any]:
    api = copy.deepcopy(whole)
    body = api["Properties"]["DefinitionBody"]
    api["Properties"]["OpenApiVersion"] = "2.0"  # else SAM adds a second stage, called Stage
    if name not in _OWN_API.values():
        api["Properties"]["MethodSettings"] = [_THROTTLE]
    body["info"]["title"] = {"Fn::Sub": "${TablePrefix}-" + name.removesuffix("API").lower()}
    body["x-amazon-apigateway-gateway-responses"] = refusals.responses(pages=name not in _OWN_API.values())
    body["paths"] = {
        path: _pointed_at(face_by_path[path], methods)
        for path, methods in body["paths"].items()
        if _OWN_API.get(face_by_path[path], "RestAPI") == name
    }
    return api


def _pointed_at(face: str, methods: dict[str, Any]) -> dict[str, Any]:
    for method in methods.values():
        uri = method["x-amazon-apigateway-integration"]["uri"]
        uri["Fn::Sub"] = uri["Fn::Sub"].replace("${APIHandler.Arn}", f"${{{face.capitalize()}.Arn}}")
    return methods


def _function(handler: dict[str, Any], face: str, settings: dict[str, int]) -> dict[str, Any]:
    function = copy.deepcopy(handler)
    properties = function["Properties"]
    properties["MemorySize"] = settings["lambda_memory_size"]
    properties["Timeout"] = settings["lambda_timeout"]
    if "reserved_concurrency" in settings:
        properties["ReservedConcurrentExecutions"] = settings["reserved_concurrency"]
    own = {"FACES": face, "STATIC_URL": {"Ref": "StaticUrl"}, "ORIGIN_SECRET": _origin_secrets()}
    properties["Environment"] = {"Variables": own}
    return function


def _origin_secrets() -> dict[str, Any]:
    """The secret that the edge sends and the one it sent before, as chalicelib.kit.config reads them."""
    version = "{{resolve:secretsmanager:${OriginSecret}:SecretString:%s::${OriginSecretVersion}}}"
    both = {"Fn::Sub": f"{version % 'now'},{version % 'before'}"}
    return {"Fn::If": [HAS_EDGE, both, ""]}


def _permission(face: str) -> dict[str, Any]:
    source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${%s}/*"
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": face.capitalize()},
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {"Fn::Sub": source % _OWN_API.get(face, "RestAPI")},
        },
    }
