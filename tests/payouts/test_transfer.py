"""The institution's interface: what is signed, and which answers are believed. None that is odd says what was paid."""

import json

import pytest

from chalicelib.kit import outbound
from chalicelib.payouts.adapters import Declined, Order, Result, transfer

ORDER = Order("P0123", 8000, "bank", "杭州卡卡科技有限公司", "6217000010001234567", "建设银行", "货款结算")
SECRET = b"between us"
PAID = {"out_no": "P0123", "amount_fen": 8000, "state": "success", "bank_no": "B1"}


class Bank:
    """Answers as it is told, sealed with its secret."""

    def __init__(self):
        self.status, self.body, self.secret = 200, json.dumps(PAID).encode(), SECRET
        self.calls = []

    def call(self, method, url, *, headers, body=b""):
        self.calls.append((method, url, headers, body))
        seal = transfer.signature(self.secret, headers["X-Signature"], str(self.status), self.body)
        return outbound.Reply(self.status, {"x-signature": seal}, self.body)

    def says(self, status, body):
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def bank(monkeypatch):
    found = Bank()
    monkeypatch.setattr(outbound, "call", found.call)
    return found


@pytest.fixture
def line():
    settings = {"base_url": "https://bank.test/", "merchant": "M1", "secret": SECRET.decode()}
    return transfer.Transfer(settings)


def test_an_order_is_sealed_over_what_it_says_and_when(bank, line):
    assert line.pay(ORDER, now=7) == Result("P0123", 8000, "success", "", "B1")
    ((method, url, headers, body),) = bank.calls
    assert (method, url, headers["X-Merchant"]) == ("POST", "https://bank.test/bank/v1/payments", "M1")
    assert json.loads(body)["amount_fen"] == 8000
    assert headers["X-Signature"] == transfer.signature(SECRET, "POST", "/bank/v1/payments", "7", body)


def test_a_payment_the_bank_does_not_know_is_none_and_another_refusal_is_raised(bank, line):
    bank.says(404, {"code": "NOT_FOUND"})
    assert line.query("P0123", now=7) is None
    bank.says(429, {"code": "TOO_MANY", "sentence": "later"})
    with pytest.raises(Declined) as refused:
        line.query("P0123", now=7)
    assert (refused.value.code, str(refused.value)) == ("TOO_MANY", "TOO_MANY: later")
    with pytest.raises(Declined):
        line.pay(ORDER, now=7)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, {"out_no": "P0123"}),
        (200, {**PAID, "out_no": "P9999"}),
        (200, {**PAID, "state": "perhaps"}),
        (502, b"<html>Bad gateway"),
        (500, {"sentence": "no code"}),
    ],
)
def test_an_answer_that_says_nothing_certain_of_the_payment_leaves_it_unknown(bank, line, status, body):
    bank.says(status, body)
    with pytest.raises(outbound.Unknown):
        line.pay(ORDER, now=7)
    with pytest.raises(outbound.Unknown):
        line.query("P0123", now=7)


def test_an_answer_under_another_seal_is_not_the_bank_s(bank, line):
    bank.secret = b"a stranger's"
    with pytest.raises(outbound.Unknown):
        line.pay(ORDER, now=7)


def test_an_answer_to_another_call_is_not_believed(bank, line, monkeypatch):
    line.pay(ORDER, now=7)
    seal = transfer.signature(SECRET, bank.calls[0][2]["X-Signature"], "200", bank.body)
    again = outbound.Reply(200, {"x-signature": seal}, bank.body)
    monkeypatch.setattr(outbound, "call", lambda *_asked, **_more: again)
    with pytest.raises(outbound.Unknown):
        line.pay(ORDER, now=8)
