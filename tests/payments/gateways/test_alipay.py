import json
from urllib.parse import parse_qsl, urlencode

import alipay as sdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from sandbox import keys
from sandbox.alipay import Alipay, _joined
from sandbox.books import Refund
from sandbox.faults import Plan
from sandbox.notify import Notice
from tests.payments.gateways.conftest import NOW, paid_trade
from tests.payments.gateways.test_wechat import JSON


@pytest.fixture(scope="session")
def channel(own):
    return Alipay(own, books=None, faults=None, cashier=lambda trade: trade.token, tell=lambda _: None)


@pytest.fixture(scope="session")
def notification(channel):
    return channel.compose(Notice(paid_trade("alipay")), Plan(), now=NOW)[1]


def form(channel, fields: dict[str, str], **changed: str) -> bytes:
    """A genuine form with any fields."""
    return urlencode(
        fields | {"sign_type": "RSA2", "sign": channel._sign(_joined(fields))} | changed
    ).encode()


def fields(notification: bytes, **changed: str | None) -> dict[str, str]:
    given = {k: v for k, v in parse_qsl(notification.decode()) if k not in {"sign", "sign_type"}} | changed
    return {name: value for name, value in given.items() if value is not None}


def forged(alipay, body) -> str:
    with pytest.raises(gateways.Forged) as refusal:
        alipay.parse_notify({}, body, now=NOW)
    return refusal.value.reason


def answered(monkeypatch, body, status=200):
    monkeypatch.setattr(outbound, "call", lambda *_, **__: outbound.Reply(status, {}, body))


def a_charge(device="pc"):
    return gateways.Charge("DEMO01", 4950, "a/b=c&d", NOW + 900, "http://main.localhost/h", device)


def test_a_genuine_notification_tells_its_payment(alipay, notification):
    trade = paid_trade("alipay")
    assert alipay.parse_notify({}, notification, now=NOW) == gateways.Payment(
        channel="alipay",
        merchant=keys.SELLER_ID,
        app=keys.APP_ID,
        out_trade_no=trade.out_trade_no,
        transaction_id=trade.transaction_id,
        amount_fen=4950,
        currency="CNY",
        paid_at=NOW - 5,
        event_id=dict(parse_qsl(notification.decode()))["notify_id"],
    )


def test_an_independent_sdk_believes_the_same_notification(plain, notification):
    settings = plain["alipay"]
    client = sdk.AliPay(
        appid=settings["app_id"],
        app_private_key_string=settings["private_key_pem"],
        alipay_public_key_string=settings["alipay_public_key_pem"],
    )
    given = dict(parse_qsl(notification.decode()))
    sign = given.pop("sign")
    assert client.verify(dict(given), sign)
    assert not client.verify(given | {"total_amount": "0.01"}, sign)


def test_a_changed_byte_is_forged_or_only_another_spelling_of_the_same_form(alipay, notification):
    genuine = alipay.parse_notify({}, notification, now=NOW)
    before, accepted = parse_qsl(notification.decode()), 0
    for place in range(len(notification)):
        for bit in (1, 0x20, 0x80):
            changed = notification[:place] + bytes([notification[place] ^ bit]) + notification[place + 1 :]
            try:
                told = alipay.parse_notify({}, changed, now=NOW)
            except gateways.Forged:
                continue
            assert told == genuine
            assert parse_qsl(changed.decode()) == before
            accepted += 1
    assert accepted < len(notification) / 5


@pytest.mark.parametrize(
    "name", ["total_amount", "out_trade_no", "seller_id", "app_id", "trade_status", "sign"]
)
def test_a_changed_missing_or_empty_field_is_forged(alipay, notification, name):
    given = dict(parse_qsl(notification.decode()))
    forged(alipay, urlencode(given | {name: given[name] + "0"}).encode())
    forged(alipay, urlencode(given | {name: ""}).encode())
    forged(alipay, urlencode({k: v for k, v in given.items() if k != name}).encode())


def test_an_added_field_is_forged(alipay, notification):
    forged(alipay, notification + b"&refund_fee=0.00")


def test_a_field_that_comes_twice_is_forged(alipay, notification):
    given = dict(parse_qsl(notification.decode()))
    for name, value in given.items():
        assert "twice" in forged(alipay, notification + b"&" + urlencode({name: value}).encode())


def test_a_signature_over_the_sign_type_is_forged(alipay, channel, notification):
    told = fields(notification) | {"sign_type": "RSA2"}
    forged(alipay, urlencode(told | {"sign": channel._sign(_joined(told))}).encode())


@pytest.mark.parametrize("kind", ["RSA", "", "rsa2", "HMAC"])
def test_another_kind_of_signature_is_forged(alipay, channel, notification, kind):
    forged(alipay, form(channel, fields(notification), sign_type=kind))


def test_a_bad_signature_of_the_sandbox_is_forged(alipay, channel):
    forged(alipay, channel.compose(Notice(paid_trade("alipay")), Plan(bad_signature=True), now=NOW)[1])


