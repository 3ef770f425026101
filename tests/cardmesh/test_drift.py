"""Where tables and stacks are not what the registry wants is said, setting by setting."""

import boto3
import pytest
from moto.dynamodb.models import dynamodb_backends

from cardmesh import place, stacks
from chalicelib.kit import tenant
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy
from infra.package import template as package

from ..tenancy.test_service import open_site


@pytest.fixture
def code(world):
    """A live site whose table has what moto's CloudFormation leaves out."""
    opened = open_site(world, "corner").site
    with tenant.acting_for(opened):
        provisioning.advance(opened, now=world.now)
    named = {"TableName": f"cardmesh-site-{opened}"}
    client = boto3.client("dynamodb")
    dynamodb_backends["123456789012"]["us-east-1"].tables[named["TableName"]].sse_specification["Enabled"] = (
        True
    )
    client.update_time_to_live(**named, TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    recover(opened, on=True)
    return opened


def recover(code, *, on):
    boto3.client("dynamodb").update_continuous_backups(
        TableName=f"cardmesh-site-{code}",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on},
    )


def differing(cardmesh, *words):
    said = cardmesh(" ".join(("drift --json", *words)))
    return said.code, {(row["site"], row["setting"]) for row in said.rows}


def test_a_site_as_deployed_is_as_it_should_be(cardmesh, code):
    assert cardmesh("drift").out == "1 sites are as they should be.\n"
    assert stacks.look(code).fits(code)


def test_settings_that_somebody_changed_are_said(cardmesh, code):
    client = boto3.client("dynamodb")
    client.update_table(TableName=f"cardmesh-site-{code}", DeletionProtectionEnabled=False)
    recover(code, on=False)
    assert differing(cardmesh) == (1, {(code, "protected"), (code, "recovery")})
    assert differing(cardmesh, "--site", "corner")[0] == 1
    assert "should be" in cardmesh("drift").out


def test_a_table_and_a_stack_that_are_gone_are_said(cardmesh, code):
    client = boto3.client("dynamodb")
    client.update_table(TableName=f"cardmesh-site-{code}", DeletionProtectionEnabled=False)
    client.delete_table(TableName=f"cardmesh-site-{code}")
    found = differing(cardmesh)[1]
    assert {(code, "keys"), (code, "billing"), (code, "tag")} < found
    boto3.client("cloudformation").delete_stack(StackName=f"cardmesh-site-{code}")
    assert differing(cardmesh)[1] == found | {(code, "stack")}


@pytest.mark.parametrize(
    ("stack", "setting"),
    [
        (stacks.Stack("UPDATE_ROLLBACK_COMPLETE", "", {}), "stack"),
        (stacks.Stack("UPDATE_COMPLETE", "{}", {}), "template"),
        (stacks.Stack("UPDATE_COMPLETE", stacks.wanted(), {"Site": "other"}), "parameters"),
    ],
)
def test_a_stack_that_is_another_is_said(cardmesh, code, monkeypatch, stack, setting):
    monkeypatch.setattr(stacks, "look", lambda _: stack)
    assert differing(cardmesh) == (1, {(code, setting)})


def test_tables_and_stacks_of_no_site_are_said(cardmesh, code, monkeypatch):
    monkeypatch.setattr(tenancy, "each_site", lambda **_: iter(()))
    name = f"cardmesh-site-{code}"
    assert differing(cardmesh) == (1, {(name, "stack"), (name, "table")})


def test_a_site_that_a_packaged_function_made_does_not_differ():
    whole = package.load(place._TEMPLATE)
    carried = package.carried(place._TEMPLATE)
    assert "Description" in whole
    assert "Description" not in carried
    assert stacks.canonical(carried) == stacks.canonical(whole) == stacks.wanted()
