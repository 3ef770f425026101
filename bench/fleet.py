"""The fleet: thousands of sites come up at once, and one floods the others.

A model of AWS around the shop's own code. A cell is one account in one region; what it is allowed, and who says so,
stands in `quotas.py` and below. *Coming up*: sites are asked for at the same moment, and the shop's provisioning
works in virtual time on CloudFormation as it is modelled in `cell.py`; cells do not share anything that limits them,
so the fullest one is played. *A flood*: 30 quiet sites have 3 orders paid a second each, and one site a multiple of
what one of them has, for a minute, on the queue FULFIL as it is deployed (`flood.py`). A wait is the time from sending
a message until its turn in the function; how long a message takes follows from the instructions and requests counted
above.

*What all cells share*: functions stand in one account, and a schedule asks for each site's walk, closing or audit by a
message of its own, ten to a request, while it reads the registry page by page. It waits for AWS as long as is told
below, its own work comes on top, and a function may run 600 to 900 seconds.

Nobody publishes how fast CloudFormation answers, and nobody has measured here how long a stack takes: both are
assumed, named, and varied below.
"""

from collections.abc import Iterator
from unittest import mock

from chalicelib.kit import queue
from chalicelib.tenancy import stacks
from infra.package.template import BATCHES
from sim.stage import Stage

from . import cell, flood, idle, prices, quotas
from . import shop as shops
from .cell import Cell
from .report import Figure, Finding, Goal, Plot, Table

_MANY, _CELLS = 10_000, 2
_MORE, _MORE_CELLS = 100_000, 13
_HOUR = Goal("≤", 60)
_TWICE = Goal("≤", 2)
_RUN = Goal("≤", 300)  # half of what the shortest of these functions may run
_ROW = 1024  # bytes of a site's row, generously
_PAGE = 1 << 20  # bytes of a page of DynamoDB
_AT_ONCE = (1, 10, 100, 1000)
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
    (month, *_) = (one for one in idle.measure() if isinstance(one, Figure))
    yield Figure("10,000 idle sites, a month", round(month.value * _MANY, 2), "$", Goal("≤", 100), "model")


def _onboarding(stage: Stage) -> Iterator[Finding]:
    fullest, more = (cell.fullest(*each) for each in ((_MANY, _CELLS), (_MORE, _MORE_CELLS)))
    ours = {sites: play(stage, sites) for sites in (*_AT_ONCE, fullest, more)}
    yield _open("10,000 sites over 2 cells, all open after", ours[fullest])
    yield _open("100,000 sites over 13 cells, all open after", ours[more])
    yield Figure("a site alone, open after", ours[1].opened[-1], "seconds", kind="model")
    yield Figure("sites given up", ours[more].formation.refused, "", Goal("=", 0), "model")
    yield _limits(ours[fullest], fullest)
    with mock.patch.object(stacks, "TOO_FAST", ()):
        before = {sites: play(stage, sites) for sites in _BEFORE}
    yield Table("1,000 sites in a cell, by CreateStack a second", ("rate", "minutes"), [*_by_rate(stage)])
    yield Plot(
        "fleet",
        "Until all sites of a cell are open",
        "sites asked for at once",
        "minutes",
        {"as deployed": _line(ours), "where being told to slow down is a failure": _line(before)},
    )


def asking(sites: int) -> int:
    """Requests of a schedule that asks for something at so many sites: pages of the registry, batches of messages."""
    return -(-sites * _ROW // _PAGE) + -(-sites // queue.BATCH)


def play(stage: Stage, sites: int, **terms: float) -> Cell:
    """A cell in which so many sites are asked for at once, when all are open."""
    played = Cell(stage, **terms)
    played.open([f"fleet-{i}" for i in range(sites)], most=_MOST)
    return played


def _open(name: str, played: Cell) -> Figure:
    return Figure(name, round(played.opened[-1] / 60, 1), "minutes", _HOUR, "model")


def _line(played: dict[int, Cell]) -> list[tuple[float, float]]:
    return [(sites, one.opened[-1] / 60) for sites, one in played.items()]


def _by_rate(stage: Stage) -> Iterator[tuple[str, float]]:
    for rate in _RATES:
        yield f"{rate:g}", round(play(stage, 1000, creates=rate).opened[-1] / 60, 1)


def _limits(played: Cell, sites: int) -> Table:
    """What the quotas are and how much of them the fullest of two cells needs."""
    seconds, formation = played.opened[-1], played.formation
    used = {
        quotas.STACKS: sites,
        quotas.TABLES: sites + 1,
        quotas.TABLES_CREATING: formation.most_creating,
        quotas.CREATE_STACK: _served(formation, "CreateStack") / seconds,
        quotas.DESCRIBE_STACKS: _served(formation, "DescribeStacks") / seconds,
        quotas.KEY_REQUESTS: played.keyed / seconds,
        quotas.CONCURRENCY: BATCHES["provision"],
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
        "fair, two pollers provisioned": {n: flood.flood(n, pollers=2) for n in _TIMES},
        "fair": {n: flood.flood(n) for n in _TIMES},
        "not fair": {n: flood.flood(n, fair=False) for n in _TIMES},
    }
    provisioned, fair, unfair = (of[1000].within(0.99) / calm for of in waits.values())
    yield Figure("99 % of the quiet sites' waits, in calm", round(calm, 3), "seconds", kind="model")
    name = "the same while a site floods 1,000 times as much, over calm"
    yield Figure(f"{name}, DeliveryPollers=2", round(provisioned, 2), "", _TWICE, "model")
    yield Figure(f"{name}, pollers as Lambda adds them", round(fair, 2), "", kind="model")
    yield Figure(f"{name}, without message groups", round(unfair, 1), "", kind="model")
    lines = {line: [(n, one.within(0.99)) for n, one in of.items()] for line, of in waits.items()}
    yield Plot("flood", "99 % of the quiet sites' waits", "what the flooding site sends", "seconds", lines)