def test_the_form_is_decoded_once(alipay, channel, notification):
    body = form(channel, fields(notification, subject="%E5%8D%A1 100%25 + 1"))
    assert alipay.parse_notify({}, body, now=NOW)


@pytest.mark.parametrize("status", ["TRADE_CLOSED", "WAIT_BUYER_PAY", ""])
def test_another_state_is_no_payment(alipay, channel, notification, status):
    assert alipay.parse_notify({}, form(channel, fields(notification, trade_status=status)), now=NOW) is None


@pytest.mark.parametrize(
    ("fee", "is_payment"), [("0.00", True), ("", True), ("0.01", False), ("49.50", False)]
)
@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_a_success_with_a_refund_fee_is_no_payment(alipay, channel, notification, fee, is_payment, status):
    body = form(channel, fields(notification, refund_fee=fee, trade_status=status))
    assert bool(alipay.parse_notify({}, body, now=NOW)) is is_payment


@pytest.mark.parametrize("amount", [4950, 1000])
def test_a_refund_of_a_part_or_the_whole_is_told_as_such(alipay, channel, amount):
    trade = paid_trade("alipay")
    trade.refunds.append(Refund("R1", amount, "success", NOW))
    body = channel.compose(Notice(trade, trade.refunds[0]), Plan(), now=NOW)[1]
    told = alipay.parse_notify({}, body, now=NOW)
    assert isinstance(told, gateways.RefundNotice)
    assert (told.out_trade_no, told.refund) == (trade.out_trade_no, gateways.Refund("R1", "success"))


@pytest.mark.parametrize(
    "changed",
    [
        {"total_amount": "49.505"},
        {"total_amount": "-1"},
        {"total_amount": "4e3"},
        {"total_amount": None},
        {"gmt_payment": "2026-13-01 00:00:00"},
        {"gmt_payment": None},
        {"seller_id": None},
        {"trade_no": None},
        {"notify_id": None},
        {"refund_fee": "some"},
    ],
    ids=str,
)
def test_a_genuine_payment_with_a_wrong_field_is_refused(alipay, channel, notification, changed):
    forged(alipay, form(channel, fields(notification, **changed)))


@settings(deadline=None)
@given(body=st.binary(max_size=300))
def test_any_bytes_are_forged(alipay, body):
    forged(alipay, body)


@settings(deadline=None)
@given(changed=st.dictionaries(st.sampled_from(["total_amount", "gmt_payment", "refund_fee"]), st.text()))
def test_any_text_under_a_true_signature_is_read_or_refused(alipay, channel, notification, changed):
    try:
        payment = alipay.parse_notify({}, form(channel, fields(notification, **changed)), now=NOW)
    except gateways.Forged:
        return
    assert payment is None or payment.amount_fen >= 0


def test_a_phone_gets_a_signed_page_without_any_call(alipay):
    link = alipay.create(a_charge("mobile"), now=NOW)
    given = dict(parse_qsl(link.payload.partition("?")[2]))
    ask = json.loads(given["biz_content"])
    assert link.kind == "redirect"
    assert given["timestamp"] == "2026-11-22 17:41:42"
    assert (ask["total_amount"], ask["subject"]) == ("49.50", "a b c d")


def test_the_signature_covers_the_exact_text_of_an_answer(alipay, channel, monkeypatch):
    text = '{ "code" : "10000", "qr_code":"https:\\/\\/qr\\u002ex", "n":1.0}'
    sign = channel._sign(text.encode())
    answered(monkeypatch, f'{{"alipay_trade_precreate_response" : {text} , "sign":"{sign}"}}'.encode())
    assert alipay.create(a_charge(), now=NOW).payload == "https://qr.x"


@pytest.mark.parametrize("place", range(0, 60, 3))
def test_a_changed_answer_is_unknown(alipay, channel, monkeypatch, place):
    body = bytearray(channel._reply("alipay.trade.precreate", {"code": "10000", "qr_code": "x" * 40}).body)
    body[place] ^= 1
    answered(monkeypatch, bytes(body))
    with pytest.raises(outbound.Unknown):
        alipay.create(a_charge(), now=NOW)


def test_an_answer_to_another_question_is_unknown(alipay, channel, monkeypatch):
    answered(monkeypatch, channel._reply("alipay.trade.query", {"code": "10000", "qr_code": "x"}).body)
    with pytest.raises(outbound.Unknown):
        alipay.create(a_charge(), now=NOW)


