"""Alipay open platform: form parameters signed with RSA2, answers signed as the exact text that came.

Sources: opendocs.alipay.com (signing 291/106118, asynchronous notification 194/103296, alipay.trade.*).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from chalicelib.kit import clock, money, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import fixed, wire

from . import bill, splitting
from . import line as lines
from .line import Settings

_FORBIDDEN = re.compile(r"[/=&\x00-\x1f]")  # in a subject, says the channel
_PAGES = {
    "pc": ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    "mobile": ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
}
_PAID = {"TRADE_SUCCESS", "TRADE_FINISHED"}


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return Alipay(gateways.known(Settings, settings))


class Alipay(splitting.Splitting, fixed.Fixed):
    """One Alipay seller."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.capabilities = gateways.Capabilities(
            split_cap_bps=settings.split_cap_bps,
            split_delay=0,
            refund_days=365,
            returns_from=frozenset({"merchant", "person"}),
            returns_with_refund=True,
        )

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """Precreate for a PC (a QR code); else the signed address of a page, made without a call."""
        ask: dict[str, object] = {
            "out_trade_no": charge.out_trade_no,
            "total_amount": money.yuan(charge.amount_fen),
            "subject": _FORBIDDEN.sub(" ", charge.subject)[:256],
            "time_expire": clock.beijing(charge.expires_at).strftime(lines.TIME),
        }
        if charge.splits:
            ask["extend_params"] = {"royalty_freeze": "true"}
        extra = {"notify_url": charge.notify_url}
        if charge.device == "pc" and not self._settings.pc_page:
            answer = self.call("alipay.trade.precreate", ask, now=now, extra=extra)
            return gateways.PayLink("qr", wire.answered(answer, "qr_code"))
        method, ask["product_code"] = _PAGES[charge.device]
        extra["return_url"] = charge.return_url
        return gateways.PayLink(
            "redirect", f"{self.url}?{urlencode(self.signed(method, ask, now=now, extra=extra))}"
        )

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        *,
        now: int,  # noqa: ARG002
    ) -> gateways.Payment | gateways.RefundNotice | None:
        """Only `sign` and `sign_type` stay out of the signed text ("V1"). It never ages. Raises Forged."""
        try:
            fields = wire.form(body)
            self.verify(fields)
            refunded = money.fen(fields.get("refund_fee") or "0") > 0 and fields.get("out_biz_no")
            told = _refunded(fields) if refunded else _notified(fields)
            if told and wire.take(fields, "app_id", kind=str) != self.app:
                raise wire.Malformed("a payment to another application")
            return told
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
            self.call("alipay.trade.close", {"out_trade_no": out_trade_no}, now=now)
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
        taken_back: Sequence[gateways.Part] = (),
    ) -> gateways.Refund:
        """`fund_change` is Y only in the call that moved the money; on a repeat, ask how it stands."""
        ask: dict[str, object] = {
            "out_trade_no": payment_out_trade_no,
            "refund_amount": money.yuan(amount_fen),
            "out_request_no": out_refund_no,
            "refund_reason": reason[:256],
        }
        if taken_back:
            ask["refund_royalty_parameters"] = [splitting.taken_back(part) for part in taken_back]
        answer = self.call("alipay.trade.refund", ask, now=now)
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
            answer = self.call("alipay.trade.fastpay.refund.query", ask, now=now)
        except gateways.Declined as error:
            if error.code != "ACQ.TRADE_NOT_EXIST":
                raise
            answer = {}
        done = (
            answer.get("refund_status") == "REFUND_SUCCESS" and answer.get("out_request_no") == out_refund_no
        )
        return gateways.Refund(out_refund_no, "success" if done else "unknown")

    def download_bill(self, day: str, *, now: int) -> gateways.Bill:
        """Ready in the morning of the next day, at an address that serves for half a minute."""
        ask = {"bill_type": "trade", "bill_date": f"{day[:4]}-{day[4:6]}-{day[6:]}"}
        try:
            answer = self.call("alipay.data.dataservice.bill.downloadurl.query", ask, now=now)
        except gateways.Declined as error:
            if error.code.split(".")[-1].upper() == "BILL_NOT_EXIST":
                raise gateways.Unready(error.code) from None
            raise
        return bill.parse(self.fetch(wire.answered(answer, "bill_download_url")), day)

    def ack(self) -> tuple[int, dict[str, str], str]:
        """Exactly this word ends the repeats."""
        return 200, {"Content-Type": "text/plain"}, "success"

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:  # noqa: ARG002
        """Any other word asks for a repeat; the channel reads no reason."""
        return 400, {"Content-Type": "text/plain"}, "failure"

    def _trade(self, out_trade_no: str, *, now: int) -> dict[str, Any]:
        """The channel's view of a trade, empty if it knows none."""
        try:
            trade = self.call("alipay.trade.query", {"out_trade_no": out_trade_no}, now=now)
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
            paid_at=lines.moment(wire.take(trade, "send_pay_date", kind=str)),
            event_id=transaction_id,
        )


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
        paid_at=lines.moment(wire.take(fields, "gmt_payment", kind=str)),
        event_id=wire.take(fields, "notify_id", kind=str),
    )


def _refunded(fields: Mapping[str, str]) -> gateways.RefundNotice:
    """Raises Malformed. A refund is told as a state of its trade, once it succeeded; `out_biz_no` is its number."""
    return gateways.RefundNotice(
        channel="alipay",
        merchant=wire.take(fields, "seller_id", kind=str),
        out_trade_no=wire.take(fields, "out_trade_no", kind=str),
        refund=gateways.Refund(wire.take(fields, "out_biz_no", kind=str), "success"),
        event_id=wire.take(fields, "notify_id", kind=str),
    )
