"""`cardmesh books`: whether the live books hold together. Read-only, a few days of one site or of all.

Positions are held against each other over all sites that are looked at, since a pool of main's serves many.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Annotated, Any

import typer

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy

from . import balances, shown, sites
from .finding import AT_REST, Finding

app = typer.Typer(no_args_is_help=True, help="The live books: check that they hold together.")

_STUCK = clock.DAY  # seconds after which an order that is not final is looked at by a person
_WAITS = frozenset({"review"})  # for a person, however long
_LISTED = 3600  # seconds after which main's list has an order
_LONGEST = 30 * clock.DAY  # for which that list can be read back
_CLOSED = 2 * 3600  # seconds after its end by which a day is closed, tried twice
_NEVER_OWED = ("held", "transit", "deposit")
_AMOUNTS = ("available", *_NEVER_OWED)
Position = tuple[str, str, int]  # whose pool, segment, place


@app.command()
def check(
    site: Annotated[str, typer.Option(help="One site by code or name; else all.")] = "",
    days: Annotated[int, typer.Option(min=1, max=40, help="Beijing days, today included.")] = 3,
    cell: sites.Cell = "",
    *,
    as_json: shown.AsJson = False,
) -> None:
    """Hold journals, statements, accounts, deliveries and positions against each other; change nothing."""
    now, given = clock.now(), defaultdict[Position, list[str]](list)
    chosen, found = sites.chosen(site, cell), list[Finding]()
    span = [clock.day_of(now - back * clock.DAY) for back in range(days)]
    listed = _listed(span[-1], {one.site for one in chosen}, now)
    for one in chosen:
        with tenant.acting_for(one.site):
            found += of_site(one.site, span, given, listed, now)
    found += twice(given)
    parties = [one.site for one in chosen] + (
        [] if site else [f"dist:{one.agent}" for one in tenancy.agents()]
    )
    found += [each for party in parties for each in _account(party)]
    shown.rows(
        [_line(one) for one in found], as_json=as_json, none=f"{len(chosen)} sites: the books hold together."
    )
    if any(not one.passes for one in found):
        raise typer.Exit(shown.FOUND)


def of_site(
    site: str, days: list[str], given: dict[Position, list[str]], listed: Container[str], now: int
) -> Iterator[Finding]:
    """What does not fit at a site on these days, newest first; its positions are added to those given out.

    `listed` are the orders that main's list has of these days.
    """
    yesterday = clock.day_of(clock.day_start(days[-1]) - 1)
    placed = [order for day in (*days, yesterday) for order in orders.on_day(site, day)]
    for number, place in _positions(placed):
        given[place].append(number)
    known = {order.number: order for order in placed}
    journals = {day: ledger.journals(site, day) for day in dict.fromkeys((*days, yesterday))}
    for day in days:
        sold = {one.number for one in journals[day] if one.event == "sale"}
        known |= orders.orders(site, (one for one in sold if one not in known or not known[one].delivered_at))
        yield from of_day(site, day, journals[day], known, now)
        yield from closed(site, day, journals[day], ledger.posted(site, day), now)
    for order in placed:
        yield from _refunded(order)
    yield from _unlisted(placed, clock.day_start(days[-1]), listed, now)
    yield from _stuck(site, placed, now)
    yield from balances.of_site(site, placed, journals, now)


def of_day(
    site: str, day: str, journals: Sequence[ledger.Journal], known: Mapping[str, orders.Order], now: int
) -> Iterator[Finding]:
    """Journals that do not add up to nothing, sales without a delivery, deliveries without a sale. Pure."""
    for one in journals:
        if sum(fen for _, fen in one.legs):
            yield Finding(site, day, "a journal does not add up to nothing", f"{one.number}#{one.event}")
    yield from _shared(site, day, journals, known)
    sales = Counter(one.number for one in journals if one.event == "sale")
    sold = {o.number for o in known.values() if o.delivered_at and clock.day_of(o.delivered_at) == day}
    for number in sales.keys() - sold:
        yield Finding(site, day, "a sale of no delivered order", number)
    for number in sold - sales.keys():
        late = now - (known[number].delivered_at or 0) < AT_REST
        yield Finding(site, day, "a delivered order without its sale", number, passes=late)


def closed(
    site: str, day: str, journals: Sequence[ledger.Journal], posted: ledger.Posted | None, now: int
) -> Iterator[Finding]:
    """A statement that is not there, not what its journals add up to, or that released another sum. Pure."""
    if posted is None or clock.day_of(posted.at) <= day:
        if journals and now >= clock.day_start(day) + clock.DAY + _CLOSED:
            passes = now < clock.day_start(day) + 2 * clock.DAY + _CLOSED  # its second night takes it along
            yield Finding(site, day, "a day was not closed", f"{len(journals)} journals", passes=passes)
        return
    totals = ledger.totals(one.legs for one in journals)
    if posted.totals != totals:
        passes = now < clock.day_start(day) + 32 * clock.DAY  # it is closed again until then
        differs = sorted(
            k for k in posted.totals.keys() | totals.keys() if posted.totals.get(k) != totals.get(k)
        )
        yield Finding(
            site, day, "a statement is not the sum of its journals", " ".join(differs), passes=passes
        )
    due, had = -posted.totals.get(f"subsite:{site}:pending", 0), posted.released.get(site, 0)
    if due != had:
        yield Finding(site, day, "a statement released another sum", f"{had} fen of {due}")


def twice(given: dict[Position, list[str]]) -> Iterator[Finding]:
    """Positions that several orders have. Pure."""
    for (owner, seg, place), numbers in given.items():
        if len(set(numbers)) > 1:
            yield Finding(
                owner, "", f"position {seg}:{place} was given out twice", " ".join(sorted(set(numbers)))
            )


def _shared(
    site: str, day: str, journals: Iterable[ledger.Journal], known: Mapping[str, orders.Order]
) -> Iterator[Finding]:
    """Sales that are not divided as the order's plan says; what a channel divides is compared with its bills."""
    for one in journals:
        order = known.get(one.number) if one.event == "sale" else None
        if order and not order.attempt.splits and dict(one.legs) != dict(settlement.plain_legs(order)):
            yield Finding(site, day, "a sale is not divided as its plan says", one.number)


