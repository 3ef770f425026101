"""Orders: put down once, moved along the table of allowed moves, found again by those who may.

`move` is the only way a state changes. Its condition is the inbox: a repeat finds the state changed and is
refused, so no other record of "already done" is needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pynamodb.expressions.condition import Condition

from chalicelib.kit import errors, log, table, vault
from chalicelib.stock.service import Range

from .lookup import may_read, receipt_cookie, receipts
from .model import DeliveryRow, OrderRow
from .record import Order, order_of, read, seal_contact
from .rules import (
    FINAL,
    MOST_ATTEMPTS,
    MOVES,
    STATES,
    Attempt,
    BadContact,
    contact,
    make_number,
    parse_number,
    partition,
    partitions,
    query_password,
    short_name,
    site_of,
    split_trade_no,
    write_ranges,
)
from .todo import Todo, add_todo, close_todo, delay_todo, due_todos

__all__ = [
    "FINAL",
    "STATES",
    "Attempt",
    "BadContact",
    "Order",
    "Todo",
    "add_todo",
    "close_todo",
    "contact",
    "delay_todo",
    "due_todos",
    "make_number",
    "may_read",
    "parse_number",
    "query_password",
    "receipt_cookie",
    "receipts",
    "seal_contact",
    "site_of",
    "split_trade_no",
]

_PAGE = 50


class WrongState(errors.Conflict):
    """The order is not where this move begins. `order` is how it stands."""

    code = "wrong_state"
    sentence = "The order has moved on meanwhile."

    def __init__(self, order: Order | None) -> None:
        super().__init__()
        self.order = order


class Exists(Exception):
    """The number was placed before. `order` is what stands."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


def open_order(site: str, number: str, **fields: Any) -> Order:
    """Put a new order down as pending. Raises Exists with what stands under the number."""
    fields["goods_name"] = short_name(fields["goods_name"])
    fields["ranges"] = write_ranges(fields.pop("ranges")) or None
    attempt: Attempt = fields.pop("attempt")
    row = OrderRow.of(site)(partition(number), number, status="pending", **fields)
    row.attempts = f"{attempt.channel}:{attempt.merchant}"
    try:
        return order_of(site, row.insert())
    except table.Refused as refused:
        raise Exists(order_of(site, refused.row)) from None


def move(
    site: str,
    number: str,
    to: str,
    *,
    now: int,
    start: Iterable[str] = (),
    only: Condition | None = None,
    **fields: Any,
) -> Order:
    """Move an order to a state, from any state that may lead there or only from those in `start`.

    Fields given are set in the same write; a field of None is removed. Raises WrongState.
    """
    rows = OrderRow.of(site)
    origins = [a for a, b in sorted(MOVES) if b == to and (not start or a in start)]
    condition = rows.status.is_in(*origins)
    changes: Mapping[str, Any] = {"status": to, f"{to}_at": now, **fields}
    actions = [
        getattr(rows, name).remove() if value is None else getattr(rows, name).set(value)
        for name, value in changes.items()
    ]
    try:
        row = rows.change(partition(number), number, actions, condition if only is None else condition & only)
    except table.Refused as refused:
        raise WrongState(order_of(site, refused.row) if refused.row else None) from None
    log.event("orders.moved", site=site, order=number, to=to)
    return order_of(site, row)


def pay(site: str, number: str, attempt: Attempt, *, amount_fen: int, transaction: str, now: int) -> Order:
    """Record a payment that equals the order's own snapshot: attempt, merchant and amount.

    Money for an expired order moves it too, marked late, with its old ranges forgotten: they went back to stock.
    Raises WrongState with the order as it stands, or with None for an unknown one.
    """
    rows = OrderRow.of(site)
    tried = rows.attempts.contains(f"{attempt.channel}:{attempt.merchant}")
    only = (rows.amount == amount_fen) & tried
    record = {"transaction": transaction, "paid_attempt": attempt.index}
    try:
        return move(site, number, "paid", now=now, start=("pending",), only=only, **record)
    except WrongState as stood:
        if stood.order is None or stood.order.status != "expired":
            raise
    return move(
        site, number, "paid", now=now, start=("expired",), only=only, late=True, ranges=None, **record
    )


