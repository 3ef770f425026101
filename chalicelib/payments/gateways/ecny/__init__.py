"""e-CNY through an operating institution: an order, its sealed order information, the wallet's cashier, a notification.

There is no public merchant interface of e-CNY: a merchant signs a contract with an operating institution, whose
interface it is. This is the shape they share, as published for cashiers of phones: the institution returns order
information that only the wallet can open, the shopper pays there, and the institution tells and answers in signed
fields. Keys are RSA; an institution that insists on SM2 is not served. Names of fields are to be agreed upon.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.kit import clock, ids, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import fixed, unsplit, wire

from . import bill

_TIME = "%Y%m%d%H%M%S"
_MOMENT = re.compile(r"\d{14}", re.ASCII)
_FEN = re.compile(r"\d{1,12}", re.ASCII)
_WINDOW = int(timedelta(minutes=5).total_seconds())
_LARGEST = 64 << 20  # bytes of an answer with a bill
_PATIENCE = 30.0  # seconds for one
_FORM = "application/x-www-form-urlencoded;charset=utf-8"
_DONE = "SUCCESS"
_NOT_THERE = "ORDER_NOT_EXIST"
# What the institution refuses before anything happens; any other word is unknown.
_REFUSED = {
    _NOT_THERE,
    "ORDER_PAID",
    "ORDER_CLOSED",
    "ORDER_DIFFERS",
    "REFUND_NOT_EXIST",
    "BALANCE_SHORT",
} | {*("BAD_SIGN", "BAD_FIELD", "NO_MERCHANT", "NO_WALLET", "NO_CONTRACT", "NO_BILL")}
_REFUND_STATES = {
    "SUCCESS": "success",
    "PROCESSING": "processing",
    "ABNORMAL": "abnormal",
    "CLOSED": "closed",
}


@dataclass(frozen=True)
class Settings:
    """One merchant at one institution. `wallet_id`: the wallet for businesses that it is paid into. Keys are PEM."""

    merchant_no: str
    wallet_id: str
    private_key_pem: str = field(repr=False)
    institution_key_pem: str
    base_url: str = ""  # the institution's; there is no common one


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return ECny(gateways.known(Settings, settings))


class ECny(unsplit.Unsplit, fixed.Fixed):
    """One merchant at an operating institution."""

    capabilities = gateways.Capabilities(
        split_cap_bps=0, split_delay=0, refund_days=365, returns_from=frozenset(), returns_with_refund=False
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.merchant_no
        self.app = settings.wallet_id
        self.home = settings.base_url

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """The cashier takes the sealed order information: as a code to scan, or as the page a phone goes to."""
        ask = {
            "out_trade_no": charge.out_trade_no,
            "amount": str(charge.amount_fen),
            "currency": "CNY",
            "subject": charge.subject[:120],
            "expire_time": _clock(charge.expires_at),
            "notify_url": charge.notify_url,
            "return_url": charge.return_url,
        }
        answer = self._call("order.create", ask, now=now)
        sealed = quote(wire.answered(answer, "order_info"), safe="")
        address = f"{wire.answered(answer, 'cashier_url')}?order_info={sealed}"
        return gateways.PayLink("qr" if charge.device == "pc" else "redirect", address)

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        *,
        now: int,
    ) -> gateways.Payment | gateways.RefundNotice | None:
        """Signed fields of this minute. Raises Forged."""
        try:
            told = wire.form(body)
            self._verify(told)
            if abs(now - _moment(told.get("timestamp", ""))) > _WINDOW:
                raise wire.Malformed("the timestamp is not of now")
            if told.get("wallet_id") != self.app:
                raise wire.Malformed("a payment to another application")
            if told.get("event") == "refund":
                return _refund_notice(told)
            return _payment(told) if told.get("event") == "payment" else None
        except wire.Malformed as error:
            raise gateways.Forged(str(error)) from None

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:
        """A trade with refunds is no payment any more: its state is REFUND, not SUCCESS."""
        try:
            trade = self._call("order.query", {"out_trade_no": out_trade_no}, now=now)
            payment = _payment(trade)
        except gateways.Declined as error:
            if error.code == _NOT_THERE:
                return None
            raise
        except wire.Malformed as error:
            raise outbound.Unknown(str(error)) from None
        if trade.get("out_trade_no") != out_trade_no:
            raise outbound.Unknown("the answer is about another trade")
        return payment

    def close(self, out_trade_no: str, *, now: int) -> bool:
        """A trade the institution has never seen counts as closed: its own expiry ends it."""
        try:
            self._call("order.close", {"out_trade_no": out_trade_no}, now=now)
        except gateways.Declined as error:
            if error.code == "ORDER_PAID":
                return False
            if error.code not in {_NOT_THERE, "ORDER_CLOSED"}:
                raise
        return True

    def refund(
        self,
        payment_out_trade_no: str,
        *,
        out_refund_no: str,
        amount_fen: int,
        total_fen: int,
        reason: str,
        asked_at: int,  # noqa: ARG002
        now: int,
        taken_back: Sequence[gateways.Part] = (),  # noqa: ARG002
    ) -> gateways.Refund:
        """Back into the wallet that paid; the same number never moves it twice."""
        ask = {
            "out_trade_no": payment_out_trade_no,
            "out_refund_no": out_refund_no,
            "amount": str(amount_fen),
            "total": str(total_fen),
            "reason": reason[:80],
        }
        return _refund(self._call("refund.create", ask, now=now), out_refund_no)

    def query_refund(
        self,
        payment_out_trade_no: str,
        out_refund_no: str,
        *,
        asked_at: int,  # noqa: ARG002
        now: int,
    ) -> gateways.Refund:
        """By its own number."""
        ask = {"out_trade_no": payment_out_trade_no, "out_refund_no": out_refund_no}
        try:
            return _refund(self._call("refund.query", ask, now=now), out_refund_no)
        except gateways.Declined as error:
            if error.code == "REFUND_NOT_EXIST":
                return gateways.Refund(out_refund_no, "unknown")
            raise

    def download_bill(self, day: str, *, now: int) -> gateways.Bill:
        """Ready in the morning after; it comes inside the signed answer."""
        try:
            answer = self._call("bill.query", {"bill_date": day}, now=now)
        except gateways.Declined as error:
            if error.code == "NO_BILL":
                raise gateways.Unready(error.code) from None
            raise
        if answer.get("bill_date") != day:
            raise outbound.Unknown("the bill of another day")
        return bill.parse(wire.answered(answer, "content"), wire.answered(answer, "digest"), day)

    def ack(self) -> tuple[int, dict[str, str], str]:
        """This word ends the repeats."""
        return 200, {"Content-Type": "text/plain"}, "SUCCESS"

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:  # noqa: ARG002
        """Any other word asks for a repeat."""
        return 400, {"Content-Type": "text/plain"}, "FAIL"

    def _call(self, service: str, ask: Mapping[str, str], *, now: int) -> dict[str, str]:
        """The fields of a verified answer. Raises Declined, NotSent, Unknown."""
        given = {
            "service": service,
            "version": "1.0",
            "sign_type": "RSA2",
            "merchant_no": self.merchant,
            "wallet_id": self.app,
            "timestamp": _clock(now),
            "nonce": ids.token(32),
            **ask,
        }
        fields = {name: value for name, value in given.items() if value}
        signature = wire.sign(self._settings.private_key_pem, wire.joined(fields))
        body = urlencode(fields | {"sign": signature}).encode()
        headers = {"Content-Type": _FORM, "User-Agent": "cardmesh"}
        url = f"{self._settings.base_url}/ecny/gateway"
        reply = outbound.call("POST", url, headers=headers, body=body, seconds=_PATIENCE, largest=_LARGEST)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        return self._believe(reply.body, nonce=given["nonce"])

    def _believe(self, body: bytes, *, nonce: str) -> dict[str, str]:
        try:
            answer = wire.form(body)
            self._verify(answer)
        except wire.Malformed as error:
            raise outbound.Unknown(str(error)) from None
        if answer.get("nonce") != nonce:
            raise outbound.Unknown("the answer to another question")
        code = answer.get("result_code", "")
        if code in _REFUSED:
            raise gateways.Declined(code, answer.get("result_text", ""))
        if code != _DONE:
            raise outbound.Unknown(f"result {code}")
        return answer

    def _verify(self, fields: Mapping[str, str]) -> None:
        """Raises Malformed."""
        if fields.get("sign_type") != "RSA2":
            raise wire.Malformed("another kind of signature")
        content = wire.joined({name: value for name, value in fields.items() if name != "sign"})
        if not wire.is_signed(self._settings.institution_key_pem, fields.get("sign", ""), content):
            raise wire.Malformed("the signature does not fit")


def _payment(told: Mapping[str, str]) -> gateways.Payment | None:
    """Raises Malformed."""
    if told.get("trade_state") != _DONE:
        return None
    transaction_id = _text(told, "transaction_no")
    return gateways.Payment(
        channel="ecny",
        merchant=_text(told, "merchant_no"),
        app=_text(told, "wallet_id"),
        out_trade_no=_text(told, "out_trade_no"),
        transaction_id=transaction_id,
        amount_fen=_fen(told.get("amount", "")),
        currency=_text(told, "currency"),
        paid_at=_moment(told.get("paid_time", "")),
        event_id=told.get("event_id") or transaction_id,
    )


def _refund_notice(told: Mapping[str, str]) -> gateways.RefundNotice:
    """Raises Malformed."""
    state = told.get("refund_state", "")
    if state not in _REFUND_STATES:
        raise wire.Malformed("another state of a refund")
    return gateways.RefundNotice(
        channel="ecny",
        merchant=_text(told, "merchant_no"),
        out_trade_no=_text(told, "out_trade_no"),
        refund=gateways.Refund(_text(told, "out_refund_no"), _REFUND_STATES[state]),
        event_id=_text(told, "event_id"),
    )


def _refund(answer: Mapping[str, str], out_refund_no: str) -> gateways.Refund:
    if answer.get("out_refund_no") != out_refund_no:
        raise outbound.Unknown("the answer is about another refund")
    return gateways.Refund(out_refund_no, _REFUND_STATES.get(answer.get("refund_state", ""), "unknown"))


def _text(told: Mapping[str, str], name: str) -> str:
    if not told.get(name):
        raise wire.Malformed(f"{name} is missing")
    return told[name]


def _fen(text: str) -> int:
    if not _FEN.fullmatch(text):
        raise wire.Malformed("not an amount of fen")
    return int(text)


def _clock(at: int) -> str:
    return clock.beijing(at).strftime(_TIME)


def _moment(text: str) -> int:
    """Seconds of a Beijing wall-clock time. Raises Malformed."""
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError("not fourteen digits")
        return int(datetime.strptime(text, _TIME).replace(tzinfo=clock.BEIJING).timestamp())
    except ValueError:
        raise wire.Malformed("not a moment") from None
