"""Purchases through the faces with everything behind them real; the channel is the tests' own."""

import json
from urllib.parse import urlencode

import pytest
from chalice.test import Client

import app
from chalicelib.kit import tenant
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import registry
from chalicelib.tenancy.model import SiteRow
from tests import make
from tests.web.storefront.fake import Browser
from tests.web.storefront.markup import read

HOST = "demo.cardmesh.test"


@pytest.fixture
def browser(shop):
    return Browser(Client(app.app), HOST)


def fill(browser, shop, **changes):
    """The checkout form filled in and sent."""
    key = read(browser.get(f"/buy/{shop.goods_id}")).all("input", name="key")[0]["value"]
    given = {"key": key, "quantity": 2, "contact": "微信 lili", "query_password": "4321", "channel": "wechat"}
    given["waiver"] = 1
    return browser.post(f"/buy/{shop.goods_id}", urlencode({**given, **changes}).encode())


def test_a_guest_buys_watches_and_finds_the_codes_again_elsewhere(world, shop, browser):
    assert "Steam" in read(browser.get("/")).text
    placed = fill(browser, shop)
    number = placed.headers["Location"].rpartition("/")[2]
    assert 'class="qr"' in browser.get(f"/pay/{number}").body.decode()

    shop.pay(shop.order(number))
    assert browser.get(f"/pay/{number}").headers["Location"] == f"/orders/{number}"
    assert "已付款，正在出卡" in read(browser.get(f"/orders/{number}")).text

    world.run("fulfil", "settle")
    codes = browser.get(f"/orders/{number}/codes").body.decode().split()
    assert len(set(codes)) == 2
    shown = read(browser.get(f"/orders/{number}"))
    assert "Redeem at the desk." in shown.text
    assert shown.faults() == []

    elsewhere = Browser(Client(app.app), HOST)
    assert elsewhere.get(f"/orders/{number}").status_code == 404
    wrong = urlencode({"number": number, "contact": "微信 lili", "query_password": "1234"}).encode()
    assert elsewhere.post("/orders", wrong).status_code == 404
    right = urlencode({"number": number.lower(), "contact": " 微信 LILI", "query_password": "4321"}).encode()
    assert elsewhere.post("/orders", right).headers["Location"] == f"/orders/{number}"
    assert elsewhere.get(f"/orders/{number}/codes").body.decode().split() == codes


def test_a_shop_that_moves_says_so_and_can_still_be_looked_at(shop, browser):
    order = shop.place()
    registry.change(shop.site, [SiteRow.moving.set("closing")])
    refused = fill(browser, shop)
    assert (refused.status_code, "本店正在搬迁" in read(refused).text) == (503, True)
    assert read(refused).faults() == []
    assert browser.get("/").status_code == 200
    assert shop.order(order.number).status == "pending"


@pytest.fixture
def bought(world, shop, browser):
    """The number of an order of two codes, delivered."""
    number = fill(browser, shop).headers["Location"].rpartition("/")[2]
    shop.pay(shop.order(number))
    world.run("fulfil", "settle")
    return number


def ask_back(browser, number, **wish):
    return browser.post(f"/orders/{number}/refunds", urlencode({"reason": "打不开", **wish}).encode())


def test_a_shopper_asks_for_money_back_and_sees_what_became_of_it(world, shop, browser, bought):
    before = browser.get(f"/orders/{bought}").body.decode()
    assert "申请退款" in before
    assert ask_back(browser, bought, pieces="1").headers["Location"] == f"/orders/{bought}#refunds"
    shown = read(browser.get(f"/orders/{bought}"))
    assert "已申请，等店家决定" in shown.text
    assert "申请退款" not in shown.text
    assert shown.faults() == []
    with tenant.acting_for(shop.site):
        settlement.agree(shop.order(bought), 2, by="demo:owner", now=world.now)
    world.run("refund")
    assert "已退回" in read(browser.get(f"/orders/{bought}")).text
    ask_back(browser, bought, reason="全退")
    with tenant.acting_for(shop.site):
        settlement.reject(shop.order(bought), 3, "已经兑换", by="demo:owner", now=world.now)
    assert "店家答复：已经兑换" in read(browser.get(f"/orders/{bought}")).text
    headers = {"X-Contact": "微信 lili".encode().decode("latin-1"), "X-Query-Password": "4321"}
    seen = json.loads(browser.get(f"/api/v1/orders/{bought}", **headers).body)["refunds"]
    assert [(one["amount_fen"], one["status"], one["reason"]) for one in seen] == [
        (4950, "success", "打不开"),
        (4950, "rejected", "全退"),
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": " "}, "请写下退款的原因"),
        ({"pieces": "x"}, "请写下退款的原因"),
        ({"pieces": "3"}, "退不了这么多"),
        ({"pieces": "1234567"}, "请写下退款的原因"),
    ],
)
def test_a_request_that_cannot_be_is_refused_and_keeps_what_was_typed(browser, shop, bought, typed, said):
    answer = ask_back(browser, bought, **typed)
    assert answer.status_code in (400, 422)
    assert said in read(answer).text
    assert shop.order(bought).refunds == 0


