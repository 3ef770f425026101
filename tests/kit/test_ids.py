"""Names: base32 keeps order, tokens are drawn from the one source, keys are UUIDv7 and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import ids
from tests import make

NUMBERS = st.integers(0, 2**35 - 1)


@given(NUMBERS, NUMBERS)
def test_the_order_of_base32_texts_is_the_order_of_their_numbers(one, other):
    assert (ids.number32(one, 7) < ids.number32(other, 7)) == (one < other)


@given(NUMBERS)
def test_a_number_comes_back_from_base32(number):
    assert ids.from32(ids.number32(number, 7)) == number


@given(st.binary(min_size=10, max_size=10))
def test_ten_bytes_are_sixteen_letters_and_nothing_is_lost(raw):
    text = ids.base32(raw, 16)
    assert len(text) == 16
    assert ids.from32(text).to_bytes(10) == raw


@given(st.binary(min_size=8, max_size=32))
def test_a_shorter_name_is_the_beginning_of_a_longer_one(raw):
    assert ids.base32(raw, 12).startswith(ids.base32(raw, 4))


@pytest.mark.parametrize("text", ["I", "l", "O", "U", "a", "-", "é"])
def test_letters_outside_the_alphabet_are_no_number(text):
    with pytest.raises(ValueError, match="not found"):
        ids.from32(text)


def test_tokens_have_the_length_asked_for_and_come_from_the_one_source(monkeypatch):
    monkeypatch.setattr(ids, "source", lambda size: b"\xff" * size)
    assert ids.token() == "Z" * 26
    assert ids.token(11) == "Z" * 11


def test_two_tokens_are_two():
    assert len({ids.token() for _ in range(50)}) == 50


@given(st.integers(0, 2**36), st.integers(0, 2**62 - 1))
def test_a_uuid7_names_the_second_in_which_it_was_made(second, salt):
    assert ids.uuid7_seconds(make.uuid7(second, salt=salt)) == second


def test_letters_of_a_key_may_be_large_or_small():
    assert ids.uuid7_seconds(make.uuid7(make.NOON).upper()) == make.NOON


RIGHT = make.uuid7(make.NOON, salt=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "6f1e4a0c-3c52-4b8e-9d4f-2a1b0c9d8e7f",
        "41186206-e664-11f1-8879-02fc00000001",
        f"{{{RIGHT}}}",
        f"urn:uuid:{RIGHT}",
        RIGHT.replace("-", ""),
        f"{RIGHT} ",
        RIGHT[:19] + "0" + RIGHT[20:],  # the version of a UUIDv7, the variant of something else
        RIGHT.replace("1", "١"),
    ],
)
def test_any_other_text_is_no_key(text):
    with pytest.raises(ValueError, match="UUID"):
        ids.uuid7_seconds(text)
