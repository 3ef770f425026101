"""Payment channels behind one interface: what we ask of them, what they vouch for, and which there are.

A gateway speaks one channel's dialect for one merchant. It keeps no state and reads no clock. Its calls may
raise `Declined` (the channel refused), `outbound.NotSent` (nothing happened) or `outbound.Unknown` (it may
have happened: query before anything else).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

SECRETS = frozenset(
    {"private_key_pem", "api_v3_key"}
)  # the settings that nobody may see, whatever the channel


class Forged(Exception):
    """A notification that is not the channel's, or unreadable. The reason is for the log, not the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(Forged):
    """A notification signed with a key that is not among the channel's known ones. It may have a new one."""


class Declined(Exception):
    """The channel understood and refused; nothing happened. `code` is the channel's own."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class Unready(Exception):
    """The channel has not written the bill of that day yet, or had nothing to write."""


class Damaged(Exception):
    """A bill that is cut short, changed, or not what it should be. Nothing of it counts."""


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
    openid: str = ""  # who pays, inside WeChat's own browser
    splits: bool = False  # keep the money frozen at the channel until it is split or unfrozen


@dataclass(frozen=True)
class PayLink:
    """Where the shopper pays."""

    kind: str  # "qr" | "redirect" | "form" | "jsapi"
    payload: str  # the text of the QR code, the URL to go to, the URL that takes the form, or the prepay id
    fields: Mapping[str, str] = field(
        default_factory=dict
    )  # of a form to post, or of the call of WeChat's bridge
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


@dataclass(frozen=True)
class RefundNotice:
    """What a channel tells of a refund on its own."""

    channel: str
    merchant: str
    out_trade_no: str
    refund: Refund
    event_id: str


@dataclass(frozen=True)
class Capabilities:
    """What a channel can do, as far as it is agreed upon with the merchant."""

    split_cap_bps: int  # of what was paid, all splits together; 0: it can't split
    split_delay: int  # seconds after the payment before which it does not split
    refund_days: int
    returns_from: frozenset[str]  # kinds of receivers it takes a part back from
    returns_with_refund: bool  # only in the call of a refund, as its `taken_back`
    fee_returned: bool = False  # it gives its fee back with a refund, in proportion


@dataclass(frozen=True)
class Receiver:
    """Who gets a part of a payment."""

    kind: str  # "merchant" | "person"
    account: str  # the channel's own id of them
    name: str = ""  # a merchant's full name; of a person it is checked where it is given
    relation: str = "partner"  # "partner" | "distributor" | "supplier"


@dataclass(frozen=True)
class Part:
    """A part of a payment for somebody."""

    receiver: Receiver
    amount_fen: int
    reason: str


@dataclass(frozen=True)
class PartResult:
    """What became of a part. A closed one stays with the merchant."""

    account: str
    amount_fen: int
    state: str  # "pending" | "success" | "closed"
    reason: str = ""  # the channel's own word for why it is closed


@dataclass(frozen=True)
class Split:
    """How a split stands at the channel. Finished is not yet success: each part has its own result."""

    out_split_no: str
    state: str  # "processing" | "finished" | "unknown"
    parts: tuple[PartResult, ...] = ()


@dataclass(frozen=True)
class SplitReturn:
    """How a part that is taken back stands."""

    out_return_no: str
    state: str  # "processing" | "success" | "failed" | "unknown"
    reason: str = ""


@dataclass(frozen=True)
class BillRow:
    """A line of a channel's bill. Amounts are positive, the fee is what the merchant pays: negative when given back."""

    kind: str  # "payment" | "refund"
    merchant: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    fee_fen: int
    at: int
    out_refund_no: str = ""


@dataclass(frozen=True)
class Bill:
    """A day's business, complete and unchanged as far as the channel lets one see."""

    day: str  # YYYYMMDD, Beijing
    digest: str  # SHA-256 of the file: the same bill again is the same
    rows: tuple[BillRow, ...]


@dataclass(frozen=True)
class FundRow:
    """A movement of the merchant's account; positive amounts come in. `kind` is the channel's own word."""

    kind: str
    flow_id: str
    transaction_id: str
    voucher: str  # our number behind it
    amount_fen: int
    balance_fen: int  # after it
    at: int


