"""Settlement: 100,000 orders delivered on one day at 1,000 sub-sites.

Every site has 100 delivered orders, laid into the database as copies of one that was bought, with the site's own keys.
At the first 20 sites the queue function settles them from messages, ten at a time; the others' journals are copies too.
Then the windows of all sites are closed at half past midnight. The goal is for what comes on top of the one journal an
order has: a statement and an account per site and day, posted in one transaction.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.settlement import worker
from sim.stage import Stage

from . import history
from . import shop as shops
from .report import Figure, Finding, Goal
from .shop import Shop, Tally

_SITES = 1000
_ORDERS = 100  # of a site
_SETTLED = 20  # sites whose orders the queue function settles
_BATCH = 10


@dataclass(frozen=True)
class Night:
    """What a night of settlement took; `posted_fen` reached the sites' accounts, `due_fen` should have."""

    journals: Tally
    windows: Tally
    posted_fen: int
    due_fen: int


def measure() -> Iterator[Finding]:
    """Units and requests per order."""
    with shops.opened() as stage:
        night = settle(stage, sites=_SITES, orders=_ORDERS, settled=_SETTLED)
    count, by_message = _SITES * _ORDERS, _SETTLED * _ORDERS
    yield Figure(
        "closing all windows, per order", night.windows.writes / count, "write units", Goal("≤", 0.1)
    )
    yield Figure("closing all windows", night.windows.writes, "write units")
    yield Figure("closing all windows, per order", night.windows.reads / count, "read units")
    yield Figure("closing all windows, per site", night.windows.requests["dynamodb"] / _SITES, "requests")
    yield Figure("the order's journal", night.journals.writes / by_message, "write units", Goal("≤", 1))
    yield Figure("missing from the sites' accounts", night.due_fen - night.posted_fen, "fen", Goal("=", 0))


def settle(stage: Stage, *, sites: int, orders: int, settled: int) -> Night:
    """Let a night pass over so many sites with so many orders each."""
    shop = Shop(stage)
    like = shop.buy(stage.sites[0], stage.goods[0].goods_id)
    codes = history.lay_sites(shop, sites + len(stage.sites))[len(stage.sites) :]
    for index, site in enumerate(codes):
        numbers = history.lay_sales(shop, site, like, orders, journals=index >= settled)
        if index < settled:
            _settle(shop, site, numbers)
    shop.now = clock.day_start(clock.day_of(int(shop.now))) + clock.DAY + 1800
    with shop.step("windows"):
        shop.tick(worker.close_windows)
    shop.go_on(shop.now, batch=_BATCH, steps={"close": "windows"})
    with tenant.acting_for(like.site):
        (sale,) = ledger.journals_of(like.site, clock.day_of(like.placed_at), like.number)
    due = -dict(sale.legs)[f"subsite:{like.site}:pending"] * orders * sites
    posted = sum(ledger.available(site) for site in codes)
    return Night(shop.tallies["journals"], shop.tallies["windows"], posted, due)


def _settle(shop: Shop, site: str, numbers: list[str]) -> None:
    bodies = [json.dumps({"site": site, "order": number}) for number in numbers]
    with shop.step("journals"):
        for first in range(0, len(bodies), _BATCH):
            shop.work("settle", bodies[first : first + _BATCH])
