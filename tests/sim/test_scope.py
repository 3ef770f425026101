"""Small worlds: faults strike where they are told to, and a slice of all single faults and pairs breaks nothing."""

import pytest

from sim import scope, small
from sim import stage as stages
from sim.faults import CALLS, Point
from sim.mutants import MUTANTS

SINGLES = 97  # of all single faults one in so many is tried
PAIRS = 331  # and with one in so many some second faults


@pytest.fixture(scope="module")
def stage():
    with stages.opened(scope.SITES) as opened:
        yield opened


@pytest.fixture(scope="module")
def tasks(stage):
    return list(scope.singles(stage))


def test_every_scenario_offers_every_fault_of_a_call_at_each_of_its_calls(stage):
    for scenario in small.SCENARIOS:
        world, broken = small.play(stage, scenario, (), size=0.6)
        assert broken == ""
        offered = set(scope.points(world))
        calls = {(one.who, one.nth) for one in offered if one.fault == "stall"}
        assert len(calls) > 60
        assert {Point(*call, fault) for call in calls for fault in CALLS} <= offered


def test_a_fault_strikes_where_the_script_says_and_nowhere_else(stage, tasks):
    for task in tasks[1:200:40]:
        world, _ = small.play(stage, small.SCENARIOS[task.scenario], task.first, size=task.size)
        assert tuple(world.faults.struck) == task.first


def test_a_second_fault_comes_after_the_first(stage, tasks):
    first = next(one.first for one in tasks if one.first and one.first[0].fault == "kill_after")
    world, _ = small.play(stage, small.SCENARIOS[0], first, size=0.6)
    for second in list(scope.points(world, first))[::80]:
        world, _ = small.play(stage, small.SCENARIOS[0], (*first, second), size=0.6)
        assert tuple(world.faults.struck) == (*first, second)


def test_no_single_fault_of_a_slice_breaks_anything(stage, tasks):
    assert len(tasks) > 10_000
    assert [found.broken for one in tasks[::SINGLES] if (found := scope.alone(stage, one)).broken] == []


def test_no_pair_of_a_slice_breaks_anything(stage, tasks):
    pairs = [scope.with_a_second(stage, one, every=97) for one in tasks[::PAIRS]]
    assert sum(one.played for one in pairs) > 2 * len(pairs)
    assert [one.broken for one in pairs if one.broken] == []


def test_a_bug_that_needs_one_fault_is_found(stage, tasks):
    lost = [one for one in tasks if one.scenario == 0 and one.first and one.first[0].fault == "lost_answer"]
    with MUTANTS["retry-without-ring"].applied():
        found = next(found for one in lost if (found := scope.alone(stage, one)).broken)
    ((name, script, _, broken),) = found.broken
    assert (name, len(script), broken[:2]) == ("pays", 1, "I3")
