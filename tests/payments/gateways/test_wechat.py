import base64
import json

import pytest
import wechatpayv3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wechat as wechat_module
from sandbox import keys
from sandbox.books import Refund
from sandbox.faults import Faults, Plan
from sandbox.notify import Notice
from sandbox.wechat import WeChat
from tests.payments.gateways.conftest import NOW, paid_trade

HEADERS = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="session")
def channel(own):
    return WeChat(own, books=None, faults=Faults(), cashier=lambda trade: trade.token)


@pytest.fixture(scope="session")
def notification(channel):
    return channel.compose(Notice(paid_trade("wechat")), Plan(), now=NOW)


def signed(channel, body: bytes, at: int = NOW):
    return channel.signature(body, at=at), body


def sealed(channel, content: object, **changed):
    """A genuine notification around any content."""
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    envelope = {"id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource": channel._sealed(plain)}
    return signed(channel, json.dumps(envelope | changed).encode())


def told(**changed):
    return {
        "mchid": keys.MCHID,
        "appid": keys.APPID,
        "out_trade_no": "DEMO1",
        "transaction_id": "42",
        "trade_state": "SUCCESS",
        "success_time": "2026-11-22T17:28:17+08:00",
        "amount": {"total": 4950, "currency": "CNY"},
    } | changed


def forged(wechat, headers, body, now=NOW) -> str:
    with pytest.raises(gateways.Forged) as refusal:
        wechat.parse_notify(headers, body, now=now)
    return refusal.value.reason


def answered(monkeypatch, status, headers, body):
    monkeypatch.setattr(outbound, "call", lambda *_, **__: outbound.Reply(status, headers, body))


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def test_a_genuine_notification_tells_its_payment(wechat, notification):
    trade = paid_trade("wechat")
    assert wechat.parse_notify(*notification, now=NOW) == gateways.Payment(
        channel="wechat",
        merchant=keys.MCHID,
        app=keys.APPID,
        out_trade_no=trade.out_trade_no,
        transaction_id=trade.transaction_id,
        amount_fen=4950,
        currency="CNY",
        paid_at=NOW - 5,
        event_id=json.loads(notification[1])["id"],
    )


def test_an_independent_sdk_reads_the_same_notification(plain, notification):
    settings, (headers, body) = plain["wechat"], notification
    sdk = wechatpayv3.WeChatPay(
        wechatpay_type=wechatpayv3.WeChatPayType.NATIVE,
        mchid=settings["mchid"],
        private_key=settings["private_key_pem"],
        cert_serial_no=settings["serial"],
        appid=settings["appid"],
        apiv3_key=settings["api_v3_key"],
        public_key=settings["platform_keys"][keys.PUB_KEY_ID],
        public_key_id=keys.PUB_KEY_ID,
    )
    assert sdk.callback(headers, body)["resource"]["amount"]["total"] == 4950
    assert sdk.callback(headers, body.replace(b"SUCCESS", b"FAILURE")) is None


def test_every_changed_byte_of_the_body_is_forged(wechat, notification):
    headers, body = notification
    for place in range(len(body)):
        for bit in (1, 0x20, 0x80):
            forged(wechat, headers, body[:place] + bytes([body[place] ^ bit]) + body[place + 1 :])


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_shortened_body_is_forged(wechat, notification, cut):
    headers, body = notification
    forged(wechat, headers, body[:cut])


@pytest.mark.parametrize("name", HEADERS)
def test_every_changed_character_of_a_signature_header_is_forged(wechat, notification, name):
    headers, body = notification
    value = headers[name]
    for place in range(len(value)):
        for bit in (1, 0x20, 0x80):
            changed = value[:place] + chr(ord(value[place]) ^ bit) + value[place + 1 :]
            forged(wechat, headers | {name: changed}, body)


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_signature_header_is_forged(wechat, notification, name):
    headers, body = notification
    assert "missing" in forged(wechat, {k: v for k, v in headers.items() if k != name}, body)


def test_header_names_have_no_case(wechat, notification):
    headers, body = notification
    assert wechat.parse_notify(lower(headers), body, now=NOW)


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_five_minutes_either_way_are_accepted(wechat, channel, late):
    assert wechat.parse_notify(*sealed(channel, told()), now=NOW + late)