def test_an_unsigned_refusal_is_unknown(alipay, monkeypatch):
    answered(monkeypatch, b'{"alipay_trade_precreate_response":{"code":"40004","sub_code":"ACQ.X"}}')
    with pytest.raises(outbound.Unknown):
        alipay.create(a_charge(), now=NOW)


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        ("20000", "isp.unknow-error", outbound.Unknown),
        ("40004", "ACQ.SYSTEM_ERROR", outbound.Unknown),
        ("40004", "aop.ACQ.SYSTEM_ERROR", outbound.Unknown),
        ("10003", "", outbound.Unknown),
        ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", gateways.Declined),
        ("40002", "isv.invalid-signature", gateways.Declined),
    ],
)
def test_only_a_definite_refusal_is_one(alipay, channel, monkeypatch, code, reason, expected):
    refusal = channel._reply("alipay.trade.refund", {"code": code, "sub_code": reason, "sub_msg": "余额不足"})
    answered(monkeypatch, refusal.body)
    with pytest.raises(expected):
        alipay.refund("D1", out_refund_no="R1", amount_fen=1, total_fen=1, reason="", asked_at=NOW, now=NOW)


@settings(deadline=None)
@given(body=st.binary(max_size=100), content=JSON, status=st.sampled_from([200, 200, 302, 404, 500]))
def test_any_answer_is_read_unknown_or_a_refusal(alipay, channel, body, content, status):
    genuine = json.dumps(content)
    texts = [body, genuine.encode()]
    texts.append(
        f'{{"alipay_trade_precreate_response":{genuine},"sign":"{channel._sign(genuine.encode())}"}}'.encode()
    )
    with pytest.MonkeyPatch.context() as patch:
        for text in texts:
            answered(patch, text, status)
            with pytest.raises((outbound.Unknown, gateways.Declined)):
                alipay.create(a_charge(), now=NOW)


@pytest.mark.parametrize("text", ['{"x":"\\"alipay_trade_precreate_response\\":{"', "[" * 100_000])
def test_a_strange_answer_is_unknown(alipay, monkeypatch, text):
    answered(monkeypatch, f'{text}","sign":"AAAA"}}'.encode())
    with pytest.raises(outbound.Unknown):
        alipay.create(a_charge(), now=NOW)


def test_it_answers_with_one_word(alipay):
    assert alipay.ack()[0::2] == (200, "success")
    assert alipay.nack("why")[0::2] == (400, "failure")


def reply(channel, monkeypatch, method: str, **content: str) -> None:
    answered(monkeypatch, channel._reply(method, {"code": "10000"} | content).body)


@pytest.mark.parametrize(
    "changed",
    [{"out_trade_no": "OTHER"}, {"total_amount": "49,5"}, {"send_pay_date": "today"}, {"trade_no": 7}],
    ids=str,
)
def test_a_paid_trade_with_a_wrong_field_is_unknown(alipay, channel, monkeypatch, changed):
    paid = {"out_trade_no": "DEMO1", "trade_status": "TRADE_SUCCESS", "trade_no": "1"}
    paid |= {"total_amount": "49.50", "send_pay_date": "2026-11-22 17:41:42"}
    reply(channel, monkeypatch, "alipay.trade.query", **paid)
    assert alipay.query("DEMO1", now=NOW).amount_fen == 4950
    reply(channel, monkeypatch, "alipay.trade.query", **(paid | changed))
    with pytest.raises(outbound.Unknown):
        alipay.query("DEMO1", now=NOW)


@pytest.mark.parametrize(
    "method", ["alipay.trade.query", "alipay.trade.close", "alipay.trade.fastpay.refund.query"]
)
def test_a_refusal_that_says_nothing_about_the_trade_is_passed_on(alipay, channel, monkeypatch, method):
    refusal = {"code": "40006", "sub_code": "isv.insufficient-isv-permissions"}
    ask = {
        "alipay.trade.query": lambda: alipay.query("DEMO1", now=NOW),
        "alipay.trade.close": lambda: alipay.call(method, {}, now=NOW),
        "alipay.trade.fastpay.refund.query": lambda: alipay.query_refund(
            "DEMO1", "R1", asked_at=NOW, now=NOW
        ),
    }
    reply(channel, monkeypatch, method, **refusal)
    with pytest.raises(gateways.Declined) as raised:
        ask[method]()
    assert raised.value.code == "isv.insufficient-isv-permissions"


def test_a_trade_that_is_neither_paid_nor_closed_is_not_called_closed(alipay, channel, monkeypatch):
    refused = channel._reply("alipay.trade.close", {"code": "40004", "sub_code": "ACQ.TRADE_STATUS_ERROR"})
    waiting = {"code": "10000", "out_trade_no": "DEMO1", "trade_status": "WAIT_BUYER_PAY"}
    bodies = iter([refused.body, channel._reply("alipay.trade.query", waiting).body])
    monkeypatch.setattr(outbound, "call", lambda *_, **__: outbound.Reply(200, {}, next(bodies)))
    with pytest.raises(gateways.Declined):
        alipay.close("DEMO1", now=NOW)


def test_a_refund_of_an_unknown_trade_is_unknown(alipay, channel, monkeypatch):
    absent = {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}
    reply(channel, monkeypatch, "alipay.trade.fastpay.refund.query", **absent)
    assert alipay.query_refund("DEMO1", "R1", asked_at=NOW, now=NOW) == gateways.Refund("R1", "unknown")
