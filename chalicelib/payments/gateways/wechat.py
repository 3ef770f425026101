"""WeChat Pay, API v3: JSON signed with RSA-SHA256, notifications sealed with AES-256-GCM.

Sources: pay.weixin.qq.com/doc/v3/merchant: signatures 4012365342, notifications 4012791902, close 4012556398.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.kit import clock, ids, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_PROBE = "WECHATPAY/SIGNTEST/"  # deliberately wrong signatures, to see that we look
_WINDOW = int(timedelta(minutes=5).total_seconds())
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]+")  # serials of certificates have no case
_TRADES = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_NOT_THERE = {
    "ORDER_NOT_EXIST",
    "ORDERNOTEXIST",
    "RESOURCE_NOT_EXISTS",
}  # both generations of names are in use
_PAID = {"ORDERPAID", "ORDER_PAID"}
_CLOSED = {"ORDER_CLOSED", "ORDERCLOSED"}
_REFUND_STATES = {
    "SUCCESS": "success",
    "PROCESSING": "processing",
    "ABNORMAL": "abnormal",
    "CLOSED": "closed",
}


@dataclass(frozen=True)
class Settings:
    """One merchant. `platform_keys`: the public key (PEM) of each certificate serial or PUB_KEY_ID."""

    mchid: str
    appid: str
    serial: str  # of the merchant's own certificate
    private_key_pem: str = field(repr=False)
    api_v3_key: str = field(repr=False)  # 32 characters
    platform_keys: Mapping[str, str]
    base_url: str = "https://api.mch.weixin.qq.com"


def build(settings: Mapping[str, Any]) -> gateways.Gateway:
    """A gateway out of plain settings."""
    return WeChat(Settings(**settings))


class WeChat:
    """One WeChat Pay merchant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.mchid
        self.app = settings.appid

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:
        """Native for a PC (a QR code), H5 for a phone's browser."""
        if charge.device == "pc":
            link = self._call("POST", f"{_TRADES}/native", self._order(charge), now=now)
            return gateways.PayLink("qr", wire.answered(link, "code_url"))
        scene = {"payer_client_ip": charge.client_ip, "h5_info": {"type": "Wap"}}
        link = self._call("POST", f"{_TRADES}/h5", self._order(charge) | {"scene_info": scene}, now=now)
        return gateways.PayLink("redirect", _returning(wire.answered(link, "h5_url"), charge.return_url))

    def parse_notify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> gateways.Payment | None:
        """Verify, unseal, read: in the order the channel's rules ask for. Raises Forged."""
        try:
            self._verify({name.lower(): value for name, value in headers.items()}, body, now=now)
            notice = wire.parse(body)
            if wire.take(notice, "event_type", kind=str) != "TRANSACTION.SUCCESS":
                return None
            payment = _payment(self._unseal(notice), event_id=wire.take(notice, "id", kind=str))
            return wire.of_application(payment, self.app)
        except wire.Malformed as error:
            raise gateways.Forged(str(error)) from None

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:
        """A trade with refunds is no payment any more: its state is REFUND, not SUCCESS."""
        try:
            trade = self._call("GET", f"{_trade(out_trade_no)}?mchid={self.merchant}", now=now)
        except gateways.Declined as error:
            if error.code in _NOT_THERE:
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
            self._call("POST", f"{_trade(out_trade_no)}/close", {"mchid": self.merchant}, now=now)
        except gateways.Declined as error:
            if error.code in _PAID:
                return False
            if error.code not in _NOT_THERE | _CLOSED:
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
    ) -> gateways.Refund:
        """Asynchronous at the channel: expect "processing" first."""
        ask = {
            "out_trade_no": payment_out_trade_no,
            "out_refund_no": out_refund_no,
            "reason": _clip(reason, 80),
            "amount": {"refund": amount_fen, "total": total_fen, "currency": "CNY"},
        }
        return _refund(self._call("POST", _REFUNDS, ask, now=now), out_refund_no)

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
            answer = self._call("GET", f"{_REFUNDS}/{quote(out_refund_no, safe='')}", now=now)
        except gateways.Declined as error:
            if error.code in _NOT_THERE:
                return gateways.Refund(out_refund_no, "unknown")
            raise
        return _refund(answer, out_refund_no)

    def ack(self) -> tuple[int, dict[str, str], str]:
        """200 ends the repeats."""
        return 200, {"Content-Type": "application/json"}, '{"code":"SUCCESS","message":"OK"}'

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:
        """Any 4xx or 5xx asks for a repeat."""
        body = json.dumps({"code": "FAIL", "message": reason}, ensure_ascii=False)
        return 400, {"Content-Type": "application/json"}, body

    def _order(self, charge: gateways.Charge) -> dict[str, object]:
        return {
            "appid": self.app,
            "mchid": self.merchant,
            "description": _clip(charge.subject, 127),
            "out_trade_no": charge.out_trade_no,
            "time_expire": clock.beijing(charge.expires_at).isoformat(),
            "notify_url": charge.notify_url,
            "amount": {"total": charge.amount_fen, "currency": "CNY"},
        }

    def _call(
        self, method: str, path: str, ask: Mapping[str, object] | None = None, *, now: int
    ) -> dict[str, Any]:
        url = self._settings.base_url + path
        body = b"" if ask is None else json.dumps(ask, ensure_ascii=False).encode()
        headers = {
            "Authorization": self._authorization(method, url, body, now=now),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "cardmesh",
        } | self._preferred_key()
        return self._believe(outbound.call(method, url, headers=headers, body=body), now=now)

    def _authorization(self, method: str, url: str, body: bytes, *, now: int) -> str:
        where = urlsplit(url)
        target = f"{where.path}?{where.query}" if where.query else where.path
        nonce = ids.token(32)
        content = f"{method}\n{target}\n{now}\n{nonce}\n".encode() + body + b"\n"
        signature = wire.sign(self._settings.private_key_pem, content)
        return (
            f'{_SCHEME} mchid="{self.merchant}",nonce_str="{nonce}",timestamp="{now}",'
            f'serial_no="{self._settings.serial}",signature="{signature}"'
        )

    def _preferred_key(self) -> dict[str, str]:
        """Merchants in public-key mode name the key that answers are to be signed with."""
        named = [serial for serial in self._settings.platform_keys if serial.startswith("PUB_KEY_ID_")]
        return {"Wechatpay-Serial": named[0]} if named else {}

    def _believe(self, reply: outbound.Reply, *, now: int) -> dict[str, Any]:
        """The verified content of an answer. A refusal needs no signature: acting on it moves no money."""
        try:
            if 400 <= reply.status < 500 and reply.status != 429:
                refusal = wire.parse(reply.body)
                raise gateways.Declined(wire.take(refusal, "code", kind=str), str(refusal.get("message", "")))
            if not 200 <= reply.status < 300:
                raise outbound.Unknown(f"status {reply.status}")
            self._verify(reply.headers, reply.body, now=now)
            return wire.parse(reply.body) if reply.body else {}
        except wire.Malformed as error:
            raise outbound.Unknown(str(error)) from None

    def _verify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> None:
        names = ("timestamp", "nonce", "signature", "serial")
        at, nonce, signature, serial = (headers.get(f"wechatpay-{name}", "") for name in names)
        if not (at and nonce and signature and serial):
            raise wire.Malformed("a signature header is missing")
        if not _SECONDS.fullmatch(at) or abs(now - int(at)) > _WINDOW:
            raise wire.Malformed("the timestamp is not of now")
        key = self._platform_key(serial)
        if headers.get("wechatpay-signature-type", _SCHEME) != _SCHEME:
            raise wire.Malformed("another kind of signature")
        if signature.startswith(_PROBE):
            raise wire.Malformed("a probe")
        try:
            content = f"{at}\n{nonce}\n".encode() + body + b"\n"
        except UnicodeEncodeError:
            raise wire.Malformed("an unprintable nonce") from None
        if not wire.is_signed(key, signature, content):
            raise wire.Malformed("the signature does not fit")

    def _platform_key(self, serial: str) -> str:
        name = serial.upper() if _HEX.fullmatch(serial) else serial
        if name not in self._settings.platform_keys:
            raise wire.Malformed("an unknown key serial")
        return self._settings.platform_keys[name]

    def _unseal(self, notice: dict[str, Any]) -> dict[str, Any]:
        resource = wire.take(notice, "resource", kind=dict)
        nonce = wire.take(resource, "nonce", kind=str).encode(errors="replace")
        if resource.get("algorithm") != "AEAD_AES_256_GCM" or len(nonce) != 12:
            raise wire.Malformed("another kind of seal")
        sealed = wire.unbase64(wire.take(resource, "ciphertext", kind=str))
        extra = str(resource.get("associated_data") or "").encode(errors="replace")
        key = AESGCM(self._settings.api_v3_key.encode())
        try:
            plain = key.decrypt(nonce, sealed, extra)
        except (InvalidTag, ValueError):
            raise wire.Malformed("the seal is broken") from None
        return wire.parse(plain)


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
        paid_at=_moment(wire.take(trade, "success_time", kind=str)),
        event_id=event_id or transaction_id,
    )


def _moment(text: str) -> int:
    try:
        return clock.from_iso(text)
    except ValueError as error:
        raise wire.Malformed(str(error)) from None


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
