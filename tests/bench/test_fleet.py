"""The fleet's model: sites come up within their quotas, and a flood is felt by whoever sends it."""

import pytest

from bench import fleet, flood, quotas
from bench import shop as shops
from chalicelib.tenancy import rules, stacks

SITES = 40


@pytest.fixture(scope="module")
def stage():
    with shops.opened(["first"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def played(stage):
    return fleet.play(stage, SITES)


def test_all_sites_come_up_though_cloudformation_is_asked_too_fast(played):
    assert len(played.opened) == SITES
    assert played.fullest.throttled["CreateStack"] > 0
    assert set(played.fullest.stacks.values()) == {"CREATE_COMPLETE"}


def test_a_run_is_the_same_each_time(stage, played):
    assert fleet.play(stage, SITES).opened == played.opened


def test_looking_seldom_asks_less_than_looking_every_two_seconds(stage, played, monkeypatch):
    monkeypatch.setattr(rules, "look_again", lambda _code, _waited: 2)
    often = fleet.play(stage, SITES)
    assert often.fullest.asked["DescribeStacks"] > played.fullest.asked["DescribeStacks"]


def test_it_is_slow_where_being_told_to_slow_down_is_a_failure(stage, played, monkeypatch):
    monkeypatch.setattr(stacks, "TOO_FAST", ())
    failing = fleet.play(stage, SITES)
    assert failing.failed.total() > 0 == played.failed.total()
    assert failing.opened[-1] > 720 > 5 * played.opened[-1]


def test_a_site_alone_is_open_soon_after_its_stack_stands(stage):
    longest = sum(most for _, most in (quotas.STACK_BEGINS, quotas.TABLE_CREATING, quotas.STACK_ENDS))
    assert fleet.play(stage, 1).opened[0] <= longest * 1.5


def test_a_stack_that_gets_no_table_rolls_back_and_its_site_is_given_up(stage, monkeypatch):
    few = quotas.Quota("tables being created", 2, "this test")
    monkeypatch.setattr(quotas, "TABLES_CREATING", few)
    played = fleet.play(stage, SITES)
    assert 0 < played.fullest.refused < SITES
    assert len(played.opened) == SITES - played.fullest.refused


def test_cells_share_workers_and_each_brings_its_own_cloudformation(stage):
    shared, short = (fleet.play(stage, 120, cells=3, workers=workers) for workers in (15, 1))
    assert len(shared.opened) == len(short.opened) == 120
    assert shared.opened[-1] < short.opened[-1] / 1.3
    assert all(len(one.stacks) > 20 for one in shared.formations.values())
    assert shared.conflicts > 0 == shared.given_up


def test_what_is_reckoned_for_more_sites_is_no_less_than_what_they_take(stage):
    few, more = (fleet.play(stage, sites, cells=2, workers=2) for sites in (40, 120))
    assert more.opened[-1] <= few.after(120) <= 3 * more.opened[-1]


def test_no_account_has_more_than_its_share():
    assert 100_000 / 13 < quotas.TABLES.value <= 10_000


def test_every_quota_says_who_says_so():
    known = [one for one in vars(quotas).values() if isinstance(one, quotas.Quota)]
    assert len(known) >= 7
    assert all(one.source and one.value > 0 for one in known)


def test_a_fair_queue_keeps_the_quiet_sites_waits_short():
    short = {"sites": 10, "seconds": 10}
    fair, unfair = (flood.flood(1000, fair=each, **short).within(0.99) for each in (True, False))
    assert fair < unfair / 3


def test_a_flood_loses_no_message_of_the_quiet_sites():
    assert len(flood.flood(300, sites=10, seconds=10).seconds) == 10 * 10 * 3


def test_pollers_kept_ready_meet_a_flood_better_than_those_to_come():
    calm = flood.flood(1, pollers=2, sites=10, seconds=10).within(0.99)
    ready, coming = (flood.flood(1000, pollers=n, sites=10, seconds=10).within(0.99) for n in (2, 0))
    assert ready < coming
    assert ready <= 2 * calm
