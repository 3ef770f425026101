"""e-CNY's gateway believes only what its institution signed, of this minute, about what was asked."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.kit import clock, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire
from chalicelib.payments.gateways.ecny import bill
from sandbox import ecny_bill, keys
from sandbox.books import Refund
from sandbox.ecny import ECny
from sandbox.faults import Plan
from sandbox.notify import Notice

from .conftest import NOW, paid_trade

TRADE = "DEMO0TESTORDER000000000000001"
PAID = {
    "event": "payment",
    "trade_state": "SUCCESS",
    "transaction_no": "1",
    "merchant_no": "m",
    "out_trade_no": "1",
}
ASKED = {"asked_at": NOW, "now": NOW}


@pytest.fixture(scope="session")
def gateway(plain):
    return gateways.GATEWAYS["ecny"](plain["ecny"])


@pytest.fixture
def institution(own, books, faults):
    return ECny(own, books, faults, cashier=lambda trade: f"https://bank.test/cashier/ecny/{trade.token}")


@pytest.fixture
def says(own, monkeypatch):
    """Let the institution answer the next call with these fields, well signed unless told otherwise."""

    def answer(*, status=200, key=own.ecny_platform, **fields):
        def call(_method, _url, *, body, **_):
            asked = wire.form(body)
            told = {"result_code": "SUCCESS", "sign_type": "RSA2", "nonce": asked["nonce"], **fields}
            told = {name: value for name, value in told.items() if value is not None}
            signature = key.sign(wire.joined(told), PKCS1v15(), SHA256())
            signed = told | {"sign": base64.b64encode(signature).decode()}
            return outbound.Reply(status, {}, urlencode(signed).encode())

        monkeypatch.setattr(outbound, "call", call)

    return answer


def told(institution, **changes):
    return institution.compose(Notice(replace(paid_trade("ecny"), **changes)), Plan(), now=NOW)


def test_a_payment_is_told_with_all_that_the_order_compares(gateway, institution):
    payment = gateway.parse_notify(*told(institution), now=NOW)
    assert (payment.channel, payment.merchant, payment.app) == ("ecny", keys.ECNY_MERCHANT, keys.ECNY_WALLET)
    assert (payment.out_trade_no, payment.amount_fen, payment.currency) == (TRADE, 4950, "CNY")


def test_what_became_of_a_refund_is_told_too(gateway, institution):
    trade = paid_trade("ecny")
    refund = Refund("R1", 100, "abnormal", NOW)
    headers, body = institution.compose(Notice(trade, refund), Plan(), now=NOW)
    notice = gateway.parse_notify(headers, body, now=NOW)
    assert (notice.out_trade_no, notice.refund) == (TRADE, gateways.Refund("R1", "abnormal"))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_notification_of_another_time_is_refused(gateway, institution, seconds):
    with pytest.raises(gateways.Forged, match="not of now"):
        gateway.parse_notify(*told(institution), now=NOW + seconds)


def test_a_payment_into_another_wallet_is_refused(gateway, institution):
    with pytest.raises(gateways.Forged, match="another application"):
        gateway.parse_notify(*told(institution, app="0022000000000009"), now=NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "payment", "trade_state": "SUCCESS"},
        {**PAID, "amount": "4.95"},
        {"event": "refund", "refund_state": "MAYBE"},
        {"event": "payment", "timestamp": "20261332000000"},
        {"event": "payment", "timestamp": "now"},
        {"sign_type": "SM2"},
    ],
)
def test_signed_fields_that_make_no_payment_are_refused(gateway, own, fields):
    at = clock.beijing(NOW).strftime("%Y%m%d%H%M%S")
    given = {"wallet_id": keys.ECNY_WALLET, "sign_type": "RSA2", "timestamp": at, **fields}
    signature = own.ecny_platform.sign(wire.joined(given), PKCS1v15(), SHA256())
    body = urlencode(given | {"sign": base64.b64encode(signature).decode()}).encode()
    with pytest.raises(gateways.Forged):
        gateway.parse_notify({}, body, now=NOW)


@pytest.mark.parametrize(("event", "state"), [("contract", "SUCCESS"), ("payment", "CLOSED")])
def test_what_is_neither_payment_nor_refund_is_genuine_and_nothing(gateway, own, event, state):
    at = clock.beijing(NOW).strftime("%Y%m%d%H%M%S")
    given = {
        "wallet_id": keys.ECNY_WALLET,
        "sign_type": "RSA2",
        "timestamp": at,
        "event": event,
        "trade_state": state,
    }
    signature = own.ecny_platform.sign(wire.joined(given), PKCS1v15(), SHA256())
    body = urlencode(given | {"sign": base64.b64encode(signature).decode()}).encode()
    assert gateway.parse_notify({}, body, now=NOW) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 500}, "status 500"),
        ({"nonce": "another"}, "another question"),
        ({"result_code": "SYSTEM_ERROR"}, "SYSTEM_ERROR"),
        ({"sign_type": None}, "kind of signature"),
        ({"out_trade_no": "another", "trade_state": "NOTPAY"}, "another trade"),
        ({"out_trade_no": TRADE, "trade_state": "SUCCESS"}, "transaction_no is missing"),
    ],
)
def test_an_answer_that_cannot_be_believed_is_unknown(gateway, says, answer, reason):
    says(**answer)
    with pytest.raises(outbound.Unknown, match=reason):
        gateway.query(TRADE, now=NOW)


def test_an_answer_of_a_stranger_is_unknown(gateway, says, own):
    says(key=own.ecny_merchant)
    with pytest.raises(outbound.Unknown, match="does not fit"):
        gateway.query(TRADE, now=NOW)


def test_a_refusal_that_is_not_about_the_trade_is_no_answer_to_a_question(gateway, says):
    says(result_code="NO_MERCHANT", result_text="商户不存在")
    for ask in (
        lambda: gateway.query(TRADE, now=NOW),
        lambda: gateway.close(TRADE, now=NOW),
        lambda: gateway.query_refund(TRADE, "R1", **ASKED),
        lambda: gateway.download_bill("20261122", now=NOW),
    ):
        with pytest.raises(gateways.Declined, match="NO_MERCHANT"):
            ask()


@pytest.mark.parametrize(
    ("code", "closed"), [("ORDER_PAID", False), ("ORDER_CLOSED", True), ("ORDER_NOT_EXIST", True)]
)
def test_what_can_not_be_paid_any_more_is_closed(gateway, says, code, closed):
    says(result_code=code)
    assert gateway.close(TRADE, now=NOW) is closed


def test_a_refund_is_believed_under_its_own_number_only(gateway, says):
    says(out_refund_no="R2", refund_state="SUCCESS")
    with pytest.raises(outbound.Unknown, match="another refund"):
        gateway.query_refund(TRADE, "R1", **ASKED)
    says(out_refund_no="R1", refund_state="MAYBE")
    assert gateway.query_refund(TRADE, "R1", **ASKED).state == "unknown"
    says(result_code="REFUND_NOT_EXIST")
    assert gateway.query_refund(TRADE, "R1", **ASKED).state == "unknown"


def test_a_bill_of_another_day_is_unknown_and_one_to_come_unready(gateway, says):
    says(bill_date="20261121", content="", digest="")
    with pytest.raises(outbound.Unknown, match="another day"):
        gateway.download_bill("20261122", now=NOW)
    says(result_code="NO_BILL")
    with pytest.raises(gateways.Unready):
        gateway.download_bill("20261122", now=NOW)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("合计,0,0", "合计,1,0"), "sum"),
        (lambda text: text.replace("类型", "種類"), "columns"),
        (lambda text: text.replace("合计", "小计"), "columns"),
        (lambda text: text.replace("合计", "合" * 140_000), "larger"),
    ],
)
def test_a_bill_that_does_not_add_up_is_damaged(change, why):
    content = change(ecny_bill.write([]).decode()).encode()
    with pytest.raises(gateways.Damaged, match=why):
        bill.parse(base64.b64encode(content).decode(), hashlib.sha256(content).hexdigest(), "20261122")


def test_a_bill_that_was_changed_on_the_way_is_damaged():
    content = ecny_bill.write([])
    with pytest.raises(gateways.Damaged, match="announced"):
        bill.parse(base64.b64encode(content).decode(), "0" * 64, "20261122")


def test_one_word_ends_the_repeats_and_another_asks_for_one(gateway):
    assert gateway.ack()[0::2] == (200, "SUCCESS")
    assert gateway.nack("why")[0::2] == (400, "FAIL")


def test_it_does_not_split(gateway):
    assert gateway.capabilities.split_cap_bps == 0
    with pytest.raises(gateways.Declined):
        gateway.unfreeze("1", out_split_no="S1", now=NOW)
