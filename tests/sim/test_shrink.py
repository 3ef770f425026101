"""A failing seed is cut down to the little that it needs."""

import pytest

from chalicelib.kit import queue
from sim import run, shrink, story
from sim import stage as stages


def test_the_two_of_a_hundred_that_matter_are_found_in_few_tries():
    tries = []

    def left(some):
        tries.append(some)
        return some if {17, 71} <= set(some) else None

    assert shrink.fewest(list(range(100)), left) == [17, 71]
    assert len(tries) < 60


def test_nothing_is_left_where_nothing_is_needed():
    assert shrink.fewest([1, 2, 3], lambda some: some) == []


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


@pytest.mark.slow
def test_a_bug_is_cut_down_to_few_shoppers_and_few_faults(stage, monkeypatch):
    send, send_all = queue.send, queue.send_all
    monkeypatch.setattr(queue, "send", lambda name, **said: name == "settle" or send(name, **said))
    monkeypatch.setattr(queue, "send_all", lambda name, many: name == "settle" or send_all(name, many))
    broken = run.play(stage, 1)[1]
    cause = shrink.cut_down(stage, 1)
    assert shrink.kind_of(cause.broken) == shrink.kind_of(broken) != ""
    assert len(cause.faults) <= 3
    assert len(cause.cast) <= 3
    assert cause.left > 0
    told = story.told(cause)
    assert "order-1" in told
    assert len(told.splitlines()) < 100


@pytest.mark.slow
def test_a_seed_without_violation_has_no_cause(stage):
    assert shrink.cut_down(stage, 2) is None
