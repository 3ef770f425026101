"""What was held and never shown goes back to sale."""

from collections.abc import Iterable

from chalicelib.kit import queue, throttle
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock

_FOLD_AFTER = 30  # seconds in which more may come back before all of it is folded at once

_folds = throttle.Bucket(size=1, seconds=_FOLD_AFTER - 10)


def give_back(order: orders.Order) -> None:
    """Return what an order held; repeating it changes nothing."""
    pool = (order.goods_owner, order.goods_id)
    return_ranges(order.site, pool, order.ranges, why=order.status, at=order.placed_at)


def return_ranges(
    site: str, pool: tuple[str, str], ranges: Iterable[stock.Range], *, why: str, at: int
) -> None:
    """Return ranges to a pool (owner, sku), and have them on sale again soon."""
    owner, sku = pool
    returned = tuple(ranges)
    stock.give_back(owner, sku, returned, why=why, at=at)
    name = f"{owner}|{sku}"
    if returned and not _folds.empty(name):
        _folds.take(name)
        queue.send("timer", site=site, fold=sku, owner=owner, delay=_FOLD_AFTER)
