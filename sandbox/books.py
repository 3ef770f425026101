"""The channels' own books: trades, payments, refunds, and what became of each notification."""

import json
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import shelf

_PREFIXES = {
    "wechat": "4200000",
    "alipay": "2026000",
    "unionpay": "",
    "ecny": "9000000",
}  # of transaction ids


class Clash(Exception):
    """The books say otherwise; `why` is one of paid, closed, differs, not_paid, too_much, not_frozen, personal."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Refund:
    """Money given back, or on its way: success, processing, abnormal, closed. `notify_url`: "" is the trade's."""

    out_refund_no: str
    amount_fen: int
    state: str
    at: int
    notify_url: str = ""


@dataclass
class Share:
    """A part of a payment for somebody: pending, success, closed."""

    kind: str  # "merchant" | "person"
    account: str
    amount_fen: int
    state: str = "pending"
    reason: str = ""
    taken_back_fen: int = 0


@dataclass
class Split:
    """Shares asked for under one number; `finish` leaves the rest to the merchant."""

    number: str
    shares: list[Share]
    finish: bool
    at: int


@dataclass
class Return:
    """A part taken back from somebody: success, failed."""

    number: str
    split_no: str
    account: str
    amount_fen: int
    state: str
    at: int


@dataclass
class Delivery:
    """One notification sent, or lost on purpose (no status)."""

    at: int
    kind: str  # "payment" | "refund"
    status: int | None
    body: str
    acked: bool


@dataclass
class Trade:
    """One attempt to be paid."""

    channel: str
    merchant: str
    app: str
    out_trade_no: str
    amount_fen: int
    subject: str
    notify_url: str
    return_url: str
    kind: str  # the channel's product: NATIVE, MWEB, …
    created_at: int
    expires_at: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    event_id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: str = "open"  # "open" | "paid" | "closed"
    scanned: bool = False
    transaction_id: str | None = None
    paid_at: int | None = None
    refunds: list[Refund] = field(default_factory=list)
    notifications: list[Delivery] = field(default_factory=list)
    splitting: bool = False  # frozen until it is split or unfrozen
    splits: list[Split] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    @property
    def refunded_fen(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds if refund.state == "success")

    @property
    def acked(self) -> bool:
        return any(sent.acked for sent in self.notifications if sent.kind == "payment")

    def state_at(self, now: int) -> str:
        """An open trade whose time is over is closed."""
        return "closed" if self.state == "open" and now >= self.expires_at else self.state


