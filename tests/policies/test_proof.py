"""What the solver proves of the policies, and what it finds once they have a hole."""

import copy

import pytest

from sim.iam import documents, proof
from sim.iam.evaluate import Request, allows

TABLE = f"{documents.TABLES}cardmesh-site-"
SITE = "aws:PrincipalTag/site"
TAG = f"${{{SITE}}}"


def planted(statement, **changes):
    """The tenant role's policy with one statement changed."""
    policy = copy.deepcopy(documents.policy("tenant"))
    changed = {**policy["Statement"][statement], **changes}
    policy["Statement"][statement] = {name: one for name, one in changed.items() if one is not None}
    return policy


def trusting(tags):
    """The tenant role's trust, for tags of this pattern."""
    trust = copy.deepcopy(documents.trust())
    trust["Statement"][0]["Condition"]["StringLike"]["aws:RequestTag/site"] = tags
    return trust


def test_everything_is_proven_for_all_sites_and_functions():
    found = dict(proof.every_question())
    assert set(found.values()) == {None}
    assert len(found) == 2 + len(documents.functions())


@pytest.mark.parametrize(
    "hole",
    [
        planted(0, Resource=f"{TABLE}*"),
        planted(0, Resource=f"{TABLE}?{TAG}"),
        planted(0, Resource=f"{TABLE}????"),
        planted(1, Resource=f"{TABLE}*/index/*"),
        planted(2, Condition={}),
        planted(2, Condition={"StringLike": {"kms:EncryptionContext:site": "*"}}),
    ],
)
def test_a_hole_between_sites_has_an_example_that_iam_would_allow(hole):
    found = proof.beyond_its_own(hole)
    assert found
    assert allows(hole, found)


@pytest.mark.parametrize("statement", [0, 1])
def test_a_pattern_that_any_table_fits_leads_from_one_site_to_another(statement):
    hole = planted(statement, Resource=f"{TABLE}*")
    found = proof.crossing_pair(hole)
    assert allows(hole, found)
    assert not found.resource.startswith(TABLE + found.context[SITE])


def test_a_match_of_beginnings_leads_beyond_the_own_table():
    hole = planted(0, Resource=f"{TABLE}{TAG}*")
    found = proof.beyond_its_own(hole)
    assert allows(hole, found)
    assert found.resource.startswith(TABLE + found.context[SITE])


def test_a_match_of_beginnings_reaches_another_site_once_tags_may_be_short():
    hole = planted(0, Resource=f"{TABLE}{TAG}*")
    assert proof.crossing_pair(hole) is None
    found = proof.crossing_pair(hole, trusting("???"))
    assert allows(hole, found)
    assert len(found.context[SITE]) == 3


def test_the_trust_is_what_keeps_a_tag_from_being_a_code_and_a_path():
    found = proof.crossing_pair(documents.policy("tenant"), trusting("*"))
    assert found.context[SITE].endswith("/")


def test_a_key_without_its_context_opens_for_another_site():
    hole = planted(2, Condition={})
    found = proof.crossing_pair(hole)
    assert allows(hole, found)
    assert found.context["kms:EncryptionContext:site"] != found.context[SITE]


def test_a_function_that_may_read_a_sites_table_by_itself_is_found(monkeypatch):
    statement = {"Sid": "Planted", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": f"{TABLE}d*"}
    monkeypatch.setattr(documents, "policy", lambda _: {"Statement": [statement]})
    found = proof.by_itself("storefront")
    assert found.action == "dynamodb:GetItem"
    assert found.resource.startswith(f"{TABLE}d")


@pytest.mark.parametrize(
    "changes",
    [
        {"NotResource": "x", "Resource": None},
        {"Condition": {"NumericLessThan": {"aws:a": "1"}}},
        {"Resource": "${aws:username}"},
    ],
)
def test_what_no_formula_stands_for_is_no_proof(changes):
    with pytest.raises(KeyError):
        proof.beyond_its_own(planted(0, **changes))


def test_no_policy_of_ours_forbids_which_a_proof_would_not_count():
    policies = [documents.policy(name) for name in ("tenant", *documents.functions())]
    assert {one["Effect"] for each in policies for one in each["Statement"]} == {"Allow"}


def test_a_request_is_decided_by_the_policies_as_deployed():
    assert allows(documents.policy("tenant"), Request("dynamodb:GetItem", f"{TABLE}demo", {SITE: "demo"}))