@dataclass(frozen=True)
class FundBill:
    """A day's movements, complete and unchanged as far as the channel lets one see."""

    day: str  # YYYYMMDD, Beijing
    digest: str  # SHA-256 of the file
    rows: tuple[FundRow, ...]


class Gateway(Protocol):
    """One merchant at one channel."""

    merchant: str
    app: str
    home: str  # where the channel is called
    capabilities: Capabilities

    def create(self, charge: Charge, *, now: int) -> PayLink:
        """Open a trade; the same charge again gives a link to the same trade."""

    def parse_notify(
        self, headers: Mapping[str, str], body: bytes, *, now: int
    ) -> Payment | RefundNotice | None:
        """The payment or refund a notification tells of; None: genuine, but of neither. Pure. Raises Forged."""

    def learn(self, *, now: int) -> bool:
        """Ask the channel for the keys it signs with; whether there are new ones. Asked again, it waits a while."""

    def download_keys(self, *, now: int) -> Mapping[str, str]:
        """The public keys the channel signs with now, by name, newest first; empty where there are none to have."""

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
        taken_back: Sequence[Part] = (),
    ) -> Refund:
        """Give money back; the same `out_refund_no`, first asked for at `asked_at`, never moves it twice."""

    def query_refund(
        self, payment_out_trade_no: str, out_refund_no: str, *, asked_at: int, now: int
    ) -> Refund:
        """How a refund stands; "unknown": the channel can't confirm it."""

    def add_receiver(self, receiver: Receiver, *, now: int) -> None:
        """Make somebody known who will get parts; to be repeated at will."""

    def remove_receiver(self, receiver: Receiver, *, now: int) -> None:
        """Let somebody get no parts any more; to be repeated at will."""

    def split(
        self, transaction_id: str, *, out_split_no: str, parts: Sequence[Part], finish: bool, now: int
    ) -> Split:
        """Pay parts of a payment to others; `finish`: what remains is the merchant's. A repeat moves nothing."""

    def query_split(self, transaction_id: str, out_split_no: str, *, now: int) -> Split:
        """How a split stands."""

    def unfreeze(self, transaction_id: str, *, out_split_no: str, now: int) -> Split:
        """Leave the rest to the merchant, under a number of its own."""

    def return_split(
        self, out_split_no: str, *, out_return_no: str, account: str, amount_fen: int, now: int
    ) -> SplitReturn:
        """Take a part back from a receiver; the same `out_return_no` never takes it twice."""

    def query_return(self, out_split_no: str, out_return_no: str, *, now: int) -> SplitReturn:
        """How a return stands."""

    def download_bill(self, day: str, *, now: int) -> Bill:
        """The bill of a Beijing day (YYYYMMDD). Raises Unready, Damaged."""

    def ack(self) -> tuple[int, dict[str, str], str]:
        """Status, headers and body that end the channel's repeats."""

    def nack(self, reason: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body that make the channel send again. The reason may be shown to it."""


def known(kind: Callable[..., T], settings: Mapping[str, Any]) -> T:
    """A channel's settings out of plain ones, without those that only a later release knows: two run side by side."""
    return kind(**{name: value for name, value in settings.items() if name in _names(kind)})


def strange(channel: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a merchant that this release does not know."""
    names = _names(import_module(f"{__name__}.{channel}").Settings)
    return {name: value for name, value in settings.items() if name not in names}


def _names(kind: Any) -> set[str]:
    return {each.name for each in fields(kind)}


def _channel(name: str) -> Callable[[Mapping[str, Any]], Gateway]:
    def build(settings: Mapping[str, Any]) -> Gateway:
        gateway: Gateway = import_module(f"{__name__}.{name}").build(settings)
        return gateway

    return build


GATEWAYS: dict[str, Callable[[Mapping[str, Any]], Gateway]] = {
    "wechat": _channel("wechat"),
    "alipay": _channel("alipay"),
    "unionpay": _channel("unionpay"),
    "ecny": _channel("ecny"),
}
