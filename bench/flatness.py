"""Flatness: what grows when the shop grows.

Claims: pools of 10,000 to ten million codes, imported 200,000 at a time at most, so that the largest has fifty
segments. Checkout: place, pay, deliver and settle at one site, on an instance that has seen all the others. Orders: the
shopper's page of one order and a member's list, an owner's list of a day and the main site's list of all, at a site
with 1,000 orders a day for as many days as it takes. Units and requests are DynamoDB's; instructions are those of
Python's bytecode outside the simulation. A figure is the largest value over the smallest, of whichever grows most.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.analytics import service as analytics
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from sim.stage import Stage

from . import bytecode, history, pools
from . import shop as shops
from .report import Figure, Finding, Goal, Plot, Table
from .shop import Shop

_IMPORT = 200_000  # codes at most


@dataclass(frozen=True)
class Cost:
    """What one piece of work took."""

    writes: float
    reads: float
    requests: float
    instructions: float


@dataclass(frozen=True)
class Law:
    """Something that should not grow: its cost by the names of its lines, at each size."""

    name: str
    title: str
    size: str
    most: float
    sizes: Sequence[int]
    costs: Callable[[Stage, int], Mapping[str, Cost]]


def measure() -> Iterator[Finding]:
    """Each law with its figures, its table and its plot."""
    with shops.opened() as stage:
        for law in LAWS:
            law.costs(stage, law.sizes[0])  # what is made once per process
            yield from _findings(law, {size: law.costs(stage, size) for size in law.sizes})


def claims(stage: Stage, codes: int) -> dict[str, Cost]:
    """A claim of one code, the mean of a hundred."""
    shop = Shop(stage)
    now = int(shop.now)
    pools.lay_imports([_IMPORT] * (codes // _IMPORT) or [codes], now=now)

    def claim() -> None:
        stock.claim(tenant.MAIN, pools.SKU, 1, now=now)

    claim()
    return {"claim": _cost(shop, claim, times=100)}


def checkouts(stage: Stage, sites: int) -> dict[str, Cost]:
    """An order from its placement to its journal."""
    shop = Shop(stage)
    history.lay_sites(shop, sites)

    def buy() -> None:
        shop.buy(stage.sites[0], stage.goods[0].goods_id)

    buy()
    return {"order": _cost(shop, buy, times=10)}


def pages(stage: Stage, count: int) -> dict[str, Cost]:
    """The pages that show orders."""
    shop = Shop(stage)
    site = stage.sites[0]
    today = history.lay_orders(shop, site, shop.buy(site, stage.goods[0].goods_id), count)
    now = int(shop.now) + history.PER_DAY
    works: dict[str, Callable[[], object]] = {
        "a shopper's order": lambda: fulfilment.codes_of(orders.order(site, today[-1])),
        "a member's list": lambda: orders.of_member(site, history.MEMBER),
        "an owner's day": lambda: orders.recent(site, day=clock.day_of(now)),
        "the main site's list": lambda: analytics.all_orders(now=now),
    }
    found = {}
    for name, work in works.items():
        with tenant.acting_for(site):
            work()
            found[name] = _cost(shop, work, times=1)
    return found


LAWS = (
    Law("claim", "A claim, by codes in the pool", "codes", 1.02, (10**4, 10**5, 10**6, 10**7), claims),
    Law("checkout", "An order, by sub-sites", "sub-sites", 1.02, (3, 10, 100, 1000, 10_000), checkouts),
    Law("orders", "Pages, by orders of the site", "orders", 1.05, (10**3, 10**4, 10**5, 10**6), pages),
)


def _cost(shop: Shop, work: Callable[[], object], *, times: int) -> Cost:
    with shop.step("work") as tally, bytecode.counted() as count:
        for _ in range(times):
            work()
    shop.tallies.clear()
    asked = tally.requests.total()
    return Cost(tally.writes / times, tally.reads / times, asked / times, count.instructions / times)


def growth(costs: Sequence[Cost]) -> float:
    """The largest value over the smallest, of whichever grows most; what is nothing everywhere does not grow."""
    columns = [[getattr(cost, name) for cost in costs] for name in Cost.__dataclass_fields__]
    return max(max(column) / min(column) if max(column) else 1.0 for column in columns)


def _findings(law: Law, costs: Mapping[int, Mapping[str, Cost]]) -> Iterator[Finding]:
    lines = {name: [costs[size][name] for size in law.sizes] for name in costs[law.sizes[0]]}
    span = f"{law.sizes[0]:,} to {law.sizes[-1]:,} {law.size}"
    for name, line in lines.items():
        yield Figure(f"{name}, {span}", growth(line), "×", Goal("≤", law.most), "ratio")
    heads = ("what", law.size, "write units", "read units", "requests", "instructions")
    rows = [
        (name, size, one.writes, one.reads, one.requests, one.instructions)
        for name, line in lines.items()
        for size, one in zip(law.sizes, line, strict=True)
    ]
    yield Table(law.title, heads, rows)
    points = {
        name: [(size, one.instructions) for size, one in zip(law.sizes, line, strict=True)]
        for name, line in lines.items()
    }
    yield Plot(law.name, law.title, law.size, "bytecode instructions", points)
