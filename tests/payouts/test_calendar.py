"""Business days against the notice for 2026, and whatever year."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock
from chalicelib.payouts import calendar


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("20260104", True),  # a Sunday that is worked for New Year
        ("20260102", False),
        ("20260214", True),
        ("20260216", False),
        ("20260223", False),
        ("20260224", True),
        ("20260406", False),
        ("20260509", True),
        ("20260619", False),
        ("20260925", False),
        ("20260920", True),
        ("20261007", False),
        ("20261008", True),
        ("20261010", True),
        ("20261122", False),  # a Sunday
        ("20261123", True),
    ],
)
def test_the_days_of_the_notice_for_2026(day, open_):
    assert calendar.is_business(day) is open_
    assert calendar.is_known(day)


def test_a_year_that_is_not_in_the_file_has_weekends_only_and_says_so():
    assert not calendar.is_known("20280101")
    assert not calendar.is_business("20280101")  # a Saturday
    assert calendar.is_business("20281003")


@pytest.mark.parametrize(
    ("day", "hour", "opens"),
    [
        ("20261123", 8, ("20261123", 9)),
        ("20261123", 12, ("20261123", 12)),
        ("20261123", 16, ("20261123", 16)),
        ("20261123", 17, ("20261124", 9)),
        ("20261122", 12, ("20261123", 9)),
        ("20260214", 18, ("20260224", 9)),
        ("20260930", 17, ("20261008", 9)),
    ],
)
def test_a_payment_waits_for_the_next_opening(day, hour, opens):
    at = clock.day_start(day) + hour * 3600
    assert calendar.next_opening(at) == clock.day_start(opens[0]) + opens[1] * 3600


@given(st.integers(1_767_196_800, 1_893_427_200))
def test_an_opening_is_never_in_the_past_nor_on_a_day_off_nor_asked_for_twice(at):
    opening = calendar.next_opening(at)
    assert at <= opening <= at + 11 * clock.DAY
    assert calendar.is_business(clock.day_of(opening))
    assert calendar.OPENS <= clock.beijing(opening).hour < calendar.CLOSES
    assert calendar.next_opening(opening) == opening
