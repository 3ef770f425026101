import json
from dataclasses import replace

import pytest

from chalicelib.kit import errors
from tests.web.storefront import fake
from tests.web.storefront.markup import read

ORDER = f"/orders/{fake.NUMBER}"
KNOWN = f"number={fake.NUMBER}&contact=13800138021&query_password=4321".encode()


@pytest.fixture
def holder(browser):
    """A browser that placed the order."""
    browser.cookies["receipts"] = fake.NUMBER
    return browser


def test_a_stranger_gets_the_lookup_form_and_a_404(browser):
    answer = browser.get(ORDER)
    assert answer.status_code == 404
    assert read(answer).all("input", name="number")[0]["value"] == fake.NUMBER
    assert browser.get(f"{ORDER}/codes").status_code == 404
    assert browser.get(f"{ORDER}/state", Accept="application/json").status_code == 404


def test_contact_and_query_password_open_it_for_this_browser(browser):
    answer = browser.post("/orders", KNOWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, ORDER)
    assert browser.get(ORDER).status_code == 200


def test_the_number_on_the_payment_bill_opens_it_too(browser):
    on_the_bill = f" {fake.NUMBER[:14]} {fake.NUMBER[14:]}01 ".encode()
    assert (
        browser.post("/orders", KNOWN.replace(fake.NUMBER.encode(), on_the_bill)).headers["Location"] == ORDER
    )


@pytest.mark.parametrize("wrong", [b"4321x", b""])
def test_a_wrong_password_says_what_three_things_must_match(browser, wrong):
    answer = browser.post("/orders", KNOWN.replace(b"4321", wrong))
    assert answer.status_code in (404, 422)
    assert read(answer).all("p", **{"class": "refused"})


def test_too_many_tries_have_to_wait(browser, store):
    store.refusal = errors.TooMany(retry_after=60)
    answer = browser.post("/orders", KNOWN)
    assert answer.status_code == 429
    assert "等一分钟再来" in read(answer).text


def test_the_member_it_belongs_to_sees_it_and_no_other(browser, store):
    store.order = replace(store.order, member="member-lili")
    browser.post("/login", b"login=lili&password=correct+horse")
    assert browser.get(ORDER).status_code == 200
    browser.post("/login", b"login=mallory&password=correct+horse")
    assert browser.get(ORDER).status_code == 404


def test_a_member_finds_the_orders_in_one_place(browser, store):
    store.order = replace(store.order, member="member-lili")
    browser.post("/login", b"login=lili&password=correct+horse")
    assert read(browser.get("/orders")).all("a", href=ORDER)


def test_this_browsers_orders_are_listed_for_guests(holder):
    assert read(holder.get("/orders")).all("a", href=ORDER)


def test_the_timeline_shows_what_happened_and_what_comes(holder, store):
    store.reach("paid", "paid")
    shown = read(holder.get(ORDER))
    assert "已付款，正在出卡" in shown.text
    assert "已下单，货已留好 2026-11-25 17:46:20 已付款 2026-11-25 17:46:23 正在出卡… 已出卡" in shown.text
    assert shown.all("article", **{"data-wait": f"{ORDER}/state"})


def test_codes_are_there_once_delivered_grouped_to_read_and_whole_to_copy(holder, store):
    store.reach("delivered", "paid", "delivered", codes=("A7QF2MXK93TDWL5P", "卡号 12 密码 34"))
    shown = read(holder.get(ORDER))
    assert "A7QF 2MXK 93TD WL5P" in shown.text
    assert [
        button["data-copy"] for button in shown.all("button") if "copy" in (button.get("class") or "")
    ] == [
        "A7QF2MXK93TDWL5P",
        "卡号 12 密码 34",
    ]
    assert not shown.all("article", **{"data-wait": f"{ORDER}/state"})


def test_all_codes_can_be_downloaded_one_a_line(holder, store):
    store.reach("delivered", "paid", "delivered", codes=("AAAA", "BBBB"))
    answer = holder.get(f"{ORDER}/codes")
    assert answer.body == b"AAAA\nBBBB\n"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{fake.NUMBER}.txt"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", ["pending", "paid", "review", "refunding", "refunded", "expired"])
def test_before_delivery_there_is_nothing_to_download_and_trouble_has_an_answer(holder, store, status):
    store.reach(status)
    assert holder.get(f"{ORDER}/codes").status_code == 404
    shown = read(holder.get(ORDER))
    assert "遇到问题？" in shown.text
    assert shown.faults() == []


def test_the_state_changes_its_version_with_every_step(holder, store):
    seen = []
    for status, steps in (("pending", ()), ("paid", ("paid",)), ("delivered", ("paid", "delivered"))):
        store.reach(status, *steps)
        seen.append(json.loads(holder.get(f"{ORDER}/state").body))
    assert len({state["version"] for state in seen}) == 3
    assert seen[1]["progress"][1] == {"at": "2026-11-25T09:46:23Z", "what": "paid"}


def test_a_receipt_survives_its_goods_leaving_the_counter(holder, store):
    store.offers = ()
    assert holder.get(ORDER).status_code == 200
