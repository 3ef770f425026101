"""Both sides against SDKs by other hands: npm wechatpay-axios-plugin and the official alipay-sdk, and PyPI's two."""

import base64
import itertools
import json
import re
from urllib.parse import parse_qsl, urlsplit

import alipay as alipay_sdk
import pytest

from chalicelib.kit import clock, outbound
from sandbox import keys
from sandbox.faults import Plan
from sandbox.lab import speaker
from sandbox.notify import Notice
from tests.payments.gateways import sdks
from tests.payments.gateways.conftest import NOW, paid_trade
from tests.sandbox import shop as shops

COUNT = itertools.count(1)


@pytest.fixture
def order_no():
    return shops.order_no(next(COUNT))


@pytest.fixture
def at_sandbox(shop, keys_folder):
    return keys.settings(keys_folder, shop.address)


@pytest.fixture
def sent(monkeypatch):
    """What the gateways send, none of which arrives."""
    calls = []

    def call(method, url, *, headers, body=b"", **_):
        calls.append((method, urlsplit(url), headers, body))
        raise outbound.NotSent

    monkeypatch.setattr(outbound, "call", call)
    return calls


def later(shop, form, seconds=900):
    return clock.beijing(shop.clock() + seconds).strftime(form)


def wechat_order(shop, number, **changed):
    return {
        "appid": keys.APPID,
        "mchid": keys.MCHID,
        "description": "话费充值",
        "out_trade_no": number,
        "time_expire": clock.beijing(shop.clock() + 900).isoformat(),
        "notify_url": f"http://main.localhost:{shop.port}/hooks/wechat/m",
        "amount": {"total": 4950, "currency": "CNY"},
    } | changed


def test_wechat_s_sdk_orders_queries_refunds_and_closes(shop, at_sandbox, order_no):
    number, other = order_no + "1", order_no + "2"
    trade = f"v3/pay/transactions/out-trade-no/{number}"
    settings = at_sandbox["wechat"]
    opened, open_ = sdks.ask(
        "wechatCalls",
        settings=settings,
        calls=[
            ["POST", "v3/pay/transactions/native", wechat_order(shop, number)],
            ["GET", trade, {"mchid": keys.MCHID}],
        ],
    )
    assert "/cashier/wechat/" in opened["data"]["code_url"]
    assert open_["data"]["trade_state"] == "NOTPAY"
    shop.pay(order_no)
    ask = {"out_trade_no": number, "out_refund_no": f"{number}R1", "reason": "缺货"}
    amount = {"refund": 1000, "total": 4950, "currency": "CNY"}
    answers = sdks.ask(
        "wechatCalls",
        settings=settings,
        calls=[
            ["GET", trade, {"mchid": keys.MCHID}],
            ["POST", "v3/refund/domestic/refunds", ask | {"amount": amount}],
            ["GET", f"v3/refund/domestic/refunds/{number}R1", {}],
            ["POST", f"{trade}/close", {"mchid": keys.MCHID}],
            ["POST", "v3/pay/transactions/native", wechat_order(shop, other)],
            ["POST", f"v3/pay/transactions/out-trade-no/{other}/close", {"mchid": keys.MCHID}],
        ],
    )
    paid, asked, refunded, refused, again, closed = answers
    assert (paid["data"]["trade_state"], paid["data"]["amount"]["total"]) == ("SUCCESS", 4950)
    assert asked["data"]["out_refund_no"] == refunded["data"]["out_refund_no"] == f"{number}R1"
    assert refunded["data"]["status"] == "SUCCESS"
    assert (refused["status"], refused["data"]["code"]) == (400, "ORDERPAID")
    assert (again["status"], closed["status"]) == (200, 204)


def test_wechat_s_sdk_downloads_and_reads_a_bill(shop, at_sandbox, order_no):
    shop.open(order_no + "1")
    transaction_id = shop.pay(order_no)["transaction_id"]
    today = clock.day_of(shop.clock())
    asked = {"bill_date": f"{today[:4]}-{today[4:6]}-{today[6:]}", "bill_type": "ALL"}
    settings = at_sandbox["wechat"]
    (early,) = sdks.ask("wechatCalls", settings=settings, calls=[["GET", "v3/bill/tradebill", asked]])
    assert early["data"]["code"] == "NO_STATEMENT_EXIST"
    path = ["GET", "v3/billdownload/file", {"token": f"tradebill{today}"}]
    (file,) = sdks.ask("wechatCalls", settings=settings, calls=[path])
    read = sdks.ask("wechatBill", content=base64.b64encode(file["data"].encode()).decode())
    assert transaction_id in {row["微信订单号"] for row in read["rows"]}


def test_wechat_s_sdk_refuses_answers_under_another_key(shop, at_sandbox, order_no):
    settings = at_sandbox["wechat"]
    other = {keys.PUB_KEY_ID: at_sandbox["alipay"]["alipay_public_key_pem"]}
    path = f"v3/pay/transactions/out-trade-no/{order_no}1"
    shop.open(order_no + "1")
    (answer,) = sdks.ask(
        "wechatCalls",
        settings=settings | {"platform_keys": other},
        calls=[["GET", path, {"mchid": keys.MCHID}]],
    )
    assert "Verify the response's data" in answer["error"]


