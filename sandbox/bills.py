"""What a channel writes into the bill of a day, out of its own books; with differences, if they are planned.

long           a payment nobody here made              refunds_later  refunds stand in the next day's bill
short          the first payment is missing            midnight       what was paid in the last two minutes, too
amount, fee    of the first payment, a fen more        truncated      the file ends early
duplicate      the first row twice                     changed        a digit is another, the announced sum is not
awkward        a product with comma, quote, backtick   late           there is no bill yet
foreign        a row of another merchant               less           the last row, by a fen
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from .books import Books, Refund, Trade

BEIJING = timezone(timedelta(hours=8))

_DAY = 86_400
_READY = 10 * 3600  # seconds after midnight at which the bill of the day before is there
_MIDNIGHT = 120  # seconds by which the channel's clock of bills is ahead
_FEE_BPS = 60


@dataclass(frozen=True)
class Entry:
    """A row. Amounts are positive, the fee is negative where it is given back."""

    kind: str  # "payment" | "refund"
    merchant: str
    app: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    total_fen: int  # of the payment
    fee_fen: int
    at: int
    opened_at: int
    subject: str
    out_refund_no: str = ""


def entries(books: Books, channel: str, day: str, differences: frozenset[str]) -> list[Entry]:
    """The rows of a Beijing day (YYYYMMDD) in the order of time."""
    start = start_of(day)
    found = [
        entry
        for trade in books.trades(channel)
        for entry in _entries(trade)
        if start <= _billed_at(entry, differences) < start + _DAY
    ]
    found.sort(key=lambda entry: (entry.at, entry.out_trade_no, entry.out_refund_no))
    for name, differ in _DIFFER.items():
        found = differ(found) if name in differences and found else found
    return found


def is_ready(day: str, differences: frozenset[str], *, now: int) -> bool:
    """Whether the bill of a day is written."""
    return "late" not in differences and now >= start_of(day) + _DAY + _READY


def spoiled(content: bytes, differences: frozenset[str]) -> bytes:
    """What arrives of a file."""
    if "truncated" in differences:
        return content[: len(content) * 2 // 3]
    if "changed" in differences:
        at = len(content) // 2
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    return content


def start_of(day: str) -> int:
    """The first second of a Beijing day. Raises ValueError."""
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=BEIJING).timestamp())


def fee_of(amount_fen: int) -> int:
    """What the channel keeps of a payment."""
    return (amount_fen * _FEE_BPS + 5000) // 10_000


def _entries(trade: Trade) -> Iterator[Entry]:
    if trade.paid_at is None or trade.transaction_id is None:
        return
    paid = Entry(
        kind="payment",
        merchant=trade.merchant,
        app=trade.app,
        out_trade_no=trade.out_trade_no,
        transaction_id=trade.transaction_id,
        amount_fen=trade.amount_fen,
        total_fen=trade.amount_fen,
        fee_fen=fee_of(trade.amount_fen),
        at=trade.paid_at,
        opened_at=trade.created_at,
        subject=trade.subject,
    )
    yield paid
    yield from (_refunded(paid, refund) for refund in trade.refunds if refund.state == "success")


def _refunded(paid: Entry, refund: Refund) -> Entry:
    back = {"amount_fen": refund.amount_fen, "fee_fen": -fee_of(refund.amount_fen), "at": refund.at}
    return replace(paid, kind="refund", out_refund_no=refund.out_refund_no, **back)  # type: ignore[arg-type]


def _billed_at(entry: Entry, differences: frozenset[str]) -> int:
    if entry.kind == "refund":
        return entry.at + (_DAY if "refunds_later" in differences else 0)
    return entry.at + (_MIDNIGHT if "midnight" in differences else 0)


def _long(found: list[Entry]) -> list[Entry]:
    row = replace(
        found[0], kind="payment", out_refund_no="", out_trade_no=found[0].out_trade_no[:-4] + "LONG"
    )
    return [*found, replace(row, transaction_id=row.transaction_id[::-1])]


def _first(change: Callable[[Entry], list[Entry]]) -> Callable[[list[Entry]], list[Entry]]:
    return lambda found: [*change(found[0]), *found[1:]]


_DIFFER: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "amount": _first(lambda entry: [replace(entry, amount_fen=entry.amount_fen + 1)]),
    "fee": _first(lambda entry: [replace(entry, fee_fen=entry.fee_fen + 1)]),
    "less": lambda found: [*found[:-1], replace(found[-1], amount_fen=found[-1].amount_fen - 1)],
    "awkward": _first(lambda entry: [replace(entry, subject="卡,\"50\"元,'x',`y")]),
    "long": _long,
    "foreign": lambda found: [*found, replace(found[0], merchant=found[0].merchant[::-1])],
    "duplicate": lambda found: [found[0], *found],
    "short": lambda found: found[1:],
}
