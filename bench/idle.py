"""A site that sells nothing: what it costs a month.

One site sells a little every day, so that the main site's pools have something to audit; others sell nothing. Counted
is what one more of those adds to a day of schedules: 96 walks, 24 closings of windows, an audit, with the messages
between them, and what instances read to remember it. The fourth day is counted, when audits look back in full.
Modelled as in the section before: seconds of a call, which are instructions and waits for AWS. Messages come in batches
of 10, as they do with many sites. What is kept is the site's table, with recovery to any point in time. What all sites
share is not here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chalicelib.checkout import worker as checkout_worker
from chalicelib.kit import clock
from chalicelib.settlement import worker as settlement_worker

from . import cost, prices, scene
from . import shop as shops
from .instructions import KEPT
from .report import Figure, Finding, Goal, Table
from .shop import Shop, Tally

_GOAL = Goal("≤", 0.01)
_MONTH = 30  # days
_DAYS = 4
_FEW, _MANY = 2, 6  # sites
_STEPS = {"walk": "walks", "close": "windows", "audit": "audits"}
_LIKE = {
    "walks": "drive_orders",
    "windows": "settle_orders",
    "audits": "drive_orders",
    shops.MEMORY: "settle_orders",
}
_SCHEDULES: tuple[
    tuple[str, Callable[..., Any], str], ...
] = (  # step, function, and when: the end of a Beijing time
    ("walks", checkout_worker.walk_sites, ""),
    ("windows", settlement_worker.close_windows, ":30"),
    ("audits", checkout_worker.audit_pools, "03:30"),
)
_HEADS = ("step", "write units", "read units", "DynamoDB requests", "messages", "$ a month")


def measure() -> Iterator[Finding]:
    """Dollars of a month, and what they are made of."""
    (few, _), (many, stored) = _day(_FEW), _day(_MANY)
    added = {step: _added(few[step], many[step]) for step in _LIKE}
    kept = stored * (prices.STORED + prices.RECOVERABLE)
    dollars = {step: _MONTH * _dollars(step, tally) for step, tally in added.items()}
    yield Figure("an idle site, a month", round(sum(dollars.values()) + kept, 5), "$", _GOAL, kind="model")
    reads = sum(tally.reads for tally in added.values())
    yield Figure("what its schedules read a day", round(reads, 1), "read units")
    rows: list[Sequence[str | float]] = [
        [step, *_cells(tally), f"{dollars[step]:.5f}"] for step, tally in added.items()
    ]
    yield Table("A day of an idle site", _HEADS, [*rows, ["kept", "", "", "", "", f"{kept:.5f}"]])


def _day(sites: int) -> tuple[dict[str, Tally], float]:
    """What the schedules of the last day ask, and the bytes of a site that never sold."""
    with shops.opened([f"site-{i}" for i in range(sites)]) as stage:
        shop = Shop(stage)
        shop.go_on(clock.day_start(clock.day_of(int(shop.now))) + clock.DAY)
        for _ in range(_DAYS):
            shop.tallies.clear()
            _pass(shop, stage.sites[0], stage.goods[0].goods_id)
        table = shop.database.tables[f"cardmesh-site-{stage.sites[-1]}"]
        stored = sum(size + prices.ROW_OVERHEAD for _, size in table.rows.values())
        return {step: shop.tallies[step] for step in _LIKE}, stored


def _pass(shop: Shop, site: str, goods_id: str) -> None:
    """A day in which one site sells something."""
    start = shop.now
    for quarter in range(1, 97):
        shop.go_on(start + quarter * 900, steps=_STEPS)
        told = clock.beijing(int(shop.now)).strftime("%H:%M")
        for step, function, when in _SCHEDULES:
            if told.endswith(when):
                with shop.step(step):
                    shop.tick(function)
        if told.endswith("12:00"):
            shop.buy(site, goods_id)
    shop.go_on(shop.now, steps=_STEPS)


def _added(few: Tally, many: Tally) -> Tally:
    """What one more site adds."""
    count = _MANY - _FEW
    requests = {name: (all_ - few.requests[name]) / count for name, all_ in many.requests.items()}
    return Tally(
        (many.writes - few.writes) / count, (many.reads - few.reads) / count, 0, type(few.requests)(requests)
    )


def _dollars(step: str, tally: Tally) -> float:
    """Dollars of what a step asks in a day."""
    instructions = float(json.loads(KEPT.read_text())["functions"][_LIKE[step]]["warm"])
    sent, asked = tally.requests["sqs"], tally.requests["dynamodb"]
    share = cost.memory(_LIKE[step]) / prices.VCPU_MEMORY
    seconds = sent * instructions / (prices.INSTRUCTIONS_PER_SECOND * share)
    batches = sent / scene.BATCH
    seconds += (batches + asked) * prices.ANSWER_SECONDS
    return (
        tally.writes * prices.WRITE_UNIT
        + tally.reads * prices.READ_UNIT
        + 3 * batches * prices.QUEUE_REQUEST  # sent, received and deleted ten at a time
        + tally.requests["kms"] * prices.KEY_REQUEST
        + batches * prices.LAMBDA_CALL
        + seconds * cost.memory(_LIKE[step]) / 1024 * prices.LAMBDA_GB_SECOND
    )


def _cells(tally: Tally) -> list[float]:
    requests = tally.requests
    return [round(one, 2) for one in (tally.writes, tally.reads, requests["dynamodb"], requests["sqs"])]
