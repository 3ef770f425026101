"""The gateways against the sandbox over real HTTP, and independent SDKs against the sandbox."""

import itertools
from datetime import timedelta

import alipay as alipay_sdk
import pytest
import wechatpayv3
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.kit import clock
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from sandbox import keys
from tests.sandbox import shop as shops

COUNT = itertools.count(1)
CHANNELS = pytest.mark.parametrize("channel", ["wechat", "alipay", "unionpay", "ecny"])
CALLED = pytest.mark.parametrize("channel", ["wechat", "alipay", "ecny"])  # to open a trade


@pytest.fixture
def order_no():
    return shops.order_no(next(COUNT))


def refund(shop, channel, number, amount=1000, **changed):
    asked = {
        "out_refund_no": f"{number}R1",
        "amount_fen": amount,
        "total_fen": 4950,
        "reason": "缺货",
        "asked_at": orders.time_of(number),
    } | changed
    return shop.gateways[channel].refund(number, now=shop.clock(), **asked)


def state_of(shop, channel, number, refund_no):
    asked = {"asked_at": orders.time_of(number), "now": shop.clock()}
    return shop.gateways[channel].query_refund(number, refund_no, **asked).state


@CHANNELS
@pytest.mark.parametrize(("device", "kind"), [("pc", "qr"), ("mobile", "redirect")])
def test_a_link_is_opened_paid_announced_and_confirmed(shop, order_no, channel, device, kind):
    gateway, number = shop.gateways[channel], order_no + "1"
    link = shop.open(number, channel, device=device)
    page = shop.visit(link)
    assert link.kind == ("form" if channel == "unionpay" else kind)
    assert "49.50" in page.text
    assert gateway.query(number, now=shop.clock()) is None
    receipt = shop.pay(order_no)
    (told,) = shop.payments
    asked = gateway.query(number, now=shop.clock())
    assert [told.transaction_id, asked.transaction_id] == [receipt["transaction_id"]] * 2
    assert (told.amount_fen, told.merchant, told.app) == (4950, gateway.merchant, gateway.app)
    assert (told.amount_fen, told.paid_at, told.currency) == (asked.amount_fen, asked.paid_at, asked.currency)
    assert [sent["status"] for sent in receipt["notifications"]] == [200]


def test_a_pc_may_go_to_alipay_s_own_page(shop, keys_folder, order_no):
    plain = keys.settings(keys_folder, shop.address)["alipay"]
    gateway = gateways.GATEWAYS["alipay"](plain | {"pc_page": True})
    link = gateway.create(shop.charge(order_no + "1", "alipay"), now=shop.clock())
    assert (link.kind, "alipay.trade.page.pay" in link.payload) == ("redirect", True)
    assert "49.50" in shop.visit(link).text
    shop.pay(order_no)
    assert shop.payments[0].amount_fen == 4950


@CALLED
def test_a_phone_finds_its_way_back_to_the_shop(shop, order_no, channel):
    back = "http://demo.localhost:8000/orders/1?a=1&b=2"
    link = shop.open(order_no + "1", channel, device="mobile", return_url=back)
    page = shop.web.get(link.payload, follow_redirects=True)
    paid = shop.web.post(page.url, follow_redirects=True)
    assert 'href="http://demo.localhost:8000/orders/1?a=1&amp;b=2"' in paid.text
    assert len(shop.payments) == 1


@CHANNELS
def test_the_same_charge_again_gives_the_same_link(shop, order_no, channel):
    charge = shop.charge(order_no + "1", channel)
    first, second = (shop.gateways[channel].create(charge, now=shop.clock()) for _ in range(2))
    assert first == second


