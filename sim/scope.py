# ruff: noqa: T201  a terminal programme prints
"""Small scope, exhaustively: every single fault at every point of small worlds, and every pair of them.

`python -m sim.scope` plays each scenario calm, then once for each fault at each point that it offered. With `--pairs`
each of those worlds, whose story has changed, is asked for the points it offered after the strike, and played again
with each as a second fault; so pairs are those that can meet. Of pairs the faults are left out that do alone, or do
nothing alone, what others do: a machine that dies before a call is one that died after the call before, a call turned
away or not heard is made again by the SDK, and clocks, cold starts and overruns have their place in random seeds.

How bad a fault is makes worlds of their own only where one asks for it: the second size leaves out what none asks.

A world that is like one which ended well, at a moment of rest, goes on as that one did, so it is not played on; and one
that is like another whose second faults were tried is not asked for its own after that (`sim/likeness.py`).

Where a seed finds what nobody thought of, this leaves nothing out, in so small a world; `sim.machine` lies between.
"""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Collection, Container, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import NamedTuple

from . import small
from . import stage as stages
from .faults import CALL, CALLS, SIZED, Point

SITES = ("one",)
SIZES = (0.6, 0.97)  # a stall of 24 seconds, which its function survives, and one of 11 minutes
LONE = {
    "kill_before",
    "throttle",
    "lost_request",
    "cold",
    "overrun",
    "skew",
    "clock_set",
}  # that form no pairs
Script = tuple[Point, ...]


@dataclass(frozen=True)
class Task:
    """A scenario, by number, and how bad its faults are.

    Of its first faults one in `firsts` is tried, and of those that may follow one in `seconds`, or none where it is 0.
    """

    scenario: int
    size: float
    seconds: int = 0
    firsts: int = 1


@dataclass
class Found:
    """How many worlds were played, for how many they stand, and what was broken in some, by their scripts."""

    played: int
    stands_for: int
    broken: list[tuple[str, Script, float, str]]

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.played + other.played, self.stands_for + other.stands_for, self.broken + other.broken
        )


class Later(NamedTuple):
    """How many second faults come after a moment, and how many of them ask how bad they are."""

    all: int
    sized: int


NONE = Later(0, 0)


def points(world: small.Small, after: Script = ()) -> Iterator[Point]:
    """Every fault that may strike a world once those before have."""
    offered = world.faults.offered
    struck = [n for n, one in enumerate(offered) if after and _same(one, after[-1])]
    for one in offered[struck[0] + 1 if struck else 0 :]:
        yield from (one._replace(fault=fault) for fault in _kinds(one))