def test_wechat_s_sdk_reads_a_notification(plain, own):
    channel = speaker("wechat", own)
    headers, body = channel.compose(Notice(paid_trade("wechat")), Plan(), now=NOW)
    lower = {name.lower(): value for name, value in headers.items()}
    asked = {"settings": plain["wechat"], "headers": lower}
    read = sdks.ask("wechatNotice", **asked, body=body.decode())
    assert read["signed"] is True
    assert json.loads(read["plain"])["amount"]["total"] == 4950
    assert sdks.ask("wechatNotice", **asked, body=body.decode() + " ")["signed"] is False


def test_wechat_s_sdk_finds_our_requests_well_signed(wechat, own, sent):
    with pytest.raises(outbound.NotSent):
        wechat.query("DEMO0|*-_1", now=NOW)
    ((method, url, headers, body),) = sent
    given = dict(re.findall(r'(\w+)="([^"]*)"', headers["Authorization"]))
    asked = {
        "merchant_public_key": keys._public_pem(own.wechat_merchant),
        "method": method,
        "target": f"{url.path}?{url.query}",
        "body": body.decode(),
        "timestamp": given["timestamp"],
        "nonce": given["nonce_str"],
        "signature": given["signature"],
    }
    assert sdks.ask("wechatRequest", **asked) is True
    assert sdks.ask("wechatRequest", **asked | {"target": url.path}) is False


def test_alipay_s_sdk_orders_queries_and_refunds(shop, at_sandbox, order_no):
    number, settings = order_no + "1", at_sandbox["alipay"]
    query = ["alipay.trade.query", {"out_trade_no": number}]
    order = {
        "out_trade_no": number,
        "total_amount": "49.50",
        "subject": "话费充值 100%",
        "time_expire": later(shop, "%Y-%m-%d %H:%M:%S"),
    }
    unscanned, opened = sdks.ask(
        "alipayCalls", settings=settings, calls=[query, ["alipay.trade.precreate", order]]
    )
    assert unscanned["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert "/cashier/alipay/" in opened["qr_code"]
    shop.pay(order_no)
    part = {"out_trade_no": number, "refund_amount": "10.00", "out_request_no": f"{number}R1"}
    asked = ["alipay.trade.fastpay.refund.query", {"out_trade_no": number, "out_request_no": f"{number}R1"}]
    refund = ["alipay.trade.refund", part]
    paid, first, second, known = sdks.ask(
        "alipayCalls", settings=settings, calls=[query, refund, refund, asked]
    )
    assert (paid["trade_status"], paid["total_amount"]) == ("TRADE_SUCCESS", "49.50")
    assert (first["fund_change"], second["fund_change"]) == ("Y", "N")
    assert (known["refund_status"], known["refund_amount"]) == ("REFUND_SUCCESS", "10.00")


def test_alipay_s_sdk_refuses_answers_under_another_key(shop, at_sandbox, order_no):
    other = {"alipay_public_key_pem": at_sandbox["wechat"]["platform_keys"][keys.PUB_KEY_ID]}
    call = ["alipay.trade.query", {"out_trade_no": order_no}]
    (answer,) = sdks.ask("alipayCalls", settings=at_sandbox["alipay"] | other, calls=[call])
    assert "验签失败" in answer["error"]


def test_alipay_s_sdks_find_a_notification_well_signed(plain, own):
    _, body = speaker("alipay", own).compose(Notice(paid_trade("alipay")), Plan(), now=NOW)
    fields = dict(parse_qsl(body.decode()))
    assert both_alipay(plain["alipay"], fields) == [True, True]
    assert both_alipay(plain["alipay"], fields | {"total_amount": "0.01"}) == [False, False]


def test_alipay_s_sdk_finds_our_requests_well_signed(alipay, plain, own, sent):
    with pytest.raises(outbound.NotSent):
        alipay.refund(
            "DEMO1",
            out_refund_no="R1",
            amount_fen=5,
            total_fen=9,
            reason="缺货 100%&=+",
            asked_at=NOW,
            now=NOW,
        )
    ((_, _, _, body),) = sent
    fields = dict(parse_qsl(body.decode()))
    ours = plain["alipay"] | {"alipay_public_key_pem": keys._public_pem(own.alipay_app)}
    assert sdks.ask("alipaySigned", settings=ours, fields=fields) is True
    assert sdks.ask("alipaySigned", settings=ours, fields=fields | {"timestamp": "1"}) is False


def both_alipay(settings, fields):
    """The verdicts of the official SDK and of PyPI's."""
    client = alipay_sdk.AliPay(
        appid=settings["app_id"],
        app_private_key_string=settings["private_key_pem"],
        alipay_public_key_string=settings["alipay_public_key_pem"],
    )
    signed = {name: value for name, value in fields.items() if name != "sign"}
    official = sdks.ask("alipaySigned", settings=settings, fields=fields)
    return [official, client.verify(signed, fields["sign"])]
