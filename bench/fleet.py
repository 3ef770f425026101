"""The fleet: thousands of sites come up at once, and one floods the others.

A model of AWS around the shop's own code. A cell is one account in one region; what it is allowed, and who says so,
stands in `quotas.py` and below. *Coming up*: sites are asked for at the same moment, and the shop's provisioning
works in virtual time on CloudFormation as it is modelled in `cell.py`. All cells share one queue, whose function works
on as many messages at once as the parameter `SitesAtOnce` says, and the rows that count their sites; what 13,000 and
3,900 sites over 13 cells took is carried on to 100,000 in proportion, and beside it one cell is played whole, which
says as much as long as five workers for each cell are never short. *A flood*: 30 quiet sites have 3 orders paid a
second each, and one site a multiple of what one of them has, for a minute, on the queue FULFIL as it is deployed
(`flood.py`), without pollers kept ready and with two. A wait is the time from sending a message until its turn in the
function; how long a message takes follows from the instructions and requests counted above.

*What all cells share*: functions stand in one account, and a schedule asks for each site's walk, closing or audit by a
message of its own, ten to a request, while it reads the registry page by page. It waits for AWS as long as is told
below, its own work comes on top, and a function may run 600 to 900 seconds. Main's own nightly
audit holds its pools against the orders of all sites, some days back: 60 sites a run, from message to message.

Nobody publishes how fast CloudFormation answers, and nobody has measured here how long a stack takes: both are
assumed, named, and varied below.
"""

import os
from collections.abc import Iterator
from unittest import mock

from chalicelib.checkout import auditing
from chalicelib.checkout import rules as checkout
from chalicelib.kit import clock, config, queue
from chalicelib.orders import rules as orders
from chalicelib.stock import audit
from chalicelib.tenancy import stacks
from infra.package.template import BATCHES
from sim.stage import Stage

from . import cell, flood, idle, prices, quotas
from . import shop as shops
from .cell import Fleet, names
from .report import Figure, Finding, Goal, Plot, Table

_MANY, _CELLS = 10_000, 2
_MORE, _MORE_CELLS = 100_000, 13
_TAKES = int(quotas.TABLES.value) - 1
_HOUR = Goal("≤", 60)
_TWICE = Goal("≤", 2)
_AUDIT_BESIDE = 3  # days: since the night before last, and both ends
_NIGHTLY = Goal("≤", 24)
_AUDIT_RUN = Goal("≤", 45)  # of the minute that `drive_orders` may run
_RUN = Goal("≤", 300)  # half of what the shortest of these functions may run
_ROW = 1024  # bytes of a site's row, generously
_PAGE = 1 << 20  # bytes of a page of DynamoDB
_EACH = 5  # sites worked on at once for each cell: docs/deploy.md, SitesAtOnce
_AT_ONCE = (1, 10, 100, 1000)
_PLAYED = (13, 130, 1300, 13_000)
_SHORT = (13, 130, 1300, 3900)
_BEFORE = (1, 10, 100, 300)
_RATES = (1.5, 2.5, 5, 10)
_TIMES = (1, 10, 100, 1000)
_MOST = 24 * 3600  # seconds of a run


def measure() -> Iterator[Finding]:
    """Onboarding, then the flood, then what the fleet costs when nobody sells."""
    with shops.opened() as stage:
        yield from _onboarding(stage)
    yield from _flood()
    for sites in (_MANY, _MORE):
        waits = round(prices.ANSWER_SECONDS * asking(sites), 1)
        yield Figure(f"a schedule that asks {sites:,} sites waits for AWS", waits, "seconds", _RUN, "model")
    run, whole = audited(auditing.AT_ONCE), audited(_MORE) / 3600
    yield Figure("a run of main's own audit waits for AWS", round(run, 1), "seconds", _AUDIT_RUN, "model")
    yield Figure("main's own audit of 100,000 sites", round(whole, 1), "hours", _NIGHTLY, "model")
    (month, *_) = (one for one in idle.measure() if isinstance(one, Figure))
    yield Figure("10,000 idle sites, a month", round(month.value * _MANY, 2), "$", Goal("≤", 100), "model")