def deliver(order: Order, ranges: tuple[Range, ...], *, now: int) -> Order:
    """Hand the codes at these positions to the order. Raises WrongState when it was moved or given others."""
    rows = OrderRow.of(order.site)
    written = write_ranges(ranges) or None
    held = write_ranges(order.ranges)
    only: Condition = (rows.ranges == held) if held else rows.ranges.does_not_exist()
    start = (order.status,)
    fields = {} if order.ranges or not written else {"ranges": written}
    return move(order.site, order.number, "delivered", now=now, start=start, only=only, **fields)


def add_attempt(site: str, number: str, *, channel: str, merchant: str) -> Order:
    """Let a pending order be paid through another channel. Raises WrongState, Conflict."""
    before = order(site, number)
    if any((one.channel, one.merchant) == (channel, merchant) for one in before.attempts[-1:]):
        return before
    if len(before.attempts) >= MOST_ATTEMPTS:
        raise errors.Conflict("The channel was changed too often; use the one chosen last.")
    rows = OrderRow.of(site)
    stored = " ".join(f"{one.channel}:{one.merchant}" for one in before.attempts)
    same = (rows.status == "pending") & (rows.attempts == stored)
    actions = [rows.attempts.set(f"{stored} {channel}:{merchant}")]
    try:
        return order_of(site, rows.change(partition(number), number, actions, same))
    except table.Refused as refused:
        raise WrongState(order_of(site, refused.row) if refused.row else None) from None


def order(site: str, number: str) -> Order:
    """An order by number, strongly read. Raises NotFound."""
    return read(site, number)


def orders(site: str, numbers: Iterable[str]) -> dict[str, Order]:
    """Several orders of a site by number, strongly read; unknown ones are left out."""
    rows = OrderRow.of(site).read_many((partition(number), number) for number in numbers)
    return {row.sk: order_of(site, row) for row in rows}


def on_day(site: str, day: str) -> Iterator[Order]:
    """All orders whose key was made on a Beijing day, in no order."""
    for key in partitions(day):
        for row in OrderRow.of(site).under(key):
            yield order_of(site, row)


def recent(site: str, *, day: str, status: str | None = None) -> list[Order]:
    """A day's orders, newest first."""
    found = [one for one in on_day(site, day) if status in (None, one.status)]
    return sorted(found, key=lambda one: (one.placed_at, one.number), reverse=True)


def of_member(site: str, member: str, *, before: str = "") -> list[Order]:
    """A member's orders, newest first, a page of 50 from below the number `before`."""
    rows = OrderRow.of(site)
    where: Condition | None = (OrderRow.sk < before) if before else None
    keys = rows.by_member.query(member, where, scan_index_forward=False, limit=_PAGE)
    found = orders(site, [row.sk for row in keys])
    return sorted(found.values(), key=lambda one: one.placed_at, reverse=True)


def keep_delivery(site: str, number: str, text: str, *, staff: str, now: int) -> None:
    """Keep what a person delivers, sealed, before the order says delivered; the last text counts."""
    rows = DeliveryRow.of(site)
    sealed = vault.seal(site, text.encode(), f"hand|{number}")
    actions = [rows.sealed.set(sealed), rows.staff.set(staff), rows.at.set(now)]
    # Only the text that stood when the order moved to delivered is ever shown, see fulfilment.
    rows.change(f"HAND#{number}", ".", actions, None)


def delivery(site: str, number: str) -> str:
    """What a person delivered; empty when nobody did."""
    row = DeliveryRow.of(site).read(f"HAND#{number}", ".")
    return vault.unseal(site, row.sealed, f"hand|{number}").decode() if row else ""
