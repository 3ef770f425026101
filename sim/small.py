"""A small world: one or two orders within an hour of trade, then only those ticks at which there is something to find.

It takes some hundredths of a second, so what may fail in it can be tried one after another.
"""

from collections.abc import Collection, Container
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from chalicelib.checkout import worker as checkout_worker
from chalicelib.reconciliation import worker as reconciliation_worker
from chalicelib.settlement import worker as settlement_worker

from . import likeness
from .clockwork import Violation
from .crowd import HOUR, LIVENESS
from .faults import Point
from .stage import BEGIN, Stage
from .world import World

_TRADE = HOUR  # with faults
_REST = (0.2, 0.39, 0.6, 0.79, 0.89, 1)  # hours after the beginning at which most of it has come to rest
_WALKS = (0.4, 0.9, 1.2, 1.5, 2.5, 4, 6)  # hours after the beginning at which the sites are walked
_STAFF = (0.8, 3)
_AUDITS = (8, 57)  # the first notes how far the pointers are, the second judges two days later
_CLOSINGS = (12.5, 13.5)  # the beginning is noon
_BILLS = (22.7, 23.2)  # of the day before: the second time, the book is closed
_SEED = 1


@dataclass(frozen=True)
class Visit:
    """Somebody who wants goods, by their place on the stage, so many seconds after the beginning."""

    goods: int
    plan: str
    delay: float = 0.0
    quantity: int = 1
    joins: bool = False


@dataclass(frozen=True)
class Scenario:
    """Who comes to a small world."""

    name: str
    visits: tuple[Visit, ...]


PLENTY, SCARCE, OWN, BY_HAND = range(4)
LAST = 6  # all there are of what is scarce
SCENARIOS = (  # those first that offer the fewest points
    Scenario("pays", (Visit(SCARCE, "pays"),)),
    Scenario("abandons", (Visit(SCARCE, "abandons", quantity=LAST),)),
    Scenario("pays late", (Visit(SCARCE, "pays late"),)),
    Scenario("pays at the end", (Visit(SCARCE, "pays at the end"),)),
    Scenario("a member pays", (Visit(OWN, "pays", joins=True),)),
    Scenario(
        "two for the last", (Visit(SCARCE, "pays", quantity=LAST), Visit(SCARCE, "pays", quantity=LAST))
    ),
    Scenario("by hand", (Visit(BY_HAND, "pays"),)),
    Scenario("asks twice", (Visit(SCARCE, "asks twice", quantity=LAST),)),
    Scenario("pays twice", (Visit(SCARCE, "pays twice"),)),
    Scenario(
        "sold again while the first pays late",
        (Visit(SCARCE, "pays late", quantity=LAST), Visit(SCARCE, "pays", 960, quantity=LAST)),
    ),
)


class Passed(NamedTuple):
    """A moment of rest, by its time, what a world was like then, and how many points it had offered."""

    at: float
    offered: int
    like: bytes


class Small(World):
    """The world of a scenario in which the points of a script strike, each as badly as `size` says.

    It ends early where, once all of the script has struck, it is like one of `known`; `ended` is whom it was like.
    `passed` has the moments of rest after the strikes.
    """

    plain = True

    def __init__(
        self,
        stage: Stage,
        scenario: Scenario,
        script: Collection[Point],
        *,
        size: float,
        known: Container[bytes] | None = None,
        keep_trace: bool = False,
    ) -> None:
        super().__init__(stage, _SEED, script=script, keep_trace=keep_trace)
        self.passed: list[Passed] = []
        self.ended: bytes | None = None
        self._known = known
        self._script = script
        self.start = self.time.now = BEGIN
        self.faults.size = size
        self._scenario = scenario

    def _play(self) -> None:
        for visit in self._scenario.visits:
            self._expect(visit)
        self._plan("walk_sites", checkout_worker.walk_sites, _WALKS)
        self._plan("audit_pools", checkout_worker.audit_pools, _AUDITS)
        self._plan("close_windows", settlement_worker.close_windows, _CLOSINGS)
        for hour in _STAFF:
            self._at(hour, partial(self.crowd.send_two, self.stage.sites[0]))
        for hour in _REST:
            self.time.run(self.start + hour * HOUR)
            if self._is_known():
                return
        self.faults.on = False
        self.queues.redrive()
        self.time.run(self.start + LIVENESS + _TRADE)
        self._rest().check_orders(but=self.untold())
        if self.untold():
            self._plan("ask_for_bills", reconciliation_worker.ask_for_bills, _BILLS)
        self.time.run(self.start + _AUDITS[-1] * HOUR + HOUR)
        self._check()

    def _is_known(self) -> bool:
        """Whether it goes on as another did."""
        if self._known is None or len(self.faults.struck) < len(self._script):
            return False
        if like := likeness.of(self):
            self.passed.append(Passed(self.time.now, len(self.faults.offered), like))
            self.ended = like if like in self._known else None
        return self.ended is not None

    def _expect(self, visit: Visit) -> None:
        goods = self.stage.goods[visit.goods]
        shopper = self.crowd.shopper(goods.sites[0], goods, visit.plan, visit.quantity, visit.joins)
        self.time.spawn("shopper", shopper.shop, delay=visit.delay)

    def _plan(self, function: str, act: Any, hours: Collection[float]) -> None:
        for hour in hours:
            self._at(hour, partial(self._run, function, act), f"{function}@{hour * 60:.0f}")

    def _at(self, hour: float, act: Any, name: str = "") -> None:
        who = self._world.named(name) if name else self._world
        self.time.at(self.start + hour * HOUR, act, who=who)


def play(
    stage: Stage, scenario: Scenario, script: Collection[Point], *, size: float, **options: Any
) -> tuple[Small, str]:
    """Play a scenario with a script and the options of a Small: the world, and what was broken in it or ""."""
    world = Small(stage, scenario, frozenset(script), size=size, **options)
    try:
        world.play()
    except Violation as violation:
        return world, str(violation)
    return world, ""
