"""One order: what its whole life writes and asks.

A site takes its orders over a day through the shop's own services and queue functions, together or one by one, on warm
instances; then come two days of walks and every closing of the day's window. Write units are DynamoDB's true ones,
indexes counted. An order's own steps are those of `docs/flow.md`: claim and place, pay, deliver, settle, and its share
of its site's window. Beside them stand the looks of the timer (one early for the main site's list, one that asks the
channel, one that finds the order delivered), the row of that list, the walks, and what an instance reads to remember
it for seconds or minutes. An abandoned order is looked at until it expires, and its codes come back.
What "everything" has beyond the steps is mostly the row of that list: one for as many orders as came in one batch of
the timer's messages, ten at most.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chalicelib.checkout import worker as checkout_worker
from chalicelib.kit import clock, tenant
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.settlement import worker as settlement_worker
from chalicelib.stock import service as stock
from sim.stage import Goods, Stage

from . import shop as shops
from .report import Figure, Finding, Goal, Table
from .shop import Shop, Tally

OWN = ("place", "pay", "deliver", "settle", "window")
STEPS = (*OWN, "list", "looks", "walk", "fold", "audit", shops.MEMORY)
_STEP_OF = {
    "fulfil": "deliver",
    "settle": "settle",
    "close": "window",
    "first": "list",
    "timer": "looks",
    "walk": "walk",
    "fold": "fold",
    "audit": "audit",
}
_PAYS_AFTER = 30  # seconds from the order to the payment: the timer asks once
_QUARTER = 900  # seconds
_SCHEDULES = (  # step, function, and the times in Beijing at which it has work; none is every quarter of an hour
    ("walk", checkout_worker.walk_sites, ()),
    ("window", settlement_worker.close_windows, ("00:30", "01:30")),
    ("audit", checkout_worker.audit_pools, ("03:30",)),
)


@dataclass(frozen=True)
class Day:
    """How a site's day is: how many orders, how many at a time, how many of them are paid, and whose they are."""

    orders: int = 100
    together: int = 10
    pay_rate: float = 1.0
    member: bool = False

    @property
    def paying(self) -> int:
        """How many of those that come together pay."""
        return round(self.together * self.pay_rate)

    @property
    def paid(self) -> int:
        """Orders of the day that are paid."""
        return self.orders // self.together * self.paying


def measure() -> Iterator[Finding]:
    """Figures by kind of order, and the table of steps."""
    with shops.opened() as stage:
        guest, single = live(stage, Day()), live(stage, Day(together=1))
        member = live(stage, Day(member=True))
        partly = live(stage, Day(pay_rate=0.7))
        busy = live(stage, Day(orders=1000))
    yield from _figures("a guest's order", guest, units=5.1, requests=7)
    yield from _figures("a member's order", member, units=6.1, requests=8)
    yield Figure(
        "everything for a guest's order, batches of 10", _writes(guest), "write units", Goal("≤", 5.1)
    )
    yield Figure("everything for a guest's order, batches of 1", _writes(single), "write units")
    yield Figure("everything per paid order, 70 % paid", _writes(partly), "write units")
    yield _table(
        {
            "guest": guest,
            "guest, one at a time": single,
            "member": member,
            "70 % paid": partly,
            "guest, 1,000 a day": busy,
        }
    )


def live(stage: Stage, day: Day) -> dict[str, Tally]:
    """What a paid order of such a day costs, by step: the whole over the number of paid orders."""
    shop = Shop(stage)
    site, goods = stage.sites[0], stage.goods[0]
    _fill(shop, site, goods, day.orders + 1)
    token = _sign_up(shop, site) if day.member else ""
    _trade(shop, site, goods.goods_id, Day(orders=1, together=1), token)
    _pass(shop, _midnight(shop.now) + clock.DAY, batch=1)  # the audit has judged what came before, too
    shop.tallies.clear()
    _trade(shop, site, goods.goods_id, day, token)
    return {name: _share(shop.tallies[name], day.paid) for name in STEPS}


