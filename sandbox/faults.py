"""What is to go wrong: one plan at a time, for all payments or for some.

    duplicate n        n more copies, one after the other        drop true | n       lose all sends, or the first n
    concurrent n       n more copies at the same moment          wrong_amount true | fen
    delay_seconds s    the first send waits                      bad_signature, stale_timestamp, signtest  true
    pay_after_close    a closed trade can still be paid          refund  "processing" | "abnormal" | "closed" | "fail"
    wrong_merchant     somebody else's payment                   certificate  "forged" | "stranger" | "expired"
    wrong_currency     dollars (Alipay names no currency)
    split              "processing", or "closed": the last receiver gets nothing
    taking_back        "refused": a receiver gives nothing back
    rotated            WeChat Pay signs under its next certificate
    uncontracted       the merchant has not signed up for the product
    bill               a list of what is wrong with bills, see bills.py
    times k            for the next k payments only              channel, order_no   only there

Wrong content is in the first round of a notification only; a repeat, sent because nobody acknowledged, tells the
truth. Only WeChat's notifications carry a time that could be stale, and probes; only UnionPay's bring a certificate.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .books import Trade
from .exchange import Refused

_ALWAYS = 1 << 30
DIFFERENCES = frozenset(
    {"long", "short", "amount", "fee", "duplicate", "awkward", "foreign", "less", "refunds_later", "midnight"}
    | {"truncated", "changed", "late"}
)


@dataclass(frozen=True)
class Plan:
    """What goes wrong with one payment. `wrong_amount` is in fen, 0 where the amount is right."""

    duplicate: int = 0
    concurrent: int = 0
    delay_seconds: float = 0
    drop: int = 0
    wrong_amount: int | None = None
    wrong_merchant: bool = False
    wrong_currency: bool = False
    certificate: str = ""
    bad_signature: bool = False
    stale_timestamp: bool = False
    signtest: bool = False
    pay_after_close: bool = False
    refund: str = ""
    split: str = ""
    taking_back: str = ""


class Faults:
    """The plan in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, Any] = {}

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Put a plan in force, {} for none. Raises Refused, naming what makes no sense."""
        wrong = sorted(name for name, value in asked.items() if name not in _RULES or not _RULES[name](value))
        if wrong:
            raise Refused(422, "invalid", f"Not a fault, or not a value it can have: {', '.join(wrong)}.")
        with self._lock:
            self._asked = dict(asked)
        return self.view()

    def view(self) -> dict[str, Any]:
        """The plan in force; `times` is what is left of it."""
        with self._lock:
            return dict(self._asked)

    def peek(self, trade: Trade) -> Plan:
        """What is planned for a trade."""
        with self._lock:
            return self._plan(trade)

    def rotated(self) -> bool:
        """Whether WeChat Pay signs under its next certificate."""
        with self._lock:
            return bool(self._asked.get("rotated"))

    def uncontracted(self, channel: str) -> bool:
        """Whether the merchant may not open trades."""
        with self._lock:
            return bool(self._asked.get("uncontracted")) and self._asked.get("channel", channel) == channel

    def bill(self, channel: str) -> frozenset[str]:
        """What is wrong with the bills of a channel."""
        with self._lock:
            meant = self._asked.get("channel", channel) == channel
            return frozenset(self._asked.get("bill", ()) if meant else ())

    def take(self, trade: Trade) -> Plan:
        """What is planned for a trade, counted as one of the `times`."""
        with self._lock:
            plan = self._plan(trade)
            if self._meant(trade) and self._asked.get("times"):
                self._asked["times"] -= 1
            return plan

    def _meant(self, trade: Trade) -> bool:
        return (
            self._asked.get("times") != 0
            and self._asked.get("channel", trade.channel) == trade.channel
            and trade.out_trade_no.startswith(self._asked.get("order_no", ""))
        )

    def _plan(self, trade: Trade) -> Plan:
        if not self._meant(trade):
            return Plan()
        known = {name: value for name, value in self._asked.items() if name in Plan.__dataclass_fields__}
        plan = replace(Plan(), **known)
        if plan.drop is True:
            plan = replace(plan, drop=_ALWAYS)
        if plan.wrong_amount is True:
            return replace(plan, wrong_amount=trade.amount_fen - 1 or 2)
        return replace(plan, wrong_amount=plan.wrong_amount or None)


def _count(most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


def _flag(value: object) -> bool:
    return type(value) is bool


_RULES: dict[str, Callable[[object], bool]] = {
    "duplicate": _count(100),
    "concurrent": _count(100),
    "delay_seconds": lambda value: type(value) in {int, float} and 0 <= value <= 86_400,  # type: ignore[operator]
    "drop": lambda value: _flag(value) or _count(1000)(value),
    "wrong_amount": lambda value: _flag(value) or _count(10**10)(value),
    "wrong_merchant": _flag,
    "wrong_currency": _flag,
    "certificate": lambda value: value in ("forged", "stranger", "expired"),
    "bad_signature": _flag,
    "stale_timestamp": _flag,
    "signtest": _flag,
    "pay_after_close": _flag,
    "refund": lambda value: value in ("processing", "abnormal", "closed", "fail"),
    "split": lambda value: value in ("processing", "closed"),
    "taking_back": lambda value: value == "refused",
    "bill": lambda value: isinstance(value, list) and set(value) <= DIFFERENCES,
    "rotated": _flag,
    "uncontracted": _flag,
    "times": lambda value: value is None or _count(10**6)(value),
    "channel": lambda value: value in ("wechat", "alipay", "unionpay", "ecny"),
    "order_no": lambda value: isinstance(value, str) and bool(value),
}
