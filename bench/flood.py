"""A queue that all sites share while one of them floods it.

The queue is FULFIL as it is deployed: its batch, its concurrency, and pollers that are added as Lambda adds them. A
site is noisy while it has more than a tenth of the messages in flight and at least thirty; a fair queue then hands out
the others' first. A batch takes one message after the other, in the order that the shop's worker chooses.
"""

import heapq
import json
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from chalicelib.kit import worker
from infra.package.template import BATCHES
from sim.queues import SOURCES

from . import cost, prices, quotas
from .instructions import KEPT

_QUEUE = "fulfil"
_FUNCTION = "deliver_orders"
_ARRIVES, _ENDS, _MORE = range(3)
_RATE = 3  # messages of a quiet site, a second
LOUD = "loud"


@dataclass(frozen=True)
class Waits:
    """Seconds from sending until its turn, of every message of the quiet sites."""

    seconds: Sequence[float]

    def within(self, share: float) -> float:
        """Seconds within which a share of them had their turn."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


@dataclass(frozen=True)
class _Letter:
    site: str
    sent: float


class Queue:
    """The queue, its pollers and their function, over `seconds` of virtual time."""

    def __init__(self, *, fair: bool, pollers: int) -> None:
        self._fair = fair
        self._quiet: deque[_Letter] = deque()
        self._loud: deque[_Letter] = deque()
        self._flying: Counter[str] = Counter()
        self._pollers = pollers * quotas.POLLER_BATCHES or quotas.POLLERS_AT_FIRST
        self._added = quotas.PROVISIONED_ADDED if pollers else quotas.POLLERS_ADDED
        self._busy = 0
        self._each = seconds_of_one()
        self._due: list[tuple[float, int, int, object]] = []
        self._count = 0
        self.waits: list[float] = []

    def play(self, sent: Iterator[_Letter], *, seconds: float) -> Waits:
        """Let messages come for so long, and work until the quiet sites' are done."""
        for letter in sent:
            self._at(letter.sent + _poll(letter), _ARRIVES, letter)
        for second in range(1, int(seconds)):
            self._at(second, _MORE, None)
        while self._due:
            now, _, kind, what = heapq.heappop(self._due)
            if kind == _ARRIVES and isinstance(what, _Letter):
                (self._loud if what.site == LOUD else self._quiet).append(what)
            elif kind == _ENDS and isinstance(what, Counter):
                self._busy -= 1
                self._flying -= what
            elif self._quiet or self._loud:
                self._pollers = min(self._pollers + self._added, BATCHES[_QUEUE])
            self._work(now)
        return Waits(self.waits)

    def _at(self, when: float, kind: int, what: object) -> None:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, kind, what))

    def _work(self, now: float) -> None:
        while self._busy < self._pollers and (self._quiet or self._loud):
            batch = [self._next() for _ in range(self._size())]
            self._busy += 1
            self._at(now + len(batch) * self._each, _ENDS, Counter(one.site for one in batch))
            for place, letter in enumerate(_in_turn(batch) if self._fair else batch):
                if letter.site != LOUD:
                    self.waits.append(now + place * self._each - letter.sent)

    def _size(self) -> int:
        return min(SOURCES[_QUEUE].batch, len(self._quiet) + len(self._loud))

    def _next(self) -> _Letter:
        """The oldest, but of the quiet sites first where the queue is fair and the loud one noisy."""
        quiet, loud = self._quiet, self._loud
        first = bool(quiet) and (not loud or quiet[0].sent <= loud[0].sent)
        letter = (quiet if first or (quiet and self._fair and self._noisy()) else loud).popleft()
        self._flying[letter.site] += 1
        return letter

    def _noisy(self) -> bool:
        flying = self._flying[LOUD]
        return flying >= quotas.NOISY_LEAST and flying > quotas.NOISY_SHARE * self._flying.total()


def flood(times: int, *, fair: bool = True, pollers: int = 0, sites: int = 30, seconds: int = 60) -> Waits:
    """Quiet sites that send three messages a second each, and one that sends `times` as many.

    `pollers` are provisioned; with none of them Lambda adds its own as it sees need.
    """
    random = Random(0)  # noqa: S311  a run must be repeatable
    queue = Queue(fair=fair, pollers=pollers)
    return queue.play(_sent(random, times, sites, seconds), seconds=seconds * 3)


def seconds_of_one() -> float:
    """Seconds in which the function delivers one order: its instructions, and its waits for AWS."""
    counted = json.loads(KEPT.read_text())["functions"][_FUNCTION]
    asked = sum(counted[service] for service in ("dynamodb", "sqs", "sts"))
    own = prices.INSTRUCTIONS_PER_SECOND * cost.memory(_FUNCTION) / prices.VCPU_MEMORY
    return float(counted["warm"] / own + asked * prices.ANSWER_SECONDS)


def _sent(random: Random, times: int, sites: int, seconds: int) -> Iterator[_Letter]:
    for i in range(sites):
        for _ in range(_RATE * seconds):
            yield _Letter(f"quiet{i}", random.uniform(0, seconds))
    for _ in range(_RATE * seconds * times):
        yield _Letter(LOUD, random.uniform(0, seconds))


def _poll(letter: _Letter) -> float:
    """How long a poller takes to have it: another time for each message, the same in every run."""
    least, most = quotas.POLL
    return least + (most - least) * (letter.sent * 7919 % 1)


def _in_turn(batch: Sequence[_Letter]) -> Iterator[_Letter]:
    """The order in which the shop's worker takes a batch."""
    records = [{"attributes": {"MessageGroupId": one.site}, "letter": one} for one in batch]
    return (record["letter"] for record in worker.in_turn(records))
