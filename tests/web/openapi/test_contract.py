import json
import uuid
from dataclasses import replace

import pytest

from chalicelib.checkout import service as checkout
from chalicelib.kit import errors
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.web.openapi import goods, shapes
from tests.web.storefront import fake

ASKED = {
    "goods_id": "tx-month",
    "quantity": 2,
    "contact": "13800138021",
    "query_password": "4321",
    "channel": "wechat",
    "return_waiver": 1,
}
KNOWN = {"X-Contact": "13800138021", "X-Query-Password": "4321"}


def key(seconds_ago: int = 0) -> str:
    at = (fake.NOW - seconds_ago) * 1000
    return str(uuid.UUID(int=(at << 80) | (7 << 76) | (2 << 62) | 12345))


def place(browser, asked=None, raw: bytes | None = None, **headers: str):
    body = json.dumps({**ASKED, **(asked or {})}).encode() if raw is None else raw
    given = {"Content-Type": "application/json", "Idempotency-Key": key(), **headers}
    return browser.post("/api/v1/orders", body, **given)


def refused(answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status_code
    assert problem["detail"].endswith(".")
    return answer.status_code, problem["code"]


def test_goods_are_listed_with_price_now_and_stock_counted_or_null(browser):
    listed = {one["goods_id"]: one for one in json.loads(browser.get("/api/v1/goods").body)["goods"]}
    assert listed["tx-month"] == {
        "goods_id": "tx-month",
        "name": "腾讯视频 VIP 月卡",
        "category": "视频会员",
        "price_fen": 2280,
        "stock": 240,
        "return_waiver": 1,
    }
    assert listed["mobile-50"]["stock"] is None
    assert listed["xbox"]["stock"] == 0
    assert listed["setup"]["return_waiver"] is None


def test_the_cursor_leads_through_all_goods_once(browser, store):
    count = 2 * goods.PER_PAGE + 7
    store.offers = tuple(fake.offer(f"g{n:04}", "点卡", "游戏", "card", "¥1", 100) for n in range(count))
    seen, cursor = [], ""
    while cursor is not None:
        page = json.loads(browser.get(f"/api/v1/goods?cursor={cursor}").body)
        seen += [one["goods_id"] for one in page["goods"]]
        cursor = page["next"]
    assert seen == sorted(one.goods_id for one in store.offers)


def test_a_full_last_page_is_the_end(browser, store):
    store.offers = tuple(
        fake.offer(f"g{n:04}", "点卡", "游戏", "card", "¥1", 100) for n in range(goods.PER_PAGE)
    )
    assert json.loads(browser.get("/api/v1/goods").body)["next"] is None


def test_an_order_is_placed_once_however_often_it_is_sent(browser, store):
    first, second = place(browser), place(browser)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (
        json.loads(first.body)
        == json.loads(second.body)
        == {
            "order_no": fake.NUMBER,
            "amount_fen": 4560,
            "status": "pending",
            "payment": {
                "kind": "qr",
                "payload": store.link.payload,
                "fields": {},
                "expires_at": "2026-11-25T10:01:20Z",
            },
        }
    )
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "asked",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 10**9 + 1},
        {"quantity": 10**30},
        {"quantity": True},
        {"quantity": "2"},
        {"quantity": 2.0},
        {"quantity": None},
        {"goods_id": ""},
        {"goods_id": 7},
        {"contact": "ab"},
        {"contact": "x" * 65},
        {"query_password": "123"},
        {"channel": "cash"},
        {"price_fen": 1},
    ],
)
def test_a_field_of_the_wrong_kind_is_named_and_nothing_is_placed(browser, store, asked):
    assert refused(place(browser, asked)) == (422, "bad_input")
    assert store.asks == []


def test_what_the_shopper_confirmed_comes_with_the_order(browser, store):
    place(browser)
    store.refusal = checkout.NotConfirmed(field="waiver")
    unconfirmed = {name: value for name, value in ASKED.items() if name != "return_waiver"}
    assert refused(place(browser, unconfirmed)) == (422, "return_waiver_required")
    assert [ask.waiver for ask in store.asks] == [1]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"quantity": 1e400}', b"[" * 50_000])
def test_what_is_not_json_is_refused(browser, store, raw):
    assert refused(place(browser, raw=raw))[0] in (400, 422)
    assert store.asks == []


