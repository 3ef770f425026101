"""Dollars for a million paid orders, from the counter to the books.

A shopper looks at 20 pages, opens the form, orders, opens the pay page, pays after 30 seconds, and opens the receipt;
the order is delivered and settled, at a site with 1,000 orders a day. Counted: DynamoDB's units, requests and
instructions of each function (the sections above), bytes of log. Modelled, with the constants of `prices.py`: seconds
of a call, which are its instructions at the share of a vCPU that its memory brings, and its waits for AWS; a form is
taken to cost what the counter costs, a pay page what a receipt costs. Queues come in batches of 10. Egress,
static files, and what a month costs without any order are apart. The pay page asks how far the order is 15 times
within those 30 seconds; the goal was set without those looks and they are told apart.

*Behind an edge*: every request comes through CloudFront and its function, and the edge answers guests at the counter
from what it keeps for 30 seconds. How often it can depends on how busy a site is. A page that is asked for `n` times
in 30 seconds is fetched once for `1 + n` looks; half of the looks are taken to be at the counter itself, the others
spread evenly over 50 goods, both over 16 hours of the day, by guests of one language, at one place of the edge. The
goal is held against the busy site of 1,000 orders a day. An edge's request costs as much as one of an HTTP API, so
behind HTTP APIs it saves little money; what it saves is time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from chalicelib.web.storefront.pages import FRESH
from sim.stage import Stage

from . import order, prices, scene
from . import shop as shops
from .instructions import KEPT
from .report import Figure, Finding, Goal, Table

_GOAL = Goal("≤", 46)
_PAGES = 20
_LOOKS = 15  # storefront.js: 1.2 seconds after the page, then every 2 seconds
_BUSY = 1000  # orders a day
_TRAFFIC = (0, 100, _BUSY, 10_000, 100_000)
_CONFIG = json.loads((Path(__file__).parents[1] / ".chalice/config.json").read_text())
_EDGE_HEADS = ("orders a day", "answered by the edge", "REST APIs", "HTTP APIs")
_HEADS = ("step", "calls", "API", "functions", "DynamoDB", "SQS and KMS", "logs", "all")


@dataclass(frozen=True)
class Calls:
    """Calls of one function that an order needs. `like` names the one whose counts they have."""

    step: str
    like: str
    number: float
    api: bool = True
    batch: int = 1  # orders in a call
    password: bool = False  # a hash of the query password is made
    edge: bool = False  # an edge could answer them


_CALLS = (
    Calls("browse", "storefront", _PAGES, edge=True),
    Calls("form", "storefront", 1),
    Calls("order", "checkout", 1, password=True),
    Calls("pay page", "receipts", 1),
    Calls("payment told", "hooks", 1),
    Calls("receipt", "receipts", 1),
    Calls("list and looks", "drive_orders", 3, api=False, batch=scene.BATCH),
    Calls("deliver", "deliver_orders", 1, api=False, batch=scene.BATCH),
    Calls("settle", "settle_orders", 1, api=False, batch=scene.BATCH),
)
_SPENT = {  # steps of an order's whole life that these calls do
    "order": ("place",),
    "payment told": ("pay",),
    "list and looks": ("list", "looks"),
    "deliver": ("deliver",),
    "settle": ("settle",),
}
_HOUR = 3600  # seconds, after which an order is at rest
_WAITING = Calls("looks while paying", "receipts", _LOOKS)


@dataclass(frozen=True)
class Cost:
    """Dollars of a million orders, by what is paid for."""

    calls: float = 0
    api: float = 0
    functions: float = 0
    database: float = 0
    messages: float = 0
    logs: float = 0

    @property
    def all(self) -> float:
        """The sum."""
        return self.api + self.functions + self.database + self.messages + self.logs

    def row(self, step: str) -> list[str]:
        """The line of the table."""
        parts = (self.api, self.functions, self.database, self.messages, self.logs, self.all)
        return [step, f"{self.calls:g}", *(f"{dollars:.2f}" for dollars in parts)]


def measure() -> Iterator[Finding]:
    """The sum with REST APIs and with HTTP APIs, as deployed and behind an edge, and the table of steps."""
    counts = json.loads(KEPT.read_text())
    with shops.opened() as stage:
        spent = order.live(stage, order.Day(orders=1000))
        stored = _stored(stage)
    rest = _Bill(counts, spent, prices.REST_CALL)
    http = _Bill(counts, spent, prices.HTTP_CALL)
    yield Figure("as deployed, REST APIs", round(rest.total(stored), 2), "$", _GOAL, kind="model")
    yield Figure("the same with HTTP APIs", round(http.total(stored), 2), "$", kind="model")
    for name, bill, goal in (("REST", rest, _GOAL), ("HTTP", http, None)):
        dollars = round(bill.behind(hits(_BUSY), stored), 2)
        yield Figure(f"behind an edge, {name} APIs", dollars, "$", goal, kind="model")
    yield Figure("the pay page's looks, REST APIs", round(rest.of(_WAITING).all, 2), "$", kind="model")
    yield Table("As deployed, $ for a million orders, REST APIs", _HEADS, list(rest.rows(stored)))
    rows = [
        [
            f"{orders:,}",
            f"{hits(orders):.0%}",
            *(f"{each.behind(hits(orders), stored):.2f}" for each in (rest, http)),
        ]
        for orders in _TRAFFIC
    ]
    yield Table("Behind an edge, by how busy a site is, $ for a million orders", _EDGE_HEADS, rows)


def hits(orders: int) -> float:
    """The share of looks at the counter that an edge answers at a site with so many orders a day."""
    looks = orders * _PAGES / prices.DAY * FRESH  # while a page is kept
    counter, goods = looks * prices.AT_COUNTER, looks * (1 - prices.AT_COUNTER) / prices.GOODS
    return prices.AT_COUNTER * counter / (1 + counter) + (1 - prices.AT_COUNTER) * goods / (1 + goods)


@dataclass(frozen=True)
class _Bill:
    """What calls cost. `counts` are those of instructions.json, `spent` by step those of an order's whole life."""

    counts: Mapping[str, Any]
    spent: Mapping[str, shops.Tally]
    api_call: float  # dollars

    def total(self, stored: float) -> float:
        """Dollars of everything but the looks while paying."""
        return sum(self.of(one).all for one in _CALLS) + self._upkeep().all + stored

    def behind(self, answered: float, stored: float) -> float:
        """The same behind an edge that answers a share of what it could."""
        spared = sum(self.of(one).all * answered for one in _CALLS if one.edge)
        requests = sum(one.number for one in _CALLS if one.api)
        return self.total(stored) - spared + _dollars(requests * (prices.EDGE_REQUEST + prices.EDGE_FUNCTION))

    def rows(self, stored: float) -> Iterator[list[str]]:
        """A line for each step, and the sum."""
        costs = {one.step: self.of(one) for one in _CALLS}
        costs["windows, walks, audits, memory"] = self._upkeep()
        costs["kept for a month"] = Cost(database=stored)
        yield from (cost.row(step) for step, cost in costs.items())
        yield Cost(*(sum(getattr(cost, each.name) for cost in costs.values()) for each in fields(Cost))).row(
            "all"
        )

    def of(self, calls: Calls) -> Cost:
        """The cost of some calls."""
        counted = self.counts["functions"][calls.like]
        number = calls.number / calls.batch
        steps = [self.spent[name] for name in _SPENT.get(calls.step, ())]
        asked = sum(steps, _asked(counted, calls.number) if not steps else shops.Tally())
        received = 0 if calls.api else 2 * number  # a batch is received and deleted
        return Cost(
            number,
            _dollars(number * self.api_call if calls.api else 0),
            _dollars(calls.number * self._run(calls, counted) + number * self._begin(calls, counted)),
            _dollars(_capacity(asked)),
            _dollars(_messages(asked) + received * prices.QUEUE_REQUEST),
            _dollars(calls.number * counted["logged"] * prices.LOGGED),
        )

    def _run(self, calls: Calls, counted: Mapping[str, float]) -> float:
        """Dollars of one order's time in a function."""
        instructions = counted["warm"] + (self.counts["password"] if calls.password else 0)
        waits = sum(counted.get(service, 0) for service in prices.REQUEST) * prices.ANSWER_SECONDS
        size = memory(calls.like)
        share = size / prices.VCPU_MEMORY
        seconds = instructions / (prices.INSTRUCTIONS_PER_SECOND * share) + waits
        return seconds * size / 1024 * prices.LAMBDA_GB_SECOND

    def _begin(self, calls: Calls, counted: Mapping[str, float]) -> float:
        """Dollars of a call apart from its time: the call itself, and now and then a start at a full vCPU."""
        start = counted["start"] / prices.INSTRUCTIONS_PER_SECOND
        return prices.LAMBDA_CALL + prices.COLD * start * memory(calls.like) / 1024 * prices.LAMBDA_GB_SECOND

    def _upkeep(self) -> Cost:
        """DynamoDB and messages of what no single call is for."""
        named = {name for names in _SPENT.values() for name in names}
        rest = sum((tally for name, tally in self.spent.items() if name not in named), shops.Tally())
        return Cost(database=_dollars(_capacity(rest)), messages=_dollars(_messages(rest)))


