"""Acting for one site reaches that site's table, indexes and key, and nothing of anybody else."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.iam import documents
from sim.iam.evaluate import Request, allows

TENANT = documents.policy("tenant")
SITES = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=4)
ITEM_ACTIONS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "PutItem",
    "UpdateItem",
    "ConditionCheckItem",
    "BatchWriteItem",
)
FORBIDDEN = (
    "Scan",
    "DeleteItem",
    "DeleteTable",
    "ExportTableToPointInTime",
    "PartiQLSelect",
    "DescribeTable",
)
ROLE = "arn:aws:iam::111122223333:role/cardmesh/functions/Storefront"


def may(site, action, *resources, **context):
    tagged = {"aws:PrincipalTag/site": site, **context}
    return all(allows(TENANT, Request(action, resource, tagged)) for resource in resources)


def table(site):
    return f"{documents.TABLES}cardmesh-site-{site}"


@pytest.mark.parametrize("action", ITEM_ACTIONS)
def test_a_sites_own_table_is_open_to_item_actions(action):
    assert may("demo", f"dynamodb:{action}", table("demo"))


def test_a_sites_own_index_is_open_to_queries_alone():
    own = table("demo") + "/index/member"
    assert may("demo", "dynamodb:Query", own)
    assert not any(
        may("demo", f"dynamodb:{action}", own) for action in (*ITEM_ACTIONS, "Scan") if action != "Query"
    )


@pytest.mark.parametrize("action", FORBIDDEN)
def test_even_the_own_table_is_never_scanned_or_administered(action):
    assert not may("demo", f"dynamodb:{action}", table("demo"))
    assert not may("demo", f"dynamodb:{action}", table("demo") + "/index/member")


@pytest.mark.parametrize("other", ["dem", "demo1", "demp", "", "*", "????", "demo/stream/x", "Demo", "1demo"])
@pytest.mark.parametrize("action", [*ITEM_ACTIONS, *FORBIDDEN])
def test_names_that_begin_or_end_alike_are_other_tables(other, action):
    assert not may("demo", f"dynamodb:{action}", table(other))
    assert not may("demo", f"dynamodb:{action}", f"{table(other)}/index/member")


def test_a_shorter_tag_does_not_reach_a_longer_name():
    assert not may("dem", "dynamodb:GetItem", table("demo"))
    assert not may("", "dynamodb:GetItem", table("demo"))


@pytest.mark.parametrize("action", [*ITEM_ACTIONS, *FORBIDDEN])
def test_the_main_table_is_closed(action):
    assert not may("demo", f"dynamodb:{action}", documents.MAIN)
    assert not may("main", f"dynamodb:{action}", documents.MAIN)


def test_the_index_of_another_site_is_closed():
    assert not may("demo", "dynamodb:Query", table("othr") + "/index/member")


def test_a_batch_over_two_tables_is_refused_as_a_whole():
    assert not may("demo", "dynamodb:BatchGetItem", table("demo"), table("othr"))


def test_without_a_tag_nothing_is_open():
    assert not allows(TENANT, Request("dynamodb:GetItem", table("demo")))
    assert not allows(TENANT, Request("dynamodb:GetItem", table("${aws:PrincipalTag/site}")))


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"])
def test_the_key_serves_the_own_context_alone(action):
    context = "kms:EncryptionContext:site"
    assert may("demo", action, documents.KEY, **{context: "demo"})
    assert not may("demo", action, documents.KEY, **{context: "othr"})
    assert not may("demo", action, documents.KEY, **{context: "main"})
    assert not may("demo", action, documents.KEY)
    assert not may("demo", action, documents.KEY + "2", **{context: "demo"})


@pytest.mark.parametrize(
    "action", ["kms:GenerateDataKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:CreateGrant"]
)
def test_the_key_does_nothing_else_for_a_site(action):
    assert not may("demo", action, documents.KEY, **{"kms:EncryptionContext:site": "demo"})


@settings(max_examples=200, deadline=None)
@given(SITES, SITES, st.sampled_from((*ITEM_ACTIONS, *FORBIDDEN)), st.sampled_from(("", "/index/member")))
def test_no_site_reaches_another(mine, other, action, index):
    assume(mine != other)
    assert not may(mine, f"dynamodb:{action}", table(other) + index)
    assert not may(mine, "kms:Decrypt", documents.KEY, **{"kms:EncryptionContext:site": other})


def trusted(principal=ROLE, **tags):
    context = {"aws:PrincipalArn": principal, "aws:TagKeys": tuple(tags)}
    context |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    asked = [Request(action, "", context) for action in ("sts:AssumeRole", "sts:TagSession")]
    return all(allows(documents.trust(), one) for one in asked)


def test_a_function_acts_for_the_one_site_it_names():
    assert trusted(site="demo")


@pytest.mark.parametrize("site", ["dem", "demo1", "", "main"])
def test_only_a_sites_code_can_be_the_tag(site):
    assert not trusted(site=site)


def test_no_tag_or_a_second_tag_is_refused():
    assert not trusted()
    assert not trusted(tenant="demo")
    assert not trusted(site="demo", role="admin")


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::111122223333:user/someone",
        "arn:aws:iam::111122223333:role/Storefront",
        "arn:aws:iam::999999999999:role/cardmesh/functions/Storefront",
        "arn:aws:iam::111122223333:role/other/functions/Storefront",
    ],
)
def test_nobody_but_the_functions_may_act_for_a_site(principal):
    assert not trusted(principal, site="demo")
