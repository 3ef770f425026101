"""Claims: what K codes cost, and who gets in whose way.

Each claim is one `stock.claim`. A warm instance knows the SKU's segments and what each had left when it last saw it; a
cold one reads the SKU's row, and is refused once by each segment that has too few. For the conflicts, a thousand
shoppers claim one code each of one segment within 50 milliseconds, interleaved at every call, on instances of their
own; a conflict is a call that DynamoDB refused.
"""

from collections.abc import Iterator, Sequence

from chalicelib.kit import tenant
from chalicelib.stock import service as stock
from sim.stage import Stage

from . import pools
from . import shop as shops
from .report import Figure, Finding, Goal
from .rush import Rush
from .shop import Shop, Tally

_QUANTITIES = (1, 10, 100, 1000, 10_000)
_SMALL = 2_500  # codes of a segment of which 10,000 need four
_CROWD = 1000
_WARMING = 40  # claims before, spread over the segments by chance


def measure() -> Iterator[Finding]:
    """Units and requests by quantity, then conflicts."""
    with shops.opened() as stage:
        for quantity in _QUANTITIES:
            yield from _figures(stage, quantity, [10**6])
        yield from _figures(stage, _QUANTITIES[-1], [_SMALL] * 4)
        shop = rush(stage, _CROWD)
    refused = shop.tallies[""].refused / _CROWD
    yield Figure(f"conflicts per claim, {_CROWD:,} at once on one segment", refused, "", Goal("=", 0))
    yield Figure(
        "write units per claim of these", shop.tallies[""].writes / _CROWD, "write units", Goal("≤", 1)
    )


def cost(stage: Stage, quantity: int, segments: Sequence[int], *, warm: bool) -> Tally:
    """What claiming a quantity costs from segments of these lengths."""
    shop = Shop(stage)
    now = int(shop.now)
    pools.lay([length + _WARMING for length in segments], now=now)
    for _ in range(_WARMING if warm else 0):
        stock.claim(tenant.MAIN, pools.SKU, 1, now=now)
    with shop.step("claim") as tally:
        stock.claim(tenant.MAIN, pools.SKU, quantity, now=now)
    return tally


def rush(stage: Stage, crowd: int) -> Rush:
    """The world after so many shoppers claimed a code each within 50 milliseconds; every code went once."""
    shop = Rush(stage, 0)
    pools.lay([crowd], now=int(shop.clock()))
    taken: list[stock.Range] = []

    def claim() -> None:
        taken.extend(stock.claim(tenant.MAIN, pools.SKU, 1, now=int(shop.clock())))

    shop.tallies.clear()
    for _ in range(crowd):
        shop.come(claim, delay=shop.time.random.uniform(0, 0.05))
    shop.time.run(shop.clock() + 60)
    if sorted(one.start for one in taken) != list(range(crowd)):
        raise RuntimeError("a code went twice, or never")
    return shop


def _figures(stage: Stage, quantity: int, segments: Sequence[int]) -> Iterator[Finding]:
    needed = len(segments)
    name = f"{quantity:,} code{'s' * (quantity > 1)} from {needed} segment{'s' * (needed > 1)}"
    warm, cold = (cost(stage, quantity, segments, warm=warm) for warm in (True, False))
    yield Figure(name, warm.writes, "write units", Goal("≤", needed))
    yield Figure(name, warm.requests["dynamodb"], "requests", Goal("≤", needed))
    yield Figure(f"{name}, cold", cold.requests["dynamodb"], "requests")
