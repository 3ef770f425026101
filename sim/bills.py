"""The bills that a channel writes of its own books: a Beijing day each, ready the next morning, now and then spoiled.

A spoiled bill looks whole. The channel shows on its own pages which one is right, and gives that one to whoever asks
again. Fees follow the channel: one gives them back with a refund, another keeps them and rounds in its own favour.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from chalicelib.kit import clock
from chalicelib.payments import gateways

from .faults import Faults

_READY = 10 * 3600  # seconds after midnight in Beijing
_RATE = 60  # the channel's fee in basis points
GIVES_FEES_BACK = {"wechat"}  # with a refund
Row = gateways.BillRow
Rows = list[Row]


@dataclass
class Trade:
    """One order's try at a channel. `refunds` holds fen by refund number, `back_at` when each went back.

    `stuck` says of refunds that moved nothing why: abnormal, closed, or given up, which somebody pays otherwise.
    """

    amount_fen: int
    state: str = "open"  # open | paid | closed
    closed: bool = False  # before anybody paid
    payment: gateways.Payment | None = None
    refunds: dict[str, int] = field(default_factory=dict)
    back_at: dict[str, int] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)

    @property
    def back_fen(self) -> int:
        """What went back of it."""
        return sum(self.refunds.values())


def rows_of(trades: Iterable[Trade]) -> Iterator[Row]:
    """All that moved, as bills tell it."""
    for trade in trades:
        if paid := trade.payment:
            fee = -(-paid.amount_fen * _RATE // 10_000)
            row = Row(
                "payment",
                paid.merchant,
                paid.out_trade_no,
                paid.transaction_id,
                paid.amount_fen,
                fee,
                paid.paid_at,
            )
            yield row
            for number, fen in trade.refunds.items():
                back = fee * fen // paid.amount_fen if paid.channel in GIVES_FEES_BACK else 0
                at = trade.back_at[number]
                yield replace(row, kind="refund", amount_fen=fen, fee_fen=-back, at=at, out_refund_no=number)


def right(day: str, trades: Iterable[Trade]) -> gateways.Bill:
    """The bill of a day as it should be."""
    return _bill(day, sorted((row for row in rows_of(trades) if clock.day_of(row.at) == day), key=_order))


def days(trades: Iterable[Trade], now: float) -> list[str]:
    """The days that are over on which anything moved."""
    found = {clock.day_of(row.at) for row in rows_of(trades)}
    return sorted(day for day in found if clock.day_start(day) + clock.DAY <= now)


def written(day: str, trades: Iterable[Trade], faults: Faults, now: float) -> gateways.Bill | None:
    """The bill as the channel gives it to who asks now; None: it is not there yet."""
    if now < clock.day_start(day) + clock.DAY + _READY or faults.strikes("bill_late"):
        return None
    bill = right(day, trades)
    if bill.rows and faults.strikes("bill_wrong"):
        spoil = _SPOILED[int(faults.how_bad() * len(_SPOILED))]
        return _bill(day, spoil(list(bill.rows), int(faults.how_bad() * len(bill.rows))))
    return bill


def _without(rows: Rows, at: int) -> Rows:
    return rows[:at] + rows[at + 1 :]


def _doubled(rows: Rows, at: int) -> Rows:
    return [*rows, rows[at]]


def _wrong(rows: Rows, at: int) -> Rows:
    return [*rows[:at], replace(rows[at], amount_fen=rows[at].amount_fen + 1), *rows[at + 1 :]]


def _strange(rows: Rows, at: int) -> Rows:
    return [*rows, replace(rows[at], out_trade_no="Hello", transaction_id="nobodys", out_refund_no="nobodys")]


def _foreign(rows: Rows, at: int) -> Rows:
    return [*rows, replace(rows[at], merchant="another")]


_SPOILED = (_without, _doubled, _wrong, _strange, _foreign)


def _bill(day: str, rows: Sequence[Row]) -> gateways.Bill:
    return gateways.Bill(day, sha256(f"{day} {rows}".encode()).hexdigest(), tuple(rows))


def _order(row: Row) -> tuple[int, str, str, str]:
    return row.at, row.kind, row.transaction_id, row.out_refund_no
