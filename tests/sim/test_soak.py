"""Many worlds at once, and the report of them."""

from collections import Counter

import pytest

from sim import soak
from sim.soak import Played, Tally


@pytest.mark.slow
def test_each_seed_is_played_once_by_some_process():
    tally = soak.soak(1, most=2, seconds=None, jobs=2)
    assert (tally.seeds, tally.violations) == (2, {})
    assert tally.orders >= 40
    assert tally.hours >= 2 * 24
    assert tally.faults.total() > 0


@pytest.mark.slow
def test_no_seed_is_begun_after_the_time_is_over():
    assert soak.soak(1, most=None, seconds=0.001, jobs=1).seeds <= 2


def test_the_report_names_what_replays_a_violation(monkeypatch):
    monkeypatch.setattr(soak, "_commit", lambda: "abc1234")
    tally = Tally(first=7, jobs=2)
    tally.add(Played(7, 40, 6000, 200.0, 0.5, Counter(stall=3), ""))
    tally.add(Played(8, 41, 6100, 200.0, 0.5, Counter(stall=1, stale=2), "I1: an order is still paid"))
    report = soak.summary(tally)
    assert "| commit | abc1234 |" in report
    assert "| seeds | 2, from 7 on |" in report
    assert "| faults | 6: stale 2, stall 4 |" in report
    assert "Seed 8: I1: an order is still paid\n\n    .venv/bin/python -m sim --seed 8 --cause" in report
    assert tally.line.endswith("1 violations")
