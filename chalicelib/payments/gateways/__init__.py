"""Payment channels behind one interface: what we ask of them, what they vouch for, and which there are.

A gateway speaks one channel's dialect for one merchant. It keeps no state and reads no clock. Its calls may
raise `Declined` (the channel refused), `outbound.NotSent` (nothing happened) or `outbound.Unknown` (it may
have happened: query before anything else).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol


class Forged(Exception):
    """A notification that is not the channel's, or unreadable. The reason is for the log, not the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Declined(Exception):
    """The channel understood and refused; nothing happened. `code` is the channel's own."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Charge:
    """What we ask a shopper to pay."""

    out_trade_no: str  # ours, 6 to 32 characters, new for every attempt
    amount_fen: int
    subject: str
    expires_at: int
    notify_url: str
    device: str  # "pc" | "mobile"
    client_ip: str = "127.0.0.1"  # the shopper's address; WeChat compares it when a phone opens an H5 link
    return_url: str = ""  # where a phone goes after paying; empty: it stays at the channel


@dataclass(frozen=True)
class PayLink:
    """Where the shopper pays."""

    kind: str  # "qr" | "redirect" | "form"
    payload: str  # the text of the QR code, the URL to go to, or the URL that takes the form
    fields: Mapping[str, str] = field(
        default_factory=dict
    )  # of a form, to be posted by the shopper's browser
    origins: str = ""  # where the channel's pages live, as a source of a Content-Security-Policy


@dataclass(frozen=True)
class Payment:
    """A payment the channel vouches for. Whether it is the expected one is the caller's to compare."""

    channel: str
    merchant: str
    app: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    currency: str
    paid_at: int
    event_id: str  # one notification and its repeats; the transaction id when it comes from a query


@dataclass(frozen=True)
class Refund:
    """How a refund stands at the channel."""

    out_refund_no: str
    state: str  # "success" | "processing" | "abnormal" | "closed" | "unknown"


class Gateway(Protocol):
    """One merchant at one channel."""

    merchant: str
    app: str

    def create(self, charge: Charge, *, now: int) -> PayLink:
        """Open a trade; the same charge again gives a link to the same trade."""

    def parse_notify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> Payment | None:
        """The payment a notification tells of; None: genuine, but tells of none. Pure. Raises Forged."""

    def query(self, out_trade_no: str, *, now: int) -> Payment | None:
        """The payment of a trade; None: the channel says it is not paid."""

    def close(self, out_trade_no: str, *, now: int) -> bool:
        """True: it can't be paid any more; False: it was paid meanwhile. Asked once the charge has expired."""

    def refund(
        self,
        payment_out_trade_no: str,
        *,
        out_refund_no: str,
        amount_fen: int,
        total_fen: int,
        reason: str,
        asked_at: int,
        now: int,
    ) -> Refund:
        """Give money back; the same `out_refund_no`, first asked for at `asked_at`, never moves it twice."""

    def query_refund(
        self, payment_out_trade_no: str, out_refund_no: str, *, asked_at: int, now: int
    ) -> Refund:
        """How a refund stands; "unknown": the channel can't confirm it."""

    def ack(self) -> tuple[int, dict[str, str], str]:
        """Status, headers and body that end the channel's repeats."""

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body that make the channel send again. The reason may be shown to it."""


def _channel(name: str) -> Callable[[Mapping[str, Any]], Gateway]:
    def build(settings: Mapping[str, Any]) -> Gateway:
        gateway: Gateway = import_module(f"{__name__}.{name}").build(settings)
        return gateway

    return build


GATEWAYS: dict[str, Callable[[Mapping[str, Any]], Gateway]] = {
    "wechat": _channel("wechat"),
    "alipay": _channel("alipay"),
    "unionpay": _channel("unionpay"),
}