@pytest.mark.parametrize("late", [-301, 301, 10**9])
def test_a_timestamp_outside_five_minutes_is_forged(wechat, channel, late):
    assert "timestamp" in forged(wechat, *sealed(channel, told()), now=NOW + late)


@pytest.mark.parametrize(
    "spelt", ["", "+{}", " {}", "{}.0", "{}\n", "0x{}", "NaN", "9" * 5000, "\u0661" * 10]
)
def test_a_timestamp_that_is_no_plain_number_is_forged(wechat, notification, spelt):
    headers, body = notification
    forged(wechat, headers | {"Wechatpay-Timestamp": spelt.format(NOW)}, body)


@pytest.mark.parametrize(
    "plan", [Plan(bad_signature=True), Plan(stale_timestamp=True), Plan(signtest=True)], ids=str
)
def test_the_faults_of_the_sandbox_are_forged(wechat, channel, plan):
    forged(wechat, *channel.compose(Notice(paid_trade("wechat")), plan, now=NOW))


def test_a_probe_is_named_as_such(wechat, channel):
    probe = channel.compose(Notice(paid_trade("wechat")), Plan(signtest=True), now=NOW)
    assert forged(wechat, *probe) == "a probe"


def test_another_kind_of_signature_is_forged_even_if_it_fits(wechat, notification):
    headers, body = notification
    forged(wechat, headers | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, body)


def test_no_signature_type_means_rsa(wechat, notification):
    headers, body = notification
    assert wechat.parse_notify(
        {k: v for k, v in headers.items() if k != "Wechatpay-Signature-Type"}, body, now=NOW
    )


def test_a_certificate_serial_is_found_in_any_case(plain, notification):
    headers, body = notification
    pem = plain["wechat"]["platform_keys"][keys.PUB_KEY_ID]
    by_certificate = gateways.GATEWAYS["wechat"](plain["wechat"] | {"platform_keys": {"AB12": pem}})
    assert by_certificate.parse_notify(headers | {"Wechatpay-Serial": "ab12"}, body, now=NOW)
    assert "serial" in forged(by_certificate, headers, body)


def test_a_wrong_api_key_opens_nothing(plain, notification):
    stranger = gateways.GATEWAYS["wechat"](plain["wechat"] | {"api_v3_key": "x" * 32})
    assert "seal" in forged(stranger, *notification)


@pytest.mark.parametrize("event", ["TRANSACTION.OTHER", "COMPLAINT.CREATE"])
def test_another_genuine_event_is_no_payment(wechat, channel, event):
    assert wechat.parse_notify(*sealed(channel, told(), event_type=event), now=NOW) is None


@pytest.mark.parametrize("state", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_s_end_is_told(wechat, channel, state):
    refund = Refund("R1", 100, state.lower(), NOW)
    notice = channel.compose(Notice(paid_trade("wechat"), refund), Plan(), now=NOW)
    assert wechat.parse_notify(*notice, now=NOW) == gateways.RefundNotice(
        channel="wechat",
        merchant=keys.MCHID,
        out_trade_no=paid_trade("wechat").out_trade_no,
        refund=gateways.Refund("R1", state.lower()),
        event_id=json.loads(notice[1])["id"],
    )


@pytest.mark.parametrize("changed", [{"refund_status": "X"}, {"out_refund_no": 1}, {"mchid": None}])
def test_a_refund_s_end_that_is_no_such_thing_is_forged(wechat, channel, changed):
    told = {"out_refund_no": "R1", "refund_status": "SUCCESS", "mchid": "1", "out_trade_no": "2"}
    forged(wechat, *sealed(channel, told | changed, event_type="REFUND.SUCCESS"))


@pytest.mark.parametrize("state", ["REFUND", "CLOSED", "NOTPAY", "USERPAYING"])
def test_a_trade_that_is_not_in_success_is_no_payment(wechat, channel, state):
    assert wechat.parse_notify(*sealed(channel, told(trade_state=state)), now=NOW) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": None},
        {"amount": {"total": "4950", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 49.5, "currency": "CNY"}},
        {"amount": {"total": 4950}},
        {"mchid": 1900000001},
        {"appid": None},
        {"out_trade_no": ["x"]},
        {"transaction_id": None},
        {"trade_state": None},
        {"success_time": "yesterday"},
        {"success_time": "2026-11-22T17:28:17"},
    ],
    ids=str,
)
def test_a_genuine_payment_with_a_wrong_field_is_refused(wechat, channel, changed):
    forged(wechat, *sealed(channel, told(**changed)))