def test_requests_for_an_order_are_few_and_its_holders_alone(browser, bought):
    assert ask_back(Browser(Client(app.app), HOST), bought).status_code == 404
    for _ in range(5):
        ask_back(browser, bought, reason="")
    assert ask_back(browser, bought).status_code == 429


def test_an_order_refunded_in_full_shows_no_codes_any_more(world, shop, browser, bought):
    with tenant.acting_for(shop.site):
        order = shop.order(bought)
        settlement.give(order, settlement.Wish("坏了", fen=9900), by="demo:owner", seen=0, now=world.now)
    world.run("refund")
    shown = read(browser.get(f"/orders/{bought}")).text
    assert "卡密已收回" in shown
    assert browser.get(f"/orders/{bought}/codes").status_code == 404


def test_a_form_sent_twice_is_one_order_and_a_form_of_another_shop_is_none(world, shop, browser):
    key = read(browser.get(f"/buy/{shop.goods_id}")).all("input", name="key")[0]["value"]
    places = {fill(browser, shop, key=key).headers["Location"] for _ in range(3)}
    assert len(places) == 1
    assert shop.free() == 8
    forged = fill(browser, shop, key=str(key)[:-1] + "-")
    assert forged.status_code == 400
    assert shop.free() == 8


def test_a_shopper_changes_the_channel_and_the_order_stays(shop, browser):
    number = fill(browser, shop).headers["Location"].rpartition("/")[2]
    assert browser.post(f"/pay/{number}", b"channel=alipay").status_code == 303
    assert "支付宝" in read(browser.get(f"/pay/{number}")).text
    assert shop.order(number).channel == "alipay"


def test_a_member_signs_up_buys_and_sees_the_history_and_a_namesake_of_another_shop_does_not(
    world, shop, browser
):
    entered = urlencode({"login": "lili", "password": "correct horse", "next": "/"}).encode()
    assert browser.post("/signup", entered).headers["Location"] == "/"
    number = fill(browser, shop).headers["Location"].rpartition("/")[2]
    browser.cookies.pop("receipts")
    shown = read(browser.get("/orders"))
    assert shown.all("a", href=f"/orders/{number}")
    assert browser.get(f"/orders/{number}").status_code == 200

    make.make_site(world, "campus")
    other = Browser(Client(app.app), "campus.cardmesh.test")
    other.cookies = dict(browser.cookies)
    assert "我的订单" not in read(other.get("/orders")).all("h1")
    assert other.get(f"/orders/{number}").status_code == 404

    token = shown.all("input", name="form_token")[0]["value"]
    assert browser.post("/logout", f"form_token={token}".encode()).status_code == 303
    assert browser.get(f"/orders/{number}").status_code == 404


def test_the_last_pieces_sell_out_with_a_sentence(shop, browser):
    assert fill(browser, shop, quantity=10).status_code == 303
    answer = fill(browser, shop, quantity=1)
    assert answer.status_code == 409
    assert "库存不够了，没有扣款" in read(answer).text


def test_a_programme_buys_by_the_contract(world, shop, browser):
    asked = {
        "goods_id": shop.goods_id,
        "quantity": 1,
        "contact": "😀 bot; DROP TABLE orders",
        "query_password": "pass 1234",
        "channel": "alipay",
        "return_waiver": 1,
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": make.uuid7(world.now)}
    body = json.dumps(asked).encode()
    first, again = (browser.post("/api/v1/orders", body, **headers) for _ in range(2))
    placed = json.loads(first.body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert json.loads(again.body) == placed
    assert again.headers["Idempotent-Replayed"] == "true"
    changed = browser.post("/api/v1/orders", body.replace(b"1234", b"9999"), **headers)
    assert (changed.status_code, json.loads(changed.body)["code"]) == (422, "idempotency_mismatch")

    shop.pay(shop.order(placed["order_no"]))
    world.run("fulfil", "settle")
    known = {
        "X-Contact": "😀 bot; DROP TABLE orders".encode().decode("latin-1"),
        "X-Query-Password": "pass 1234",
    }
    read_back = json.loads(browser.get(f"/api/v1/orders/{placed['order_no']}", **known).body)
    assert (read_back["status"], read_back["amount_fen"], len(read_back["codes"])) == ("delivered", 4950, 1)
    assert [step["what"] for step in read_back["progress"]][-1] == "delivered"


@pytest.mark.parametrize("seconds", [-86_500, 400])
def test_a_key_too_old_or_from_the_future_is_refused(world, shop, browser, seconds):
    headers = {"Content-Type": "application/json", "Idempotency-Key": make.uuid7(world.now + seconds)}
    asked = {
        "goods_id": shop.goods_id,
        "quantity": 1,
        "contact": "abc",
        "query_password": "4321",
        "channel": "wechat",
        "return_waiver": 1,
    }
    answer = browser.post("/api/v1/orders", json.dumps(asked).encode(), **headers)
    assert (answer.status_code, json.loads(answer.body)["code"]) == (400, "idempotency_key_invalid")


def test_stock_and_prices_are_listed_and_health_is_up(shop, browser):
    (listed,) = json.loads(browser.get("/api/v1/goods").body)["goods"]
    assert (listed["price_fen"], listed["stock"]) == (4950, 10)
    assert browser.get("/healthz").status_code == 200
    with tenant.acting_for(shop.site):
        assert shop.free() == 10