def _refunded(order: orders.Order) -> Iterator[Finding]:
    """An order that counts other refunds than it has, or more than was paid; twice in a row, as it may just move."""
    for _ in range(2):
        fen = sum(one.fen for one in settlement.refunds_of(order) if one.counts)
        if fen == order.refunded_fen <= order.amount_fen:
            return
        order = orders.order(order.site, order.number)
    what = f"{order.number}: {order.refunded_fen} fen counted, {fen} asked for, {order.amount_fen} paid"
    yield Finding(order.site, clock.day_of(order.placed_at), "refunds do not fit their order", what)


def _positions(placed: Iterable[orders.Order]) -> Iterator[tuple[str, Position]]:
    """Each position that a buyer holds, by its original name."""
    for order in placed:
        if order.status in ("delivered", "refunding", "refunded") and order.delivered_at:
            for one in stock.resolve(order.goods_owner, order.ranges):
                for place in range(one.start, one.end):
                    yield order.number, (order.goods_owner, one.seg, place)


def _listed(first: str, codes: Container[str], now: int) -> set[str]:
    """The orders of these sites that main's list of all has since a day, a month back at most."""
    since = clock.day_start(first)
    newest = takewhile(lambda each: int(each[0][:10]) >= since, orders.newest("", now=now))
    return {number for _, number in newest if orders.site_of(number) in codes}


def _unlisted(
    placed: Iterable[orders.Order], since: int, listed: Container[str], now: int
) -> Iterator[Finding]:
    """Orders of these days that main's list lacks. Pure."""
    for order in placed:
        if max(since, now - _LONGEST) <= order.placed_at <= now - _LISTED and order.number not in listed:
            day = clock.day_of(order.placed_at)
            yield Finding(order.site, day, "an order is not in main's list", order.number)


def _stuck(site: str, placed: Iterable[orders.Order], now: int) -> Iterator[Finding]:
    for order in placed:
        waits = order.status in orders.OPEN and order.status not in _WAITS and order.way != "manual"
        if waits and order.placed_at + _STUCK <= now:
            day = clock.day_of(order.placed_at)
            yield Finding(site, day, f"an order is still {order.status}", order.number)


def _account(party: str) -> Iterator[Finding]:
    """An account that is not what all its movements add up to, twice in a row: it may move between two reads.

    Only what can be withdrawn may be below zero: a party may owe.
    """
    held = ledger.balances(party)
    for name in _NEVER_OWED:
        if getattr(held, name) < 0:
            yield Finding(party, "", "an account is overdrawn", f"{name}: {getattr(held, name)} fen")
    differs = [_differences(party), _differences(party)] if _differences(party) else []
    for name in sorted(set.intersection(*map(set, differs))) if differs else ():
        yield Finding(party, "", "an account is not what moved it", f"{name}: {differs[-1][name]}")


def _differences(party: str) -> dict[str, str]:
    held, moved = ledger.balances(party), ledger.sum_of(ledger.flows_since(party, 0))
    amounts = {name: (getattr(held, name), getattr(moved, name)) for name in _AMOUNTS}
    return {name: f"{has} fen, moved {sums}" for name, (has, sums) in amounts.items() if has != sums}


def _line(one: Finding) -> dict[str, Any]:
    return {
        "site": one.site,
        "day": one.day,
        "what": one.what,
        "about": one.about,
        "passes": "by itself" if one.passes else "",
    }
