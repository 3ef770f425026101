"""What events post: refunds add up to the sale's opposite, whatever the steps."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger import postings, rules
from chalicelib.ledger.rules import Plan, Sale
from tests.ledger.strategies import PLANS, sales


@st.composite
def refunded(draw):
    """A sale's legs, what was paid, and the marks at which refunds stand until all is given back."""
    sale, plan = draw(sales()), draw(PLANS)
    marks = draw(st.sets(st.integers(0, sale.paid_fen), max_size=5)) | {0, sale.paid_fen}
    return postings.sale_legs(sale, plan), sale.paid_fen, sorted(marks)


def tenders_back(legs):
    return [
        (account.replace("refund_", ""), fen)
        for account, fen in legs
        if account.startswith(("refund_clearing:", "user:"))
    ]


@given(refunded())
def test_any_sequence_of_refunds_of_everything_is_the_opposite_of_the_sale_without_its_fee(case):
    sold, paid, marks = case
    back = [postings.refund_legs(sold, paid, low, high - low) for low, high in pairwise(marks)]
    assert all(sum(fen for _, fen in legs) == 0 for legs in back)
    whole = postings.totals([*back])
    sums = dict(sold)
    fee = -sum(fen for account, fen in sold if account.startswith("fee_accrued:"))
    for account, fen in sums.items():
        if account.startswith("clearing:"):
            assert whole.get(f"refund_{account}", 0) == -fen
        elif account.startswith("subsite:"):
            borne = 0 if "channel_fee_expense" in sums else fee
            assert whole.get(account, 0) == borne - fen
        elif account.startswith(("fee_accrued:", "channel_fee_expense")):
            assert account not in whole
        else:
            assert whole.get(account, 0) == -fen


@given(refunded())
def test_with_the_fee_given_back_a_whole_refund_leaves_nothing_of_the_sale(case):
    sold, paid, marks = case
    back = [postings.refund_legs(sold, paid, low, high - low, fee_back=True) for low, high in pairwise(marks)]
    sums = postings.totals([sold, *back])
    left = {account.replace("refund_", ""): 0 for account in sums}
    for account, fen in sums.items():
        left[account.replace("refund_", "")] += fen
    assert not any(left.values())


@given(refunded())
def test_each_refund_gives_the_payer_its_amount_and_takes_from_nobody_twice(case):
    sold, paid, marks = case
    sums = dict(sold)
    for low, high in pairwise(marks):
        legs = dict(postings.refund_legs(sold, paid, low, high - low))
        assert -sum(fen for _, fen in tenders_back(legs.items())) == high - low
        for account, fen in legs.items():
            if sums.get(account, 0) < 0 and not account.startswith("subsite:"):
                assert 0 <= fen <= -sums[account]


@pytest.mark.parametrize(
    ("paid", "before", "fen"),
    [(100, 0, 101), (100, 60, 41), (100, -1, 5), (100, 5, -1), (99, 0, 1), (101, 0, 1)],
)
def test_more_than_was_paid_or_of_another_sale_is_never_given_back(paid, before, fen):
    sold = postings.sale_legs(Sale("demo", "wechat", 100, 50, own_goods=False), Plan("p", 1, 2000, 2000))
    with pytest.raises(postings.Unbalanced):
        postings.refund_legs(sold, paid, before, fen)


def test_a_site_that_earned_exactly_the_fee_still_gives_its_part_back():
    plan = Plan("p", 1, 3000, 3000, "site", 500)
    sale = Sale("demo", "wechat", 1000, 950, own_goods=False, mode="independent")
    sold = postings.sale_legs(replace(sale, cost_fen=929), plan)
    assert dict(sold)["subsite:demo:frozen"] == 0
    assert dict(postings.refund_legs(sold, 1000, 0, 1000))["subsite:demo:frozen"] == 50


@given(sales(), PLANS)
def test_distributors_are_paid_out_of_the_main_sites_share_and_never_more(sale, plan):
    sale, plan = replace(sale, agents=("d1", "d2"), member="m"), replace(plan, l1_bps=700, l2_bps=300)
    for second in (False, True):
        plan = replace(plan, second_level=second)
        parts = rules.shares(sale, plan)
        assert 0 <= sum(parts.agent_fen) <= max(parts.commission_fen, 0)
        assert parts.agent_fen[1] == 0 or second
        legs = dict(postings.sale_legs(sale, plan))
        assert -legs.get("main:commission", 0) == parts.commission_fen - sum(parts.agent_fen)


def test_nobody_earns_on_a_purchase_of_their_own_and_a_third_level_gets_nothing():
    plan = Plan("p", 1, 2000, 2000, l1_bps=500, l2_bps=200, second_level=True)
    sale = Sale("demo", "wechat", 10000, 0, own_goods=True, member="d1", agents=("d1", "d2", "d3"))
    assert rules.shares(sale, plan).agent_fen == (0, 200)


@given(refunded(), st.integers(1, 10**6))
def test_at_every_moment_all_accounts_together_are_zero_and_no_tender_gave_back_more_than_it_took(
    case, duplicate
):
    sold, paid, marks = case
    rows = [postings.taken_legs("wechat", duplicate), sold, postings.returned_legs("wechat", duplicate)]
    for low, high in pairwise(marks):
        back = postings.refund_legs(sold, paid, low, high - low)
        rows += [back, postings.returned_legs("wechat", -dict(back).get("refund_clearing:wechat", 0))]
    for end in range(1, len(rows) + 1):
        sums = postings.totals(rows[:end])
        assert sum(sums.values()) == 0
        assert sums.get("refund_clearing:wechat", 0) <= 0 <= sums.get("clearing:wechat", 0)
        assert sums.get("user:m1:balance", 0) >= 0
    assert sums.get("clearing:wechat", 0) == sums.get("user:m1:balance", 0) == 0
