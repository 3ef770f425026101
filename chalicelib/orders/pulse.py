"""How a site's newest orders fare, for everybody to see: it tells nothing of how many there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.kit import clock

from . import rules
from .model import OrderRow
from .record import Order, order_of

_BACK = 3600  # seconds of the newest orders
_OF_EACH = 6  # orders of each partition that are looked at: a fair sample of 48
_PATIENCE = 120  # seconds after which who paid should have what they paid for
_TIME_TO_PAY = 300  # seconds after which an order through a channel that works is mostly paid
_TRIES = 10


@dataclass(frozen=True)
class Pulse:
    """Whether nobody who paid waits for codes, and the channels through which nobody has paid of late."""

    delivers: bool
    doubtful: frozenset[str]


def pulse(site: str, *, now: int) -> Pulse:
    """How the newest orders of a site fare, from 48 of them at most, eventually consistent."""
    return of_orders(_newest(site, now), now=now)


def of_orders(orders: Iterable[Order], *, now: int) -> Pulse:
    """The same of these orders. Pure."""
    found = [order for order in orders if order.placed_at >= now - _BACK]
    return Pulse(not any(_waits(order, now) for order in found), frozenset(_doubtful(found, now)))


def _newest(site: str, now: int) -> Iterator[Order]:
    for day in sorted({clock.day_of(now - _BACK), clock.day_of(now)}):
        for key in rules.partitions(day):
            for row in OrderRow.of(site).under(key, newest_first=True, limit=_OF_EACH):
                yield order_of(site, row)


def _waits(order: Order, now: int) -> bool:
    automatic = order.way != "manual"
    return automatic and order.status == "paid" and (order.paid_at or now) + _PATIENCE <= now


def _doubtful(orders: Iterable[Order], now: int) -> Iterator[str]:
    """Channels that were tried often enough, with time to pay, and never paid through."""
    tried: dict[str, list[bool]] = {}
    for order in orders:
        if order.attempts and (order.paid_at or order.placed_at + _TIME_TO_PAY <= now):
            tried.setdefault(order.channel, []).append(order.paid_at is not None)
    return (channel for channel, paid in tried.items() if len(paid) >= _TRIES and not any(paid))
