"""The nightly audit: what a dying function took and nobody has goes back to sale, once."""

import pytest

from chalicelib.kit import clock
from chalicelib.stock import audit
from chalicelib.stock import service as stock
from chalicelib.stock.rules import Range

NIGHT = clock.DAY


def night(pool, *orders):
    """One night's audit, with the ranges that orders hold; what was found burnt."""
    checks = stock.audits_due(pool.owner, [pool.sku], now=pool.world.now)
    for check in checks:
        for one in stock.claims.resolve(pool.owner, [one for ranges in orders for one in ranges]):
            if one.seg == check.seg:
                check.account(one)
    total = sum(stock.finish_audit(pool.owner, check, now=pool.world.now) for check in checks)
    pool.world.now += NIGHT
    return total


def test_positions_nobody_has_are_returned_two_days_later_and_no_sooner(pool):
    pool.add(5)
    held, _, also_held = pool.claim(), pool.claim(2), pool.claim()
    assert [night(pool, held, also_held) for _ in range(4)] == [0, 0, 2, 0]
    assert pool.waiting == 2
    pool.fold()
    assert sorted(pool.read(pool.claim(3))) == sorted([*pool.imported[1:3], pool.imported[4]])


def test_what_came_back_by_itself_is_not_returned_again(pool):
    pool.add(2)
    pool.give_back(pool.claim(2))
    assert sum(night(pool) for _ in range(5)) == 0
    assert pool.free + pool.waiting == 2


def test_a_repeated_finish_returns_nothing_more(pool):
    pool.add(3)
    pool.claim(2)
    night(pool)
    pool.world.now += NIGHT
    (check,) = stock.audits_due(pool.owner, [pool.sku], now=pool.world.now)
    found = [stock.finish_audit(pool.owner, check, now=pool.world.now + i) for i in range(3)]
    assert found == [2, 0, 0]
    assert pool.waiting == 2


def test_a_claim_made_after_the_mark_is_judged_by_a_later_night(pool):
    pool.add(4)
    pool.claim()
    night(pool)
    pool.claim()
    assert [night(pool) for _ in range(6)] == [0, 1, 0, 0, 1, 0]


def test_returned_positions_that_burn_again_are_found_in_their_new_segment(pool):
    pool.add(3)
    pool.give_back(pool.claim(3))
    pool.fold()
    pool.claim(2)
    assert sum(night(pool) for _ in range(6)) == 2
    pool.fold()
    assert sorted(pool.read(pool.claim(3))) == pool.imported


def test_two_nights_at_once_note_a_pointer_once(pool, monkeypatch):
    pool.add(3)
    pool.claim(2)
    really = audit._note

    def twice(*args):
        really(*args)
        really(*args)

    monkeypatch.setattr(audit, "_note", twice)
    assert [night(pool) for _ in range(3)] == [0, 0, 2]


@pytest.mark.parametrize("sku", ["nothing-was-imported"])
def test_a_pool_nobody_filled_needs_no_audit(pool, sku):
    assert stock.audits_due(pool.owner, [sku], now=pool.world.now) == []


def test_a_check_finds_the_runs_nobody_accounts_for():
    check = stock.Check("sku", "cA", 10, 20, 0, 0, bytearray(10))
    for one in (Range("cA", 0, 12), Range("cA", 14, 1), Range("cA", 18, 9)):
        check.account(one)
    assert list(check.burnt()) == [Range("cA", 12, 2), Range("cA", 15, 3)]