def _fill(shop: Shop, site: str, goods: Goods, count: int) -> None:
    """A new segment is the only one with codes: somebody bought the others."""
    shop.pay(shop.place(site, goods.goods_id, quantity=len(goods.codes)))
    codes = "\n".join(f"CODE-{i}" for i in range(count))
    stock.import_codes(tenant.MAIN, goods.goods_id, codes, note="", now=int(shop.now))


def _sign_up(shop: Shop, site: str) -> str:
    with tenant.acting_for(site):
        return membership.sign_up(site, "shopper", "correct horse", address="192.0.2.1", now=int(shop.now))


def _trade(shop: Shop, site: str, goods_id: str, day: Day, token: str) -> None:
    """A day of orders, evenly spread, and its walks until nobody looks at that day any more."""
    start = shop.now
    for group in range(day.orders // day.together):
        _pass(shop, start + group * day.together * clock.DAY / day.orders, batch=day.together)
        _shop_together(shop, site, goods_id, day, token)
    _pass(shop, _midnight(start) + 2 * clock.DAY, batch=day.together)


def _shop_together(shop: Shop, site: str, goods_id: str, day: Day, token: str) -> None:
    """Some order at the same moment; those who pay do so when the timer has asked once."""
    with shop.step("place"):
        placed = [_place(shop, site, goods_id, token) for _ in range(day.together)]
    _pass(shop, shop.now + _PAYS_AFTER, batch=day.together)
    with shop.step("pay"):
        for order in placed[: day.paying]:
            shop.pay(order)


def _place(shop: Shop, site: str, goods_id: str, token: str) -> orders.Order:
    with tenant.acting_for(site):
        member = membership.member_of(site, token, now=int(shop.now)) if token else None
    return shop.place(site, goods_id, member=member.member if member else None)


def _pass(shop: Shop, until: float, *, batch: int) -> None:
    """Time passes; the schedules fire that look after orders."""
    while (due := (shop.now // _QUARTER + 1) * _QUARTER) <= until:
        shop.go_on(due, batch=batch, steps=_STEP_OF)
        for step, function, when in _SCHEDULES:
            if clock.beijing(int(due)).strftime("%H:%M") in when or not when:
                with shop.step(step):
                    shop.tick(function)
    shop.go_on(until, batch=batch, steps=_STEP_OF)


def _midnight(at: float) -> int:
    """The next midnight in Beijing."""
    return clock.day_start(clock.day_of(int(at))) + clock.DAY


def _own(costs: Mapping[str, Tally]) -> Tally:
    return sum((costs[step] for step in OWN), Tally())


def _writes(costs: Mapping[str, Tally]) -> float:
    return sum(tally.writes for tally in costs.values())


def _figures(name: str, costs: Mapping[str, Tally], *, units: float, requests: float) -> Iterator[Finding]:
    own = _own(costs)
    yield Figure(f"{name}: its own steps", own.writes, "write units", Goal("≤", units))
    asked = sum(costs[step].requests["dynamodb"] for step in OWN if step != "window")
    yield Figure(f"{name}: its own steps, the window apart", asked, "requests", Goal("≤", requests))


def _table(kinds: Mapping[str, Mapping[str, Tally]]) -> Table:
    """Write units / read units / requests of each step for each kind of order."""
    rows = [[step, *(_cell(costs[step]) for costs in kinds.values())] for step in STEPS]
    total = [_cell(sum(costs.values(), Tally())) for costs in kinds.values()]
    return Table(
        "Write units / read units / DynamoDB requests per paid order",
        ("step", *kinds),
        [*rows, ["all", *total]],
    )


def _cell(tally: Tally) -> str:
    return f"{tally.writes:.3f} / {tally.reads:.2f} / {tally.requests['dynamodb']:.2f}"


def _share(tally: Tally, orders_: int) -> Tally:
    counts = Counter({name: count / orders_ for name, count in tally.requests.items()})
    return Tally(tally.writes / orders_, tally.reads / orders_, tally.refused / orders_, counts)