class Scope:
    """All worlds of one task. What a world that goes on as another did would come to is known, so it ends there.

    `well` has what worlds were like that ended well, `asked` what those were like whose second faults were tried:
    with it, for each, how many of them came after that, and how many of these ask how bad they are.
    """

    def __init__(self, stage: stages.Stage, task: Task, *, plainly: bool = False) -> None:
        self._stage = stage
        self._task = task
        self._scenario = small.SCENARIOS[task.scenario]
        self._plainly = plainly
        self._well: set[bytes] = set()
        self._asked: dict[bytes, Later] = {}

    def tried(self) -> Iterator[Found]:
        """What comes of no fault, then of each single one with those that may follow it."""
        calm, found = self.begin()
        yield found
        for first in islice(points(calm), 0, None, self._task.firsts):
            if self._task.seconds and first.fault not in LONE:
                yield self.with_seconds(first)
            elif self._differs(first):
                yield self._try((first,), self._well)[1]

    def begin(self) -> tuple[small.Small, Found]:
        """The world without faults, which others are held against first, and what came of it."""
        calm, found = self._try((), known=())
        if not found.broken:
            self._have_asked(calm)
        return calm, found

    def with_seconds(self, first: Point) -> Found:
        """What one fault and each that may follow break."""
        world, found = self._try((first,), self._asked)
        beyond = self._asked[world.ended] if world.ended else NONE
        if not found.broken:
            self._have_asked(world, beyond)
        every = self._task.seconds
        seconds = [point for point in points(world, (first,)) if point.fault not in LONE]
        for second in islice(seconds, len(first.who) % every, None, every):
            if self._differs(first, second):
                found += self._try((first, second), self._well)[1]
        found.stands_for += (beyond.all if self._differs(first) else beyond.sized) // every
        return found

    def _differs(self, *script: Point) -> bool:
        """Whether it comes to something else than at the first size, where it was tried already."""
        return self._task.size == SIZES[0] or any(point.fault in SIZED for point in script)

    def _have_asked(self, world: small.Small, beyond: Later = NONE) -> None:
        """Note that second faults are tried wherever they can strike after each of its moments of rest."""
        for moment in world.passed:
            kinds = [each for one in world.faults.offered[moment.offered :] for each in _seconds(one)]
            sized = sum(each in SIZED for each in kinds)
            self._asked.setdefault(moment.like, Later(beyond.all + len(kinds), beyond.sized + sized))

    def _try(self, script: Script, known: Container[bytes]) -> tuple[small.Small, Found]:
        world, broken = small.play(
            self._stage, self._scenario, script, size=self._task.size, known=None if self._plainly else known
        )
        if not broken:
            self._well.update(one.like for one in world.passed)
        violations = [(self._scenario.name, script, self._task.size, broken)] if broken else []
        return world, Found(1, int(self._differs(*script)), violations)


def _kinds(offered: Point) -> Collection[str]:
    return CALLS if offered.fault == CALL else (offered.fault,)


def _seconds(offered: Point) -> Collection[str]:
    return set(_kinds(offered)) - LONE


def _same(offered: Point, struck: Point) -> bool:
    return offered.who == struck.who and offered.nth == struck.nth and struck.fault in _kinds(offered)


# On all cores.

_open = ExitStack()  # as long as this process lives
_opened: list[stages.Stage] = []


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _opened.append(_open.enter_context(stages.opened(SITES)))
    gc.freeze()


def _do(task: Task) -> tuple[Task, Found, float]:
    """All of a task, and how many seconds of a core it took."""
    began = time.process_time()
    found = sum(Scope(_opened[0], task).tried(), Found(0, 0, []))
    return task, found, time.process_time() - began


def main() -> int:
    """The command line; 1 when something was broken."""
    options = argparse.ArgumentParser(prog="python -m sim.scope", description=__doc__)
    options.add_argument("--pairs", action="store_true", help="every pair of faults too")
    options.add_argument("--every", type=int, default=1, help="of the pairs, one in so many")
    options.add_argument("--scenario", choices=[one.name for one in small.SCENARIOS], help="only this one")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = options.parse_args()
    tasks = [
        Task(n, size, asked.every if asked.pairs else 0)
        for n, scenario in enumerate(small.SCENARIOS)
        for size in SIZES
        if asked.scenario in (None, scenario.name)
    ]
    return 1 if _all(tasks, asked.jobs).broken else 0


def _all(tasks: Sequence[Task], jobs: int) -> Found:
    began, everything = time.monotonic(), Found(0, 0, [])
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
        for task, found, seconds in pool.map(_do, tasks):
            everything += found
            name = f"{small.SCENARIOS[task.scenario].name}, {task.size}"
            print(f"{name}: {_told(found)}, {seconds:.0f} s of a core", flush=True)
            for _, script, size, broken in found.broken:
                print(f"  {broken}\n  {[tuple(point) for point in script]} size {size}", flush=True)
    print(f"{_told(everything)}, {time.monotonic() - began:.0f} s")
    return everything


def _told(found: Found) -> str:
    return f"{found.played} worlds played for {found.stands_for}, {len(found.broken)} violations"


if __name__ == "__main__":
    sys.exit(main())
