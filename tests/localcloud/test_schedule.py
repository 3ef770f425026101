"""When a schedule fires next."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import schedule

MOMENTS = st.integers(0, 4_000_000_000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("expression", "now", "then"),
    [
        ("rate(15 minutes)", "2026-11-22T10:00:07", "2026-11-22T10:15:07"),
        ("rate(1 hour)", "2026-11-22T10:00:00", "2026-11-22T11:00:00"),
        ("rate(2 days)", "2026-12-31T10:00:00", "2027-01-02T10:00:00"),
        ("cron(30 * * * ? *)", "2026-11-22T10:29:59", "2026-11-22T10:30:00"),
        ("cron(30 * * * ? *)", "2026-11-22T10:30:00", "2026-11-22T11:30:00"),
        ("cron(30 * * * ? *)", "2026-12-31T23:45:00", "2027-01-01T00:30:00"),
        ("cron(30 19 * * ? *)", "2026-11-22T19:29:00", "2026-11-22T19:30:00"),
        ("cron(30 19 * * ? *)", "2026-11-22T19:30:00", "2026-11-23T19:30:00"),
    ],
)
def test_the_next_time(expression: str, now: str, then: str) -> None:
    assert schedule.next_after(expression, at(now)) == at(then)


@given(MOMENTS, st.integers(0, 59), st.integers(0, 23))
def test_a_daily_schedule_fires_within_a_day_at_its_minute(now: int, minute: int, hour: int) -> None:
    then = schedule.next_after(f"cron({minute} {hour} * * ? *)", now)
    assert 0 < then - now <= 86_400
    assert (then // 60 % 60, then // 3600 % 24, then % 60) == (minute, hour, 0)


@pytest.mark.parametrize(
    "expression", ["", "rate(0 minutes)", "cron(0 0 1 * ? *)", "cron(*/5 * * * ? *)", "at(x)"]
)
def test_a_shape_that_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        schedule.next_after(expression, 0)
