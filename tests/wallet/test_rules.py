from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock
from chalicelib.wallet import rules
from chalicelib.wallet.rules import Entry, Terms
from tests import make

WHATS = ("topup", "refund", "spend", "reserve", "capture", "void")
FREE = Terms(has_password=True, cap_fen=5000, device="d1", contacts=("c1",))


def chain(steps):
    """The entries that these steps lead to; a step that the wallet refuses is left out."""
    entries = []
    for n, (what, fen) in enumerate(steps):
        last = entries[-1] if entries else Entry()
        try:
            entries.append(rules.following(last, what, fen, about=f"o{n}", at=make.NOON + n))
        except rules.Short:
            continue
    return entries


steps = st.lists(st.tuples(st.sampled_from(WHATS), st.integers(0, 500)), max_size=30)


@given(steps)
def test_a_balance_is_the_sum_of_its_entries_and_never_negative(taken):
    entries = chain(taken)
    for n, one in enumerate(entries, 1):
        assert one.available == sum(each.change for each in entries[:n]) >= 0
        signs = {"reserve": 1, "capture": -1, "void": -1}
        assert one.reserved == sum(each.fen * signs.get(each.what, 0) for each in entries[:n]) >= 0
    assert rules.sound(entries)


@given(steps, st.data())
def test_a_history_that_was_tampered_with_is_not_sound(taken, data):
    entries = chain([("topup", 500), *taken])
    n = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(["fen", "available", "reserved", "seq"]))
    entries[n] = replace(entries[n], **{field: getattr(entries[n], field) + 1})
    assert not rules.sound(entries)


def test_an_order_is_paid_for_once_and_may_go_back_in_parts():
    def of_one_order(*taken):
        entries = chain(taken)
        return [replace(one, about="o") for one in entries]

    assert rules.sound(of_one_order(("topup", 9), ("spend", 4), ("refund", 1), ("refund", 3)))
    assert rules.sound(of_one_order(("topup", 9), ("reserve", 4), ("void", 4), ("spend", 4)))
    assert not rules.sound(of_one_order(("topup", 9), ("spend", 4), ("spend", 4)))
    assert not rules.sound(of_one_order(("topup", 9), ("topup", 4)))


@pytest.mark.parametrize("what", ["spend", "reserve", "capture", "void"])
def test_nothing_is_taken_from_an_empty_wallet(what):
    with pytest.raises(rules.Short):
        rules.following(Entry(), what, 1, about="o", at=1)


def test_what_is_reserved_counts_against_the_cap():
    rules.check_cap(Entry(available=600, reserved=300), 100, 1000)
    with pytest.raises(rules.OverCap):
        rules.check_cap(Entry(available=600, reserved=300), 101, 1000)


@pytest.mark.parametrize(
    ("terms", "fen", "today", "device", "contact", "why"),
    [
        (FREE, 5000, rules.DAILY - 5000, "d1", "c1", ""),
        (replace(FREE, cap_fen=None), 1, 0, "d1", "c1", "off"),
        (FREE, 5000, 0, "d2", "c1", "device"),
        (replace(FREE, device=""), 5000, 0, "", "c1", "device"),
        (FREE, 5001, 0, "d1", "c1", "cap"),
        (FREE, 5000, rules.DAILY - 4999, "d1", "c1", "daily"),
        (FREE, 5000, 0, "d1", "c2", "contact"),
    ],
)
def test_why_a_payment_needs_the_password(terms, fen, today, device, contact, why):
    assert rules.why_password(terms, fen, today, device=device, contact=contact) == why


def test_a_day_without_password_ends_at_midnight_in_beijing():
    midnight = clock.day_start(clock.day_of(make.NOON))
    entries = [
        Entry(at=midnight, fen=1, unasked=True),
        Entry(at=midnight, fen=8),
        Entry(at=midnight - 1, fen=2, unasked=True),
        Entry(at=midnight, fen=4, unasked=True),
    ]
    assert rules.unasked_on(entries, make.NOON) == 1


def test_the_latest_contacts_are_known():
    known = ()
    for n in range(rules.KNOWN_CONTACTS + 1):
        known = rules.with_contact(known, f"c{n}")
    assert known[0] == "c1"
    assert rules.with_contact(known, "c5")[-1] == "c5"
    assert len(rules.with_contact(known, "c5")) == rules.KNOWN_CONTACTS


def test_a_top_up_may_go_back_for_seven_days_while_it_is_not_spent():
    paid_in = Entry(what="topup", fen=500, at=make.NOON)
    assert rules.may_take_back(paid_in, Entry(available=500), make.NOON + rules.REGRET)
    assert not rules.may_take_back(paid_in, Entry(available=500), make.NOON + rules.REGRET + 1)
    assert not rules.may_take_back(paid_in, Entry(available=499), make.NOON)
    assert not rules.may_take_back(replace(paid_in, what="refund"), Entry(available=500), make.NOON)


@pytest.mark.parametrize("text", ["", "12345", "x" * 33, "tab\tinside"])
def test_what_can_be_no_pay_password(text):
    with pytest.raises(rules.BadPassword):
        rules.check_password(text)
    assert rules.check_password("135790") == "135790"


def test_a_history_that_spends_what_is_not_there_is_not_sound():
    assert not rules.sound([Entry(1, "spend", 5, 0, 0, "o", make.NOON)])
