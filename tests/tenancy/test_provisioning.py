"""A sub-site comes up: whatever dies on the way, repeating it ends with one stack and open doors."""

import itertools

import boto3
import pytest
from moto.cloudformation import cloudformation_backends

from chalicelib.kit import aws, clock, config, errors, tenant, vault
from chalicelib.tenancy import provisioning, rules
from chalicelib.tenancy import service as tenancy
from sim.iam import enforce
from tests import make
from tests.tenancy.test_service import Died, dying_at, open_site

pytestmark = pytest.mark.slow

_slugs = (f"store-{n}" for n in itertools.count(1))


@pytest.fixture
def code(cloud):
    tenancy.forget()
    return open_site(cloud, next(_slugs)).site


def advance(code, times=1):
    for _ in range(times):
        with tenant.acting_for(code), enforce.acting_as("provision_sites", cold=False):
            provisioning.advance(code, now=clock.now())
    return tenancy.site(code, fresh=True).state


def stacks(code):
    found = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    return [one["StackStatus"] for one in found if one["StackName"] == f"cardmesh-site-{code}"]


def stack_of(code):
    backend = cloudformation_backends["123456789012"]["us-east-1"]
    return next(one for one in backend.stacks.values() if one.name == f"cardmesh-site-{code}")


def roll_back(code):
    """The stack's creation fails: its table goes, its name stays."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.update_table(TableName=f"cardmesh-site-{code}", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=f"cardmesh-site-{code}")
    stack_of(code).status = "ROLLBACK_COMPLETE"


def test_one_step_makes_table_and_key_and_opens_the_doors(code):
    assert advance(code) == "active"
    table = boto3.client("dynamodb").describe_table(TableName=f"cardmesh-site-{code}")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["member"]
    with tenant.acting_for(code):
        assert vault.unseal(code, vault.seal(code, b"x", "p"), "p") == b"x"
    assert tenancy.site_at(tenancy.site(code).host).site == code


def test_an_open_site_publishes_its_shelf(cloud, code):
    cloud.messages("publish")
    advance(code)
    assert {"site": code} in cloud.messages("publish")


def test_a_repeated_message_changes_nothing(code):
    assert advance(code, times=3) == "active"
    assert stacks(code) == ["CREATE_COMPLETE"]


def test_dying_at_any_call_and_repeating_ends_with_one_stack_and_the_first_key(cloud, monkeypatch):
    for number in itertools.count():
        code = open_site(cloud, next(_slugs)).site
        with monkeypatch.context() as patches:
            dying_at(patches, number)
            try:
                advance(code)
                break
            except Died:
                pass
        assert advance(code) == "active"
        assert stacks(code) == ["CREATE_COMPLETE"]
        with tenant.acting_for(code):
            assert vault.mac(code, "test", "x")
    assert number >= 7


def test_a_stack_still_in_the_making_is_looked_at_again(cloud, code, monkeypatch):
    with monkeypatch.context() as patches:
        patches.setattr(provisioning.stacks, "status", lambda *_: "CREATE_IN_PROGRESS")
        assert advance(code, times=2) == "creating"
    assert advance(code) == "active"


def test_a_failed_stack_is_told_to_people_and_its_host_stays_silent(code, monkeypatch):
    alarms = []
    monkeypatch.setattr(
        provisioning.log, "alarm", lambda name, **fields: alarms.append((name, fields["status"]))
    )
    monkeypatch.setattr(provisioning.stacks, "status", lambda *_: "CREATE_IN_PROGRESS")
    advance(code)
    monkeypatch.setattr(provisioning.stacks, "status", lambda *_: "ROLLBACK_COMPLETE")
    assert advance(code, times=2) == "failed"
    assert alarms == [("tenancy.provisioning_failed", "ROLLBACK_COMPLETE")]
    assert tenancy.site(code).note == "The stack ended in ROLLBACK_COMPLETE."
    with pytest.raises(errors.NotFound):
        tenancy.site_at(tenancy.site(code).host)


def refused(code, reason):
    """The site's stack could not be made; its resource said why, and others failed because of it."""
    provisioning._create(code)
    tenancy.move(code, "creating", expected=("asked",))
    roll_back(code)
    stack = stack_of(code)
    for logical, told in (
        ("Table", reason),
        ("Table", "Resource creation cancelled"),
        (stack.name, "Rolled back"),
    ):
        failed = stack._add_stack_event("CREATE_FAILED", resource_status_reason=told)
        stack.events[-1].logical_resource_id = logical
        assert failed is None


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ("Subscriber limit exceeded (HandlerErrorCode: ServiceLimitExceeded)", tenancy.QUOTA),
        ("LimitExceededException: Too many tables", tenancy.QUOTA),
        ("cardmesh-site-x already exists", tenancy.TAKEN),
        ("No such thing (HandlerErrorCode: AlreadyExists)", tenancy.TAKEN),
        ("Continuous backups could not be changed", "Continuous backups could not be changed"),
    ],
)
def test_a_stack_that_failed_is_told_by_its_first_reason(code, told, note):
    refused(code, told)
    assert advance(code) == "failed"
    assert tenancy.site(code).note == note


