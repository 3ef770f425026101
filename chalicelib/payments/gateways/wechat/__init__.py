"""WeChat Pay, API v3: JSON signed with RSA-SHA256, notifications sealed with AES-256-GCM.

Sources: pay.weixin.qq.com/doc/v3/merchant: signatures 4012365342, notifications 4012791902, close 4012556398.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from chalicelib.kit import clock, ids, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

from . import bill, funds, splitting
from . import line as lines
from .line import Settings

_TRADES = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_PAID = {"ORDERPAID", "ORDER_PAID"}
_CLOSED = {"ORDER_CLOSED", "ORDERCLOSED"}
_NO_BILL = {"NO_STATEMENT_EXIST", "STATEMENT_CREATING"}
_REFUND_STATES = {
    "SUCCESS": "success",
    "PROCESSING": "processing",
    "ABNORMAL": "abnormal",
    "CLOSED": "closed",
}


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return WeChat(gateways.known(Settings, settings))


class WeChat(splitting.Splitting):
    """One WeChat Pay merchant."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.capabilities = gateways.Capabilities(
            split_cap_bps=settings.split_cap_bps,
            split_delay=60,
            refund_days=365,
            returns_from=frozenset({"merchant"}),
            returns_with_refund=False,
            fee_returned=True,
        )

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """Inside WeChat (an openid is known) its own bridge; Native for a PC (a QR code), H5 for a phone's browser."""
        if charge.openid:
            order = self._order(charge) | {"payer": {"openid": charge.openid}}
            answer = self.call("POST", f"{_TRADES}/jsapi", order, now=now)
            return self._bridge(wire.answered(answer, "prepay_id"), now=now)
        if charge.device == "pc":
            link = self.call("POST", f"{_TRADES}/native", self._order(charge), now=now)
            return gateways.PayLink("qr", wire.answered(link, "code_url"))
        scene = {"payer_client_ip": charge.client_ip, "h5_info": {"type": "Wap"}}
        link = self.call("POST", f"{_TRADES}/h5", self._order(charge) | {"scene_info": scene}, now=now)
        return gateways.PayLink("redirect", _returning(wire.answered(link, "h5_url"), charge.return_url))

    def parse_notify(
        self, headers: Mapping[str, str], body: bytes, *, now: int
    ) -> gateways.Payment | gateways.RefundNotice | None:
        """Verify, unseal, read: in the order the channel's rules ask for. Raises Forged."""
        try:
            self.verify({name.lower(): value for name, value in headers.items()}, body, now=now)
            notice = wire.parse(body)
            event, event_id = (wire.take(notice, name, kind=str) for name in ("event_type", "id"))
            if event.startswith("REFUND."):
                return _refund_notice(self.unseal(notice), event_id=event_id)
            if event != "TRANSACTION.SUCCESS":
                return None
            payment = _payment(self.unseal(notice), event_id=event_id)
            if payment and payment.app != self.app:
                raise wire.Malformed("a payment to another application")
            return payment
        except lines.UnknownSerial as error:
            raise gateways.UnknownKey(str(error)) from None
        except wire.Malformed as error:
            raise gateways.Forged(str(error)) from None

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:
        """A trade with refunds is no payment any more: its state is REFUND, not SUCCESS."""
        try:
            trade = self.call("GET", f"{_trade(out_trade_no)}?mchid={self.merchant}", now=now)
        except gateways.Declined as error:
            if error.code in lines.NOT_THERE:
                return None
            raise
        try:
            payment = _payment(trade, event_id="")
        except wire.Malformed as error:
            raise outbound.Unknown(str(error)) from None
        if payment and payment.out_trade_no != out_trade_no:
            raise outbound.Unknown("the answer is about another trade")
        return payment

    def close(self, out_trade_no: str, *, now: int) -> bool:
        """A trade the channel has never seen counts as closed: its own time_expire ends it."""
        try:
            self.call("POST", f"{_trade(out_trade_no)}/close", {"mchid": self.merchant}, now=now)
        except gateways.Declined as error:
            if error.code in _PAID:
                return False
            if error.code not in lines.NOT_THERE | _CLOSED:
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
        """Asynchronous at the channel: expect "processing" first. Parts are taken back by `return_split` before."""
        ask: dict[str, object] = {
            "out_trade_no": payment_out_trade_no,
            "out_refund_no": out_refund_no,
            "reason": _clip(reason, 80),
            "amount": {"refund": amount_fen, "total": total_fen, "currency": "CNY"},
        }
        if self._settings.refund_notify_url:
            ask["notify_url"] = self._settings.refund_notify_url
        return _refund(self.call("POST", _REFUNDS, ask, now=now), out_refund_no)

    def query_refund(
        self,
        payment_out_trade_no: str,  # noqa: ARG002
        out_refund_no: str,
        *,
        asked_at: int,  # noqa: ARG002
        now: int,
    ) -> gateways.Refund:
        """The channel finds refunds by their own number."""
        try:
            answer = self.call("GET", f"{_REFUNDS}/{quote(out_refund_no, safe='')}", now=now)
        except gateways.Declined as error:
            if error.code in lines.NOT_THERE:
                return gateways.Refund(out_refund_no, "unknown")
            raise
        return _refund(answer, out_refund_no)

    def download_bill(self, day: str, *, now: int) -> gateways.Bill:
        """Ready after ten in the morning of the next day; the file is known by the digest the channel signed."""
        return bill.parse(self._file("tradebill", day, "bill_type=ALL", now=now), day)

    def download_funds(self, day: str, *, now: int) -> gateways.FundBill:
        """Of the account trades are settled to; ready when the trade bill is."""
        return funds.parse(self._file("fundflowbill", day, "account_type=BASIC", now=now), day)

    def _file(self, kind: str, day: str, what: str, *, now: int) -> bytes:
        path = f"/v3/bill/{kind}?bill_date={day[:4]}-{day[4:6]}-{day[6:]}&{what}"
        try:
            answer = self.call("GET", path, now=now)
        except gateways.Declined as error:
            if error.code in _NO_BILL:
                raise gateways.Unready(error.code) from None
            raise
        content = self.fetch(wire.answered(answer, "download_url"), now=now)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if answer.get("hash_type") != "SHA1" or wire.answered(answer, "hash_value").lower() != digest:
            raise gateways.Damaged(f"WeChat's bill of {day}: not the file that was announced")
        return content

    def ack(self) -> tuple[int, dict[str, str], str]:
        """200 ends the repeats."""
        return 200, {"Content-Type": "application/json"}, '{"code":"SUCCESS","message":"OK"}'

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:
        """Any 4xx or 5xx asks for a repeat."""
        body = json.dumps({"code": "FAIL", "message": reason}, ensure_ascii=False)
        return 400, {"Content-Type": "application/json"}, body

    def _bridge(self, prepay_id: str, *, now: int) -> gateways.PayLink:
        """What the page gives to WeixinJSBridge; the signature covers four of the fields, a line each."""
        fields = {
            "appId": self.app,
            "timeStamp": str(now),
            "nonceStr": ids.token(32),
            "package": f"prepay_id={prepay_id}",
        }
        content = "".join(f"{value}\n" for value in fields.values())
        return gateways.PayLink(
            "jsapi", prepay_id, fields | {"signType": "RSA", "paySign": self.signed(content)}
        )

    def _order(self, charge: gateways.Charge) -> dict[str, object]:
        freeze = {"settle_info": {"profit_sharing": True}} if charge.splits else {}
        return freeze | {
            "appid": self.app,
            "mchid": self.merchant,
            "description": _clip(charge.subject, 127),
            "out_trade_no": charge.out_trade_no,
            "time_expire": clock.beijing(charge.expires_at).isoformat(),
            "notify_url": charge.notify_url,
            "amount": {"total": charge.amount_fen, "currency": "CNY"},
        }


