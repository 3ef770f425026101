"""Time: days are Beijing days, moments are RFC 3339."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock

MOMENTS = st.integers(0, 4_102_444_800)


def test_a_day_begins_at_midnight_in_beijing():
    start = clock.day_start("20261123")
    assert clock.iso(start) == "2026-11-22T16:00:00Z"
    assert (clock.day_of(start), clock.day_of(start - 1)) == ("20261123", "20261122")


@given(MOMENTS)
def test_a_moment_lies_within_its_day(at):
    start = clock.day_start(clock.day_of(at))
    assert start <= at < start + clock.DAY


@given(MOMENTS)
def test_a_moment_reads_back_as_it_was_written(at):
    assert clock.from_iso(clock.iso(at)) == at


def test_a_moment_may_carry_any_offset():
    assert clock.from_iso("2026-11-23T12:00:00+08:00") == clock.from_iso("2026-11-23T04:00:00Z")


@pytest.mark.parametrize(
    "text", ["", "2026112", "202611231", "2026-11-23", "20261301", "２０２６１１２３", " 20261123"]
)
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match=r"eight digits|match|remains"):
        clock.day_start(text)


@pytest.mark.parametrize(("text", "why"), [("2026-11-23T12:00:00", "offset"), ("noon", "isoformat")])
def test_a_moment_without_its_offset_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        clock.from_iso(text)


def test_the_clock_reads_its_source_in_whole_seconds(monkeypatch):
    monkeypatch.setattr(clock, "source", lambda: 12.9)
    assert clock.now() == 12
