"""How bills are compared and a day is explained, for any bill and any books."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock
from chalicelib.payments.service import BillRow
from chalicelib.reconciliation import rules
from chalicelib.reconciliation.rules import Claim

NOON = 1_795_406_400  # 2026-11-23 12:00 in Beijing
KINDS = st.sampled_from(["payment", "refund"])
FEN = st.integers(1, 10**9)


def row(key="t1", kind="payment", fen=4950, fee=30):
    number = {"transaction_id": key} if kind == "payment" else {"transaction_id": "t", "out_refund_no": key}
    return BillRow(
        kind=kind, merchant="m", out_trade_no="N01", amount_fen=fen, fee_fen=fee, at=NOON, **number
    )


def claim(key="t1", kind="payment", fen=4950, fee=30, **changes):
    event = {"payment": "sale", "refund": "returned"}[kind]
    plain = Claim(f"{kind}:{key}", kind, "wechat", f"N{key}", event, "N01", fen, fee)
    return replace(plain, **changes)


def names(rows, claims, *, expected=(), elsewhere=()):
    known = {each.key: each for each in claims}
    return [line.name for line in rules.compare(rows, known, expected, elsewhere)]


@pytest.mark.parametrize(
    ("rows", "claims", "found"),
    [
        ([row()], [claim()], ["matched"]),
        ([row()], [], ["long"]),
        ([row(fen=4951)], [claim()], ["amount"]),
        ([row(fee=31)], [claim()], ["fee"]),
        ([row(kind="refund")], [claim(kind="refund", settled=False)], ["state"]),
        ([row(), row()], [claim()], ["matched", "duplicate"]),
        ([row(), row()], [], ["long", "duplicate"]),
        ([row(kind="refund")], [claim()], ["long"]),
    ],
)
def test_each_row_has_its_class(rows, claims, found):
    assert names(rows, claims) == found


def test_what_is_expected_and_in_no_bill_around_is_short():
    mine = [claim("a"), claim("b"), claim("c")]
    expected = {each.key for each in mine}
    assert names([row("a")], mine, expected=expected, elsewhere={"payment:b"}) == ["matched", "short"]


@st.composite
def days(draw):
    """Rows and claims that overlap as they like, and journals that say what the claims say."""
    keys = draw(st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12))
    claims = [claim(key, draw(KINDS), draw(FEN), draw(st.integers(-99, 99))) for key in keys]
    rows = [
        row(
            one.key.split(":")[1],
            one.kind,
            one.fen + draw(st.sampled_from([0, 0, 0, 1, -1])) or 1,
            one.fee_fen,
        )
        for one in claims
        if draw(st.booleans())
    ]
    rows += [row(f"x{i}", draw(KINDS), draw(FEN)) for i in range(draw(st.integers(0, 3)))]
    rows += draw(st.lists(st.sampled_from(rows), max_size=3)) if rows else []
    posted = {
        (one.number, one.event): rules.signed(one.kind, one.fen) for one in claims if draw(st.booleans())
    }
    return rows, {one.key: one for one in claims}, posted


@given(days(), st.data())
def test_a_day_whose_journals_say_what_orders_say_is_explained(found, data):
    rows, claims, posted = found
    expected = data.draw(st.sets(st.sampled_from(sorted(claims)))) if claims else set()
    clearing = rules.clearing(rules.compare(rows, claims, expected, ()), claims, posted)
    assert clearing.unexplained_fen == 0
    assert clearing.bill_fen == sum(rules.signed(one.kind, one.amount_fen) for one in rows)
    assert clearing.journal_fen == sum(posted.values())
    transit = clearing.ahead_fen - clearing.behind_fen
    assert clearing.bill_fen - clearing.journal_fen == clearing.unmatched_fen + transit


@given(days(), FEN)
def test_a_journal_that_says_something_else_is_unexplained_to_the_fen(found, wrong):
    rows, claims, posted = found
    posted = {**posted, ("Nobody", "sale"): wrong}
    clearing = rules.clearing(rules.compare(rows, claims, (), ()), claims, posted)
    assert clearing.unexplained_fen == -wrong


@given(st.lists(days(), max_size=4))
def test_the_day_is_the_sum_of_its_parts(parts):
    compared = [(rules.compare(rows, claims, (), ()), claims, posted) for rows, claims, posted in parts]
    total = rules.add(rules.clearing(*one) for one in compared)
    assert total.unexplained_fen == 0
    counted = rules.total(rules.counts(lines) for lines, _, _ in compared)
    assert sum(count for count, _ in counted.values()) == sum(len(lines) for lines, _, _ in compared)
    assert sum(fen for _, fen in counted.values()) == total.bill_fen


@given(days())
def test_the_order_of_rows_changes_no_sum(found):
    rows, claims, posted = found
    there, back = (
        rules.clearing(rules.compare(each, claims, (), ()), claims, posted) for each in (rows, rows[::-1])
    )
    assert there.bill_fen == back.bill_fen
    assert there.unexplained_fen == back.unexplained_fen == 0


def test_a_short_payment_waits_for_the_next_bill_and_no_longer():
    lines = rules.compare([row(fen=1)], {one.key: one for one in (claim(), claim("b"))}, ["payment:b"], ())
    assert [line.waits for line in rules.waiting(lines, last=False)] == [False, True]
    assert [line.waits for line in rules.waiting(lines, last=True)] == [False, False]


def test_bills_are_asked_for_from_half_past_ten_and_missed_from_eight_in_the_evening():
    early, late = NOON - 2 * 3600, NOON - 3600
    assert rules.days_to_ask(early)[0] == "20261121"
    assert rules.days_to_ask(late) == ["20261122", "20261121", "20261120"]
    midnight = clock.day_start("20261123")
    assert not rules.is_missed("20261122", midnight + 20 * 3600 - 1)
    assert rules.is_missed("20261122", midnight + 20 * 3600)
    assert not rules.is_last("20261122", midnight + clock.DAY + rules.FIRST - 1)
    assert rules.is_last("20261122", midnight + clock.DAY + rules.FIRST)


def test_the_days_around_cross_months():
    assert rules.neighbours("20261201") == ("20261130", "20261202")
