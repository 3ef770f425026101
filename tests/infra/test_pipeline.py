"""pipeline.yaml: what is released was checked, read and approved, and each step can do its own work and no other's."""

import fnmatch
import json
from pathlib import Path

import pytest

from infra.package import template

ROOT = Path(__file__).parents[2]
PIPELINE = template.load(ROOT / "infra/pipeline.yaml")["Resources"]
STAGES = PIPELINE["Pipeline"]["Properties"]["Stages"]
BUILDS = ("Check", "Propose", "Apply")
# What SAM makes of its own types.
MADE = {
    "AWS::Serverless::Function": (
        "AWS::Lambda::Function",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Events::Rule",
    ),
    "AWS::Serverless::LayerVersion": ("AWS::Lambda::LayerVersion",),
    "AWS::Serverless::Api": (
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::ApiGateway::Deployment",
    ),
}
BY_HAND = {"kms:CreateKey"}  # with the first deployment; who needs another one has lost something
NOT_USED = {"kms:Decrypt"}  # of functions and mappings under a key of one's own


def _statements(role):
    return [
        statement
        for policy in PIPELINE[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _actions(role):
    listed = [statement["Action"] for statement in _statements(role)]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_nothing_is_changed_before_it_was_checked_and_a_person_approved_of_it():
    assert [stage["Name"] for stage in STAGES] == ["Source", "Check", "Propose", "Approve", "Apply"]
    (person,) = STAGES[3]["Actions"]
    assert (person["ActionTypeId"]["Category"], person["ActionTypeId"]["Provider"]) == ("Approval", "Manual")
    assert person["Configuration"]["NotificationArn"] == {"Ref": "Told"}
    assert (
        PIPELINE["Pipeline"]["Properties"]["ExecutionMode"] == "QUEUED"
    )  # what was approved is what is applied


def test_what_is_applied_is_the_change_set_that_was_shown():
    (proposed,) = STAGES[2]["Actions"][0]["OutputArtifacts"]
    assert STAGES[4]["Actions"][0]["InputArtifacts"] == [proposed]
    propose, apply = (PIPELINE[name]["Properties"]["Source"]["BuildSpec"] for name in ("Propose", "Apply"))
    assert "--no-execute-changeset" in propose
    assert "describe-change-set" in propose
    assert "execute-change-set --change-set-name $(cat change-set)" in apply
    assert "deploy" not in apply


def test_checking_can_do_nothing_to_the_account():
    kinds = {action.split(":")[0] for action in _actions("CheckRole")}
    assert kinds == {"logs", "s3", "codeconnections", "codestar-connections"}
    assert not [action for action in _actions("CheckRole") if action.startswith("s3:Put")]


@pytest.mark.parametrize("role", ["CheckRole", "ProposeRole"])
def test_builds_clone_what_they_check_and_cannot_push(role):
    """The history comes along, since a check asks git which files are the project's."""
    (source,) = STAGES[0]["Actions"]
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"
    (cloning,) = [each for each in _statements(role) if "codeconnections:UseConnection" in each["Action"]]
    assert cloning["Resource"] == {"Ref": "Connection"}
    asked = cloning["Condition"]["ForAllValues:StringEquals"]
    assert set(map(tuple, asked.values())) == {("read_only",)}


def test_builds_and_checks_install_what_a_fresh_debian_lacks_in_the_same_way():
    assert "tools/install-debian" in PIPELINE["Propose"]["Properties"]["Source"]["BuildSpec"]
    assert "tools/install-debian" in (ROOT / ".ci/run").read_text()


def test_only_who_applies_executes_and_only_cloudformation_has_the_rights_of_a_change():
    having = [
        role
        for role in ("CheckRole", "ProposeRole", "ApplyRole")
        if "cloudformation:ExecuteChangeSet" in _actions(role)
    ]
    assert having == ["ApplyRole"]
    for role in ("ProposeRole", "ApplyRole"):
        kinds = {action.split(":")[0] for action in _actions(role)}
        assert kinds <= {"logs", "s3", "cloudformation", "iam", "codeconnections", "codestar-connections"}
    (trusted,) = PIPELINE["ChangeRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "cloudformation.amazonaws.com"}


@pytest.mark.parametrize(
    "role", [name for name, each in PIPELINE.items() if each["Type"] == "AWS::IAM::Role"]
)
def test_no_role_may_everything_and_only_this_accounts_services_take_it(role):
    for statement in _statements(role):
        assert "*" not in statement["Action"]
        assert statement["Resource"] != "*" or statement.get("Sid") == "WithoutNames"
    (trusted,) = PIPELINE[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("role", ["ProposeRole", "ChangeRole"])
def test_a_role_is_passed_on_to_one_service_only(role):
    (passing,) = [each for each in _statements(role) if each["Action"] == "iam:PassRole"]
    assert "iam:PassedToService" in passing["Condition"]["StringEquals"]


def test_a_release_that_fails_is_told():
    pattern = PIPELINE["Failed"]["Properties"]["EventPattern"]
    assert pattern["detail"] == {"pipeline": [{"Ref": "Pipeline"}], "state": ["FAILED"]}
    assert PIPELINE["Failed"]["Properties"]["Targets"][0]["Arn"] == {"Ref": "Told"}


def test_builds_log_where_their_roles_may_write():
    for name in BUILDS:
        group = PIPELINE[name]["Properties"]["LogsConfig"]["CloudWatchLogs"]["GroupName"]
        assert group == {"Ref": f"{name}Log"}
        assert {"Fn::GetAtt": [f"{name}Log", "Arn"]} in [
            each["Resource"] for each in _statements(f"{name}Role")
        ]


@pytest.mark.package
def test_a_change_may_read_all_and_make_all_that_the_package_consists_of(packaged):
    """By what each resource type says of itself in its provider's schema."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as SCHEMAS

    may = {action.lower() for action in _actions("ChangeRole")}
    types = {made for each in packaged.resources.values() for made in MADE.get(each["Type"], (each["Type"],))}
    for kind in sorted(types):
        handlers = SCHEMAS.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
        needed = [*handlers.get("read", {}).get("permissions", [])]
        needed += handlers.get("create", {}).get("permissions", [])[:1]
        for action in set(needed) - BY_HAND - NOT_USED:
            assert any(fnmatch.fnmatch(action.lower(), each) for each in may), (kind, action)


def test_the_templates_of_other_stacks_are_no_part_of_a_release():
    builds = json.dumps([PIPELINE[name]["Properties"]["Source"]["BuildSpec"] for name in BUILDS])
    assert "infra/" not in builds
