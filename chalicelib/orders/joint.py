"""Orders put down or moved together with something else of their site, all in one transaction or not at all.

A refusal does not say which condition failed, so the order is read again: where it stands as before, the other thing
moved, and the whole is tried anew from what stands then.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.kit import errors, log, table

from .model import OrderRow
from .record import Exists, Order, WrongState, order_of, read
from .rules import MOVES, Attempt, partition, short_name, write_attempts, write_ranges

_TRIES = 5

Beside = Callable[[Any], object]  # adds its writes to the transaction it is given


def new_row(site: str, number: str, **fields: Any) -> OrderRow:
    """The row of a new order, not written yet."""
    fields["goods_name"] = short_name(fields["goods_name"])
    fields["ranges"] = write_ranges(fields.pop("ranges")) or None
    fields["agents"] = "".join(fields.get("agents", ())) or None
    attempt: Attempt = fields.pop("attempt")
    row = OrderRow.of(site)(partition(number), number, **{"status": "pending", **fields})
    row.attempts = write_attempts([attempt])
    return row


def open_with(site: str, number: str, beside: Beside, **fields: Any) -> Order:
    """Put a new order down together with what `beside` writes. Raises Exists, Conflict, and what `beside` raises."""
    rows = OrderRow.of(site)
    for _ in range(_TRIES):
        row = new_row(site, number, **fields)
        try:
            with table.Together(site, "") as write:
                beside(write)
                write.save(row, condition=rows.pk.does_not_exist())
        except table.Refused:
            stood = rows.read(partition(number), number)
            if stood is not None:
                raise Exists(order_of(site, stood)) from None
            continue
        return order_of(site, row)
    raise errors.Conflict


def move_with(order: Order, to: str, beside: Beside, *, now: int, **fields: Any) -> Order:
    """Move an order on from the state it was read in, together with what `beside` writes.

    Raises WrongState with the order as it stands, Conflict, and what `beside` raises.
    """
    if (order.status, to) not in MOVES:
        raise WrongState(order)
    rows = OrderRow.of(order.site)
    actions = actions_of(rows, {"status": to, f"{to}_at": now, **fields})
    for _ in range(_TRIES):
        try:
            with table.Together(order.site, "") as write:
                beside(write)
                row = rows(partition(order.number), order.number)
                write.update(row, actions, condition=_as_read(rows, order))
        except (table.Refused, errors.ShopError) as why:
            stood = read(order.site, order.number)
            if stood != order:
                raise WrongState(stood) from None
            if isinstance(why, errors.ShopError):
                raise
            continue
        log.event("orders.moved", site=order.site, order=order.number, to=to)
        return read(order.site, order.number)
    raise errors.Conflict


def _as_read(rows: type[OrderRow], order: Order) -> Condition:
    paid = rows.transaction == order.transaction if order.transaction else rows.transaction.does_not_exist()
    as_read: Condition = (rows.status == order.status) & paid
    return as_read


def actions_of(rows: type[OrderRow], changes: Mapping[str, Any]) -> list[Action]:
    """Changes by field as a write takes them; a field of None is removed."""
    return [
        getattr(rows, name).remove() if value is None else getattr(rows, name).set(value)
        for name, value in changes.items()
    ]
