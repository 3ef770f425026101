"""Refunds of delivered orders as they are kept: read, put down, moved from state to state.

requested ─► review ─► submitted ─► processing ─► success
    └──────────┴─► rejected  └──────────┴─► abnormal ─► submitted | success        └─► closed

Requested: the shopper asked, and the shop has not decided. Review: more people must agree. From submitted on it is
decided; the channel is asked under one number until it says how it ended. Abnormal: a person must act. Rejected and
closed ones moved nothing and no longer count against what was paid.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import errors, ids, log, table
from chalicelib.orders import service as orders
from chalicelib.wallet import service as wallet

from . import parts
from .model import RefundRow

WAITING = frozenset({"requested", "review"})
MOVING = frozenset({"submitted", "processing"})
VOID = frozenset({"rejected", "closed"})
UNDECIDED = WAITING | {"rejected"}  # the channel never heard of these
STATES = ("requested", "review", "submitted", "processing", "success", "abnormal", "closed", "rejected")
FIRST = 2  # R1 is the refund of an order that was never delivered
MOST = 48  # of one order; WeChat Pay takes 50
_LISTED = 200
NEVER = 4_102_444_800  # when a matter comes up that waits for a person: not in this century


@dataclass(frozen=True)
class AfterSale:
    """A refund of a delivered order. Amounts in fen, times in seconds UTC."""

    number: str  # of the order
    seq: int
    state: str
    fen: int
    pieces: int  # 0: an amount was asked for, not pieces
    slices: tuple[parts.Slice, ...]
    channel_fen: int
    balance_fen: int
    reason: str
    asked_by: str  # "shopper", or scope:login of a console
    agreed: tuple[str, ...]
    asked_at: int
    accepted_at: int | None
    done_at: int | None
    word: str
    asks: int = 1  # how often it was set going

    @property
    def name(self) -> str:
        """What it is called in the order: R02."""
        return f"R{self.seq:02}"

    @property
    def event(self) -> str:
        """What its journal is called, and how its number ends at the channel: R2."""
        return f"R{self.seq}"

    @property
    def counts(self) -> bool:
        """Whether it goes against what was paid."""
        return self.state not in VOID


def of_order(order: orders.Order) -> list[AfterSale]:
    """All refunds of a delivered order, oldest first, strongly read."""
    if not order.refunds:
        return []
    rows = RefundRow.of(order.site).under(_key(order.number), consistent=True)
    return [_read(row) for row in rows]


def find(site: str, number: str, seq: int) -> AfterSale:
    """One refund. Raises NotFound."""
    row = RefundRow.of(site).read(_key(number), f"R{seq:02}")
    if row is None:
        raise errors.NotFound
    return _read(row)


def several(site: str, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], AfterSale]:
    """Refunds by (order, name); unknown ones are left out."""
    rows = RefundRow.of(site).read_many((_key(number), name) for number, name in names)
    found = [_read(row) for row in rows]
    return {(one.number, one.name): one for one in found}


def listed(site: str) -> list[AfterSale]:
    """A site's refunds that are not over, and those of the last ninety days, newest first, at most 200."""
    names = [(todo.number, todo.what) for todo in orders.todos_named(site, "R", closed=True)[:_LISTED]]
    found = several(site, names)
    return [found[name] for name in names if name in found]


def put(
    order: orders.Order,
    refund: AfterSale,
    *,
    now: int,
    beside: orders.Beside = lambda _write: None,
    unseen: bool = False,
) -> AfterSale:
    """Put a refund down and count it in its order, together with what `beside` writes.

    `unseen`: nobody who has to agree was told yet; who drives it does that. Raises Conflict where the order moved on.
    """
    row = RefundRow.of(order.site)(_key(order.number), refund.name, slices=parts.write(refund.slices))
    row.agreed = " ".join(refund.agreed)
    for name in ("state", "fen", "pieces", "channel_fen", "balance_fen", "reason", "asked_by"):
        setattr(row, name, getattr(refund, name))
    row.asked_at, row.accepted_at = refund.asked_at, refund.accepted_at
    due = now if refund.state in MOVING or unseen else NEVER
    with _together(order.site) as write:
        beside(write)
        orders.count_refund(write, order, refund.fen)
        write.save(row, condition=RefundRow.pk.does_not_exist())
        orders.note_within(write, order.site, order.number, refund.name, due=due, now=now)
    log.event(
        "settlement.refund_put", site=order.site, order=order.number, refund=refund.name, state=refund.state
    )
    return refund


