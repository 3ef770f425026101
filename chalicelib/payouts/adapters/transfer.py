"""Payments over a licensed institution's interface: JSON, signed both ways with HMAC-SHA256.

A call is signed over method, path, time and body; its answer over the call's signature, the status and the body, so
that no answer fits another call. Settings: base_url, merchant, secret.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.kit import outbound

from .words import Declined, Order, Result

PATH = "/bank/v1/payments"
STATES = ("processing", "success", "failed", "returned")


class _Answer(msgspec.Struct):
    out_no: str
    amount_fen: int
    state: str
    reason: str = ""
    bank_no: str = ""


class _Refusal(msgspec.Struct):
    code: str
    sentence: str = ""


class Transfer:
    """One merchant's access to the institution."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._base = str(settings["base_url"]).rstrip("/")
        self._merchant = str(settings["merchant"])
        self._secret = str(settings["secret"]).encode()

    def pay(self, order: Order, *, now: int) -> Result:
        """Order a payment, or find it again under the same id. Raises Declined, NotSent, Unknown."""
        body = {
            "out_no": order.out_no,
            "amount_fen": order.fen,
            "kind": order.kind,
            "name": order.name,
            "number": order.number,
            "bank": order.bank,
            "remark": order.remark,
        }
        reply = self._call("POST", PATH, msgspec.json.encode(body), now)
        return _result(reply, order.out_no)

    def query(self, out_no: str, *, now: int) -> Result | None:
        """How a payment stands; None: the bank knows of none. Raises Declined, NotSent, Unknown."""
        try:
            return _result(self._call("GET", f"{PATH}/{out_no}", b"", now), out_no)
        except Declined as refusal:
            if refusal.code == "NOT_FOUND":
                return None
            raise

    def _call(self, method: str, path: str, body: bytes, now: int) -> bytes:
        seal = signature(self._secret, method, path, str(now), body)
        headers = {
            "Content-Type": "application/json",
            "X-Merchant": self._merchant,
            "X-Time": str(now),
            "X-Signature": seal,
        }
        reply = outbound.call(method, self._base + path, headers=headers, body=body)
        expected = signature(self._secret, seal, str(reply.status), reply.body)
        if not hmac.compare_digest(expected.encode(), reply.headers.get("x-signature", "").encode()):
            raise outbound.Unknown("an answer that is not the bank's")
        if reply.status != 200:
            raise _declined(reply)
        return reply.body


def signature(secret: bytes, *parts: str | bytes) -> str:
    """The seal of a call or an answer, in hex."""
    raw = b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hmac.digest(secret, raw, hashlib.sha256).hex()


def _declined(reply: outbound.Reply) -> Exception:
    try:
        refusal = msgspec.json.decode(reply.body, type=_Refusal)
    except msgspec.DecodeError:
        return outbound.Unknown(f"status {reply.status}")
    return Declined(refusal.code[:64], refusal.sentence[:200])


def _result(body: bytes, out_no: str) -> Result:
    try:
        found = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        raise outbound.Unknown("an answer that cannot be read") from None
    if found.out_no != out_no or found.state not in STATES:
        raise outbound.Unknown("an answer to something else")
    return Result(out_no, found.amount_fen, found.state, found.reason[:200], found.bank_no[:64])
