"""A site leaves: what has to be done before its doors shut, and what is destroyed after that.

Shoppers fetch codes, ask for refunds and take their balance back for thirty days at least, and for as long as anything
is open. Then the doors shut, and the data key is destroyed: contacts, names and codes are unreadable from then on.
Orders and journals stay for as long as the law wants them; a person deletes the table after that.
"""

from dataclasses import dataclass

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

_DAYS = (
    2  # before and after the last sale, whose orders are looked through; older ones have matters of their own
)


class TooEarly(errors.ShopError):
    """Trade has to be kept for a while after it ended."""

    status = 409
    code = "too_early"
    sentence = "Its orders and journals have to be kept for three years after it closed."


@dataclass(frozen=True)
class Matter:
    """What has to be over before the doors shut. `fen` where it is an amount, `count` where it is a number."""

    what: str  # "notice" | "orders" | "cases" | "balances" | "money" | "deposit" | "copy"
    done: bool
    count: int = 0
    fen: int = 0
    until: int = 0


def matters(site: tenancy.Site, *, now: int) -> list[Matter]:
    """What a site that leaves has to do, and what of it is done."""
    at = site.leaving.at if site.leaving else now
    until = max(site.leaving.until if site.leaving else now + tenancy.NOTICE, at + tenancy.CLOSES_AFTER)
    held, open_ones = ledger.balances(site.site), len(_open_orders(site.site, at))
    concerned, owed = _cases(site.site), ledger.stored(site.site)
    own = held.available + held.held + held.transit
    return [
        Matter("notice", now >= until, until=until),
        Matter("orders", not open_ones, count=open_ones),
        Matter("cases", not concerned, count=concerned),
        Matter("balances", not owed, fen=owed),
        Matter("money", not (held.available or held.held or held.transit), fen=own),
        Matter("deposit", not held.deposit, fen=held.deposit),
        *([Matter("copy", done=False)] if site.left else []),
    ]


def go_on(site: tenancy.Site, *, now: int) -> None:
    """Take the next step of a site that leaves or is closed; one that has to wait for people waits."""
    if site.state == "leaving" and site.leaving:
        if all(matter.done for matter in matters(site, now=now)):
            tenancy.close(site, now=now)
        elif now >= site.leaving.at + tenancy.CLOSES_AFTER:
            _remind(site, now)
    elif site.state == "closed" and site.leaving and not site.leaving.erased_at:
        _erase(site, now)


def delete(site: tenancy.Site, *, by: str, now: int) -> None:
    """Delete the table of a closed site once the law lets it go; its row stays as the proof. Safe to repeat.

    Needs rights that no function has: a person does this. Raises TooEarly, Conflict.
    """
    told = site.leaving
    if site.state != "closed" or told is None or not told.erased_at or site.domains:
        raise errors.Conflict
    if now < told.closed_at + tenancy.KEPT:
        raise TooEarly(until=told.closed_at + tenancy.KEPT)
    if found := tenancy.table_of(site.site, cell=site.cell):
        arn, items = found
        tenancy.record(site, table=arn, items=items)
    tenancy.remove(site.site, cell=site.cell)
    tenancy.bury(site, by=by, now=now)


def _erase(site: tenancy.Site, now: int) -> None:
    """Note which key it was, destroy it, note when: whoever dies in between does the rest."""
    with tenant.acting_for(site.site):
        key = vault.fingerprint(site.site)
        if key and site.leaving and not site.leaving.key:
            tenancy.record(site, key=key)
        vault.destroy(site.site)
    tenancy.record(site, erased_at=now)


def _open_orders(site: str, at: int) -> set[str]:
    """Orders that are not over: those about the last sale that are not final, and those with an open matter."""
    with tenant.acting_for(site):
        days = sorted({clock.day_of(at + back * clock.DAY) for back in range(-_DAYS, _DAYS + 1)})
        moving = {o.number for day in days for o in orders.on_day(site, day) if o.status not in orders.FINAL}
        return moving | {todo.number for todo in orders.todos_named(site, "", closed=False)}


def _cases(site: str) -> int:
    return sum(
        case.facts.get("site") == site for case in cases.open_ones(limit=1000) if case.kind != "leaving"
    )


def _remind(site: tenancy.Site, now: int) -> None:
    cases.open(
        "leaving",
        site.site,
        why=f"「{site.brand.name}」公告期已满，还有事没有办完，不能关闭",
        facts={"site": site.site},
        action="看分站页面上还差哪几项；余额与保证金由站长在提现页申请，其余按各自的待办处理。",
        now=now,
    )