def test_a_stack_that_fails_at_once_is_told_and_not_made_again_and_again(code, monkeypatch):
    monkeypatch.setattr(provisioning.stacks, "status", lambda *_: "ROLLBACK_COMPLETE")
    assert advance(code) == "failed"
    assert stacks(code) == ["CREATE_COMPLETE"]


def test_a_retry_removes_what_failed_and_begins_anew(code):
    provisioning._create(code)
    tenancy.move(code, "creating", expected=("asked",))
    roll_back(code)
    assert advance(code) == "failed"
    tenancy.retry_site(code)
    assert tenancy.site(code).note == ""
    assert advance(code) == "asked"
    assert advance(code) == "active"
    assert stacks(code).count("CREATE_COMPLETE") == 1


def test_only_a_failed_site_is_retried(code):
    with pytest.raises(errors.Conflict):
        tenancy.retry_site(code)
    with pytest.raises(errors.NotFound):
        tenancy.retry_site("zzz0")


def test_two_workers_at_once_make_one_stack(code, monkeypatch):
    real = provisioning._create

    def raced(one):
        monkeypatch.setattr(provisioning, "_create", real)
        assert advance(one) == "active"
        return real(one)

    monkeypatch.setattr(provisioning, "_create", raced)
    assert advance(code) == "active"
    assert stacks(code) == ["CREATE_COMPLETE"]


@pytest.mark.parametrize("verb", ["create_stack", "describe_stacks"])
def test_whoever_asks_too_fast_comes_again_later(cloud, code, monkeypatch, verb):
    def refuse(**_):
        raise provisioning.ClientError({"Error": {"Code": "Throttling"}}, verb)

    cloud.now += 90
    with monkeypatch.context() as patches:
        patches.setattr(aws.client("cloudformation"), verb, refuse)
        assert advance(code) == "asked"
    assert cloud.sent_to("provision")[-1] == {"site": code, "delay": rules.look_again(code, 90)}
    assert advance(code) == "active"


def test_a_template_too_large_for_the_environment_is_named_by_its_address(code, monkeypatch):
    asked = []
    cloudformation = aws.client("cloudformation")
    monkeypatch.setenv("SUBSITE_TEMPLATE", "https://bucket.test/subsite.yaml")
    config.load.cache_clear()
    monkeypatch.setattr(cloudformation, "create_stack", lambda **call: asked.append(call))
    provisioning._create(code)
    monkeypatch.undo()
    config.load.cache_clear()
    assert asked[0]["TemplateURL"] == "https://bucket.test/subsite.yaml"
    assert "TemplateBody" not in asked[0]


@pytest.mark.parametrize("verb", ["create_stack", "describe_stacks"])
def test_a_refusal_of_another_kind_is_not_taken_for_an_answer(code, monkeypatch, verb):
    def refuse(**_):
        raise provisioning.ClientError({"Error": {"Code": "AccessDenied"}}, verb)

    monkeypatch.setattr(aws.client("cloudformation"), verb, refuse)
    with pytest.raises(provisioning.ClientError, match="AccessDenied"):
        advance(code)
    monkeypatch.undo()
    assert tenancy.site(code, fresh=True).state == "asked"


def test_the_queue_takes_each_site_a_step_and_reports_the_one_that_failed(cloud, code):
    assert make.work("provision", [{"site": code}, {"site": "zzz0"}]) == [{"site": "zzz0"}]
    assert tenancy.site(code, fresh=True).state == "active"
