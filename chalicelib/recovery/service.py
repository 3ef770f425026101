"""Recover from restored tables: one call, to be repeated until it returns, while nobody else reaches these tables."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.kit import log, tenant
from chalicelib.tenancy import service as tenancy

from . import mains, pools, rules, sales
from .rules import Line


@dataclass(frozen=True)
class Report:
    """What was found. `gone`: numbers of orders that the restored tables do not have."""

    sales: int
    gone: tuple[str, ...]
    withheld: int
    payouts: int


def recover(restored: Collection[str], lines: Iterable[Line], *, since: int, now: int) -> Report:
    """Take into account again what left the house since tables stood as they do now, by the log's lines, oldest first.

    `restored` are owners, "main" or sites; `since` is the moment of the oldest of them, less a quarter of an hour. All
    of it may be repeated; whatever a channel or a table raises means to begin again.
    """
    found = rules.read(lines)
    sites = [site.site for site in tenancy.sites(fresh=True)]
    fallen = [site for site in sites if site in restored]
    sold = pools.sold(
        [site for site in sites if site in found.sales or site in fallen], found, since=since, now=now
    )
    every = [pool for pool in pools.every(found, sold) if pool[0] in (tenant.MAIN, *sites)]
    for pool in every:
        pools.jump(pool, found, sold, now=now)
    gone: list[str] = []
    for site in fallen:
        with tenant.acting_for(site):
            gone += sales.mend(site, found.sales.get(site, {}), since=since, now=now)
    left = pools.sold(fallen, found, since=since, now=now)
    withheld = sum(pools.withhold(pool, found, left) for pool in every)
    lost = _mend_main(found, sites, since, now) if tenant.MAIN in restored else 0
    report = Report(sum(map(len, found.sales.values())), tuple(gone), withheld, lost)
    log.event("recovery.done", sales=report.sales, gone=len(gone), withheld=withheld, payouts=lost)
    return report


def _mend_main(found: rules.Evidence, sites: Sequence[str], since: int, now: int) -> int:
    mains.list_orders(found, now=now)
    mains.open_cases(found, now=now)
    mains.close_windows(sites, since=since, now=now)
    return mains.send_again(found, now=now)
