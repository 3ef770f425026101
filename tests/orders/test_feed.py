"""The main site's list of all orders."""

import itertools

import pytest

from chalicelib.kit import clock
from chalicelib.orders import feed
from tests.make import NOON

_weeks = itertools.count(1)


@pytest.fixture
def now(cloud):
    """A moment two months from every other test's."""
    return NOON + next(_weeks) * 60 * clock.DAY


def listed(now, before=""):
    return [number for _, number in feed.newest(before, now=now)]


def test_orders_are_listed_newest_first(now):
    feed.add_to_feed(["A", "B"], now=now)
    feed.add_to_feed(["C"], now=now + 1)
    assert listed(now + 2) == ["C", "B", "A"]


def test_the_same_batch_in_the_same_second_is_listed_once(now):
    for _ in range(2):
        feed.add_to_feed(["A", "B"], now=now)
    assert listed(now) == ["B", "A"]


def test_an_empty_batch_is_no_row(now):
    feed.add_to_feed([], now=now)
    assert listed(now) == []


def test_the_list_goes_on_from_a_cursor_over_days(now):
    for i in range(4):
        feed.add_to_feed([f"N{i}"], now=now + i * clock.DAY)
    (first, top), (second, _), *_ = feed.newest("", now=now + 4 * clock.DAY)
    assert top == "N3"
    assert listed(now + 4 * clock.DAY, first) == ["N2", "N1", "N0"]
    assert listed(now + 4 * clock.DAY, second) == ["N1", "N0"]


def test_the_list_ends_a_month_back(now):
    feed.add_to_feed(["OLD"], now=now)
    assert listed(now + 30 * clock.DAY) == ["OLD"]
    assert listed(now + 31 * clock.DAY) == []


@pytest.mark.parametrize("cursor", ["x", "²²²²²²²²²²", "' OR 1=1", "-1"])
def test_a_cursor_that_is_none_begins_today(now, cursor):
    feed.add_to_feed(["A"], now=now - clock.DAY)
    assert listed(now, cursor) == ["A"]
