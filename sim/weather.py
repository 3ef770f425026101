"""Bad weather: minutes or hours in which something is down for everybody, or much goes wrong at once.

Each kind of spell may come over a world once, somewhere in its day of trade.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from .clockwork import Clockwork
from .faults import CALLS, Faults
from .functions import Functions
from .queues import SOURCES

# The calls that a spell turns away, by what they all have in their description; the longest it lasts in seconds.
TURNS_AWAY: Mapping[str, tuple[tuple[str, ...], int]] = {
    "kms_down": (("kms.",), 1800),
    "sts_down": (("sts.",), 1800),
    "queues_down": (("sqs.",), 900),
    "pointers_hot": (("dynamodb.", " PTR#"), 600),
    "main_hot": (("dynamodb.", "cardmesh-main"), 600),
    "site_hot": (("dynamodb.", "cardmesh-site-"), 600),
}
_SWIZZLE = 600  # seconds at most
_FIERCE = 0.15  # the rate of every fault of a call meanwhile
_BROKEN = 3 * 3600  # seconds at most until a bad release is taken back
RELEASES = 3  # that a day may see
_SIDE_BY_SIDE = 1800  # seconds at most; only after twice as long a message that fails counts as dead


@dataclass
class Weather:
    """What holds over a world, its cloud and its functions."""

    time: Clockwork
    faults: Faults
    functions: Functions
    _down: list[tuple[str, ...]] = field(default_factory=list)

    def expect(self, start: float, end: float) -> None:
        """Have spells come between two times, as the world's faults decide."""
        for kind, (calls, most) in TURNS_AWAY.items():
            self._expect(kind, start, end, most, partial(self._turn_away, calls))
        self._expect("swizzle", start, end, _SWIZZLE, self._rage)
        for function in [source.function for source in SOURCES.values()]:
            self._expect("broken_release", start, end, _BROKEN, partial(self._break, function))
        for _ in range(RELEASES):
            self._expect("release", start, end, 0, self._release)
        self._expect("two_releases", start, end, _SIDE_BY_SIDE, self._mix)

    def turns_away(self, call: str) -> bool:
        """Whether a call meets a service that is down."""
        return self.faults.on and any(all(part in call for part in each) for each in self._down)

    def _expect(
        self, kind: str, start: float, end: float, most: float, come: Callable[[], Callable[[], None]]
    ) -> None:
        """A spell begins at some time, and what its beginning gives ends it."""
        who = self.time.who.child(kind)
        begin, lasts = who.random.uniform(start, end), who.random.uniform(0.1, 1) * most
        if self.faults.strikes(kind, who):
            self.time.at(begin, lambda: self.time.at(begin + lasts, come()), who=who)

    def _turn_away(self, calls: tuple[str, ...]) -> Callable[[], None]:
        self._down.append(calls)
        return partial(self._down.remove, calls)

    def _rage(self) -> Callable[[], None]:
        calm = dict(self.faults.rates)
        self.faults.rates.update(dict.fromkeys(CALLS, _FIERCE / len(CALLS)))
        return partial(self.faults.rates.update, calm)

    def _break(self, function: str) -> Callable[[], None]:
        self.functions.broken.add(function)
        return partial(self.functions.broken.discard, function)

    def _mix(self) -> Callable[[], None]:
        """The next release takes half of the calls, then all."""
        releases = self.functions.releases
        releases.share = 1 / 2
        return partial(setattr, releases, "share", 1.0)

    def _release(self) -> Callable[[], None]:
        self.functions.release()
        return lambda: None