@CALLED
def test_the_same_number_with_another_amount_is_declined(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    with pytest.raises(gateways.Declined):
        shop.open(order_no + "1", channel, amount_fen=1)


@CALLED
def test_a_paid_number_can_not_be_charged_again(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    shop.pay(order_no)
    with pytest.raises(gateways.Declined):
        shop.open(order_no + "1", channel)


@CALLED
def test_a_closed_trade_can_not_be_paid(shop, order_no, channel):
    link = shop.open(order_no + "1", channel)
    shop.web.get(link.payload)
    assert shop.gateways[channel].close(order_no + "1", now=shop.clock()) is True
    assert shop.gateways[channel].close(order_no + "1", now=shop.clock()) is True
    assert shop.post("/pay", {"order_no": order_no}).status_code == 409
    assert "无法支付" in shop.visit(link).text
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock()) is None


@CHANNELS
def test_closing_a_paid_trade_says_that_it_was_paid(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    shop.pay(order_no)
    assert shop.gateways[channel].close(order_no + "1", now=shop.clock()) is False


@CHANNELS
def test_closing_an_unknown_trade_is_closed(shop, order_no, channel):
    assert shop.gateways[channel].close(order_no + "1", now=shop.clock()) is True


@CHANNELS
def test_an_expired_trade_is_closed(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    shop.clock.ahead = 901
    assert shop.post("/pay", {"order_no": order_no}).status_code == 409
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock()) is None
    assert shop.gateways[channel].close(order_no + "1", now=shop.clock()) is True


@CHANNELS
def test_a_closed_trade_is_paid_if_it_is_planned_so(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    shop.gateways[channel].close(order_no + "1", now=shop.clock())
    shop.clock.ahead = 901
    shop.sandbox.faults.set({"pay_after_close": True})
    shop.pay(order_no)
    assert shop.payments[0].out_trade_no == order_no + "1"
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock())


@CHANNELS
def test_refunds_move_money_once_per_number_and_never_more_than_was_paid(shop, order_no, channel):
    number = order_no + "1"
    shop.open(number, channel)
    shop.pay(order_no)
    assert [refund(shop, channel, number).state for _ in range(3)] == ["success"] * 3
    assert state_of(shop, channel, number, f"{number}R1") == "success"
    assert state_of(shop, channel, number, f"{number}R2") == "unknown"
    with pytest.raises(gateways.Declined):
        refund(shop, channel, number, amount=999)
    with pytest.raises(gateways.Declined):
        refund(shop, channel, number, amount=3951, out_refund_no=f"{number}R2")
    assert refund(shop, channel, number, amount=3950, out_refund_no=f"{number}R2").state == "success"
    (trade,) = [row for row in shop.books()["trades"] if row["out_trade_no"] == number]
    assert [part["amount_fen"] for part in trade["refunds"]] == [1000, 3950]


@CHANNELS
def test_an_unpaid_trade_is_not_refunded(shop, order_no, channel):
    shop.visit(shop.open(order_no + "1", channel))
    with pytest.raises(gateways.Declined):
        refund(shop, channel, order_no + "1")


@CHANNELS
def test_a_refund_on_its_way_arrives_once_the_plan_is_cleared(shop, order_no, channel):
    number = order_no + "1"
    shop.open(number, channel)
    shop.pay(order_no)
    shop.sandbox.faults.set({"refund": "processing"})
    assert refund(shop, channel, number).state in {"processing", "unknown"}
    assert state_of(shop, channel, number, f"{number}R1") in {"processing", "unknown"}
    shop.sandbox.faults.set({})
    assert state_of(shop, channel, number, f"{number}R1") == "success"


@CHANNELS
def test_an_abnormal_refund_stays_so(shop, order_no, channel):
    number = order_no + "1"
    shop.open(number, channel)
    shop.pay(order_no)
    shop.sandbox.faults.set({"refund": "abnormal"})
    refund(shop, channel, number)
    shop.sandbox.faults.set({})
    expected = {"wechat": "abnormal", "alipay": "unknown", "unionpay": "closed", "ecny": "abnormal"}
    assert state_of(shop, channel, number, f"{number}R1") == expected[channel]


@CHANNELS
def test_a_failing_refund_is_declined(shop, order_no, channel):
    shop.open(order_no + "1", channel)
    shop.pay(order_no)
    shop.sandbox.faults.set({"refund": "fail"})
    with pytest.raises(gateways.Declined):
        refund(shop, channel, order_no + "1")


@CALLED
def test_a_stranger_is_declined(shop, keys_folder, order_no, channel):
    plain = keys.settings(keys_folder, shop.address)[channel]
    pem = keys._private_pem(rsa.generate_private_key(65537, 2048)).decode()
    stranger = gateways.GATEWAYS[channel](plain | {"private_key_pem": pem})
    with pytest.raises(gateways.Declined) as refusal:
        stranger.create(shop.charge(order_no + "1", channel), now=shop.clock())
    assert refusal.value.code in {"SIGN_ERROR", "isv.invalid-signature", "BAD_SIGN"}


def test_unionpay_s_front_page_refuses_what_does_not_fit(shop, keys_folder, order_no):
    def refusal(gateway, **changed):
        charge = shop.charge(order_no + "1", "unionpay", **changed)
        page = shop.visit(gateway.create(charge, now=shop.clock()))
        return page.status_code, page.text

    plain, ours = keys.settings(keys_folder, shop.address)["unionpay"], shop.gateways["unionpay"]
    pem = keys._private_pem(rsa.generate_private_key(65537, 2048)).decode()
    stranger = gateways.GATEWAYS["unionpay"](plain | {"private_key_pem": pem})
    assert refusal(stranger) == (400, "验证签名失败[9100011]")
    assert refusal(ours, notify_url="") == (400, "报文格式错误[9100010]")
    assert refusal(ours, expires_at=shop.clock()) == (400, "交易不在受理时间范围内[9100039]")
    assert refusal(ours)[0] == 200
    assert refusal(ours, amount_fen=1) == (400, "重复交易[9100012]")
    shop.pay(order_no)
    assert refusal(ours) == (400, "重复交易[9100012]")
    with pytest.raises(gateways.Declined) as declined:
        stranger.query(order_no + "1", now=shop.clock())
    assert declined.value.code == "11"


def test_after_paying_at_unionpay_the_browser_posts_its_way_back(shop, order_no):
    back = "http://demo.localhost:8000/orders/1?a=1&b=2"
    page = shop.visit(shop.open(order_no + "1", "unionpay", return_url=back))
    paid = shop.web.post(page.url, follow_redirects=True)
    assert '<form method="post" action="http://demo.localhost:8000/orders/1?a=1&amp;b=2">' in paid.text
    assert f'name="orderId" value="{order_no}1"' in paid.text
    assert len(shop.payments) == 1


def test_a_late_clock_is_declined_by_wechat(shop, order_no):
    with pytest.raises(gateways.Declined):
        shop.gateways["wechat"].create(shop.charge(order_no + "1"), now=shop.clock() - 301)


def test_an_unscanned_alipay_code_is_no_trade_yet(shop, order_no):
    gateway = shop.gateways["alipay"]
    link = shop.open(order_no + "1", "alipay")
    ask = {"out_trade_no": order_no + "1"}
    with pytest.raises(gateways.Declined) as refusal:
        gateway.call("alipay.trade.query", ask, now=shop.clock())
    assert refusal.value.code == "ACQ.TRADE_NOT_EXIST"
    shop.web.get(link.payload)
    assert gateway.call("alipay.trade.query", ask, now=shop.clock())["trade_status"] == "WAIT_BUYER_PAY"


def test_an_independent_wechat_client_orders_queries_and_closes(shop, keys_folder, order_no):
    plain = keys.settings(keys_folder, shop.address)["wechat"]
    client = wechatpayv3.WeChatPay(
        wechatpay_type=wechatpayv3.WeChatPayType.NATIVE,
        mchid=plain["mchid"],
        private_key=plain["private_key_pem"],
        cert_serial_no=plain["serial"],
        appid=plain["appid"],
        apiv3_key=plain["api_v3_key"],
        notify_url="http://main.localhost:9/hooks",
        public_key=plain["platform_keys"][keys.PUB_KEY_ID],
        public_key_id=keys.PUB_KEY_ID,
    )
    client._core._gate_way = shop.address
    number = order_no + "1"
    code, text = client.pay(description="卡", out_trade_no=number, amount={"total": 100, "currency": "CNY"})
    assert (code, "code_url" in text) == (200, True)
    code, text = client.query(out_trade_no=number)
    assert (code, "NOTPAY" in text) == (200, True)
    assert client.close(out_trade_no=number)[0] == 204


def test_an_independent_alipay_client_orders_and_queries(shop, keys_folder, order_no, monkeypatch):
    plain = keys.settings(keys_folder, shop.address)["alipay"]
    client = alipay_sdk.AliPay(
        appid=plain["app_id"],
        app_private_key_string=plain["private_key_pem"],
        alipay_public_key_string=plain["alipay_public_key_pem"],
    )
    client._gateway = f"{shop.address}/gateway.do"
    expires = clock.beijing(shop.clock()) + timedelta(minutes=15)
    answer = client.api_alipay_trade_precreate(
        subject="卡",
        out_trade_no=order_no + "1",
        total_amount="1.00",
        time_expire=f"{expires:%Y-%m-%d %H:%M:%S}",
    )
    assert shop.web.get(answer["qr_code"]).status_code == 200
    assert client.api_alipay_trade_query(out_trade_no=order_no + "1")["trade_status"] == "WAIT_BUYER_PAY"
