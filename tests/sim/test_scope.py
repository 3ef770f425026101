"""Small worlds: faults strike where they are told to, and a slice of all single faults and pairs breaks nothing."""

from collections import defaultdict

import pytest

from sim import scope, small
from sim import stage as stages
from sim.faults import CALLS, SIZED, Point
from sim.mutants import MUTANTS

SINGLES = 97  # of all single faults one in so many is tried
PAIRS = 211  # and with one in so many some second faults
NOWHERE = frozenset()


@pytest.fixture(scope="module")
def stage():
    with stages.opened(scope.SITES) as opened:
        yield opened


@pytest.fixture(scope="module")
def firsts(stage):
    """The single faults of the first scenario."""
    calm, _ = small.play(stage, small.SCENARIOS[0], (), size=0.6)
    return list(scope.points(calm))


def tried(stage, **which):
    tasks = [scope.Task(n, size, **which) for n in range(len(small.SCENARIOS)) for size in scope.SIZES]
    return [found for task in tasks for found in scope.Scope(stage, task).tried()]


def scripts(stage, firsts):
    """No fault, some alone, and some pairs."""
    yield ()
    for first in firsts[::40]:
        yield (first,)
        world, _ = small.play(stage, small.SCENARIOS[0], (first,), size=0.6)
        yield from ((first, second) for second in list(scope.points(world, (first,)))[::40])


def test_every_scenario_offers_every_fault_of_a_call_at_each_of_its_calls(stage):
    for scenario in small.SCENARIOS:
        world, broken = small.play(stage, scenario, (), size=0.6)
        assert broken == ""
        offered = set(scope.points(world))
        calls = {(one.who, one.nth) for one in offered if one.fault == "stall"}
        assert len(calls) > 60
        assert {Point(*call, fault) for call in calls for fault in CALLS} <= offered


def test_a_fault_strikes_where_the_script_says_and_nowhere_else(stage, firsts):
    for first in firsts[:200:40]:
        world, _ = small.play(stage, small.SCENARIOS[0], (first,), size=0.6)
        assert tuple(world.faults.struck) == (first,)


def test_a_second_fault_comes_after_the_first(stage, firsts):
    first = (next(one for one in firsts if one.fault == "kill_after"),)
    world, _ = small.play(stage, small.SCENARIOS[0], first, size=0.6)
    for second in list(scope.points(world, first))[::80]:
        world, _ = small.play(stage, small.SCENARIOS[0], (*first, second), size=0.6)
        assert tuple(world.faults.struck) == (*first, second)


@pytest.mark.slow
def test_a_fault_that_does_not_ask_how_bad_it_is_comes_to_the_same_at_either_size(stage):
    scenario = small.SCENARIOS[-1]
    calm, _ = small.play(stage, scenario, (), size=0.6)
    places = {one.fault: one for one in scope.points(calm)}
    for fault, place in places.items():
        mild, bad = (small.play(stage, scenario, (place,), size=size)[0].trace.digest for size in scope.SIZES)
        assert (mild == bad) == (fault not in SIZED), fault
    assert len(places.keys() - SIZED) > 20
    assert len(places.keys() & SIZED) > 4


@pytest.mark.slow
def test_no_single_fault_of_a_slice_breaks_anything(stage):
    singles = tried(stage, firsts=SINGLES)
    assert len(singles) > 120
    assert [one.broken for one in singles if one.broken] == []


@pytest.mark.slow
def test_no_pair_of_a_slice_breaks_anything(stage):
    pairs = tried(stage, firsts=PAIRS, seconds=71)
    assert sum(one.played for one in pairs) > len(pairs) + 10
    assert [one.broken for one in pairs if one.broken] == []


def test_a_bug_that_needs_one_fault_is_found(stage, firsts):
    lost = [one for one in firsts if one.fault == "lost_answer"]
    with MUTANTS["retry-without-ring"].applied():
        played = (small.play(stage, small.SCENARIOS[0], (one,), size=0.6)[1] for one in lost)
        broken = next(each for each in played if each)
    assert broken[:2] == "I3"


@pytest.mark.slow
def test_worlds_that_are_alike_go_on_alike(stage, firsts):
    """Call for call, message for message, with the same answers; and what is offered to strike is the same."""
    futures = defaultdict(list)
    for script in scripts(stage, firsts):
        world, broken = small.play(
            stage, small.SCENARIOS[0], script, size=0.6, known=NOWHERE, keep_trace=True
        )
        assert broken == ""
        for moment in world.passed:
            lines = [line for line in world.trace.lines if line.now > moment.at]
            futures[moment.like].append((lines, world.faults.offered[moment.offered :]))
    shared = [each for each in futures.values() if len(each) > 1]
    assert len(shared) > 20
    assert all(one == each[0] for each in shared for one in each)


@pytest.mark.slow
def test_with_a_bug_the_same_worlds_are_broken_whether_they_are_played_to_their_ends_or_not(stage):
    task = scope.Task(0, 0.6, firsts=4)
    with MUTANTS["retry-without-ring"].applied():
        plainly, briefly = (
            [one.broken for one in scope.Scope(stage, task, plainly=plain).tried()] for plain in (True, False)
        )
    assert plainly == briefly
    assert sum(map(bool, plainly)) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("size", "fault"), [(0.6, "stall"), (0.97, "lost_answer")])
def test_worlds_that_end_early_stand_for_all(stage, firsts, size, fault):
    def tried_after(first, *, plainly):
        whole = scope.Scope(stage, scope.Task(0, size, seconds=1), plainly=plainly)
        whole.begin()
        return whole.with_seconds(first)

    late = [one for one in firsts if one.fault == fault][-20]
    plainly, briefly = (tried_after(late, plainly=plain) for plain in (True, False))
    again = size != scope.SIZES[0] and fault not in SIZED  # the first one alone was tried at the first size
    assert briefly.played < briefly.stands_for + again == plainly.stands_for + again == plainly.played


def test_the_second_size_leaves_out_what_none_of_its_faults_asks(stage, firsts):
    tried = scope.Scope(stage, scope.Task(0, scope.SIZES[1], firsts=7)).tried()
    assert sum(one.stands_for for one in tried) == sum(one.fault in SIZED for one in firsts[::7])
