"""A shop that a test drives by hand: hypothesis chooses what happens next, and shrinks what broke it.

Between a seed, in which much goes on at once, and small scope, in which little does: what may happen are the rules
below, in any order. Time passes when a rule says so, and faults strike one at a time. After every write the watch
looks; in the end nothing fails any more, and all must come to rest.
"""

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from chalicelib.checkout import worker as checkout_worker
from chalicelib.kit import clock
from chalicelib.settlement import worker as settlement_worker

from .clockwork import Violation
from .crowd import HOUR, LIVENESS
from .desk import Operator
from .faults import CALLS, Point
from .people import PLANS, Shopper
from .small import LAST
from .stage import BEGIN, CHANNELS, Stage
from .world import World

_SEED = 1
_OTHERS = (
    "stale",
    "message_twice",
    "message_late",
    "notice_twice",
    "notice_late",
    "paid_after_close",
    "refund_slow",
)
_REST = 4 * clock.DAY  # until the audit has judged the last day
_WAITS = (0.01, 1, 20, 300, 920, HOUR)  # seconds


class Broken(Exception):
    """A violation, for hypothesis, which leaves alone what is no Exception."""


class Next(Collection[Point]):
    """A script of one fault: it strikes once, after so many who could be struck by it were spared."""

    def __init__(self) -> None:
        self.fault = ""
        self.spared = 0

    def __contains__(self, point: object) -> bool:
        if not isinstance(point, tuple) or point[2] != self.fault:
            return False
        self.spared -= 1
        self.fault = self.fault if self.spared >= 0 else ""
        return not self.fault

    def __iter__(self) -> Iterator[Point]:
        return iter(())

    def __len__(self) -> int:
        return int(bool(self.fault))


class Shop(World):
    """A world in which nobody comes and nothing fails unless told to."""

    plain = True

    def __init__(self, stage: Stage) -> None:
        self.next = Next()
        super().__init__(stage, _SEED, script=self.next)
        self.start = self.time.now = BEGIN
        stage.world = self
        self._tick("walk_sites", checkout_worker.walk_sites, every=900, offset=0)
        self._tick("close_windows", settlement_worker.close_windows, every=HOUR, offset=1800)
        self._tick("audit_pools", checkout_worker.audit_pools, every=clock.DAY, offset=19 * HOUR + 1800)

    def shopper(self, goods: int, plan: str, *, quantity: int, joins: bool) -> Shopper:
        """Somebody comes with a plan."""
        wanted = self.stage.goods[goods]
        shopper = self.crowd.shopper(wanted.sites[0], wanted, plan, quantity, joins)
        self.time.spawn("shopper", shopper.shop)
        return shopper

    def pay(self, shopper: Shopper, channel: str) -> None:
        """Somebody pays what they ordered, as often as asked."""
        for number in self.channels[channel].trades:
            if shopper.number and number.startswith(shopper.number):
                self.channels[channel].pay(number, once=False)
                return

    def staff(self) -> None:
        """Two look after what waits for a person."""
        self.crowd.send_two(self.stage.sites[0])

    def change(self, what: Any) -> None:
        """An operator changes something."""
        operator = Operator(self.time, self.functions.invoke, self.stage.sites, self.stage.goods, self.codes)
        self.time.spawn(what.__name__, partial(what, operator))

    def rest(self) -> None:
        """Nothing fails any more: everything ends, and the books agree. Raises Violation."""
        self.faults.on = False
        self.queues.redrive()
        until = self.time.now + LIVENESS
        while self.time.now < until:
            self.staff()
            self.time.run(self.time.now + 2 * HOUR)
        self._rest().check_orders()
        self.time.run(self.time.now + _REST)
        self._check()


class Machine(RuleBasedStateMachine):
    """What may happen to the shop of `stage`."""

    stage: ClassVar[Stage]
    shoppers: Bundle[Shopper] = Bundle("shoppers")

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(self.stage)

    @rule(
        target=shoppers,
        goods=st.integers(0, 3),
        plan=st.sampled_from(PLANS),
        quantity=st.sampled_from((1, LAST)),
        joins=st.booleans(),
    )
    def come(self, goods: int, plan: str, **wishes: Any) -> Shopper:
        """Somebody orders."""
        shopper = self.shop.shopper(goods, plan, **wishes)
        self._run(1)
        return shopper

    @rule(shopper=shoppers, channel=st.sampled_from(CHANNELS))
    def pay(self, shopper: Shopper, channel: str) -> None:
        """Somebody pays."""
        self.shop.pay(shopper, channel)

    @rule(seconds=st.sampled_from(_WAITS))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self._run(seconds)

    @rule(
        fault=st.sampled_from((*CALLS, *_OTHERS)),
        spared=st.integers(0, 15),
        size=st.sampled_from((0.6, 0.97)),
    )
    def strike(self, fault: str, spared: int, size: float) -> None:
        """One who can be struck by a fault soon is."""
        self.shop.next.fault, self.shop.next.spared, self.shop.faults.size = fault, spared, size

    @rule()
    def release(self) -> None:
        """All functions are replaced."""
        self.shop.functions.release()

    @rule()
    def look(self) -> None:
        """Staff comes."""
        self.shop.staff()

    @rule(what=st.sampled_from((Operator.restock, Operator.reprice, Operator.replan)))
    def change(self, what: Any) -> None:
        """Something is changed at a console."""
        self.shop.change(what)

    def teardown(self) -> None:
        """All comes to rest."""
        try:
            self._check(self.shop.rest)
        finally:
            self.shop.time.close()

    def _run(self, seconds: float) -> None:
        self._check(partial(self.shop.time.run, self.shop.time.now + seconds))

    def _check(self, act: Any) -> None:
        try:
            act()
        except Violation as violation:
            raise Broken(str(violation)) from None


def machine(at: Stage) -> type[Machine]:
    """The rules for a stage."""
    return type("Trade", (Machine,), {"stage": at})
