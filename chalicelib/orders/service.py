"""Orders: put down once, moved along the table of allowed moves, found again by those who may.

`move` is the only way a state changes. Its condition is the inbox: a repeat finds the state changed and is
refused, so no other record of "already done" is needed.
"""

import contextlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import errors, ids, log, table, vault
from chalicelib.stock.service import Range

from .feed import add_to_feed, newest, sites_listed
from .joint import Beside, actions_of, move_with, new_row, open_with
from .lookup import may_read, receipt_cookie, receipts
from .model import DeliveryRow, OrderRow
from .pulse import Pulse, pulse
from .record import Exists, Order, WrongState, order_of, read, seal_contact
from .rules import (
    FINAL,
    MOST_ATTEMPTS,
    MOVES,
    OPEN,
    STATES,
    Attempt,
    BadContact,
    Receipt,
    contact,
    make_number,
    parse_number,
    partition,
    partitions,
    query_password,
    short_reason,
    site_of,
    split_trade_no,
    time_of,
    write_attempts,
    write_ranges,
)
from .todo import (
    WATCH,
    Todo,
    add_todo,
    close_todo,
    delay_todo,
    due_todos,
    note_within,
    todos_named,
    todos_of,
    unwatch,
    watch,
    watched,
)

__all__ = [
    "FINAL",
    "OPEN",
    "STATES",
    "WATCH",
    "Attempt",
    "BadContact",
    "Beside",
    "Exists",
    "Order",
    "Pulse",
    "Receipt",
    "Todo",
    "WrongState",
    "add_to_feed",
    "add_todo",
    "check_refunds",
    "close_todo",
    "contact",
    "delay_todo",
    "due_todos",
    "make_number",
    "may_read",
    "move_with",
    "newest",
    "note_within",
    "open_with",
    "parse_number",
    "pulse",
    "query_password",
    "receipt_cookie",
    "receipts",
    "seal_contact",
    "short_reason",
    "site_of",
    "sites_listed",
    "split_trade_no",
    "time_of",
    "todos_named",
    "todos_of",
    "unwatch",
    "watch",
    "watched",
]

_PAGE = 50


def open_order(site: str, number: str, **fields: Any) -> Order:
    """Put a new order down as pending. Raises Exists with what stands under the number."""
    row = new_row(site, number, **fields)
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
    if not origins:
        raise WrongState(read(site, number))
    condition = rows.status.is_in(*origins)
    actions = actions_of(rows, {"status": to, f"{to}_at": now, **fields})
    try:
        row = rows.change(partition(number), number, actions, condition if only is None else condition & only)
    except table.Refused as refused:
        raise WrongState(order_of(site, refused.row) if refused.row else None) from None
    log.event("orders.moved", site=site, order=number, to=to)
    return order_of(site, row)


def pay(site: str, number: str, payment: Receipt, *, now: int) -> Order:
    """Record the payment of a pending order when merchant and amount are the order's own and no balance is in it.

    Raises WrongState with the order as it stands, or with None for an unknown one.
    """
    rows = OrderRow.of(site)
    expected = (rows.amount == payment.amount_fen) & rows.attempts.contains(payment.merchant_mark)
    expected &= rows.balance.does_not_exist()
    return move(site, number, "paid", now=now, start=("pending",), only=expected, **payment.record)


def revive(expired: Order, payment: Receipt, *, now: int) -> Order:
    """Record money that came after expiry; the old ranges are forgotten, they went back to stock.

    Raises WrongState.
    """
    record = {**payment.record, "late": True, "ranges": None}
    return move(expired.site, expired.number, "paid", now=now, start=("expired",), **record)


def decline(expired: Order, payment: Receipt) -> Order:
    """Mark an expired order with late money that it cannot take, so that it never will. Raises WrongState."""
    rows = OrderRow.of(expired.site)
    own = rows.transaction.does_not_exist() | (rows.transaction == payment.transaction)
    unmarked = (rows.status == "expired") & own  # this write may have been repeated below us
    try:
        row = rows.change(
            partition(expired.number), expired.number, [rows.transaction.set(payment.transaction)], unmarked
        )
    except table.Refused as refused:
        raise WrongState(order_of(expired.site, refused.row) if refused.row else None) from None
    return order_of(expired.site, row)


def deliver(order: Order, ranges: tuple[Range, ...], *, now: int, ref: str | None = None) -> Order:
    """Hand the codes at these positions, or the text kept under `ref`, to the order.

    Raises WrongState when the order was moved or given other codes.
    """
    rows = OrderRow.of(order.site)
    written = write_ranges(ranges) or None
    held = write_ranges(order.ranges)
    only: Condition = (rows.ranges == held) if held else rows.ranges.does_not_exist()
    start = (order.status,)
    fields: dict[str, Any] = {"why": ref}
    if written and not order.ranges:
        fields["ranges"] = written
    return move(order.site, order.number, "delivered", now=now, start=start, only=only, **fields)