def accept(site: str, refund: AfterSale, agreed: tuple[str, ...], *, now: int) -> AfterSale:
    """Have it paid out from now on, or once more; the first time counts for the books. Raises Conflict."""
    first = refund.accepted_at or now
    rows = RefundRow.of(site)
    asks = refund.asks + (refund.accepted_at is not None)
    actions: list[Action] = [rows.state.set("submitted"), rows.accepted_at.set(first), rows.asks.set(asks)]
    actions.append(rows.agreed.set(" ".join(agreed)))
    with _together(site) as write:
        write.update(rows(_key(refund.number), refund.name), actions, condition=_as_read(rows, refund))
        orders.note_within(write, site, refund.number, refund.name, due=now, now=now)
    log.event("settlement.refund_accepted", site=site, order=refund.number, refund=refund.name)
    return replace(refund, state="submitted", accepted_at=first, agreed=agreed, asks=asks)


def void(order: orders.Order, refund: AfterSale, state: str, word: str, *, now: int) -> AfterSale:
    """Reject or close a refund: what it held of the order is free again. Raises Conflict."""
    rows = RefundRow.of(order.site)
    actions: list[Action] = [rows.state.set(state), rows.word.set(word), rows.done_at.set(now)]
    with _together(order.site) as write:
        write.update(rows(_key(refund.number), refund.name), actions, condition=_as_read(rows, refund))
        orders.uncount_refund(write, order, refund.fen)
        if order.way == "wallet":  # the balance had given it up
            wallet.credit_within(
                write, order.site, order.member or "", refund.fen, about=order.number, now=now
            )
    log.event("settlement.refund_void", site=order.site, order=refund.number, refund=refund.name, state=state)
    return replace(refund, state=state, word=word, done_at=now)


def change(site: str, refund: AfterSale, **fields: str | int) -> AfterSale:
    """Move one from the state it was read in. Raises Conflict."""
    rows = RefundRow.of(site)
    actions = [getattr(rows, name).set(value) for name, value in fields.items()]
    try:
        row = rows.change(_key(refund.number), refund.name, actions, _as_read(rows, refund))
    except table.Refused:
        raise errors.Conflict from None
    return _read(row)


def succeed(order: orders.Order, refund: AfterSale, word: str, *, now: int) -> AfterSale:
    """The payer has it; what a balance had paid is on it again in the same moment. Raises Conflict."""
    if not refund.balance_fen:
        return change(order.site, refund, state="success", word=word, done_at=now)
    rows, member = RefundRow.of(order.site), order.member or ""
    actions: list[Action] = [rows.state.set("success"), rows.word.set(word), rows.done_at.set(now)]
    with _together(order.site) as write:
        write.update(rows(_key(refund.number), refund.name), actions, condition=_as_read(rows, refund))
        wallet.credit_within(write, order.site, member, refund.balance_fen, about=order.number, now=now)
    return replace(refund, state="success", word=word, done_at=now)


@contextlib.contextmanager
def _together(site: str) -> Iterator[TransactWrite]:
    """A transaction in a site's table that raises Conflict when it is refused."""
    try:
        with table.Together(site, ids.token()) as write:
            yield write
    except table.Refused:
        raise errors.Conflict from None


def _key(number: str) -> str:
    return f"REFUND#{number}"


def _as_read(rows: type[RefundRow], refund: AfterSale) -> Condition:
    same: Condition = (rows.state == refund.state) & (rows.agreed == " ".join(refund.agreed))
    return same


def _read(row: RefundRow) -> AfterSale:
    return AfterSale(
        number=row.pk.removeprefix("REFUND#"),
        seq=int(row.sk[1:]),
        state=row.state,
        fen=row.fen,
        pieces=row.pieces,
        slices=parts.read(row.slices),
        channel_fen=row.channel_fen,
        balance_fen=row.balance_fen,
        reason=row.reason,
        asked_by=row.asked_by,
        agreed=tuple(row.agreed.split()),
        asked_at=row.asked_at,
        accepted_at=row.accepted_at,
        done_at=row.done_at,
        word=row.word,
        asks=row.asks,
    )