def test_a_huge_body_is_refused(browser):
    assert refused(place(browser, raw=b'{"contact":"' + b"x" * 70_000 + b'"}')) == (413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_only_json_is_taken(browser, kind):
    assert refused(place(browser, **{"Content-Type": kind})) == (415, "unsupported_media_type")


def test_a_charset_beside_json_is_fine(browser):
    assert place(browser, **{"Content-Type": "Application/JSON; charset=utf-8"}).status_code == 201


def test_an_order_needs_a_key(browser):
    assert refused(place(browser, **{"Idempotency-Key": ""})) == (400, "idempotency_key_required")


@pytest.mark.parametrize(
    "bad", ["abc", "x" * 36, str(uuid.UUID(int=4 << 76 | 2 << 62)), key().replace("-", "")]
)
def test_a_key_that_is_no_uuid_of_version_seven_is_refused(browser, bad):
    assert refused(place(browser, **{"Idempotency-Key": bad})) == (400, "idempotency_key_invalid")


def test_the_second_the_key_was_made_travels_with_the_order(browser, store):
    place(browser, **{"Idempotency-Key": key(seconds_ago=90).upper()})
    assert (store.asks[0].key, store.asks[0].key_time) == (key(seconds_ago=90), fake.NOW - 90)


@pytest.mark.parametrize(
    "text", ["😀😀😀", "'; DROP TABLE orders;--", "<script>alert(1)</script>", "测试 联系"]
)
def test_any_printable_text_is_a_contact(browser, store, text):
    assert place(browser, {"contact": text}).status_code == 201
    assert store.asks[0].contact == text


def test_a_refusal_of_the_shop_keeps_its_code(browser, store):
    store.refusal = stock.SoldOut()
    assert refused(place(browser)) == (409, "sold_out")


def test_the_seconds_to_wait_are_a_header(browser, store):
    store.refusal = errors.TooMany(retry_after=42)
    answer = place(browser)
    assert refused(answer) == (429, "too_many")
    assert answer.headers["Retry-After"] == "42"


def test_a_failure_of_our_own_says_nothing_internal(browser, store, monkeypatch):
    monkeypatch.setattr(orders, "may_read", lambda *_args, **_more: 1 / 0)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-00"
    answer = browser.get(f"/api/v1/orders/{fake.NUMBER}", **KNOWN, traceparent=parent)
    assert refused(answer) == (500, "unexpected")
    assert b"ZeroDivision" not in answer.body
    assert json.loads(answer.body)["trace"] == answer.headers["X-Trace"] == trace


def test_an_order_shows_its_progress_and_all_its_codes_once_delivered(browser, store):
    codes = tuple(f"CODE{n:04}" for n in range(300))
    store.reach("delivered", "paid", "delivered", codes=codes)
    shown = json.loads(browser.get(f"/api/v1/orders/{fake.NUMBER}", **KNOWN).body)
    assert shown["status"] == "delivered"
    assert shown["progress"][0] == {"at": "2026-11-25T09:46:20Z", "what": "placed"}
    assert shown["codes"] == list(codes)


@pytest.mark.parametrize(
    ("number", "headers"),
    [
        (fake.NUMBER, {**KNOWN, "X-Contact": "someone"}),
        (fake.NUMBER, {**KNOWN, "X-Query-Password": "0000"}),
        (fake.NUMBER, {}),
        ("OTHR" + fake.NUMBER[4:], KNOWN),
        ("%F0%9F%98%80", KNOWN),
    ],
)
def test_whatever_is_wrong_is_the_same_404(browser, number, headers):
    answer = browser.get(f"/api/v1/orders/{number}", **headers)
    known = browser.get(f"/api/v1/orders/{fake.NUMBER}", **{**KNOWN, "X-Contact": "nobody"})
    assert refused(answer) == (404, "not_found")
    assert answer.body == known.body


def test_a_contact_in_chinese_survives_its_way_through_a_header(browser, store, monkeypatch):
    heard = []
    monkeypatch.setattr(
        orders, "may_read", lambda _s, _n, contact, _p, **_e: heard.append(contact) or store.order
    )
    for sent in ("微信 lili", "微信 lili".encode().decode("latin-1"), "café".encode().decode("latin-1"), "é"):
        browser.get(f"/api/v1/orders/{fake.NUMBER}", **{**KNOWN, "X-Contact": sent})
    assert heard == ["微信 lili", "微信 lili", "café", "é"]


def test_a_closed_shop_places_nothing(browser, store):
    store.site = replace(store.site, state="suspended")
    assert refused(place(browser)) == (503, "shop_closed")
    assert refused(browser.get("/api/v1/goods")) == (503, "shop_closed")


def test_the_main_site_sells_nothing(browser):
    assert refused(browser.get("/api/v1/goods", Host="main.localhost")) == (404, "not_found")


def test_health_is_that_of_what_selling_needs(browser, monkeypatch):
    assert browser.get("/healthz").status_code == 200

    def down(_site):
        raise errors.NotReady

    monkeypatch.setattr(fake.checkout, "health", down)
    assert refused(browser.get("/healthz")) == (503, "not_ready")


def test_the_states_of_a_refund_are_those_that_there_are():
    assert shapes.REFUND_STATES == settlement.REFUND_STATES
