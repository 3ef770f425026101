"""The roles of a further account give what those of the deployment's own account give, and no more."""

import pytest

from infra.package import template
from sim.iam import documents
from sim.iam.evaluate import Request, allows
from sim.iam.grants import several

CELL = template.load(documents.POLICIES.parent / "infra/cell.yaml")["Resources"]


def statements(policy):
    return {one["Sid"]: one for one in policy["Statement"]}


def its_own(role):
    return documents.deployed(documents.of_role("cell", role))


@pytest.mark.parametrize("sid", ["ItsOwnTable", "ItsOwnIndexes"])
def test_who_acts_for_a_site_may_do_the_same_in_every_account(sid):
    there, here = statements(its_own("TenantRole"))[sid], statements(documents.policy("tenant"))[sid]
    assert several(there["Action"]) == several(here["Action"])
    assert there["Resource"] == here["Resource"]


def test_who_acts_for_a_site_has_its_data_key_at_home_alone():
    assert set(statements(its_own("TenantRole"))) == {"ItsOwnTable", "ItsOwnIndexes"}


def test_only_functions_with_one_sites_tag_act_for_it():
    (trust,) = CELL["TenantRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (home,) = documents.trust()["Statement"]
    for element in ("StringLike", "StringNotEquals", "ForAllValues:StringEquals", "Null"):
        assert trust["Condition"][element] == home["Condition"][element]
    assert trust["Action"] == home["Action"]


def test_who_opens_and_moves_sites_reads_no_table_of_anybody_else():
    policy = its_own("OperatorRole")
    assert allows(policy, Request("dynamodb:Scan", f"{documents.TABLES}cardmesh-site-k3f9"))
    assert not allows(policy, Request("dynamodb:Scan", documents.MAIN))
    assert not allows(policy, Request("dynamodb:GetItem", f"{documents.TABLES}cardmesh-site-k3f9"))


def test_functions_take_roles_of_cells_by_their_kind():
    functions, provisioning = (documents.policy(f"cells/{name}") for name in ("functions", "provision_sites"))
    tenant, operator = (
        f"arn:aws:iam::444455556666:role/cardmesh/cells/{kind}/r" for kind in ("tenant", "operator")
    )
    assert allows(functions, Request("sts:AssumeRole", tenant))
    assert not allows(functions, Request("sts:AssumeRole", operator))
    assert allows(provisioning, Request("sts:AssumeRole", operator))


@pytest.mark.parametrize("role", ["TenantRole", "OperatorRole"])
def test_people_take_the_roles_of_a_cell_where_its_owner_names_them(role):
    (trust,) = CELL[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    *_, people = trust["Condition"]["ArnLike"]["aws:PrincipalArn"]
    assert people == {"Fn::If": ["HasPeople", {"Ref": "People"}, {"Ref": "AWS::NoValue"}]}


def test_who_looks_for_drift_sees_the_names_of_what_is_there_and_no_more():
    policy = its_own("OperatorRole")
    assert allows(policy, Request("dynamodb:ListTables", "*"))
    assert allows(policy, Request("cloudformation:ListStacks", "*"))
    assert allows(policy, Request("cloudformation:DescribeStackDriftDetectionStatus", "*"))
    verbs = ("DescribeStacks", "GetTemplate", "DetectStackDrift", "DescribeStackResourceDrifts")
    other, own = (f"{documents.STACKS}{name}/1" for name in ("somebody-elses", "cardmesh-site-k3f9"))
    assert [allows(policy, Request(f"cloudformation:{verb}", own)) for verb in verbs] == [True] * 4
    assert not any(allows(policy, Request(f"cloudformation:{verb}", other)) for verb in verbs)