def add_attempt(before: Order, attempt: Attempt) -> Order:
    """Let a pending order be paid through another channel. Raises WrongState, Conflict."""
    if len(before.attempts) >= MOST_ATTEMPTS:
        raise errors.Conflict("The channel was changed too often; use the one chosen last.")
    rows = OrderRow.of(before.site)
    same = (rows.status == "pending") & (rows.attempts == write_attempts(before.attempts))
    actions = [rows.attempts.set(write_attempts([*before.attempts, attempt]))]
    try:
        row = rows.change(partition(before.number), before.number, actions, same)
    except table.Refused as refused:
        raise WrongState(order_of(before.site, refused.row) if refused.row else None) from None
    return order_of(before.site, row)


def count_refund(write: TransactWrite, order: Order, fen: int) -> None:
    """Within a transaction: one more after-sales refund, while the order stands as it was read."""
    rows = OrderRow.of(order.site)
    actions: list[Action] = [rows.refunded_fen.set(order.refunded_fen + fen)]
    actions.append(rows.refunds.set(order.refunds + 1))
    condition = _as_read(order) & (rows.status == "delivered")
    write.update(rows(partition(order.number), order.number), actions, condition=condition)


def check_refunds(write: TransactWrite, order: Order) -> None:
    """Within a transaction: only while the order's after-sales refunds are those that were read."""
    rows = OrderRow.of(order.site)
    write.condition_check(rows, partition(order.number), order.number, condition=_as_read(order))


def uncount_refund(write: TransactWrite, order: Order, fen: int) -> None:
    """Within a transaction: a refund that will not be; an order all of which was on its way is delivered again."""
    rows = OrderRow.of(order.site)
    actions: list[Action] = [rows.refunded_fen.set(order.refunded_fen - fen)]
    if order.status == "refunding":
        actions += [rows.status.set("delivered"), rows.refunding_at.remove()]
    condition = _as_read(order) & (rows.status == order.status)
    write.update(rows(partition(order.number), order.number), actions, condition=condition)


def order(site: str, number: str) -> Order:
    """An order by number as people may type it, strongly read. Raises NotFound."""
    return read(site, parse_number(number))


def orders(site: str, numbers: Iterable[str]) -> dict[str, Order]:
    """Several orders of a site by number, strongly read; unknown ones are left out."""
    rows = OrderRow.of(site).read_many((partition(number), number) for number in numbers)
    return {row.sk: order_of(site, row) for row in rows}


def on_day(site: str, day: str, *, states: tuple[str, ...] = (), channel: str = "") -> Iterator[Order]:
    """The orders whose key was made on a Beijing day: of all states or some, tried by any channel or one; unsorted."""
    only = _only(states, channel) if states or channel else None
    for key in partitions(day):
        for row in OrderRow.of(site).under(key, only=only):
            yield order_of(site, row)


def recent(site: str, *, day: str, status: str | None = None) -> list[Order]:
    """A day's orders, newest first."""
    found = on_day(site, day, states=(status,) if status else ())
    return sorted(found, key=lambda one: (one.placed_at, one.number), reverse=True)


def of_member(site: str, member: str, *, before: str = "") -> list[Order]:
    """A member's orders, newest first, a page of 50 from below the number `before`."""
    rows = OrderRow.of(site)
    where: Condition | None = (OrderRow.sk < before) if before else None
    keys = rows.by_member.query(member, where, scan_index_forward=False, limit=_PAGE)
    found = orders(site, [row.sk for row in keys])
    return sorted(found.values(), key=lambda one: one.placed_at, reverse=True)


def keep_delivery(site: str, number: str, text: str, *, staff: str, now: int) -> str:
    """Keep what a person wrote, sealed; its reference goes into the order that delivers it."""
    ref = ids.token(8)
    sealed = vault.seal(site, text.encode(), f"hand|{number}|{ref}")
    row = DeliveryRow.of(site)(f"HAND#{number}", ref, sealed=sealed, staff=staff, at=now)
    with contextlib.suppress(table.Refused):  # the name is new: what stands is this write, repeated below us
        row.insert()
    return ref


def delivery(order: Order) -> str:
    """What a person delivered; empty when nobody did."""
    row = DeliveryRow.of(order.site).read(f"HAND#{order.number}", order.why) if order.why else None
    if row is None:
        return ""
    return vault.unseal(order.site, row.sealed, f"hand|{order.number}|{order.why}").decode()


def _as_read(order: Order) -> Condition:
    """That nobody asked for or gave up an after-sales refund since the order was read."""
    rows = OrderRow.of(order.site)
    if not order.refunds:
        return rows.refunds.does_not_exist()
    same: Condition = (rows.refunds == order.refunds) & (rows.refunded_fen == order.refunded_fen)
    return same


@cache
def _only(states: tuple[str, ...], channel: str) -> Condition:
    """Which orders of a day are wanted; making a condition takes longer than the rest of a query."""
    tried: Condition = OrderRow.attempts.contains(f"{channel}:")
    if not states:
        return tried
    return OrderRow.status.is_in(*states) & tried if channel else OrderRow.status.is_in(*states)
