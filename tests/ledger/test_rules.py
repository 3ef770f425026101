"""How money divides: within the bounds of the house, to the fen, and always in balance."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger import postings, rules
from chalicelib.ledger.rules import Plan, Sale

PLAN = Plan("standard", 1, 2000, 2000)
BPS = st.integers(rules.LEAST_BPS, rules.MOST_BPS)
PLANS = st.builds(
    Plan, st.just("p"), st.just(1), BPS, BPS, st.sampled_from(rules.BEARERS), st.integers(0, 500)
)


@st.composite
def sales(draw):
    """Delivered orders; the wholesale price is never above what was paid."""
    paid = draw(st.integers(1, 10**10))
    return Sale("demo", "wechat", paid, draw(st.integers(0, paid)), draw(st.booleans()))


@given(sales(), PLANS)
def test_the_shares_add_up_to_what_was_paid(sale, plan):
    parts = rules.shares(sale, plan)
    assert parts.main_fen + parts.site_fen == sale.paid_fen
    assert min(parts.main_fen, parts.site_fen, parts.fee_fen) >= 0


@given(sales(), PLANS)
def test_the_main_site_takes_its_part_of_the_declared_base_alone(sale, plan):
    parts = rules.shares(sale, plan)
    base = sale.paid_fen if sale.own_goods else sale.paid_fen - sale.cost_fen
    bps = plan.own_bps if sale.own_goods else plan.main_bps
    assert abs(parts.commission_fen * 10_000 - base * bps) <= 5_000
    assert base // 10 <= parts.commission_fen <= base * 3 // 10 + 1


@given(sales(), PLANS)
def test_the_journal_of_a_sale_balances_and_says_what_the_shares_say(sale, plan):
    legs = postings.sale_legs(sale, plan)
    parts = rules.shares(sale, plan)
    sums = postings.totals([legs])
    assert sum(sums.values()) == 0
    assert all(fen for account, fen in legs if account != "subsite:demo:pending")
    assert sums["clearing:wechat"] == sale.paid_fen
    borne = parts.fee_fen if plan.fee_bearer == "site" else 0
    assert postings.owed(sums, "demo") == parts.site_fen - borne
    assert sums.get("fee_accrued:wechat", 0) == -parts.fee_fen


def test_a_sale_of_main_goods_to_the_fen():
    legs = dict(postings.sale_legs(Sale("demo", "wechat", 9900, 8000, own_goods=False), PLAN))
    assert legs == {
        "clearing:wechat": 9900,
        "main:sales": -8000,
        "main:commission": -380,
        "subsite:demo:pending": -1520,
        "channel_fee_expense": 59,
        "fee_accrued:wechat": -59,
    }


def test_a_sale_of_own_goods_whose_site_bears_the_fee():
    plan = replace(PLAN, fee_bearer="site")
    legs = dict(postings.sale_legs(Sale("demo", "alipay", 1000, 0, own_goods=True), plan))
    assert legs == {
        "clearing:alipay": 1000,
        "main:commission": -200,
        "subsite:demo:pending": -794,
        "fee_accrued:alipay": -6,
    }


@pytest.mark.parametrize("field", ["main_bps", "own_bps"])
@pytest.mark.parametrize(
    ("bps", "fits"), [(999, False), (1000, True), (3000, True), (3001, False), (-1, False)]
)
def test_the_main_site_takes_ten_to_thirty_percent_and_not_a_basis_point_else(field, bps, fits):
    plan = replace(PLAN, **{field: bps})
    if fits:
        assert rules.check_plan(plan) is plan
        return
    with pytest.raises(rules.OutOfBounds) as refused:
        rules.check_plan(plan)
    assert refused.value.detail == {"field": field}


@pytest.mark.parametrize(
    "change", [{"fee_bearer": "shopper"}, {"fee_bearer": ""}, {"fee_bps": -1}, {"fee_bps": 501}]
)
def test_the_fee_has_a_bearer_and_a_bound(change):
    with pytest.raises(rules.OutOfBounds, match="The fee") as refused:
        rules.check_plan(replace(PLAN, **change))
    assert refused.value.detail == {"field": "fee_bearer"}


@pytest.mark.parametrize("name", ["", "x" * (rules.LONGEST_NAME + 1), "计划" * 4])
def test_a_plans_name_fits_into_an_order(name):
    with pytest.raises(rules.OutOfBounds) as refused:
        rules.check_plan(replace(PLAN, name=name))
    assert refused.value.detail == {"field": "name"}


@pytest.mark.parametrize("change", [{"fee_bearer": "site"}, {"fee_bps": 0}, {"fee_bps": 500}])
def test_a_fee_at_its_bounds_is_accepted(change):
    rules.check_plan(replace(PLAN, **change))


@given(st.integers(1, 10**10))
def test_money_that_is_taken_and_returned_leaves_nothing_behind(fen):
    taken, returned = postings.taken_legs("wechat", fen), postings.returned_legs("wechat", fen)
    assert not any(postings.totals([taken, returned]).values())
    assert postings.owed(postings.totals([taken]), "demo") == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-100, 100)), max_size=6))
def test_legs_that_do_not_add_up_to_zero_are_no_journal(legs):
    if sum(fen for _, fen in legs):
        with pytest.raises(postings.Unbalanced):
            postings.balanced(legs)
        return
    kept = postings.balanced(legs)
    assert len({account for account, _ in kept}) == len(kept)
    assert dict(kept) == {account: fen for account, fen in postings.totals([legs]).items() if fen}


def test_an_order_keeps_the_name_and_version_of_its_plan():
    assert PLAN.ref == "standard@1"