def _payment(trade: dict[str, Any], *, event_id: str) -> gateways.Payment | None:
    """Raises Malformed."""
    if wire.take(trade, "trade_state", kind=str) != "SUCCESS":
        return None
    transaction_id = wire.take(trade, "transaction_id", kind=str)
    return gateways.Payment(
        channel="wechat",
        merchant=wire.take(trade, "mchid", kind=str),
        app=wire.take(trade, "appid", kind=str),
        out_trade_no=wire.take(trade, "out_trade_no", kind=str),
        transaction_id=transaction_id,
        amount_fen=wire.take(trade, "amount", "total", kind=int),
        currency=wire.take(trade, "amount", "currency", kind=str),
        paid_at=lines.moment(wire.take(trade, "success_time", kind=str)),
        event_id=event_id or transaction_id,
    )


def _refund_notice(told: dict[str, Any], *, event_id: str) -> gateways.RefundNotice:
    """Raises Malformed."""
    number = wire.take(told, "out_refund_no", kind=str)
    state = wire.take(told, "refund_status", kind=str)
    if state not in _REFUND_STATES:
        raise wire.Malformed("another state of a refund")
    return gateways.RefundNotice(
        channel="wechat",
        merchant=wire.take(told, "mchid", kind=str),
        out_trade_no=wire.take(told, "out_trade_no", kind=str),
        refund=gateways.Refund(number, _REFUND_STATES[state]),
        event_id=event_id,
    )


def _refund(answer: dict[str, Any], out_refund_no: str) -> gateways.Refund:
    if answer.get("out_refund_no") != out_refund_no:
        raise outbound.Unknown("the answer is about another refund")
    return gateways.Refund(out_refund_no, _REFUND_STATES.get(str(answer.get("status")), "unknown"))


def _returning(url: str, return_url: str) -> str:
    if not return_url:
        return url
    return f"{url}{'&' if '?' in url else '?'}redirect_url={quote(return_url, safe='')}"


def _trade(out_trade_no: str) -> str:
    return f"{_TRADES}/out-trade-no/{quote(out_trade_no, safe='')}"


def _clip(text: str, size: int) -> str:
    """As many whole characters as fit into so many bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")
