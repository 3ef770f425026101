"""Many at once: a shop in virtual time whose partitions serve so many units a second and no more.

Every key of a table is taken for a partition of its own, as DynamoDB splits a hot one. Each shopper's call runs on a
function instance that remembers what its earlier calls saw; instances start as they are needed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sim.clockwork import Clockwork, Process
from sim.dynamo import units
from sim.dynamo.errors import Refusal, client_error
from sim.instance import Instance
from sim.stage import BEGIN, Stage

from . import model
from .shop import Shop

_RATES = {units.WRITE: model.PARTITION_WRITES, units.READ: model.PARTITION_READS}


@dataclass
class Bucket:
    """What a partition can still serve now; it holds a second's worth, and is full at first."""

    rate: float
    left: float
    seen: float

    def take(self, wanted: float, now: float) -> bool:
        """Whether it can serve so many units."""
        self.left = min(self.rate, self.left + (now - self.seen) * self.rate)
        self.seen = now
        if self.left < wanted:
            return False
        self.left -= wanted
        return True


class Rush(Shop):
    """A shop in which calls take time and others go on meanwhile.

    `throttled` counts calls that a partition had no units for, `refused` those refused, by instance and partition.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.time = Clockwork(seed, BEGIN)
        self.throttled = 0
        self.refused: Counter[tuple[int, str]] = Counter()
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._warm: list[Instance] = []
        super().__init__(stage)

    @property
    def instances(self) -> int:
        """How many instances there are, all of them idle at the end."""
        return len(self._warm)

    def come(self, act: Callable[[], None], *, delay: float) -> None:
        """Somebody's call reaches a function after a delay."""
        self.time.at(self.time.now + delay, lambda: self._invoke(act))

    def clock(self) -> float:
        """The time in seconds UTC."""
        return self.time.now

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """A call over the network, tried again as botocore would when its partition has no more to give."""
        if self.time.running is None:
            return super().call(client, operation, given)
        for tried in range(model.TRIES):
            travel = self.time.random.uniform(*_seconds(operation))
            self.time.pause(travel / 2)
            answer, error = self._answer(client, operation, given)
            self.time.pause(travel / 2)
            if error is None or not _is_throttle(error):
                break
            if tried < model.TRIES - 1:
                self.time.pause(self.time.random.random() * min(2**tried, model.LONGEST_WAIT))
        if error:
            raise error
        return answer

    def _answer(self, client: Any, operation: str, given: dict[str, Any]) -> tuple[Any, ClientError | None]:
        """What comes back: an answer or an error."""
        if not self._bucket(operation, given).take(1, self.time.now):
            self.throttled += 1
            return None, _throttle(operation)
        try:
            return super().call(client, operation, given), None
        except ClientError as error:
            process = self.time.running
            self.refused[id(process and process.instance), _hash_key(given)] += 1
            return None, error

    def _bucket(self, operation: str, given: dict[str, Any]) -> Bucket:
        kind = _kind(operation)
        key = kind, given["TableName"], _hash_key(given)
        return self._buckets.setdefault(key, Bucket(_RATES[kind], _RATES[kind], self.time.now))

    def _invoke(self, act: Callable[[], None]) -> Process:
        """On an instance that is idle, whichever it is, or on a new one."""
        idle = self._warm
        instance = (
            idle.pop(self.time.random.randrange(len(idle)))
            if idle
            else Instance("checkout", list(self.stage.places))
        )
        process = self.time.spawn("checkout", act, instance=instance)
        process.waiters.append(lambda: self._warm.append(instance))
        return process


def _kind(operation: str) -> str:
    return units.READ if operation in ("GetItem", "Query") else units.WRITE


def _seconds(operation: str) -> tuple[float, float]:
    return model.READ_SECONDS if _kind(operation) == units.READ else model.WRITE_SECONDS


def _hash_key(given: dict[str, Any]) -> str:
    """The partition that a call on one partition is for."""
    key = given.get("Key") or given.get("Item")
    value = key["pk"] if key else next(iter(given["ExpressionAttributeValues"].values()))
    return str(value["S"])


def _throttle(operation: str) -> ClientError:
    return client_error(Refusal("ProvisionedThroughputExceededException", "Throttled"), operation)


def _is_throttle(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
