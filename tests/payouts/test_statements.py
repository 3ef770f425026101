"""A statement says what came and went, and ends where the account is."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.kit import clock, errors, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts

from .conftest import MONDAY, held

DAYS = [clock.day_of(MONDAY + n * clock.DAY) for n in range(8)]


def statement(party, first=0, last=0):
    return payouts.statement(party, DAYS[first], DAYS[last])


def move(party, at, event, **amounts):
    with table.Together(tenant.MAIN, "") as write:
        flow = ledger.Flow(at, event, f"r{at}", **amounts)
        ledger.move(write, party, flow, floor=False)


def test_a_statement_has_every_kind_of_change_and_ends_where_the_account_is(desk):
    party = desk.party()
    move(party, desk.now, "release", available=9_700, parts={"sale": 10_000, "fee": -60, "refund": -240})
    move(party, desk.now + 1, "release", available=-500, parts={"refund": -500})
    desk.world.now += 10
    payouts.set_aside(party, 1_000, key="k", by="owner", now=desk.now)
    desk.finish(desk.agree(desk.ask(party, 5_000)))
    back = desk.agree(desk.ask(party, 2_000, key="k2"))
    desk.bank.set_faults({"fail": 1})
    desk.finish(back)
    found = statement(party, 0, 1)
    assert (found.opening_fen, found.closing_fen) == (0, held(party)[0]) == (0, 3_200)
    assert found.sums == {"sale": 10_000, "fee": -60, "refund": -740, "payout": -5_000, "deposit": -1_000}
    assert sum(found.sums.values()) == found.closing_fen - found.opening_fen
    assert found.lines[-1].after_fen == found.closing_fen
    assert found.deposit_fen == 1_000


def test_a_statement_tells_what_the_bank_returned_apart_from_what_was_paid(desk):
    party = desk.party()
    move(party, desk.now, "release", available=8_000, parts={"sale": 8_000})
    payout = desk.finish(desk.agree(desk.ask(party, 8_000)))
    desk.bank.set_faults({"return": 1})
    desk.drive(payout, days=4)
    found = statement(party, 0, 7)
    assert found.sums == {"sale": 8_000, "payout": -8_000, "returned": 8_000}
    assert (found.closing_fen, held(party)) == (8_000, (8_000, 0, 0))


def test_a_day_opens_where_the_day_before_closed(desk):
    party = desk.party()
    for day in range(3):
        move(party, MONDAY + day * clock.DAY, "release", available=1_000, parts={"sale": 1_000})
    before, day, after = (statement(party, n, n) for n in range(3))
    assert before.closing_fen == day.opening_fen == 1_000
    assert day.closing_fen == after.opening_fen == 2_000
    assert statement(party, 0, 2).closing_fen == 3_000


def test_what_waited_for_the_cap_of_a_running_day_is_named(desk):
    party = desk.party()
    move(party, desk.now, "release", available=700, parts={"deferred": 700})
    move(party, desk.now + 1, "release", available=300, parts={"sale": 1_000, "deferred": -700})
    found = statement(party)
    assert [line.parts for line in found.lines] == [{"deferred": 700}, {"sale": 1_000, "deferred": -700}]
    assert (found.sums, found.closing_fen) == ({"sale": 1_000}, 1_000)


def test_a_statement_covers_at_most_a_quarter(desk):
    with pytest.raises(errors.Invalid):
        payouts.statement("p", "20260101", "20260403")
    with pytest.raises(errors.Invalid):
        payouts.statement("p", "20260102", "20260101")
    assert payouts.statement("p", "20260101", "20260402").lines == ()


def test_what_moves_while_it_is_read_is_read_again(desk, monkeypatch):
    party = desk.party(1_000)
    really, moved = ledger.flows_since, []

    def meanwhile(*asked):
        found = really(*asked)
        if len(moved) < 2:
            moved.append(1)
            desk.give(party, 10)
        return found

    monkeypatch.setattr(ledger, "flows_since", meanwhile)
    assert statement(party).closing_fen == 1_020
    monkeypatch.setattr(ledger, "flows_since", lambda *_: desk.give(party, 1) or [])
    with pytest.raises(errors.NotReady):
        statement(party)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 6 * clock.DAY), st.integers(-900, 900)), max_size=12, unique=True))
def test_the_days_add_up_to_the_week_and_the_week_to_the_account(desk, changes):
    with tenant.acting_for(tenant.MAIN):
        desk.world.now = MONDAY
        party = desk.party(account=None)
        for number, (after, fen) in enumerate(changes):
            move(party, MONDAY + after, f"release-{number}" if fen else "release", available=fen, deposit=1)
        week, days = statement(party, 0, 7), [statement(party, n, n) for n in range(8)]
        assert week.closing_fen == ledger.available(party) == sum(fen for _, fen in changes)
        assert week.deposit_fen == len(changes)
        assert [line for day in days for line in day.lines] == list(week.lines)
        assert all(a.closing_fen == b.opening_fen for a, b in itertools.pairwise(days))
