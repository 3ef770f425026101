"""Alipay open platform: form parameters signed with RSA2, answers signed as the exact text that came.

Sources: opendocs.alipay.com (signing 291/106118, asynchronous notification 194/103296, alipay.trade.*).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.kit import clock, money, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

_TIME = "%Y-%m-%d %H:%M:%S"
_FORBIDDEN = re.compile(r"[/=&\x00-\x1f]")  # in a subject, says the channel
_PAID = {"TRADE_SUCCESS", "TRADE_FINISHED"}
_FORM = "application/x-www-form-urlencoded;charset=utf-8"


@dataclass(frozen=True)
class Settings:
    """One application of one seller. Keys are PEM; the public key is Alipay's, not the application's."""

    app_id: str
    seller_id: str
    private_key_pem: str = field(repr=False)
    alipay_public_key_pem: str
    base_url: str = "https://openapi.alipay.com"


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return Alipay(Settings(**settings))


class Alipay:
    """One Alipay seller."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.seller_id
        self.app = settings.app_id
        self._url = f"{settings.base_url}/gateway.do"

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """Precreate for a PC (a QR code); for a phone a signed page address, made without a call."""
        ask = {
            "out_trade_no": charge.out_trade_no,
            "total_amount": money.yuan(charge.amount_fen),
            "subject": _FORBIDDEN.sub(" ", charge.subject)[:256],
            "time_expire": clock.beijing(charge.expires_at).strftime(_TIME),
        }
        extra = {"notify_url": charge.notify_url}
        if charge.device == "pc":
            answer = self._call("alipay.trade.precreate", ask, now=now, extra=extra)
            return gateways.PayLink("qr", wire.answered(answer, "qr_code"))
        ask["product_code"] = "QUICK_WAP_WAY"
        extra["return_url"] = charge.return_url
        page = self._signed("alipay.trade.wap.pay", ask, now=now, extra=extra)
        return gateways.PayLink("redirect", f"{self._url}?{urlencode(page)}")

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        *,
        now: int,  # noqa: ARG002
    ) -> gateways.Payment | None:
        """Only `sign` and `sign_type` stay out of the signed text ("V1"). It never ages. Raises Forged."""
        try:
            fields = wire.form(body)
            self._verify(fields)
            return wire.of_application(_notified(fields), self.app)
        except ValueError as error:
            raise gateways.Forged(str(error)) from None

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:
        """A trade exists only once its code was scanned; before that it is simply not paid."""
        trade = self._trade(out_trade_no, now=now)
        if trade.get("trade_status") not in _PAID:
            return None
        try:
            return self._payment(trade, out_trade_no)
        except ValueError as error:
            raise outbound.Unknown(str(error)) from None

    def close(self, out_trade_no: str, *, now: int) -> bool:
        """A code that nobody scanned can't be closed; its time_expire ends it, so that counts as closed."""
        try:
            self._call("alipay.trade.close", {"out_trade_no": out_trade_no}, now=now)
        except gateways.Declined as error:
            if error.code == "ACQ.TRADE_NOT_EXIST":
                return True
            status = self._trade(out_trade_no, now=now).get("trade_status")
            if status not in _PAID | {"TRADE_CLOSED"}:
                raise
            return bool(status == "TRADE_CLOSED")
        return True

    def refund(
        self,
        payment_out_trade_no: str,
        *,
        out_refund_no: str,
        amount_fen: int,
        total_fen: int,  # noqa: ARG002
        reason: str,
        asked_at: int,
        now: int,
    ) -> gateways.Refund:
        """`fund_change` is Y only in the call that moved the money; on a repeat, ask how it stands."""
        ask = {
            "out_trade_no": payment_out_trade_no,
            "refund_amount": money.yuan(amount_fen),
            "out_request_no": out_refund_no,
            "refund_reason": reason[:256],
        }
        answer = self._call("alipay.trade.refund", ask, now=now)
        if answer.get("fund_change") == "Y":
            return gateways.Refund(out_refund_no, "success")
        return self.query_refund(payment_out_trade_no, out_refund_no, asked_at=asked_at, now=now)

    def query_refund(
        self,
        payment_out_trade_no: str,
        out_refund_no: str,
        *,
        asked_at: int,  # noqa: ARG002
        now: int,
    ) -> gateways.Refund:
        """No refund_status in the answer means not confirmed, not failed."""
        ask = {"out_trade_no": payment_out_trade_no, "out_request_no": out_refund_no}
        try:
            answer = self._call("alipay.trade.fastpay.refund.query", ask, now=now)
        except gateways.Declined as error:
            if error.code != "ACQ.TRADE_NOT_EXIST":
                raise
            answer = {}
        done = (
            answer.get("refund_status") == "REFUND_SUCCESS" and answer.get("out_request_no") == out_refund_no
        )
        return gateways.Refund(out_refund_no, "success" if done else "unknown")

    def ack(self) -> tuple[int, dict[str, str], str]:
        """Exactly this word ends the repeats."""
        return 200, {"Content-Type": "text/plain"}, "success"

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:  # noqa: ARG002
        """Any other word asks for a repeat; the channel reads no reason."""
        return 400, {"Content-Type": "text/plain"}, "failure"

    def _trade(self, out_trade_no: str, *, now: int) -> dict[str, Any]:
        """The channel's view of a trade, empty if it knows none."""
        try:
            trade = self._call("alipay.trade.query", {"out_trade_no": out_trade_no}, now=now)
        except gateways.Declined as error:
            if error.code == "ACQ.TRADE_NOT_EXIST":
                return {}
            raise
        if trade.get("out_trade_no") != out_trade_no:
            raise outbound.Unknown("the answer is about another trade")
        return trade

    def _payment(self, trade: dict[str, Any], out_trade_no: str) -> gateways.Payment:
        """Raises ValueError. The answer names no seller: it was asked and signed under our application."""
        transaction_id = wire.take(trade, "trade_no", kind=str)
        return gateways.Payment(
            channel="alipay",
            merchant=self.merchant,
            app=self.app,
            out_trade_no=out_trade_no,
            transaction_id=transaction_id,
            amount_fen=money.fen(wire.take(trade, "total_amount", kind=str)),
            currency="CNY",
            paid_at=_moment(wire.take(trade, "send_pay_date", kind=str)),
            event_id=transaction_id,
        )

    def _signed(
        self, method: str, ask: Mapping[str, str], *, now: int, extra: Mapping[str, str]
    ) -> dict[str, str]:
        fields = {
            "app_id": self.app,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": clock.beijing(now).strftime(_TIME),
            "version": "1.0",
            "biz_content": json.dumps(ask, ensure_ascii=False),
        } | {name: value for name, value in extra.items() if value}
        return fields | {"sign": wire.sign(self._settings.private_key_pem, wire.joined(fields))}

    def _call(
        self, method: str, ask: Mapping[str, str], *, now: int, extra: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        body = urlencode(self._signed(method, ask, now=now, extra=extra or {})).encode()
        headers = {"Content-Type": _FORM, "Accept": "application/json", "User-Agent": "cardmesh"}
        reply = outbound.call("POST", self._url, headers=headers, body=body)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        try:
            return _settle(self._believe(reply.body, f"{method.replace('.', '_')}_response"))
        except (ValueError, RecursionError) as error:
            raise outbound.Unknown(str(error)) from None

    def _believe(self, body: bytes, name: str) -> dict[str, Any]:
        """The answer, parsed from the very text its signature covers. Raises Malformed."""
        signature = wire.take(wire.parse(body), "sign", kind=str)
        text = body.decode()
        start = re.search(rf'"(?:{name}|error_response)"\s*:\s*(?=\{{)', text)
        if not start:
            raise wire.Malformed("the answer is about another call")
        _, end = json.JSONDecoder().raw_decode(text, start.end())
        signed = text[start.end() : end]
        if not wire.is_signed(self._settings.alipay_public_key_pem, signature, signed.encode()):
            raise wire.Malformed("the signature does not fit")
        return wire.parse(signed.encode())

    def _verify(self, fields: dict[str, str]) -> None:
        """Raises Malformed."""
        if fields.get("sign_type") != "RSA2":
            raise wire.Malformed("another kind of signature")
        content = wire.joined({k: v for k, v in fields.items() if k not in {"sign", "sign_type"}})
        if not wire.is_signed(self._settings.alipay_public_key_pem, fields.get("sign", ""), content):
            raise wire.Malformed("the signature does not fit")


def _notified(fields: dict[str, str]) -> gateways.Payment | None:
    """Raises ValueError. A refund of a part is announced as TRADE_SUCCESS too, with a refund_fee."""
    if fields.get("trade_status") not in _PAID or money.fen(fields.get("refund_fee") or "0") > 0:
        return None
    return gateways.Payment(
        channel="alipay",
        merchant=wire.take(fields, "seller_id", kind=str),
        app=wire.take(fields, "app_id", kind=str),
        out_trade_no=wire.take(fields, "out_trade_no", kind=str),
        transaction_id=wire.take(fields, "trade_no", kind=str),
        amount_fen=money.fen(wire.take(fields, "total_amount", kind=str)),
        currency="CNY",
        paid_at=_moment(wire.take(fields, "gmt_payment", kind=str)),
        event_id=wire.take(fields, "notify_id", kind=str),
    )


def _settle(answer: dict[str, Any]) -> dict[str, Any]:
    """Success, or one of the two ways to fail. Raises Declined, Unknown."""
    code, reason = str(answer.get("code")), str(answer.get("sub_code", ""))
    if code == "10000":
        return answer
    if code not in {"20001", "40001", "40002", "40004", "40006"} or "SYSTEM_ERROR" in reason:
        raise outbound.Unknown(f"{code} {reason}".strip())
    raise gateways.Declined(reason or code, str(answer.get("sub_msg") or answer.get("msg") or ""))


def _moment(text: str) -> int:
    """Seconds of a Beijing wall-clock time. Raises ValueError."""
    return int(datetime.strptime(text, _TIME).replace(tzinfo=clock.BEIJING).timestamp())
