"""Every seeded bug applies to the shop as it is, is found, and stands in the table."""

import pytest

from chalicelib.stock import claims
from sim import kill
from sim import stage as stages
from sim.mutants import HARMLESS, MUTANTS, Stale
from sim.mutants.mutant import function, mutant


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda one: one.name)
def test_a_bug_that_something_makes_up_for_is_not_found(stage, harmless):
    assert kill.hunt(stage, harmless, [1]) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_seeded_bug_is_found(stage, name):
    first = kill.known()[name].seed
    assert kill.hunt(stage, MUTANTS[name], [first, *range(kill.BOUND)])


def test_the_table_has_every_seeded_bug_and_no_other():
    assert list(kill.known()) == list(MUTANTS)


def test_there_are_many_seeded_bugs():
    assert len(MUTANTS) >= 40
    everything = [*MUTANTS.values(), *HARMLESS]
    assert len({one.edits for one in everything}) == len({one.name for one in everything}) == len(everything)


@pytest.mark.parametrize("one", [*MUTANTS.values(), *HARMLESS], ids=lambda one: one.name)
def test_a_seeded_bug_is_there_while_it_is_applied_and_no_longer(stage, one):
    changed = {edit.at: function(edit.at) for edit in one.edits}
    before = {at: each.__code__ for at, each in changed.items()}
    with one.applied():
        assert all(each.__code__ is not before[at] for at, each in changed.items())
    assert {at: each.__code__ for at, each in changed.items()} == before


def test_a_seeded_bug_reaches_whoever_has_imported_its_function():
    everything = mutant("x", "", ("stock.claims:_count", "sum(", "-sum("), origin="")
    count = claims._count
    with everything.applied():
        assert count([claims.Range("s", 0, 3)]) == -3
    assert count([claims.Range("s", 0, 3)]) == 3


@pytest.mark.parametrize("right", ["no such line", "one"])
def test_lines_that_do_not_stand_there_once_are_refused(right):
    stale = mutant("x", "", ("stock.claims:_count", right, ""), origin="")
    with pytest.raises(Stale), stale.applied():
        pass
