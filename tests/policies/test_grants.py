"""What functions use is held against what they may: taken apart, seen at work, and kept in docs/isolation.md."""

import json

import pytest

from sim import run, stage
from sim.iam import documents, enforce, grants, report, seen
from sim.iam.enforce import Heard
from sim.iam.evaluate import Request

KEYS = "dynamodb:LeadingKeys"
READS = {"Sid": "Reads", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"]}
READS |= {
    "Resource": "${MainTable.Arn}",
    "Condition": {"ForAllValues:StringLike": {KEYS: ["SITE#*", "HOST#*"]}, "Null": {KEYS: "false"}},
}


def asked(action, *keys, table=documents.MAIN):
    return Request(f"dynamodb:{action}", table, {KEYS: keys})


def names(found):
    return {(grant.action.partition(":")[2], grant.under) for _, grant in found}


def test_a_statement_is_as_many_grants_as_it_has_actions_and_patterns():
    told = [(one.action, one.under) for one in grants.taken_apart("x", {"Statement": [READS]})]
    assert told == [
        (f"dynamodb:{action}", key) for action in ("GetItem", "Query") for key in ("SITE#*", "HOST#*")
    ]


@pytest.mark.parametrize("changes", [{"Effect": "Deny"}, {"NotAction": "x"}, {"NotResource": "x"}])
def test_what_is_no_plain_permission_is_not_taken_apart(changes):
    with pytest.raises(ValueError, match="Reads"):
        list(grants.taken_apart("x", {"Statement": [{**READS, **changes}]}))


def test_a_request_uses_the_grant_of_each_of_its_keys_and_no_other():
    heard = [Heard("storefront", "", asked("BatchGetItem", "PTR#1", "SKU#1"))]
    assert names(grants.used(heard)) == {("BatchGetItem", "PTR#*"), ("BatchGetItem", "SKU#*")}
    assert grants.used([Heard("storefront", "", asked("Scan"))]) == set()


def test_what_is_done_for_a_site_uses_the_tenant_roles_grants():
    table = f"{documents.TABLES}cardmesh-site-demo"
    found = grants.used([Heard("checkout", "demo", Request("dynamodb:PutItem", table))])
    assert [(function, grant.policy, grant.statement) for function, grant in found] == [
        ("checkout", "tenant", "ItsOwnTable")
    ]
    assert grants.used([Heard("checkout", "othr", Request("dynamodb:PutItem", table))]) == set()


def test_every_grant_of_the_policies_is_known_to_be_used():
    granted = {report.row(one) for one in grants.all_of_them()}
    assert report.rows(report.PAGE.read_text()) == granted, "policies have changed: run `make isolation`"
    assert "**nothing**" not in report.PAGE.read_text()
    assert len(granted) > 200


def test_a_planted_grant_is_told_as_used_by_nobody():
    planted = grants.Grant("storefront", "Planted", "dynamodb:Scan", "${MainTable.Arn}", "", "{}")
    every = {("console", one) for one in grants.all_of_them()}
    assert report.unused(dict.fromkeys(every, seen.TESTS)) == []
    assert report.row(planted) not in report.rows(report.PAGE.read_text())
    missing = next(one for _, one in every if one.statement not in seen.ELSEWHERE)
    left = {pair: seen.TESTS for pair in every if pair[1] != missing}
    assert report.unused(left) == [missing]


def test_reasons_for_what_aws_does_are_of_statements_there_are():
    assert set(seen.ELSEWHERE) <= {one.statement for one in grants.all_of_them()}


def test_a_day_of_trade_uses_grants_of_many_functions_and_none_of_aws():
    with stage.opened() as opened, enforce.listening() as heard:
        assert run.play(opened, 1)[1] == ""
    used = grants.used(heard)
    assert len(used) > 100
    assert {grant.statement for _, grant in used} & set(seen.ELSEWHERE) == set()
    assert {"checkout", "hooks", "settle_orders", "pay_out"} <= {function for function, _ in used}


def test_what_a_process_heard_is_kept_and_found_again(tmp_path):
    keep = grants.keeping(tmp_path)
    assert enforce.may("storefront", "", asked("GetItem", "SITE#1"))
    assert not enforce.may("storefront", "", asked("GetItem", "ACC#1"))
    keep()
    assert names(grants.kept(tmp_path)) == {("GetItem", "SITE#*")}
    assert len(json.loads(next(tmp_path.iterdir()).read_text())) == 1