def _asked(counted: Mapping[str, float], number: float) -> shops.Tally:
    """What calls that are no step of an order's life ask of AWS."""
    return shops.Tally(writes=counted["write"] * number, reads=counted["read"] * number)


def _capacity(asked: shops.Tally) -> float:
    return asked.writes * prices.WRITE_UNIT + asked.reads * prices.READ_UNIT


def _messages(asked: shops.Tally) -> float:
    return sum(count * prices.REQUEST[service] for service, count in asked.requests.items())


def memory(function: str) -> int:
    settings = _CONFIG["lambda_functions"].get(function, {})
    return int(settings.get("lambda_memory_size", _CONFIG["lambda_memory_size"]))


def _dollars(of_one: float) -> float:
    return of_one * prices.MILLION


def _stored(stage: Stage) -> float:
    """A month of the rows that a million orders leave behind, with recovery to any point in time."""
    shop = shops.Shop(stage)
    before = _bytes(shop)
    placed = shop.place(stage.sites[0], stage.goods[0].goods_id)
    shop.pay(placed)
    shop.go_on(shop.now + _HOUR)
    return _dollars((_bytes(shop) - before) * (prices.STORED + prices.RECOVERABLE))


def _bytes(shop: shops.Shop) -> int:
    """What DynamoDB bills for all rows: a hundred bytes more for each than it holds."""
    tables = shop.database.tables.values()
    return sum(size + prices.ROW_OVERHEAD for table in tables for _, size in table.rows.values())
