"""A simulated day full of faults, at rest: the check of the live books finds nothing."""

from collections import defaultdict

import pytest

from cardmesh import balances, books
from chalicelib.kit import clock, tenant
from sim import invariants
from sim import stage as stages
from sim.world import World


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


@pytest.fixture
def found(stage, monkeypatch):
    """What the check finds in the world of a seed, beside how many members it looked at."""
    told, members = [], []
    check, of_member = invariants.Rest.check_wallets, balances.of_member

    def look(rest):
        check(rest)
        days, now = sorted(rest._days, reverse=True), clock.now()
        listed, given = books._listed(days[-1], set(rest._sites), now), defaultdict(list)
        for site in rest._sites:
            with tenant.acting_for(site):
                told.extend(books.of_site(site, days, given, listed, now))
            told.extend(books._account(site))
        told.extend(books.twice(given))
        assert given

    def noted(site, member, owed, now):
        members.append(member)
        return of_member(site, member, owed, now)

    monkeypatch.setattr(invariants.Rest, "check_wallets", look)
    monkeypatch.setattr(balances, "of_member", noted)

    def play(seed):
        World(stage, seed).play()
        return told, len(members)

    return play


def test_the_books_of_a_world_at_rest_hold_together(found):
    findings, members = found(1)
    assert findings == []
    assert members > 0