def _onboarding(stage: Stage) -> Iterator[Finding]:
    one = {sites: play(stage, sites) for sites in (*_AT_ONCE, -(-_MORE // _MORE_CELLS))}
    many = play(stage, _MANY, cells=_CELLS, workers=_CELLS * _EACH)
    spread = {sites: _thirteen(stage, sites, _MORE_CELLS * _EACH) for sites in _PLAYED}
    short = {sites: _thirteen(stage, sites, BATCHES["provision"]) for sites in _SHORT}
    yield from _times(one, many, spread, short)
    yield _limits(many)
    with mock.patch.object(stacks, "TOO_FAST", ()):
        before = {sites: play(stage, sites) for sites in _BEFORE}
    yield Table("1,000 sites in a cell, by CreateStack a second", ("rate", "minutes"), [*_by_rate(stage)])
    lines = {
        "one cell, 5 at once": _line(one),
        "13 cells, 65 at once": [*_line(spread), _reckoned(spread)],
        "13 cells, 5 at once": [*_line(short), _reckoned(short)],
        "one cell, where being told to slow down is a failure": _line(before),
    }
    yield Plot("fleet", "Until all sites are open", "sites asked for at once", "minutes", lines)


def _times(
    one: dict[int, Fleet], many: Fleet, spread: dict[int, Fleet], short: dict[int, Fleet]
) -> Iterator[Finding]:
    played = (*one.values(), many, *spread.values(), *short.values())
    yield _minutes("10,000 sites over 2 cells, SitesAtOnce=10, all open after", many.opened[-1], _HOUR)
    seconds = spread[_PLAYED[-1]].after(_MORE)
    yield _minutes("100,000 sites over 13 cells, SitesAtOnce=65, all open after", seconds)
    seconds = short[_SHORT[-1]].after(_MORE)
    yield _minutes("100,000 sites over 13 cells, SitesAtOnce=5 as by default, all open after", seconds)
    yield _minutes(
        "a thirteenth of them in one cell, 5 at once, played whole", [*one.values()][-1].opened[-1]
    )
    yield Figure("a site alone, open after", one[1].opened[-1], "seconds", kind="model")
    yield Figure("sites given up", sum(each.given_up for each in played), "", Goal("=", 0), "model")
    left = sum(each.asked - len(each.opened) for each in played)
    yield Figure("sites not open in the end", left, "", Goal("=", 0), "model")


def _thirteen(stage: Stage, sites: int, workers: int) -> Fleet:
    return play(stage, sites, cells=_MORE_CELLS, workers=workers)


def _reckoned(played: dict[int, Fleet]) -> tuple[float, float]:
    return _MORE, played[max(played)].after(_MORE) / 60


def audited(sites: int) -> float:
    """Seconds that main's audit waits for the orders of so many sites: of each a role, a shape, and days."""
    days = (audit.WAIT + checkout.CLAIM_WITHIN) // clock.DAY + _AUDIT_BESIDE
    return sites * (days * orders.BUCKETS + 2) * prices.ANSWER_SECONDS


def asking(sites: int) -> int:
    """Requests of a schedule that asks for something at so many sites: pages of the registry, batches of messages."""
    return -(-sites * _ROW // _PAGE) + -(-sites // queue.BATCH)


def play(
    stage: Stage, sites: int, *, cells: int = 1, workers: int = BATCHES["provision"], **terms: float
) -> Fleet:
    """Cells in which so many sites are asked for at once, when all are open."""
    told = ",".join(
        f"{n}{'@' + str(111122223333 + i) if i else ''}:{_TAKES}" for i, n in enumerate(names(cells))
    )
    with mock.patch.dict(os.environ, {"CELLS": told if cells > 1 else ""}):
        config.load.cache_clear()
        played = Fleet(stage, cells=cells, workers=workers, **terms)
        played.open([f"fleet-{i}" for i in range(sites)], most=_MOST)
    config.load.cache_clear()
    return played


def _minutes(name: str, seconds: float, goal: Goal | None = None) -> Figure:
    return Figure(name, round(seconds / 60, 1), "minutes", goal, "model")


def _line(played: dict[int, Fleet]) -> list[tuple[float, float]]:
    return [(sites, one.opened[-1] / 60) for sites, one in played.items()]


def _by_rate(stage: Stage) -> Iterator[tuple[str, float]]:
    for rate in _RATES:
        yield f"{rate:g}", round(play(stage, 1000, creates=rate).opened[-1] / 60, 1)


def _limits(played: Fleet) -> Table:
    """What the quotas are and how much of them the fullest of two cells needs."""
    seconds, formation = played.opened[-1], played.fullest
    sites = len(formation.stacks)
    used = {
        quotas.STACKS: sites,
        quotas.TABLES: sites + 1,
        quotas.TABLES_CREATING: formation.most_creating,
        quotas.CREATE_STACK: _served(formation, "CreateStack") / seconds,
        quotas.DESCRIBE_STACKS: _served(formation, "DescribeStacks") / seconds,
        quotas.KEY_REQUESTS: played.keyed / seconds,
        quotas.ASSUMED: len(played.opened) / seconds,  # its site's, for the data key
        quotas.MESSAGES_IN_FLIGHT: _CELLS * _EACH,
        quotas.CONCURRENCY: _CELLS * _EACH,
    }
    heads = ("quota", "default", "asked for", "needed by 5,000 sites", "source")
    rows = [
        (one.what, one.default, one.raised or "", round(need, 2), one.source) for one, need in used.items()
    ]
    return Table("What an account may, and what a cell of 5,000 sites needs while they come up", heads, rows)


def _served(formation: cell.Formation, operation: str) -> int:
    return formation.asked[operation] - formation.throttled[operation]


def _flood() -> Iterator[Finding]:
    calm = flood.flood(1, pollers=2).within(0.99)
    waits = {
        "fair, DeliveryPollers=2": {n: flood.flood(n, pollers=2) for n in _TIMES},
        "fair, DeliveryPollers=0": {n: flood.flood(n) for n in _TIMES},
        "not fair": {n: flood.flood(n, fair=False) for n in _TIMES},
    }
    provisioned, fair, unfair = (of[1000].within(0.99) / calm for of in waits.values())
    yield Figure("99 % of the quiet sites' waits, in calm", round(calm, 3), "seconds", kind="model")
    name = "the same while a site floods 1,000 times as much, over calm"
    yield Figure(f"{name}, DeliveryPollers=2", round(provisioned, 2), "", _TWICE, "model")
    yield Figure("two pollers kept ready, a month", round(2 * prices.POLLER_HOUR * 730, 2), "$", kind="model")
    yield Figure(f"{name}, DeliveryPollers=0 as by default", round(fair, 2), "", kind="model")
    yield Figure(f"{name}, without message groups", round(unfair, 1), "", kind="model")
    lines = {line: [(n, one.within(0.99)) for n, one in of.items()] for line, of in waits.items()}
    yield Plot("flood", "99 % of the quiet sites' waits", "what the flooding site sends", "seconds", lines)
