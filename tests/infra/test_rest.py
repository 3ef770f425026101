"""The split of the REST API refuses what it cannot place."""

import copy

import pytest

from infra.package import rest

INTEGRATION = {
    "uri": {"Fn::Sub": "arn:${AWS::Partition}:lambda:path/functions/${APIHandler.Arn}/invocations"}
}
SETTINGS = {face: {"lambda_memory_size": 512, "lambda_timeout": 29} for face in rest.FACES}


def packaged(*paths):
    methods = {
        path: {"get": {"x-amazon-apigateway-integration": copy.deepcopy(INTEGRATION)}} for path in paths
    }
    return {
        "RestAPI": {"Properties": {"DefinitionBody": {"info": {}, "paths": methods}}},
        "APIHandler": {"Properties": {"MemorySize": 128, "Timeout": 60}},
        "APIHandlerInvokePermission": {},
    }


def faces(**paths):
    return {face: paths.get(face, []) for face in rest.FACES}


def test_a_path_goes_to_the_function_of_its_face():
    resources = packaged("/", "/hooks")
    rest.split(resources, faces(storefront=["/"], hooks=["/hooks"]), SETTINGS)
    body = resources["HooksAPI"]["Properties"]["DefinitionBody"]
    assert list(body["paths"]) == ["/hooks"]
    assert (
        "${Hooks.Arn}" in body["paths"]["/hooks"]["get"]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    )
    assert "APIHandler" not in resources


def test_a_path_of_no_face_is_refused():
    with pytest.raises(rest.Unmapped, match="/lost"):
        rest.split(packaged("/", "/lost"), faces(storefront=["/"]), SETTINGS)


def test_a_path_of_two_faces_is_refused():
    with pytest.raises(rest.Unmapped, match="storefront and to console"):
        rest.split(packaged("/"), faces(storefront=["/"], console=["/"]), SETTINGS)
