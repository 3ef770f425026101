"""Counting a day's orders. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chalicelib.kit import clock
from chalicelib.orders.service import Order


@dataclass(frozen=True)
class Figures:
    """A day of one site, or of all: orders placed, paid and delivered, and what was paid, by Beijing hour too."""

    placed: int = 0
    paid: int = 0
    delivered: int = 0
    gmv_fen: int = 0
    hours: tuple[int, ...] = (0,) * 24

    @property
    def conversion_bps(self) -> int:
        """Paid of placed orders, in basis points."""
        return self.paid * 10_000 // self.placed if self.placed else 0


def count(orders: Iterable[Order]) -> Figures:
    """The figures of these orders. An order counts as paid once it was, whatever came after.

    A top-up is no sale: what is bought from it counts.
    """
    total = Figures()
    for order in (one for one in orders if one.way != "wallet"):
        total = add(total, _figures(order))
    return total


def add(one: Figures, other: Figures) -> Figures:
    """Both together."""
    return Figures(
        one.placed + other.placed,
        one.paid + other.paid,
        one.delivered + other.delivered,
        one.gmv_fen + other.gmv_fen,
        tuple(a + b for a, b in zip(one.hours, other.hours, strict=True)),
    )


def _figures(order: Order) -> Figures:
    placed = Figures(placed=1)
    if order.paid_at is None:
        return placed
    hour = clock.beijing(order.paid_at).hour
    hours = tuple(order.amount_fen if i == hour else 0 for i in range(24))
    delivered = int(order.delivered_at is not None)
    return replace(placed, paid=1, delivered=delivered, gmv_fen=order.amount_fen, hours=hours)
