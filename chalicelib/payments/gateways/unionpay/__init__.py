"""UnionPay 全渠道 5.1.0, gateway payment: signed forms, and answers that bring their own certificate.

A transaction is known by merchant, orderId and txnTime together, and txnTime must be the time of sending. So that
a repeat is the same transaction and a query finds it, the time is one that stands: for a payment that of the
key in the order's number, for a refund the moment it was first asked for.
Sources: open.unionpay.com, API list of 在线网关支付 (frontTransReq, backTransReq, queryTrans, response codes), and the
comments of its samples: a txnTime other than now is refused; after payTimeout whatever is not 00 or A6 has failed.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.kit import clock, outbound
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments.gateways import certificates, fixed, unsplit, wire

from . import bill

_TIME = "%Y%m%d%H%M%S"
_MOMENT = re.compile(r"\d{14}", re.ASCII)
_FEN = re.compile(r"\d{1,12}", re.ASCII)
_OPENING = 3600  # seconds from an order's key to its payment page; what the channel allows is not published
_CHANNEL_TYPES = {"pc": "07", "mobile": "08"}
_CURRENCIES = {"156": "CNY"}  # ISO 4217
_NO_NOTICE = "http://www.specialUrl.com"  # the channel's own word for "send no notification"
_FIXED = {
    "version": "5.1.0",
    "encoding": "UTF-8",
    "signMethod": "01",  # RSA
    "bizType": "000201",  # gateway payment
    "accessType": "0",  # a merchant without an acquirer between
}
_DONE = {"00", "A6"}  # A6: successful with a defect that does not touch the payment
_UNDER_WAY = {"03", "04", "05"}
_REPEATED = "12"
_NO_FILE = "98"
_LARGEST = 64 << 20  # bytes of an answer with a file
_NOT_THERE = "34"
# The channel's own refusals, then the card issuer's. Whatever is in no list is unknown: 42, 69, 70, 74, 75 among them
# may have taken the money.
_REFUSED = {"01", "10", "11", "13", "30", "31", "32", "33", _NOT_THERE, "35", "36", "38", "39"} | {
    *("60", "61", "62", "63", "64", "65", "66", "67", "68", "71", "72", "73", "76", "77", "78")
}

_REFUND_STATES = (
    dict.fromkeys(_DONE, "success")
    | dict.fromkeys(_UNDER_WAY, "processing")
    | dict.fromkeys(_REFUSED - {_NOT_THERE}, "closed")
)


@dataclass(frozen=True)
class Settings:
    """One merchant. Its own certificate is named by its serial number in decimal; certificates are PEM."""

    mer_id: str
    cert_id: str
    private_key_pem: str = field(repr=False)
    middle_cert_pem: str  # issues the certificates the channel signs with
    root_cert_pem: str
    signer: str = "中国银联股份有限公司"  # "00040000:SIGN" in the channel's test environment
    base_url: str = "https://gateway.95516.com"
    files_url: str = "https://filedownload.95516.com/"
    origins: str = "https://*.95516.com"  # the form leads on to a cashier on another host


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return UnionPay(gateways.known(Settings, settings))


class UnionPay(unsplit.Unsplit, fixed.Fixed):
    """One UnionPay merchant."""

    capabilities = gateways.Capabilities(
        split_cap_bps=0, split_delay=0, refund_days=330, returns_from=frozenset(), returns_with_refund=False
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.mer_id
        self.app = ""  # merchants have no applications here
        self.home = settings.base_url
        self._url = f"{settings.base_url}/gateway/api"

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """A form for the shopper's browser, made without a call: the trade begins when it is posted."""
        opened = orders.time_of(charge.out_trade_no)
        if now - opened > _OPENING:
            raise gateways.Declined("stale", "the order's key is too old to begin a payment with")
        ask = {
            "txnType": "01",
            "txnSubType": "01",
            "channelType": _CHANNEL_TYPES[charge.device],
            "orderId": charge.out_trade_no,
            "txnTime": _clock(opened),
            "txnAmt": str(charge.amount_fen),
            "currencyCode": "156",
            "backUrl": charge.notify_url,
            "frontUrl": charge.return_url,
            "payTimeout": _clock(charge.expires_at),
        }
        address = f"{self._url}/frontTransReq.do"
        return gateways.PayLink("form", address, self._signed(ask), self._settings.origins)

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        *,
        now: int,
    ) -> gateways.Payment | None:
        """Only payments count, and refunds are announced too. It ages with its certificate. Raises Forged."""
        try:
            fields = wire.form(body)
            self._verify(fields, now=now)
            if fields.get("txnType") != "01" or fields.get("respCode") not in _DONE:
                return None
            return _payment(fields)
        except ValueError as error:
            raise gateways.Forged(str(error)) from None

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:
        """A trade exists only once its form was posted; one that is under way is neither paid nor unpaid."""
        trade = self._find(out_trade_no, at=orders.time_of(out_trade_no), now=now)
        code = trade.get("origRespCode", "")
        if code in _REFUSED:
            return None
        if code not in _DONE:
            raise outbound.Unknown(f"origRespCode {code}")
        try:
            return _payment(trade)
        except ValueError as error:
            raise outbound.Unknown(str(error)) from None

    def close(self, out_trade_no: str, *, now: int) -> bool:
        """Nothing closes a trade but its payTimeout; after that, one that is not paid can't be any more."""
        return self.query(out_trade_no, now=now) is None

    def refund(
        self,
        payment_out_trade_no: str,
        *,
        out_refund_no: str,
        amount_fen: int,
        total_fen: int,  # noqa: ARG002
        reason: str,  # noqa: ARG002
        asked_at: int,
        now: int,
        taken_back: Sequence[gateways.Part] = (),  # noqa: ARG002
    ) -> gateways.Refund:
        """Taking the order for a refund, or knowing it already, is not success yet: ask how it stands."""
        paid = self.query(payment_out_trade_no, now=now)
        if paid is None:
            raise gateways.Declined(_NOT_THERE, "there is no such payment")
        ask = {
            "txnType": "04",
            "txnSubType": "00",
            "channelType": "07",
            "orderId": out_refund_no,
            "txnTime": _clock(asked_at),
            "txnAmt": str(amount_fen),
            "currencyCode": "156",
            "backUrl": _NO_NOTICE,
            "origQryId": paid.transaction_id,
        }
        answer = self._call("backTransReq", ask, now=now)
        _check(answer, {*_DONE, *_UNDER_WAY, _REPEATED})
        known = self._find(out_refund_no, at=asked_at, now=now)
        if known.get("txnAmt", str(amount_fen)) != str(amount_fen):
            raise gateways.Declined(_REPEATED, "the number is that of a refund of another amount")
        return _refund(known, out_refund_no)

    def query_refund(
        self,
        payment_out_trade_no: str,  # noqa: ARG002
        out_refund_no: str,
        *,
        asked_at: int,
        now: int,
    ) -> gateways.Refund:
        """Refunds are transactions of their own."""
        return _refund(self._find(out_refund_no, at=asked_at, now=now), out_refund_no)

    def download_bill(self, day: str, *, now: int) -> gateways.Bill:
        """Of a settlement day, which begins and ends at 23:00; ready in the morning after it."""
        ask = {
            "txnType": "76",
            "txnSubType": "01",
            "bizType": "000000",
            "settleDate": day[4:],
            "txnTime": _clock(now),
            "fileType": "00",
        }
        answer = self._send(self._settings.files_url, ask, now=now, largest=_LARGEST)
        if answer.get("respCode") == _NO_FILE:
            raise gateways.Unready(_NO_FILE)
        _check(answer, {"00"})
        if any(
            answer.get(name) != value
            for name, value in {"merId": self.merchant, "settleDate": day[4:]}.items()
        ):
            raise outbound.Unknown("the answer is about another day")
        return bill.parse(wire.answered(answer, "fileContent"), day)

    def ack(self) -> tuple[int, dict[str, str], str]:
        """The status alone ends the repeats."""
        return 200, {"Content-Type": "text/plain"}, "ok"

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:  # noqa: ARG002
        """Any other status asks for a repeat; the channel reads no reason."""
        return 400, {"Content-Type": "text/plain"}, "fail"

    def _find(self, order_id: str, *, at: int, now: int) -> dict[str, str]:
        """The channel's record of a transaction; where it knows none, its code says so. Raises Declined, Unknown."""
        ask = {"txnType": "00", "txnSubType": "00", "orderId": order_id, "txnTime": _clock(at)}
        answer = self._call("queryTrans", ask, now=now)
        if answer.get("respCode") == _NOT_THERE:
            return {"origRespCode": _NOT_THERE}
        _check(answer, {"00"})
        return answer

    def _call(self, path: str, ask: Mapping[str, str], *, now: int) -> dict[str, str]:
        answer = self._send(f"{self._url}/{path}.do", ask, now=now)
        asked = {"merId": self.merchant, "orderId": ask["orderId"], "txnTime": ask["txnTime"]}
        if any(answer.get(name) != value for name, value in asked.items()):
            raise outbound.Unknown("the answer is about another transaction")
        return answer

    def _send(self, url: str, ask: Mapping[str, str], *, now: int, largest: int = 1 << 20) -> dict[str, str]:
        """The fields of a verified answer. Raises NotSent, Unknown."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
            "User-Agent": "cardmesh",
        }
        body = urlencode(self._signed(ask)).encode()
        reply = outbound.call("POST", url, headers=headers, body=body, largest=largest)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        try:
            answer = wire.once(_pairs(reply.body))
            self._verify(answer, now=now)
        except ValueError as error:
            raise outbound.Unknown(str(error)) from None
        return answer

    def _signed(self, ask: Mapping[str, str]) -> dict[str, str]:
        given = {**_FIXED, "certId": self._settings.cert_id, "merId": self.merchant, **ask}
        fields = {name: value for name, value in given.items() if value}
        return fields | {"signature": wire.sign(self._settings.private_key_pem, _digest(fields))}

    def _verify(self, fields: Mapping[str, str], *, now: int) -> None:
        """Raises Malformed. Whoever signed is looked at before what was signed."""
        if fields.get("signMethod") != "01" or fields.get("version") != "5.1.0":
            raise wire.Malformed("another kind of signature")
        authorities = (self._settings.middle_cert_pem, self._settings.root_cert_pem)
        pem = fields.get("signPubKeyCert", "")
        name, key = certificates.open_certificate(pem, authorities, now=now)
        if name.split("@")[2:3] != [self._settings.signer]:  # 041@number@name@number
            raise wire.Malformed("a certificate of somebody else")
        content = {name: value for name, value in fields.items() if name != "signature"}
        if not wire.is_signed(key, fields.get("signature", ""), _digest(content)):
            raise wire.Malformed("the signature does not fit")


def _digest(fields: Mapping[str, str]) -> bytes:
    """What is signed: the hexadecimal text of the digest, not its bytes."""
    return hashlib.sha256(wire.joined(fields)).hexdigest().encode()


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """The fields of an answer, which comes unencoded."""
    parts = [part.partition("=") for part in body.decode().split("&")]
    return [(name, value) for name, _, value in parts]


def _check(answer: Mapping[str, str], expected: set[str]) -> None:
    code = answer.get("respCode", "")
    if code in expected:
        return
    if code in _REFUSED:
        raise gateways.Declined(code, answer.get("respMsg", ""))
    raise outbound.Unknown(f"respCode {code}")


def _payment(fields: Mapping[str, str]) -> gateways.Payment:
    """Raises ValueError."""
    amount, currency = wire.take(fields, "txnAmt", kind=str), wire.take(fields, "currencyCode", kind=str)
    if not _FEN.fullmatch(amount):
        raise wire.Malformed("txnAmt is no amount")
    transaction_id = wire.take(fields, "queryId", kind=str)
    return gateways.Payment(
        channel="unionpay",
        merchant=wire.take(fields, "merId", kind=str),
        app="",
        out_trade_no=wire.take(fields, "orderId", kind=str),
        transaction_id=transaction_id,
        amount_fen=int(amount),
        currency=_CURRENCIES.get(currency, currency),
        paid_at=_paid_at(wire.take(fields, "traceTime", kind=str), wire.take(fields, "txnTime", kind=str)),
        event_id=transaction_id,
    )


def _refund(found: Mapping[str, str], out_refund_no: str) -> gateways.Refund:
    return gateways.Refund(out_refund_no, _REFUND_STATES.get(found.get("origRespCode", ""), "unknown"))


def _paid_at(trace: str, opened: str) -> int:
    """The moment of a traceTime (MMDDhhmmss), which names no year: the first one that is not long before the order."""
    opened_at, at = _seconds(opened), _seconds(opened[:4] + trace)
    return at if at >= opened_at - clock.DAY else _seconds(f"{int(opened[:4]) + 1}{trace}")


def _clock(at: int) -> str:
    return clock.beijing(at).strftime(_TIME)


def _seconds(text: str) -> int:
    """Seconds of a Beijing wall-clock time. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise wire.Malformed("not a time")
    return int(datetime.strptime(text, _TIME).replace(tzinfo=clock.BEIJING).timestamp())