@pytest.mark.parametrize(
    "resource",
    [
        None,
        [],
        {"algorithm": "AEAD_SM4_GCM"},
        {"nonce": "short"},
        {"nonce": 12},
        {"ciphertext": "!"},
        {"ciphertext": ""},
        {"ciphertext": base64.b64encode(b"0" * 15).decode()},
        {"associated_data": "other"},
        {"associated_data": "\ud800"},
        {"nonce": "\ud800" * 12},
    ],
    ids=repr,
)
def test_a_genuine_envelope_with_a_wrong_seal_is_refused(wechat, channel, resource):
    if isinstance(resource, dict):
        resource = channel._sealed(json.dumps(told()).encode()) | resource
    forged(wechat, *sealed(channel, told(), resource=resource))


@pytest.mark.parametrize("extra", [None, ""])
def test_associated_data_may_be_empty_or_absent(wechat, channel, plain, extra):
    box = AESGCM(plain["wechat"]["api_v3_key"].encode()).encrypt(b"0" * 12, json.dumps(told()).encode(), b"")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "0" * 12,
        "ciphertext": base64.b64encode(box).decode(),
    }
    resource |= {} if extra is None else {"associated_data": extra}
    assert wechat.parse_notify(*sealed(channel, b"", resource=resource), now=NOW)


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_under_a_true_signature_are_read_or_refused(wechat, channel, body):
    forged(wechat, *signed(channel, body))


@settings(deadline=None)
@given(content=JSON)
def test_any_json_under_a_true_signature_is_read_or_refused(wechat, channel, content):
    forged(wechat, *signed(channel, json.dumps(content).encode()))


@settings(deadline=None)
@given(fields=st.fixed_dictionaries({}, optional=dict.fromkeys(told(), JSON)))
def test_any_content_under_a_true_seal_is_read_or_refused(wechat, channel, fields):
    try:
        payment = wechat.parse_notify(*sealed(channel, told(**fields)), now=NOW)
    except gateways.Forged:
        return
    assert payment is None or type(payment.amount_fen) is int


@settings(deadline=None)
@given(headers=st.fixed_dictionaries({}, optional=dict.fromkeys(HEADERS, st.text())), body=st.binary())
def test_any_headers_and_body_are_forged(wechat, headers, body):
    forged(wechat, headers, body)


def test_json_nested_too_deep_is_refused(wechat, channel):
    forged(wechat, *signed(channel, b"[" * 100_000))
    forged(wechat, *sealed(channel, b'{"a":' * 100_000))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (502, b"<html>"),
        (429, b'{"code":"FREQUENCY_LIMITED"}'),
        (404, b"?"),
        (302, b""),
        (403, b"{}"),
    ],
)
def test_an_answer_that_settles_nothing_is_unknown(wechat, monkeypatch, status, body):
    answered(monkeypatch, status, {}, body)
    with pytest.raises(outbound.Unknown):
        wechat.query("DEMO0001", now=NOW)


def test_a_refusal_carries_the_code_of_the_channel(wechat, monkeypatch):
    answered(monkeypatch, 403, {}, '{"code":"NO_AUTH","message":"无权限"}'.encode())
    with pytest.raises(gateways.Declined) as refusal:
        wechat.refund("D1", out_refund_no="D1R1", amount_fen=1, total_fen=1, reason="", asked_at=NOW, now=NOW)
    assert (refusal.value.code, refusal.value.sentence) == ("NO_AUTH", "无权限")


