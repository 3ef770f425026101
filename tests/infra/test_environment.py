"""What a function is told fits into what Lambda allows, also where a fleet is spread over many accounts."""

import json
import re
import string
from pathlib import Path

import pytest

from chalicelib.kit import config
from infra.package import parameters, template

pytestmark = pytest.mark.package

MOST = 4096  # bytes of all variables of a function as JSON: Lambda developer guide, quotas, and what its error measures
PSEUDO = {
    "AWS::Partition": "aws-cn",
    "AWS::Region": "cn-northwest-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "AWS::NoValue": "",
}
GIVEN = {
    "Stage": "live",
    "SiteDomain": "cards.shop-example.com.cn",
    "TablePrefix": "cardmeshlive",
    "StaticUrl": "/static/20261123-0123456789ab",
    "OriginSecret": "cardmesh/edge",
    "OriginSecretVersion": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "DepositTo": "中" * 100,
    "Edge": json.dumps(
        {
            "distribution": "E1A2B3C4D5E6F7",
            "group": "cg_0123456789abcdefghijklmnopq",
            "names": "d0123456789ab.cloudfront.net",
        }
    ),
}
ATTRIBUTES = {
    ("Key", "Arn"): "arn:aws-cn:kms:cn-northwest-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    (
        "TenantRole",
        "Arn",
    ): "arn:aws-cn:iam::111122223333:role/cardmeshlive/tenant/cardmesh-TenantRole-0A1B2C3D4E5F",
}


def cells(count):
    letters = string.ascii_lowercase[:count]
    return ",".join(f"{letter}@4444{number:08}:8000" for number, letter in enumerate(letters))


def given(packaged, count):
    """Every parameter, those that nobody needs to give at their default."""
    defaults = {name: one.get("Default") for name, one in packaged.template["Parameters"].items()}
    return {**defaults, **GIVEN, "Cells": cells(count)}


def resolved(node, known, resources):
    """What CloudFormation makes of a value; raises for whatever this does not know."""
    if not isinstance(node, dict):
        return str(node)
    ((verb, of),) = node.items()
    match verb:
        case "Ref" if of.endswith("Queue"):
            name = resolved(resources[of]["Properties"]["QueueName"], known, resources)
            found = f"https://sqs.{known['AWS::Region']}.amazonaws.com.cn/{known['AWS::AccountId']}/{name}"
        case "Ref":
            found = str(known[of])
        case "Fn::GetAtt":
            found = ATTRIBUTES[tuple(of)]
        case "Fn::If":
            found = resolved(of[1], known, resources)
        case "Fn::Sub" if "resolve:secretsmanager" in of:
            found = ",".join(["0123456789abcdef" * 4] * 2)  # now and before
        case "Fn::Sub":
            plain = {name.replace("::", "__"): value for name, value in known.items()}
            found = string.Template(of.replace("::", "__")).substitute(plain)
    return found


def environments(packaged, count):
    """The variables of each function, as they are deployed."""
    known = PSEUDO | given(packaged, count)
    for name, function in packaged.functions.items():
        told = function["Environment"]["Variables"]
        yield name, {key: resolved(value, known, packaged.resources) for key, value in told.items()}


def size(variables):
    return len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("count", [13, 20])
def test_what_each_function_is_told_fits_with_many_accounts(packaged, count):
    sizes = {name: size(told) for name, told in environments(packaged, count)}
    assert len(sizes) == len(packaged.functions)
    assert {name: size for name, size in sizes.items() if size > MOST} == {}


def test_functions_read_their_cells_from_what_they_are_told(packaged):
    for _, told in environments(packaged, 13):
        plain = {name: text for name, text in told.items() if not name.endswith("_TEMPLATE")}
        found = config.read({**plain, "AWS_REGION": "cn-northwest-1"}).cells
        assert (len(found), found["m"].takes) == (13, 8000)
        assert found["m"].tenant_role.startswith(
            "arn:aws-cn:iam::444400000012:role/cardmeshlive/cells/tenant/"
        )


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ("", True),
        ("a:8000", True),
        ("a@111122223333:8000,b@444455556666:8000", True),
        ('{"a": {"takes": 8000}}', False),
        ("a:8000,b:8000", False),
        ("b@444455556666:8000", False),
    ],
)
def test_cloudformation_refuses_cells_that_a_function_could_not_read(told, taken):
    pattern = parameters.TERMS["CELLS"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, told)) is taken


def test_the_roles_of_a_cell_are_named_as_functions_reckon_them():
    cell = template.load(Path("infra/cell.yaml"))["Resources"]
    known = PSEUDO | GIVEN
    reckoned = config.read(
        {
            "KEY_ID": "k",
            "SITE_DOMAIN": "s",
            "TABLE_PREFIX": known["TablePrefix"],
            "CELLS": cells(2),
            "AWS_REGION": known["AWS::Region"],
        }
    ).cells["b"]
    for role, arn in (("TenantRole", reckoned.tenant_role), ("OperatorRole", reckoned.operator_role)):
        properties = cell[role]["Properties"]
        path, name = (resolved(properties[each], known, {}) for each in ("Path", "RoleName"))
        assert arn == f"arn:aws-cn:iam::444400000001:role{path}{name}"
        assert len(name) <= 64
