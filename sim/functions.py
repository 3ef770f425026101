"""Functions as Lambda runs them: instances warm or new, a timeout that ends them, a release that replaces them all."""

import json
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib.kit.errors import ShopError

from . import ears
from .clockwork import Act, Clockwork, Process
from .faults import Faults
from .instance import Instance, Place
from .lineage import Lineage
from .releases import Releases

_SETTINGS = json.loads((Path(__file__).parents[1] / ".chalice/config.json").read_text())
_START = 0.3  # seconds that a new instance takes to begin
SKEW = 300  # seconds a clock may be wrong


class Functions:
    """All functions of a deployment. `broken` names those whose release fails at once; `timed_out` counts deaths."""

    def __init__(
        self,
        time: Clockwork,
        faults: Faults,
        places: tuple[Place, ...],
        releases: Releases | None = None,
    ) -> None:
        self.releases = releases or Releases()
        self.broken: set[str] = set()
        self.timed_out = 0
        self._time = time
        self._faults = faults
        self._places = places
        self._warm: defaultdict[tuple[str, bool], list[Instance]] = defaultdict(list)

    def invoke(self, function: str, act: Act) -> Process:
        """Start a function on an instance that is warm, or on a new one."""
        who = self._time.who.child(function)
        following = who.chance("release") < self.releases.share
        warm = self._warm[function, following]
        cold = not warm or self._faults.strikes("cold", who)
        instance = self._new(function, who, following=following) if cold else self._again(warm, who)
        act = _fail if self._faults.on and function in self.broken else act
        delay = _START if cold else 0.0
        process = self._time.spawn(who, act, delay=delay, instance=instance)
        process.waiters.append(partial(self._end, process, warm))
        if not self._faults.strikes("overrun", who):
            deadline = self._time.now + delay + _timeout(function)
            self._time.at(deadline, partial(self._time_out, process), who=who)
        return process

    def waiting(self) -> list[tuple[tuple[str, bool], list[Instance]]]:
        """The instances that are warm, by function and whether they run the next release."""
        return sorted(self._warm.items())

    def release(self) -> None:
        """Replace all instances; those at work finish."""
        self._warm.clear()

    def _new(self, function: str, who: Lineage, *, following: bool) -> Instance:
        codes, skew = self.releases.of(following=following), self._wrong("skew", who)
        return Instance(function, list(self._places), skew=skew, codes=codes, following=following)

    def _again(self, warm: list[Instance], who: Lineage) -> Instance:
        """An instance that has waited; its clock may have been set meanwhile."""
        instance = warm.pop(who.random.randrange(len(warm)))
        instance.skew = self._wrong("clock_set", who) or instance.skew
        return instance

    def _wrong(self, fault: str, who: Lineage) -> int:
        """Seconds by which a clock is wrong."""
        return who.random.randint(-SKEW, SKEW) if self._faults.strikes(fault, who) else 0

    def _end(self, process: Process, warm: list[Instance]) -> None:
        """What was answered is heard; the instance waits for its next call."""
        if isinstance(process.error, ShopError):
            ears.hear("an answer", f"{process.error} {process.error.detail}")
        if process.instance and not process.dead:
            warm.append(process.instance)

    def _time_out(self, process: Process) -> None:
        if not process.ended:
            self.timed_out += 1
            process.dead = True


def _timeout(function: str) -> float:
    own: dict[str, Any] = _SETTINGS["lambda_functions"].get(function, {})
    return float(own.get("lambda_timeout", _SETTINGS["lambda_timeout"]))


def _fail() -> None:
    raise ImportError("a bad release")
