"""Two releases side by side: each instance runs its own, and what the next one writes and sends harms nobody."""

import pytest

from sim import run
from sim import stage as stages
from sim.clockwork import Clockwork
from sim.instance import Instance
from sim.mutants.mutant import CALM, function
from sim.mutants.next_release import NEWS, NEXT
from sim.releases import Releases


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


def name():
    return "this"


def test_whoever_goes_on_runs_the_code_of_their_own_release():
    releases = Releases({name: (lambda: "next").__code__})
    time, said = Clockwork(1, 0), []

    def work():
        for _ in range(3):
            said.append((time.running.name, name()))
            time.pause(1)

    for following in (False, True):
        instance = Instance("", [], codes=releases.of(following=following))
        time.spawn(str(following), work, instance=instance)
    time.run(10)
    assert set(said) == {("False-1", "this"), ("True-1", "next")}
    assert len(said) == 6
    releases.withdraw()
    assert name() == "this"


@pytest.mark.parametrize("seed", [1, 2])
def test_two_releases_side_by_side_break_nothing(stage, seed):
    before = {each: each.__code__ for each in stage.coming}
    world, broken = run.play(stage, seed, rates={**CALM, "two_releases": 1.0}, keep_trace=True)
    assert broken == ""
    rows = [row for name in world.database.tables for row in world.database.items(name)]
    assert {"release" in row for row in rows} == {True, False}
    assert any(NEWS in line.what for line in world.trace.lines)
    assert {each: each.__code__ for each in stage.coming} == before


@pytest.mark.parametrize("seed", [0, 2])
def test_a_release_taken_back_in_the_middle_of_its_waves_breaks_nothing(stage, seed):
    rates = {**CALM, "two_releases": 1.0, "rolled_back": 1.0, "licensed": 1.0}
    world, broken = run.play(stage, seed, rates=rates)
    assert broken == ""
    assert world.faults.count["rolled_back"] == 1
    orders = [row for name in world.database.tables for row in world.database.items(name) if "fp" in row]
    assert {("txn" in row, "tx" in row) for row in orders} >= {(True, False), (False, True)}


def test_the_next_release_differs_wherever_it_says():
    changed = NEXT.codes()
    assert {function(edit.at) for edit in NEXT.edits} == changed.keys()
    assert all(each.__code__ != code for each, code in changed.items())
