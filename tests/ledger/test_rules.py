"""How money divides: within the bounds of the house, to the fen, and always in balance."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger import postings, rules
from chalicelib.ledger.rules import Plan, Sale
from tests.ledger import strategies

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


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("main_base", {"main_base": "list"}),
        ("own_base", {"own_base": ""}),
        ("own_base", {"own_base": "margin"}),
        ("l1_bps", {"l1_bps": -1}),
        ("l1_bps", {"l2_bps": -1, "second_level": True}),
        ("l1_bps", {"l1_bps": 2001}),
        ("l1_bps", {"main_bps": 3000, "l1_bps": 1500, "l2_bps": 501, "second_level": True}),
        ("l2_bps", {"l2_bps": 1}),
        ("release", {"release": "T+2"}),
        ("t0_cap_fen", {"release": "T+0"}),
        ("t0_cap_fen", {"t0_cap_fen": 1}),
        ("t0_cap_fen", {"release": "T+0", "t0_cap_fen": -1}),
    ],
)
def test_a_plan_that_does_not_add_up_is_refused_at_its_field(field, change):
    with pytest.raises(rules.OutOfBounds) as refused:
        rules.check_plan(replace(PLAN, **change))
    assert refused.value.detail == {"field": field}


@pytest.mark.parametrize(
    "change",
    [
        {"main_base": "gross"},
        {"main_base": "net", "own_base": "net"},
        {"l1_bps": 2000},
        {"l1_bps": 1500, "l2_bps": 500, "second_level": True},
        {"release": "T+0", "t0_cap_fen": 1},
    ],
)
def test_a_plan_at_its_bounds_is_accepted(change):
    rules.check_plan(replace(PLAN, **change))


@given(strategies.sales(), strategies.PLANS)
def test_what_the_parties_are_left_with_is_what_was_paid_less_goods_and_fee(sale, plan):
    left, parts = rules.earned(sale, plan), rules.shares(sale, plan)
    others = sale.wholesale_fen + parts.fee_fen + sum(parts.agent_fen)
    points = sale.coupon_fen if sale.coupon_by == "points" else 0  # paid for when they were earned
    assert left.main_fen + left.site_fen + others == sale.paid_fen + points
    supplied = rules.earned(replace(sale, supply_fen=sale.wholesale_fen - 7), plan)
    assert supplied == replace(left, main_fen=left.main_fen + 7)


@given(strategies.sales(), strategies.PLANS)
def test_a_price_is_refused_exactly_where_somebody_would_pay_for_the_sale(sale, plan):
    left = rules.earned(sale, plan)
    try:
        rules.check_margin(sale, plan)
    except rules.MainLoses:
        assert left.main_fen < 0
    except rules.SiteLoses:
        assert left.main_fen >= 0 > left.site_fen
    else:
        assert min(left.main_fen, left.site_fen) >= 0


@pytest.mark.parametrize(
    ("paid", "bearer", "refused"),
    [
        (4123, "main", None),
        (4122, "main", rules.MainLoses),
        (4030, "site", None),
        (4029, "site", rules.SiteLoses),
    ],
)
def test_the_lowest_price_at_which_nobody_pays_for_a_sale_to_the_fen(paid, bearer, refused):
    """Wholesale 40.00: main takes 20 % of the rest, the channel 0.6 % of the price."""
    sale = Sale("demo", "wechat", paid, 4000, own_goods=False)
    if refused is None:
        rules.check_margin(sale, replace(PLAN, fee_bearer=bearer))
        return
    with pytest.raises(refused):
        rules.check_margin(sale, replace(PLAN, fee_bearer=bearer))
