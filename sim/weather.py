"""Bad weather: minutes or hours in which something is down for everybody, or much goes wrong at once.

Each kind of spell may come over a world once, somewhere in its day of trade.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from chalicelib.kit import shape

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
_STAMPED_AFTER = (
    2 * shape.KEEP
)  # seconds after which nobody is left who saw a table before, however long it took
_ROLLED_BACK = 3 * 3600  # seconds at most for which both are at work then, and again for which it is gone


@dataclass
class Weather:
    """What holds over a world, its cloud and its functions."""

    time: Clockwork
    faults: Faults
    functions: Functions
    stamp: Callable[[], None] = lambda: None  # a wave: some tables are the next release's
    _until: float = 0.0
    _down: list[tuple[str, ...]] = field(default_factory=list)

    def expect(self, start: float, end: float) -> None:
        """Have spells come between two times, as the world's faults decide."""
        self._until = end
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
        self.functions.releases.share = 1 / 2
        return self._arrive

    def _arrive(self) -> None:
        """It is everywhere; in time for it a wave goes out, after which it may be taken back."""
        now = self.time.now
        self.functions.releases.share = 1.0
        lasts = (0.1 + 0.9 * self.time.who.chance("lasts")) * _ROLLED_BACK
        back = now + _STAMPED_AFTER + lasts
        if back + 2 * lasts < self._until and self.faults.strikes("rolled_back"):
            self.time.at(now + _STAMPED_AFTER, self.stamp)
            self.time.at(back, partial(self._take_back, 1 / 2))
            self.time.at(back + lasts, partial(self._take_back, 0.0))
            self.time.at(back + 2 * lasts, partial(setattr, self.functions.releases, "share", 1.0))

    def _take_back(self, share: float) -> None:
        """The release before is at work again, on new instances as after any deployment."""
        self.functions.release()
        self.functions.releases.share = share

    def _release(self) -> Callable[[], None]:
        self.functions.release()
        return lambda: None