class Books:
    """All trades, in memory and, if there is a path, in a file that follows. Every verb is atomic."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._trades: dict[tuple[str, str], Trade] = {}
        self._tokens: dict[str, Trade] = {}
        self._serial = 0
        self._shelf: shelf.Shelf | None = None
        if path is not None:
            self._load(shelf.read(path) or {"serial": 0, "trades": []})
            self._shelf = shelf.Shelf(path, self._text)

    def open(self, trade: Trade, *, now: int) -> Trade:
        """The trade of that number: this one, or the one that was opened before. Raises Clash."""
        with self._lock:
            known = self._trades.get((trade.channel, trade.out_trade_no))
            if not known:
                self._add(trade)
                return trade
            if known.amount_fen != trade.amount_fen:
                raise Clash("differs")
            if known.state_at(now) != "open":
                raise Clash(known.state_at(now))
            return known

    def find(self, channel: str, out_trade_no: str) -> Trade | None:
        """The trade of a merchant's number."""
        return self._trades.get((channel, out_trade_no))

    def by_token(self, token: str) -> Trade | None:
        """The trade behind a link."""
        return self._tokens.get(token)

    def by_transaction(self, channel: str, transaction_id: str) -> Trade | None:
        """A paid trade by the channel's own id."""
        with self._lock:
            found = (trade for trade in self._trades.values() if trade.channel == channel)
            return next((trade for trade in found if trade.transaction_id == transaction_id), None)

    def newest(self, order_no: str, attempt: str, *, now: int) -> Trade | None:
        """The latest trade of an order, one that is open or paid if there is any."""
        with self._lock:
            found = [
                trade
                for trade in self._trades.values()
                if trade.out_trade_no.startswith(order_no) and _is_attempt(trade, order_no, attempt)
            ]
        live = [trade for trade in found if trade.state_at(now) != "closed"]
        return next(reversed(live or found), None)

    def scan(self, trade: Trade) -> None:
        """Somebody looked at the cashier page."""
        with self._lock:
            trade.scanned = True
            self._changed()

    def pay(self, trade: Trade, *, now: int, even_closed: bool) -> None:
        """Take the shopper's money, once. Raises Clash."""
        with self._lock:
            if trade.state == "paid":
                return
            if trade.state_at(now) == "closed" and not even_closed:
                raise Clash("closed")
            self._serial += 1
            trade.state, trade.scanned, trade.paid_at = "paid", True, now
            trade.transaction_id = f"{_PREFIXES[trade.channel]}{now:011d}{self._serial:010d}"
            self._changed()

    def close(self, trade: Trade) -> None:
        """No payment any more. Raises Clash when there was one."""
        with self._lock:
            if trade.state == "paid":
                raise Clash("paid")
            trade.state = "closed"
            self._changed()

    def refund(self, trade: Trade, refund: Refund) -> tuple[Refund, bool]:
        """The refund of that number, and whether it is new. Raises Clash."""
        with self._lock:
            if trade.state != "paid":
                raise Clash("not_paid")
            for known in trade.refunds:
                if known.out_refund_no == refund.out_refund_no:
                    if known.amount_fen != refund.amount_fen:
                        raise Clash("differs")
                    return known, False
            if sum(known.amount_fen for known in trade.refunds) + refund.amount_fen > trade.amount_fen:
                raise Clash("too_much")
            trade.refunds.append(refund)
            self._changed()
            return refund, True

    def settle(self, refund: Refund) -> bool:
        """A refund on its way arrives; False when it had arrived before, or never will."""
        with self._lock:
            if refund.state != "processing":
                return False
            refund.state = "success"
            self._changed()
            return True

    def find_refund(self, channel: str, out_refund_no: str) -> tuple[Trade, Refund] | None:
        """A refund by its own number."""
        with self._lock:
            for trade in self._trades.values():
                for refund in trade.refunds:
                    if (trade.channel, refund.out_refund_no) == (channel, out_refund_no):
                        return trade, refund
        return None

    def trades(self, channel: str) -> list[Trade]:
        """All of a channel."""
        with self._lock:
            return [trade for trade in self._trades.values() if trade.channel == channel]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone with the books, which are saved afterwards."""
        with self._lock:
            yield
            self._changed()

    def note(self, trade: Trade, delivery: Delivery) -> None:
        """Record what became of a notification."""
        with self._lock:
            trade.notifications.append(delivery)
            self._changed()

    def unannounced(self) -> list[Trade]:
        """Paid trades nobody has acknowledged."""
        with self._lock:
            return [trade for trade in self._trades.values() if trade.state == "paid" and not trade.acked]

    def view(self, *, now: int) -> dict[str, Any]:
        """Everything, with totals per channel."""
        with self._lock:
            trades = list(self._trades.values())
            return {
                "trades": [{**_public(trade), "state": trade.state_at(now)} for trade in trades],
                "totals": {name: _total(trades, name) for name in _PREFIXES},
            }

    def stop(self) -> None:
        """Save, and write no more."""
        if self._shelf:
            self._shelf.stop()

    def _changed(self) -> None:
        if self._shelf:
            self._shelf.changed()

    def _add(self, trade: Trade) -> None:
        self._trades[trade.channel, trade.out_trade_no] = trade
        self._tokens[trade.token] = trade
        self._changed()

    def _load(self, content: dict[str, Any]) -> None:
        self._serial = content["serial"]
        for row in content["trades"]:
            row["refunds"] = [Refund(**refund) for refund in row["refunds"]]
            row["notifications"] = [Delivery(**sent) for sent in row["notifications"]]
            row["splits"] = [_split(**split) for split in row.get("splits", ())]
            row["returns"] = [Return(**each) for each in row.get("returns", ())]
            self._add(Trade(**row))

    def _text(self) -> str:
        with self._lock:
            content = {"serial": self._serial, "trades": list(self._trades.values())}
            return json.dumps(content, default=vars, ensure_ascii=False)


def _split(*, shares: list[dict[str, Any]], **more: Any) -> Split:
    return Split(shares=[Share(**share) for share in shares], **more)


def _is_attempt(trade: Trade, order_no: str, attempt: str) -> bool:
    """Attempts are counted behind the order's number, with or without leading zeros."""
    return not attempt or trade.out_trade_no.removeprefix(order_no).lstrip("0") == attempt.lstrip("0")


def _public(trade: Trade) -> dict[str, Any]:
    hidden = {"notify_url", "return_url", "token", "event_id", "kind", "refunds", "notifications", "splits"}
    hidden |= {"returns", "splitting"}
    shown = {name: value for name, value in vars(trade).items() if name not in hidden}
    shown["refunds"] = [dict(vars(refund)) for refund in trade.refunds]
    shown["splits"] = [
        {**vars(split), "shares": [dict(vars(s)) for s in split.shares]} for split in trade.splits
    ]
    shown["returns"] = [dict(vars(each)) for each in trade.returns]
    shown["notifications"] = [dict(vars(sent)) for sent in trade.notifications]
    return shown


def _total(trades: Iterable[Trade], channel: str) -> dict[str, int]:
    paid = [trade for trade in trades if trade.channel == channel and trade.state == "paid"]
    return {
        "payments": len(paid),
        "received_fen": sum(trade.amount_fen for trade in paid),
        "refunded_fen": sum(trade.refunded_fen for trade in paid),
    }
