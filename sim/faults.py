"""What may go wrong, how often it does in one world, and how often it did."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

CALLS = {  # the highest rate at which a call to AWS or to a channel is struck
    "kill_before": 0.01,
    "kill_after": 0.01,
    "stall": 0.01,
    "throttle": 0.02,
    "lost_request": 0.01,
    "lost_answer": 0.01,
}
OTHERS = {  # the highest rate of what happens elsewhere
    "stale": 0.2,
    "message_twice": 0.2,
    "message_late": 0.2,
    "outage": 1.0,
    "notice_lost": 0.5,
    "notice_twice": 0.3,
    "notice_late": 0.3,
    "paid_after_close": 1.0,
    "refund_slow": 0.5,
    "skew": 0.5,
    "tick_skipped": 0.3,
    "tick_twice": 0.3,
    "cold": 0.3,
}
_ABSENT = 0.4  # the share of faults a world goes without
_CALM = 0.05  # the share of worlds without any


@dataclass
class Faults:
    """The faults of one world by their rates; `count` tells how often each struck."""

    random: Random
    rates: dict[str, float]
    count: Counter[str] = field(default_factory=Counter)
    on: bool = True

    def strikes(self, name: str) -> bool:
        """Whether a fault strikes here."""
        rate = self.rates.get(name, 0)
        struck = self.on and rate > 0 and self.random.random() < rate
        if struck:
            self.count[name] += 1
        return struck

    def of_call(self) -> str:
        """The fault that strikes a call, mostly none."""
        if not self.on:
            return ""
        drawn = self.random.random()
        for name in CALLS:
            drawn -= self.rates.get(name, 0)
            if drawn < 0:
                self.count[name] += 1
                return name
        return ""


def draw(random: Random) -> Faults:
    """A world's own faults: some absent, the others anywhere up to their highest rate."""
    calm = random.random() < _CALM
    rates = {
        name: 0.0 if calm or random.random() < _ABSENT else most * random.random()
        for name, most in (CALLS | OTHERS).items()
    }
    return Faults(random, rates)
