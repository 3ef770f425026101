"""Hold the pools against the orders, and balances against their histories, night by night."""

import bisect
from itertools import chain

from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, queue, tenant
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

from . import rules

AT_ONCE = 60  # sites whose orders one run asks for: each takes half a second, see bench/fleet.py


def audit_all() -> int:
    """Ask for an audit of the main site's pools and of every site's own; how many owners."""
    owners = chain([tenant.MAIN], (site.site for site in tenancy.each_site() if site.stands))
    return queue.send_all("timer", ({"site": owner, "audit": True} for owner in owners))


def check_wallets(site: str, *, now: int) -> int:
    """Check the histories of all members whose balance moved with yesterday's or today's orders; how many are broken.

    A broken one becomes a case.
    """
    with tenant.acting_for(site):
        found = [one for at in (now - clock.DAY, now) for one in orders.on_day(site, clock.day_of(at))]
        members = {one.member for one in found if one.member and (one.balance_fen or one.way == "wallet")}
        broken = [one for one in sorted(members) if not wallet.sound(wallet.all_entries(site, one))]
    for member in broken:
        from chalicelib.cases import service as cases

        facts = {"site": site, "member": member}
        why, action = "会员余额的明细前后对不上。", "暂停该会员使用余额，逐笔核对明细和订单，查明后更正。"
        cases.open("wallet", f"{site}#{member}", why=why, facts=facts, action=action, now=now)
    return len(broken)


def audit(owner: str, *, now: int, begun: int | None = None) -> int:
    """Return an owner's burnt positions to sale; how many, once all sites were asked who may have some.

    Of more sites than one run can ask, each asks a page and sends for the next; `begun` is when the first one did.
    """
    skus = [goods.goods_id for goods in catalog.all_goods(owner) if goods.way == "pool"]
    checks = {check.seg: check for check in stock.audits_due(owner, skus, now=now, begun=begun)}
    if not checks:
        return 0
    page, more = _page(owner, checks)
    # An order may claim late and stands under the day of its key: look back as far as one may reach.
    since = min(check.since for check in checks.values()) - rules.CLAIM_WITHIN - 2 * clock.DAY
    for site in page:
        _account(site, owner, checks, since, now)
    if more:
        for check in checks.values():
            stock.lay_audit_down(owner, check, page[-1])
        queue.send("timer", site=owner, audit=True, begun=now if begun is None else begun)
        return 0
    return sum(stock.finish_audit(owner, check, now=now) for check in checks.values())


def _page(owner: str, checks: dict[str, stock.Check]) -> tuple[list[str], bool]:
    """The sites to ask now, by code, and whether others come after them; the checks go on from what is known."""
    if owner != tenant.MAIN:
        return [owner], False
    sites = sorted(site.site for site in tenancy.each_site(fresh=True) if site.sold)
    if len(sites) <= AT_ONCE:
        return sites, False
    stock.take_audits_up(owner, checks.values())
    first = bisect.bisect_right(sites, min(check.upto for check in checks.values()))
    return sites[first : first + AT_ONCE], first + AT_ONCE < len(sites)


def _account(site: str, owner: str, checks: dict[str, stock.Check], since: int, now: int) -> None:
    """Tick off what a site's orders have."""
    with tenant.acting_for(site):
        for at in range(since, now + clock.DAY, clock.DAY):
            for order in orders.on_day(site, clock.day_of(at)):
                if order.goods_owner == owner:
                    _tick(order, checks)


def _tick(order: orders.Order, checks: dict[str, stock.Check]) -> None:
    for one in order.ranges:
        if one.seg in checks:
            checks[one.seg].account(one)
