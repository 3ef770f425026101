"""Money: shares and splits lose and invent nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import money

FEN = st.integers(0, 10**12)


@given(FEN, st.lists(st.integers(0, 10_000), min_size=1, max_size=12).filter(any))
def test_the_parts_of_a_split_add_up_and_none_is_a_fen_off_its_exact_share(total, weights):
    parts = money.split(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(FEN, st.lists(st.integers(0, 100), min_size=2, max_size=8).filter(any))
def test_a_party_with_more_weight_never_gets_less(total, weights):
    parts = money.split(total, sorted(weights, reverse=True))
    assert parts == sorted(parts, reverse=True)


def test_a_party_without_weight_gets_nothing():
    assert money.split(7, [0, 1, 1, 0]) == [0, 4, 3, 0]


def test_ties_go_to_the_earlier_party():
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(2, [1, 1, 1]) == [1, 1, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1], [-1]])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        money.split(100, weights)


@pytest.mark.parametrize(
    ("total", "bps", "part"),
    [
        (1900, 2000, 380),
        (1, 5000, 0),
        (3, 5000, 2),
        (5, 5000, 2),
        (-1, 5000, 0),
        (-3, 5000, -2),
        (101, 60, 1),
    ],
)
def test_a_share_rounds_half_to_even(total, bps, part):
    assert money.share(total, bps) == part


@given(st.integers(-(10**12), 10**12), st.integers(0, money.BPS))
def test_a_share_is_what_exact_arithmetic_rounds_to(total, bps):
    assert money.share(total, bps) == round(Fraction(total * bps, money.BPS))


@given(FEN)
def test_an_amount_reads_back_as_it_was_written(fen):
    assert money.fen(money.yuan(fen)) == fen


@pytest.mark.parametrize(("text", "fen"), [("49.5", 4950), ("49", 4900), (" 0.01 ", 1), ("007.10", 710)])
def test_people_may_write_yuan_without_all_the_digits(text, fen):
    assert money.fen(text) == fen


def test_what_is_owed_is_written_with_its_sign():
    assert (money.yuan(-5), money.yuan(-12345), money.yuan(0)) == ("-0.05", "-123.45", "0.00")


@pytest.mark.parametrize(
    "text", ["", ".5", "1.", "1.234", "-1", "+1", "1,00", "1e3", "٣", "NaN", "9" * 13, "1 0"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="an amount looks like"):
        money.fen(text)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.data())
def test_what_is_spread_adds_up_and_no_share_falls_or_exceeds_its_weight_as_the_total_grows(weights, data):
    low = data.draw(st.integers(0, sum(weights)))
    high = data.draw(st.integers(low, sum(weights)))
    before, after = money.spread(low, weights), money.spread(high, weights)
    assert (sum(before), sum(after)) == (low, high)
    assert all(0 <= one <= two <= most for one, two, most in zip(before, after, weights, strict=True))
    assert money.spread(sum(weights), weights) == weights


@given(FEN, FEN)
def test_two_shares_are_spread_as_the_largest_remainder_splits_them(one, two):
    total = (one + two) // 3
    if one + two:
        assert money.spread(total, [one, two]) == money.split(total, [one, two])


def test_a_single_fen_goes_to_the_earlier_of_equals():
    assert money.spread(1, [1, 1]) == [1, 0]


@pytest.mark.parametrize(("total", "weights"), [(2, [1]), (-1, [1]), (1, []), (1, [3, -1])])
def test_more_than_there_is_cannot_be_spread(total, weights):
    with pytest.raises(ValueError, match="weights"):
        money.spread(total, weights)


@given(FEN, st.integers(0, 5000))
def test_tax_and_what_it_is_of_add_up_to_the_total_to_the_fen(total, bps):
    base = money.without_tax(total, bps)
    assert abs(base * (money.BPS + bps) - total * money.BPS) * 2 <= money.BPS + bps


def test_tax_of_a_hundredth_is_the_one_in_a_hundred_and_one():
    assert money.without_tax(8000, 100) == 7921
