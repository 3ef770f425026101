"""Many tenants, every action, whatever belongs to others: nobody crosses over, and a hole would be found.

`make isolation` does the same with a thousand tenants.
"""

import copy
from functools import cache

import pytest

from chalicelib.tenancy import rules
from sim.iam import crossing, documents
from sim.iam.crossing import Role, Session
from sim.iam.evaluate import Request

TABLE = f"{documents.TABLES}cardmesh-site-"
TAG = "${aws:PrincipalTag/site}"
TENANT = Role(documents.policy("tenant"))


@cache
def everybody():
    return crossing.all_pairs(crossing.tenants(200), each=4)


def planted(statement, **changes):
    """The tenant role's policy with one statement changed."""
    policy = copy.deepcopy(documents.policy("tenant"))
    changed = {**policy["Statement"][statement], **changes}
    policy["Statement"][statement] = {name: one for name, one in changed.items() if one is not None}
    return policy


def table(site, below=""):
    return Request("", f"{TABLE}{site}{below}")


def test_tenants_do_nothing_to_what_is_not_theirs():
    assert everybody().crossed == []
    assert everybody().decided > 2_000_000


def test_each_of_them_does_to_their_own_what_they_need():
    assert everybody().own == 10 * 200


def test_no_function_reaches_a_site_in_its_own_name():
    tally = crossing.all_functions(crossing.tenants(20))
    assert tally.crossed == []
    assert tally.decided > 150_000


def test_tenants_have_the_codes_that_sites_have_and_neighbours_among_them():
    codes = crossing.tenants()
    assert len(set(codes)) == crossing.TENANTS == 1000
    assert set(rules.code_of("demo", 0)) <= set(crossing.ALPHABET)
    assert set("".join(rules.code_of("demo", salt) for salt in range(999))) == set(crossing.ALPHABET)
    assert len({code[:3] for code in codes}) < crossing.TENANTS


@pytest.mark.parametrize(
    ("hole", "reached"),
    [
        (planted(0, Resource=f"{TABLE}{TAG}*"), "1"),
        (planted(0, Resource=f"{TABLE}*"), ""),
        (planted(0, Resource=f"{documents.TABLES}*-site-{TAG}"), ""),
        (planted(0, Resource=f"arn:aws:dynamodb:*:111122223333:table/cardmesh-site-{TAG}"), "us-east-1"),
        (planted(0, Resource=f"arn:aws:dynamodb:eu-west-1:*:table/cardmesh-site-{TAG}"), "999999999999"),
        (planted(1, Resource=f"{TABLE}{TAG}*"), "/stream"),
        (planted(1, Resource=f"{TABLE}*/index/*"), "/index/member"),
        (planted(0, NotResource=documents.MAIN, Resource=None), ""),
        (planted(2, Condition={}), documents.KEY),
        (planted(2, Condition={"StringNotEquals": {crossing.CONTEXT: "main"}}), documents.KEY),
    ],
)
def test_a_planted_hole_is_found(hole, reached):
    crossed = crossing.all_pairs(["aaaa", "bbbb"], policy=hole).crossed
    assert any(reached in one for one in crossed)


def test_an_action_too_many_is_found_on_what_hangs_on_the_own_table_alone():
    scan = planted(1, Action=["dynamodb:Query", "dynamodb:Scan"])
    assert crossing.all_pairs(["aaaa", "bbbb"], policy=scan).crossed == []
    assert crossing.all_pairs(["aaaa", "bbbb"], policy=scan).own == 2 * (10 + 1)


@pytest.mark.parametrize("action", ["BatchGetItem", "BatchWriteItem", "PutItem", "ConditionCheckItem"])
def test_one_foreign_part_spoils_a_batch_and_a_transaction(action):
    session, named = Session("for demo", TENANT, "demo"), f"dynamodb:{action}"
    assert session.may(named, table("demo"), table("demo"))
    assert not session.may(named, table("demo"), table("dem1"))


@pytest.mark.parametrize(
    "action", ["Scan", "PartiQLSelect", "PartiQLDelete", "ExecuteStatement", "DescribeTable"]
)
def test_a_scan_and_partiql_are_closed_even_on_the_own_table(action):
    session = Session("for demo", TENANT, "demo")
    assert f"dynamodb:{action}" in crossing.every_action("dynamodb")
    assert not session.may(f"dynamodb:{action}", table("demo"))
    assert not session.may(f"dynamodb:{action}", table("demo", "/index/member"))
