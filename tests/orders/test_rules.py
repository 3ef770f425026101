"""Order numbers, states, and what shoppers may type."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.kit import clock, ids
from chalicelib.kit.errors import NotFound
from chalicelib.orders import rules
from chalicelib.orders.rules import Attempt, Receipt
from chalicelib.stock.service import Range
from tests.make import NOON

SITES = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=4, max_size=4)
DIGESTS = st.binary(min_size=32, max_size=32)
TIMES = st.integers(0, 2**35 - 1).filter(lambda at: at < 4_102_444_800)
NUMBER = rules.make_number("k3f9", bytes(32), NOON)
ATTEMPTS = st.builds(
    Attempt,
    st.just(0),
    st.sampled_from(["wechat", "alipay"]),
    st.from_regex(r"[0-9a-z]{1,16}", fullmatch=True),
    st.sampled_from(["pc", "mobile"]),
    st.booleans(),
)


@given(SITES, DIGESTS, TIMES)
def test_a_number_is_28_letters_and_the_same_inputs_make_the_same(site, digest, at):
    number = rules.make_number(site, digest, at)
    assert len(number) == rules.LENGTH
    assert set(number) <= set(ids.ALPHABET)
    assert number == rules.make_number(site, digest, at)
    assert rules.parse_number(number) == number


@given(SITES, DIGESTS, TIMES)
def test_a_number_names_its_site_its_day_and_one_of_eight_buckets(site, digest, at):
    number = rules.make_number(site, digest, at)
    assert rules.time_of(number) == at
    assert number.startswith(site.upper())
    assert rules.site_of(number) == site
    assert ids.from32(number[4:11]) == at
    assert rules.partition(number) in rules.partitions(clock.day_of(at))


@given(SITES, DIGESTS, DIGESTS, TIMES)
def test_other_digests_make_other_numbers(site, one, other, at):
    assume(one[1:11] != other[1:11])
    assert rules.make_number(site, one, at) != rules.make_number(site, other, at)


def test_a_day_has_eight_partitions_and_all_are_used():
    made = {rules.partition(rules.make_number("demo", bytes([b]) + bytes(31), NOON)) for b in range(256)}
    assert made == set(rules.partitions("20261123"))
    assert len(made) == rules.BUCKETS


def test_people_type_numbers_with_spaces_and_small_letters():
    assert rules.parse_number(f" {NUMBER[:10].lower()}\t{NUMBER[10:]}\n") == NUMBER


def test_letters_that_look_like_digits_are_read_as_those():
    number = rules.make_number("k0f1", bytes(32), NOON)
    typed = number.replace("0", "O").replace("1", "l")
    assert typed != number
    assert rules.parse_number(typed) == number


def test_later_orders_have_later_numbers():
    numbers = [rules.make_number("k3f9", bytes([7 - i] * 32), NOON + i) for i in range(8)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    "text", ["", NUMBER[:-1], NUMBER + "0", NUMBER[:-1] + "U", NUMBER[:-1] + "é", "'" * 28]
)
def test_what_can_be_no_number_is_not_found(text):
    with pytest.raises(NotFound):
        rules.parse_number(text)


@given(SITES, DIGESTS, TIMES, st.integers(1, 99))
def test_a_channels_number_names_order_and_attempt_in_32_letters(site, digest, at, index):
    number = rules.make_number(site, digest, at)
    out = Attempt(index, "wechat", "m1", "pc").out_trade_no(number)
    assert len(out) <= 32
    assert rules.split_trade_no(out) == (number, index)


@pytest.mark.parametrize("tail", ["", "1", "001", "x1", " 1", "²²", "-1"])
def test_a_channels_number_that_is_none_of_ours_is_not_found(tail):
    with pytest.raises(NotFound):
        rules.split_trade_no(NUMBER + tail)


def test_a_channels_number_with_a_foreign_letter_is_not_found():
    with pytest.raises(NotFound):
        rules.split_trade_no("U" * 28 + "01")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Buyer@Example.COM ", "buyer@example.com"),
        ("１３８００１３８０００", "13800138000"),
        ("ＱＱ１２３", "qq123"),
        ("Straße", "strasse"),
        ("张三的微信", "张三的微信"),
        ("a' OR 1=1 --", "a' or 1=1 --"),
        ("🔑🔑🔑", "🔑🔑🔑"),
    ],
)
def test_a_contact_has_one_form_however_it_is_typed(typed, stored):
    assert rules.contact(typed) == stored


@pytest.mark.parametrize(
    "text",
    ["", "ab", "  a  ", "x" * 65, "张" * 33, "a\x00bc", "a\nbc", "abc\ud800", "abc\u0378", "\u3000" * 5],
)
def test_a_contact_nobody_could_be_reached_by_is_refused(text):
    with pytest.raises(rules.BadContact):
        rules.contact(text)


@given(st.text(max_size=70))
def test_a_contact_that_is_accepted_can_be_stored(text):
    try:
        stored = rules.contact(text)
    except rules.BadContact:
        return
    assert 3 <= len(stored) <= 64
    assert len(stored.encode()) <= rules.LONGEST_CONTACT
    assert rules.contact(f" {text} ") == stored


@pytest.mark.parametrize(
    ("text", "fits"),
    [("1234", True), ("x" * 64, True), ("123", False), ("x" * 65, False), ("abcd\ud800", False)],
)
def test_a_query_password_has_4_to_64_characters_and_is_kept_as_typed(text, fits):
    if fits:
        assert rules.query_password(text) == text
        return
    with pytest.raises(rules.BadContact):
        rules.query_password(text)


def test_spaces_and_capitals_of_a_query_password_count():
    assert rules.query_password(" Open Sesame ") == " Open Sesame "


@pytest.mark.parametrize(
    ("text", "shown"),
    [("buyer@example.com", "buy****om"), ("1234567", "123****67"), ("qq1234", "q****"), ("", "****")],
)
def test_a_masked_contact_is_known_to_its_owner_only(text, shown):
    assert rules.mask(text) == shown


@given(st.text(st.characters(codec="utf-8"), max_size=120))
def test_a_goods_name_is_cut_between_letters(name):
    short = rules.short_name(name)
    assert name.startswith(short)
    assert len(short.encode()) <= rules.LONGEST_NAME
    assert short == name or len(short.encode()) > rules.LONGEST_NAME - 4


@given(st.lists(ATTEMPTS, max_size=rules.MOST_ATTEMPTS))
def test_attempts_read_back_with_their_places(tries):
    tries = [replace(one, index=i) for i, one in enumerate(tries, 1)]
    assert list(rules.parse_attempts(rules.write_attempts(tries))) == tries


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_a_reason_is_cut_between_letters(reason):
    short = rules.short_reason(reason)
    assert reason.startswith(short)
    assert len(short.encode()) <= rules.LONGEST_REASON


def test_ranges_are_stored_in_their_order():
    assert rules.write_ranges((Range("cA", 0, 2), Range("cB", 7, 1))) == "cA:0:2 cB:7:1"
    assert rules.write_ranges(()) == ""


TRIES = (Attempt(1, "wechat", "m1", "pc"), Attempt(2, "alipay", "m2", "pc"))


@pytest.mark.parametrize(
    ("channel", "merchant", "fen", "fits"),
    [
        ("wechat", "m1", 100, True),
        ("alipay", "m2", 100, True),
        ("wechat", "m2", 100, False),
        ("alipay", "m1", 100, False),
        ("wechat", "m1", 99, False),
        ("wechat", "m1", 101, False),
    ],
)
def test_a_payment_fits_when_channel_merchant_and_amount_are_the_orders_own(channel, merchant, fen, fits):
    receipt = Receipt(1, channel, merchant, fen, "t1")
    assert receipt.fits(100, TRIES) is fits
    assert (receipt.merchant_mark in rules.write_attempts(TRIES)) is (fits or fen != 100)


def test_an_order_keeps_the_channels_id_and_the_attempt_that_was_paid():
    assert Receipt(2, "wechat", "m1", 1, "t9").record == {"transaction": "t9", "paid_attempt": 2}


def test_no_move_leaves_a_final_state_but_the_late_payment_of_an_expired_order():
    assert {move for move in rules.MOVES if move[0] in rules.FINAL} <= {
        ("expired", "paid"),
        ("delivered", "refunding"),
    }


def test_every_state_can_be_reached_and_every_other_left():
    assert {to for _, to in rules.MOVES} | {"pending"} == set(rules.STATES)
    assert {start for start, _ in rules.MOVES} >= set(rules.STATES) - rules.FINAL


def test_an_order_in_refund_is_never_delivered_or_sold_again():
    after, edge = set(), {"refunding"}
    while edge:
        after |= edge
        edge = {to for start, to in rules.MOVES if start in edge} - after
    assert "paid" not in after
    assert "pending" not in after
