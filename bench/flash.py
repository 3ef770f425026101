"""A flash sale: 10,000 shoppers within a second, 5,000 codes.

A model: the claims are the shop's own, in virtual time, on partitions that serve 1,000 write and 3,000 read units a
second, with the latencies and retries of `bench/model.py`. Shoppers arrive evenly drawn over one second; an attempt is
decided when its claim was answered, and whoever gets an error asks again a second later. "Sold out while a position
was free" looks into the database at the moment of the answer. Queues, payment and Lambda's own scaling are no part
of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from chalicelib.kit import tenant
from chalicelib.stock import service as stock
from sim.stage import Stage

from . import pools
from . import shop as shops
from .report import Figure, Finding, Goal
from .rush import Rush


@dataclass
class Sale:
    """What came of a sale: positions given, how long attempts took, when the last one was decided."""

    world: Rush
    given: list[stock.Range] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    wrongly_refused: int = 0
    began: float = 0
    ended: float = 0

    @property
    def oversold(self) -> int:
        """Positions given more than once."""
        return len(self.given) - len({(one.seg, one.start) for one in self.given})

    @property
    def rate(self) -> float:
        """Attempts decided per second, from the first arrival to the last answer."""
        return len(self.waits) / (self.ended - self.began)

    @property
    def vain(self) -> int:
        """Writes to segments that their writer had seen empty."""
        return sum(count - 1 for count in self.world.refused.values())

    def wait(self, share: float) -> float:
        """Milliseconds within which a share of the attempts was decided."""
        return sorted(self.waits)[int(share * (len(self.waits) - 1))] * 1000


def measure() -> Iterator[Finding]:
    """The sale over ten segments, and over one for comparison."""
    with shops.opened() as stage:
        ten, one = sell(stage, 10_000, [500] * 10), sell(stage, 10_000, [5000])
    yield Figure("positions given twice", ten.oversold, "", Goal("=", 0), "model")
    yield Figure("positions given", len(ten.given), "", Goal("=", 5000), "model")
    yield Figure("told sold out while a position was free", ten.wrongly_refused, "", Goal("=", 0), "model")
    yield Figure("attempts decided, 10 segments", ten.rate, "per second", Goal("≥", 9900), "model")
    yield Figure("half of them within", ten.wait(0.5), "ms", None, "model")
    yield Figure("99 % of them within", ten.wait(0.99), "ms", None, "model")
    yield Figure("writes to a segment known to be empty", ten.vain, "", Goal("=", 0), "model")
    losers = 10_000 - len(ten.given)
    yield Figure(
        "writes per sold-out shopper", ten.world.refused.total() / losers, "write units", None, "model"
    )
    yield Figure("calls throttled", ten.world.throttled, "", None, "model")
    yield Figure("function instances", ten.world.instances, "", None, "model")
    yield Figure("attempts decided, 1 segment", one.rate, "per second", None, "model")


def sell(stage: Stage, shoppers: int, segments: list[int]) -> Sale:
    """Let so many shoppers want one code each within a second."""
    world = Rush(stage, 0)
    sale = Sale(world, began=world.clock())
    pools.lay(segments, now=int(world.clock()))

    def come() -> None:
        since = world.clock()
        while not _decided(sale):
            world.time.pause(1)
        sale.waits.append(world.clock() - since)
        sale.ended = world.clock()

    for _ in range(shoppers):
        world.come(come, delay=world.time.random.random())
    world.time.run(world.clock() + 600)
    return sale


def _decided(sale: Sale) -> bool:
    """Ask once; False for an error."""
    try:
        sale.given += stock.claim(tenant.MAIN, pools.SKU, 1, now=int(sale.world.clock()))
    except stock.SoldOut:
        sale.wrongly_refused += _free(sale.world) > 0
    except ClientError:
        return False
    return True


def _free(world: Rush) -> int:
    rows = [item for item in world.database.items("cardmesh-main") if item.get("sku") == {"S": pools.SKU}]
    return sum(int(row["free"]["N"]) for row in rows)