def test_an_unsigned_success_is_unknown(wechat, monkeypatch):
    answered(monkeypatch, 200, {}, json.dumps(told()).encode())
    with pytest.raises(outbound.Unknown):
        wechat.query("DEMO1", now=NOW)


def test_the_answer_about_another_trade_is_unknown(wechat, channel, monkeypatch):
    headers, body = signed(channel, json.dumps(told(out_trade_no="OTHER")).encode())
    answered(monkeypatch, 200, lower(headers), body)
    with pytest.raises(outbound.Unknown):
        wechat.query("DEMO1", now=NOW)


@settings(deadline=None)
@given(body=st.binary(max_size=100), content=JSON, status=st.integers(100, 599))
def test_any_answer_is_read_unknown_or_a_refusal(wechat, channel, body, content, status):
    with pytest.MonkeyPatch.context() as patch:
        for raw in (body, json.dumps(content).encode()):
            headers, _ = signed(channel, raw)
            answered(patch, status, lower(headers), raw)
            for ask in (
                lambda: wechat.query("DEMO1", now=NOW),
                lambda: wechat.query_refund("DEMO1", "DEMO1R1", asked_at=NOW, now=NOW),
                lambda: wechat.create(a_charge(), now=NOW),
            ):
                with pytest.raises((outbound.Unknown, gateways.Declined)):
                    ask()


def a_charge():
    return gateways.Charge("DEMO01", 4950, "卡" * 200, NOW + 900, "http://main.localhost/h", "pc")


def test_nothing_is_sent_where_nobody_listens(wechat):
    with pytest.raises(outbound.NotSent):
        wechat.create(a_charge(), now=NOW)


def test_it_answers_in_the_dialect_of_the_channel(wechat):
    assert wechat.ack()[0] == 200
    status, _, body = wechat.nack("签名错误")
    assert (status, json.loads(body)) == (400, {"code": "FAIL", "message": "签名错误"})


def test_settings_do_not_show_their_secrets(plain):
    assert "PRIVATE" not in repr(wechat_module.lines.Settings(**plain["wechat"]))
    assert plain["wechat"]["api_v3_key"] not in repr(wechat_module.lines.Settings(**plain["wechat"]))


def test_the_way_back_is_added_to_a_link_with_or_without_a_query():
    assert wechat_module._returning("https://x/y?a=1", "") == "https://x/y?a=1"
    assert (
        wechat_module._returning("https://x/y?a=1", "http://z/?b")
        == "https://x/y?a=1&redirect_url=http%3A%2F%2Fz%2F%3Fb"
    )
    assert (
        wechat_module._returning("https://x/y", "http://z/") == "https://x/y?redirect_url=http%3A%2F%2Fz%2F"
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda gateway: gateway.query("DEMO1", now=NOW),
        lambda gateway: gateway.close("DEMO1", now=NOW),
        lambda gateway: gateway.query_refund("DEMO1", "R1", asked_at=NOW, now=NOW),
    ],
    ids=["query", "close", "query_refund"],
)
def test_a_refusal_that_says_nothing_about_the_trade_is_passed_on(wechat, monkeypatch, ask):
    answered(monkeypatch, 401, {}, b'{"code":"SIGN_ERROR","message":"x"}')
    with pytest.raises(gateways.Declined):
        ask(wechat)


def test_a_paid_trade_with_a_wrong_field_is_unknown(wechat, channel, monkeypatch):
    headers, body = signed(channel, json.dumps(told(success_time="today")).encode())
    answered(monkeypatch, 200, lower(headers), body)
    with pytest.raises(outbound.Unknown):
        wechat.query("DEMO1", now=NOW)


def test_the_answer_about_another_refund_is_unknown(wechat, channel, monkeypatch):
    headers, body = signed(channel, b'{"out_refund_no":"OTHER","status":"SUCCESS"}')
    answered(monkeypatch, 200, lower(headers), body)
    with pytest.raises(outbound.Unknown):
        wechat.query_refund("DEMO1", "R1", asked_at=NOW, now=NOW)


def test_a_nonce_that_can_not_be_written_is_forged(wechat, notification):
    headers, body = notification
    assert "nonce" in forged(wechat, headers | {"Wechatpay-Nonce": "\ud800"}, body)
