"""Who may read an order: those who know three things, and the browser that placed it."""

import json

import pytest

from chalicelib.kit import errors, password, tenant, vault
from chalicelib.orders import lookup
from tests import make
from tests.orders.conftest import SECRET

CONTACT = "buyer@example.com"


@pytest.fixture
def order(desk):
    return desk.put()


@pytest.fixture
def hashes(monkeypatch):
    """The derivations that were made, by their cost."""
    seen, real = [], password._derive
    monkeypatch.setattr(password, "_derive", lambda *call: seen.append(call[2:]) or real(*call))
    return seen


def may_read(desk, number, contact=CONTACT, secret=SECRET, address="1.1.1.1"):
    return lookup.may_read(desk.site, number, contact, secret, address=address, now=desk.world.now)


def test_number_contact_and_password_together_open_the_order(desk, order):
    assert may_read(desk, order.number) == order
    assert may_read(desk, f" {order.number.lower()} ", " BUYER@example.com ") == order


def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(desk, order, hashes):
    unknown = order.number[:-1] + ("0" if order.number[-1] != "0" else "1")
    seen = []
    for number, contact, secret in (
        (order.number, CONTACT, "wrong"),
        (order.number, "thief@example.com", SECRET),
        (order.number, "x", SECRET),
        (order.number, "", ""),
        (unknown, CONTACT, SECRET),
        ("zzzz" + order.number[4:], CONTACT, SECRET),
        ("' OR 1=1 --", CONTACT, SECRET),
        ("", CONTACT, SECRET),
    ):
        with pytest.raises(errors.NotFound) as refused:
            may_read(desk, number, contact, secret)
        seen.append((str(refused.value), refused.value.code, tuple(refused.value.detail)))
    assert len(set(seen)) == 1
    assert len(hashes) == 8
    assert len(set(hashes)) == 1


def test_another_sites_order_is_not_found(desk, order):
    elsewhere = make.make_owner()
    with tenant.acting_for(elsewhere), pytest.raises(errors.NotFound):
        lookup.may_read(elsewhere, order.number, CONTACT, SECRET, address="1.1.1.1", now=desk.world.now)


def test_fifteen_wrong_tries_close_the_number_to_their_address_alone(desk, order):
    for _ in range(15):
        with pytest.raises(errors.NotFound):
            may_read(desk, order.number, secret="wrong", address="6.6.6.6")
    with pytest.raises(errors.TooMany):
        may_read(desk, order.number, address="6.6.6.6")
    assert may_read(desk, order.number, address="7.7.7.7") == order


def test_two_hundred_wrong_tries_at_any_numbers_close_all_numbers_to_their_address(desk, order):
    for _ in range(20):
        other = desk.put().number
        for _ in range(10):
            with pytest.raises(errors.NotFound):
                may_read(desk, other, secret="wrong", address="5.5.5.5")
    with pytest.raises(errors.TooMany):
        may_read(desk, order.number, address="5.5.5.5")


def test_right_answers_are_never_counted_and_cost_one_hash_in_a_quarter_of_an_hour(desk, order, hashes):
    for _ in range(40):
        assert may_read(desk, order.number) == order
    assert len(hashes) == 1
    desk.world.now += 900
    may_read(desk, order.number)
    assert len(hashes) == 2


def test_a_remembered_answer_is_good_for_its_own_words_only(desk, order):
    may_read(desk, order.number)
    for contact, secret in ((CONTACT, SECRET + "x"), ("x" + CONTACT, SECRET)):
        with pytest.raises(errors.NotFound):
            may_read(desk, order.number, contact, secret)


def test_what_is_remembered_shows_how_the_order_stands_now(desk, order):
    may_read(desk, order.number)
    desk.move(order, "paid", transaction="t1", paid_attempt=1)
    assert may_read(desk, order.number).status == "paid"


def test_what_is_remembered_is_bounded(desk, order):
    lookup._known.update({str(i).encode(): 1 for i in range(10_001)})
    may_read(desk, order.number)
    assert len(lookup._known) == 1


def cookie(desk, *numbers):
    text = ""
    for number in numbers:
        text = lookup.receipt_cookie(desk.site, text, number, now=desk.world.now)
    return text


def receipts(desk, text):
    return lookup.receipts(desk.site, text, now=desk.world.now)


def test_a_browser_keeps_its_last_twenty_orders_newest_first(desk):
    assert receipts(desk, cookie(desk, "A", "B", "A")) == ("A", "B")
    assert receipts(desk, cookie(desk, *map(str, range(25)))) == tuple(str(n) for n in range(24, 4, -1))


def test_a_receipt_vouches_for_thirty_days(desk):
    text = cookie(desk, "A")
    desk.world.now += 30 * 86_400 - 1
    assert receipts(desk, text) == ("A",)
    desk.world.now += 1
    assert receipts(desk, text) == ()


def test_a_receipt_of_one_site_is_worth_nothing_at_another(desk):
    text = cookie(desk, "A")
    other = make.make_owner()
    with tenant.acting_for(other):
        assert lookup.receipts(other, text, now=desk.world.now) == ()


@pytest.mark.parametrize("text", ["", ".", "zz.zz", "41", "ff.00", "é.é", "7b7d.", "." * 99])
def test_what_is_no_receipt_vouches_for_nothing(desk, text):
    assert receipts(desk, text) == ()


def test_a_forged_receipt_vouches_for_nothing(desk):
    body, _, signature = cookie(desk, "A").partition(".")
    forged = json.dumps({"n": ["B"], "t": desk.world.now + 999}).encode().hex()
    other = vault.mac(desk.site, "lookup", bytes.fromhex(body).decode())[:20].hex()
    for text in (f"{forged}.{signature}", f"{body}.{signature[:-1]}", f"{body}.{other}", body):
        assert receipts(desk, text) == ()
