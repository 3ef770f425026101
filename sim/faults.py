"""What may go wrong, how often it does in one world, and where it did.

A fault strikes at a point: who was struck, the how manieth time it could have been, and the fault. The draw of a point
hangs on the seed and the point alone, so a world can be played again with some of its faults, or with faults that were
never drawn: both are a script, the set of points that strike.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from .clockwork import Clockwork
from .lineage import Lineage

CALLS = {  # the highest rate at which a call to AWS or to a channel is struck
    "kill_before": 0.01,
    "kill_after": 0.01,
    "stall": 0.01,
    "throttle": 0.02,
    "lost_request": 0.01,
    "lost_answer": 0.01,
    "late_request": 0.005,
}
OTHERS = {  # the highest rate of what happens elsewhere
    "stale": 0.2,
    "slow_transaction": 0.5,
    "transaction_met": 0.05,
    "overrun": 0.5,
    "clock_set": 0.1,
    "poison": 0.6,
    "kms_down": 0.6,
    "sts_down": 0.6,
    "queues_down": 0.6,
    "pointers_hot": 0.6,
    "main_hot": 0.6,
    "site_hot": 0.6,
    "swizzle": 0.6,
    "release": 1.0,
    "broken_release": 0.2,
    "two_releases": 0.6,
    "rolled_back": 0.6,
    "message_twice": 0.2,
    "message_late": 0.2,
    "outage": 1.0,
    "notice_lost": 0.5,
    "notice_twice": 0.3,
    "notice_late": 0.3,
    "notice_repeated": 0.3,
    "notice_forged": 0.1,
    "notice_less": 0.1,
    "notice_more": 0.1,
    "notice_currency": 0.1,
    "notice_merchant": 0.1,
    "notice_no_order": 0.1,
    "notice_no_number": 0.1,
    "notice_no_site": 0.1,
    "notice_other_site": 0.1,
    "paid_after_close": 1.0,
    "bill_late": 0.3,
    "bill_damaged": 0.2,
    "bill_wrong": 0.6,
    "bank_poor": 0.3,
    "bank_fails": 0.5,
    "bank_slow": 0.5,
    "bank_returns": 0.4,
    "refund_slow": 0.5,
    "refund_refused": 0.3,
    "refund_abnormal": 0.2,
    "refund_closed": 0.2,
    "regrets": 0.6,
    "licensed": 1.0,
    "receiver_unknown": 0.3,
    "split_refused": 0.3,
    "split_slow": 0.5,
    "part_closed": 0.3,
    "thaw_lost": 0.4,
    "return_refused": 0.7,
    "double_click": 0.3,
    "reprice": 1.0,
    "replan": 1.0,
    "close_for_a_while": 0.5,
    "withdraw": 0.5,
    "restock": 0.7,
    "skew": 0.5,
    "tick_skipped": 0.3,
    "tick_twice": 0.3,
    "cold": 0.3,
}
CALL = "call"  # what may be struck by any fault of CALLS
SIZED = {  # that ask how bad they are; any other is the same each time
    "stall",
    "throttle",
    "late_request",
    "slow_transaction",
    "message_twice",
    "message_late",
    "bill_wrong",
}
_PACE = 0.6  # of a script's calls that nothing slows
_ABSENT = 0.4  # the share of faults a world goes without
_CALM = 0.05  # the share of worlds without any


class Point(NamedTuple):
    """Where a fault strikes: the n-th call of somebody, or the n-th time that this fault could strike them."""

    who: str
    nth: int
    fault: str


@dataclass
class Faults:
    """The faults of one world by their rates, or by a script that is played without drawing.

    `struck` has the points that struck, in order; `offered`, of a script, all where one could: a call's fault is CALL.
    `size` in [0, 1) is how bad a fault is, where it is not drawn.
    """

    time: Clockwork
    rates: dict[str, float]
    script: Collection[Point] | None = None
    size: float | None = None
    on: bool = True
    struck: list[Point] = field(default_factory=list)
    offered: list[Point] = field(default_factory=list)

    @property
    def count(self) -> Counter[str]:
        """How often each fault struck."""
        return Counter(point.fault for point in self.struck)

    def strikes(self, name: str, who: Lineage | None = None) -> bool:
        """Whether a fault strikes somebody: whoever it is about now, or another."""
        if not self.on or (self.script is None and not self.rates.get(name)):
            return False
        return bool(self._struck(name, (name,), who or self.time.who))

    def of_call(self) -> str:
        """The fault that strikes a call, mostly none."""
        return self._struck(CALL, CALLS, self.time.who) if self.on else ""

    def how_bad(self, who: Lineage | None = None) -> float:
        """A number in [0, 1): how long a fault lasts, as part of the longest it may."""
        drawn = (who or self.time.who).random.random()
        return drawn if self.size is None else self.size

    def pace(self) -> float:
        """A number in [0, 1): how long a call takes that nothing slows, as part of the longest it may."""
        drawn = self.time.who.random.random()
        return drawn if self.size is None else _PACE

    def _struck(self, what: str, names: Collection[str], who: Lineage) -> str:
        nth = who.nth(what)
        if self.script is None:
            fault = self._drawn(who.chance(what, nth), names)
        else:
            self.offered.append(Point(who.name, nth, what))
            fault = next((name for name in names if (who.name, nth, name) in self.script), "")
        if fault:
            self.struck.append(Point(who.name, nth, fault))
        return fault

    def _drawn(self, chance: float, names: Collection[str]) -> str:
        for name in names:
            chance -= self.rates.get(name, 0)
            if chance < 0:
                return name
        return ""


def draw(time: Clockwork) -> Faults:
    """A world's own faults: some absent, the others anywhere up to their highest rate."""
    calm = time.who.chance("calm") < _CALM
    rates = {
        name: 0.0 if calm or time.who.chance(f"no {name}") < _ABSENT else most * time.who.chance(name)
        for name, most in (CALLS | OTHERS).items()
    }
    return Faults(time, rates)
