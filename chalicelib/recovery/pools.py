"""Pools: what was given out in the lost span is not given again."""

from collections.abc import Iterable, Iterator, Mapping

from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, log, table, tenant
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock

from . import rules
from .rules import Evidence, Pool

Sold = Mapping[str, list[orders.Order]]  # by site


def sold(sites: Iterable[str], found: Evidence, *, since: int, now: int) -> Sold:
    """The orders of sites that may have been given something since then."""
    return {site: list(_orders(site, found, since, now)) for site in sites}


def every(found: Evidence, sold: Sold) -> list[Pool]:
    """The pools that anything was given out of."""
    held = {(one.goods_owner, one.goods_id) for each in sold.values() for one in each if one.ranges}
    return sorted({*found.given, *found.folds, *held})


def jump(pool: Pool, found: Evidence, sold: Sold, *, now: int) -> None:
    """Bring a pool to where the log says that it was, so that nothing is given out twice."""
    owner, sku = pool
    holders = _holders(pool, sold)
    given = [one.range for one in found.given.get(pool, ())]
    folds = rules.folds(found, pool)
    folded = [one for fold in folds for _, one in fold.backs]
    with tenant.acting_for(owner):
        _refold(owner, folds, now)
        lost = stock.jump(owner, [*given, *(one for order in holders for one in order.ranges), *folded])
        if lost:
            log.alarm("recovery.segments_lost", owner=owner, sku=sku, ranges=" ".join(map(str, lost)))
    for order in holders:
        _give_back(order)


def withhold(pool: Pool, found: Evidence, sold: Sold) -> int:
    """Keep from sale what the sites in `sold` were given and no order of theirs has any more; how many positions."""
    held = [one for order in _holders(pool, sold) for one in order.ranges]
    given = [one.range for one in found.given.get(pool, ()) if one.site in sold]
    with tenant.acting_for(pool[0]):
        return stock.withhold(*pool, given, held)


def _holders(pool: Pool, sold: Sold) -> list[orders.Order]:
    return [one for each in sold.values() for one in each if (one.goods_owner, one.goods_id) == pool]


def _refold(owner: str, folds: Iterable[stock.Fold], now: int) -> None:
    """Make segments again from which somebody was given something; others come about by themselves."""
    for fold in folds:
        try:
            stock.refold(owner, fold, now=now)
        except table.Refused:
            log.alarm("recovery.fold_refused", owner=owner, sku=fold.sku, segment=fold.seg)


def _give_back(order: orders.Order) -> None:
    """What an order held that ended without a delivery is back, or on its way; the pool may have forgotten that."""
    ended = order.status in ("expired", "refunding", "refunded") and not order.delivered_at
    if ended and order.ranges:
        with tenant.acting_for(order.site):
            checkout.give_back(order)


def _orders(site: str, found: Evidence, since: int, now: int) -> Iterator[orders.Order]:
    with tenant.acting_for(site):
        known = set()
        for day in dict.fromkeys(map(clock.day_of, range(since - clock.DAY, now + clock.DAY, clock.DAY))):
            for order in orders.on_day(site, day):
                known.add(order.number)
                yield order
        older = found.sales.get(site, {}).keys() - known
        yield from orders.orders(site, sorted(older)).values()
