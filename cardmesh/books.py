"""`cardmesh books`: whether the live books hold together. Read-only, a few days of one site or of all.

Positions are held against each other over all sites that are looked at, since a pool of main's serves many.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy

from . import shown, sites

app = typer.Typer(no_args_is_help=True, help="The live books: check that they hold together.")

_STUCK = clock.DAY  # seconds after which an order that is not final is looked at by a person
_WAITS = frozenset({"review"})  # for a person, however long
_AT_REST = 1800  # seconds after a delivery by which its journal is there
_AMOUNTS = ("available", "held", "transit", "deposit")
Position = tuple[str, str, int]  # whose pool, segment, place


@dataclass(frozen=True)
class Finding:
    """What does not fit, and whether a later close of its window mends it."""

    site: str
    day: str
    what: str
    about: str
    passes: bool = False


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
    for one in chosen:
        with tenant.acting_for(one.site):
            found += of_site(
                one.site, [clock.day_of(now - back * clock.DAY) for back in range(days)], given, now
            )
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


def of_site(site: str, days: list[str], given: dict[Position, list[str]], now: int) -> Iterator[Finding]:
    """What does not fit at a site on these days, newest first; its positions are added to those given out."""
    yesterday = clock.day_of(clock.day_start(days[-1]) - 1)
    placed = [order for day in (*days, yesterday) for order in orders.on_day(site, day)]
    for number, place in _positions(placed):
        given[place].append(number)
    known = {order.number: order for order in placed}
    for day in days:
        journals = ledger.journals(site, day)
        known |= orders.orders(site, {one.number for one in journals if one.event == "sale"} - known.keys())
        yield from of_day(site, day, journals, known, now)
        yield from closed(site, day, journals, ledger.posted(site, day), now)
    yield from _stuck(site, placed, now)


def of_day(
    site: str, day: str, journals: Sequence[ledger.Journal], known: Mapping[str, orders.Order], now: int
) -> Iterator[Finding]:
    """Journals that do not add up to nothing, sales without a delivery, deliveries without a sale. Pure."""
    for one in journals:
        if sum(fen for _, fen in one.legs):
            yield Finding(site, day, "a journal does not add up to nothing", f"{one.number}#{one.event}")
    sales = Counter(one.number for one in journals if one.event == "sale")
    sold = {o.number for o in known.values() if o.delivered_at and clock.day_of(o.delivered_at) == day}
    for number in sales.keys() - sold:
        yield Finding(site, day, "a sale of no delivered order", number)
    for number in sold - sales.keys():
        late = now - (known[number].delivered_at or 0) < _AT_REST
        yield Finding(site, day, "a delivered order without its sale", number, passes=late)


def closed(
    site: str, day: str, journals: Sequence[ledger.Journal], posted: ledger.Posted | None, now: int
) -> Iterator[Finding]:
    """A statement that is not what its journals add up to, or that released another sum. Pure."""
    if posted is None or clock.day_of(posted.at) <= day:
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


def _positions(placed: Iterable[orders.Order]) -> Iterator[tuple[str, Position]]:
    """Each position that a buyer holds, by its original name."""
    for order in placed:
        if order.status in ("delivered", "refunding", "refunded") and order.delivered_at:
            for one in stock.resolve(order.goods_owner, order.ranges):
                for place in range(one.start, one.end):
                    yield order.number, (order.goods_owner, one.seg, place)


def _stuck(site: str, placed: Iterable[orders.Order], now: int) -> Iterator[Finding]:
    for order in placed:
        waits = order.status in orders.OPEN and order.status not in _WAITS and order.way != "manual"
        if waits and order.placed_at + _STUCK <= now:
            day = clock.day_of(order.placed_at)
            yield Finding(site, day, f"an order is still {order.status}", order.number)


def _account(party: str) -> Iterator[Finding]:
    """An account that is not what all its movements add up to, twice in a row: it may move between two reads."""
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
        "passes": "with the next close" if one.passes else "",
    }
