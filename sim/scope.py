# ruff: noqa: T201  a terminal programme prints
"""Small scope, exhaustively: every single fault at every point of small worlds, and every pair of them.

`python -m sim.scope` plays each scenario calm, then once for each fault at each point that it offered. With `--pairs`
each of those worlds, whose story has changed, is asked for the points it offered after the strike, and played again
with each as a second fault; so pairs are those that can meet. Of pairs the faults are left out that do alone, or do
nothing alone, what others do: a machine that dies before a call is one that died after the call before, a call turned
away or not heard is made again by the SDK, and clocks, cold starts and overruns have their place in random seeds.

Where a seed finds what nobody thought of, this leaves nothing out, in so small a world; `sim.machine` lies between.
"""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context

from . import small
from . import stage as stages
from .faults import CALL, CALLS, Point

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
_TOLD_EVERY = 30  # seconds

Script = tuple[Point, ...]


@dataclass(frozen=True)
class Task:
    """A scenario with its first fault, by number, and how bad its faults are."""

    scenario: int
    first: Script
    size: float


@dataclass
class Found:
    """How many worlds were played, and what was broken in some, by their scripts."""

    played: int
    broken: list[tuple[str, Script, float, str]]

    def __add__(self, other: "Found") -> "Found":
        return Found(self.played + other.played, self.broken + other.broken)


def points(world: small.Small, after: Script = ()) -> Iterator[Point]:
    """Every fault that may strike a world once those before have."""
    offered = world.faults.offered
    struck = [n for n, one in enumerate(offered) if after and _same(one, after[-1])]
    for one in offered[struck[0] + 1 if struck else 0 :]:
        for fault in CALLS if one.fault == CALL else (one.fault,):
            yield one._replace(fault=fault)


def singles(stage: stages.Stage) -> Iterator[Task]:
    """Every single fault of every scenario, and none."""
    for n, scenario in enumerate(small.SCENARIOS):
        for size in SIZES:
            calm, _ = small.play(stage, scenario, (), size=size)
            yield Task(n, (), size)
            yield from (Task(n, (point,), size) for point in points(calm))


def alone(stage: stages.Stage, task: Task) -> Found:
    """What one fault breaks."""
    return _try(stage, task, task.first)[1]


def with_a_second(stage: stages.Stage, task: Task, *, every: int = 1) -> Found:
    """What one fault and each that may follow break, or one in so many of them."""
    world, found = _try(stage, task, task.first)
    if not task.first or task.first[0].fault in LONE:
        return found
    seconds = (point for point in points(world, task.first) if point.fault not in LONE)
    for point in islice(seconds, len(task.first[0].who) % every, None, every):
        found += _try(stage, task, (*task.first, point))[1]
    return found


def _try(stage: stages.Stage, task: Task, script: Script) -> tuple[small.Small, Found]:
    scenario = small.SCENARIOS[task.scenario]
    world, broken = small.play(stage, scenario, script, size=task.size)
    return world, Found(1, [(scenario.name, script, task.size, broken)] if broken else [])


def _same(offered: Point, struck: Point) -> bool:
    fault = CALL if struck.fault in CALLS else struck.fault
    return offered == struck._replace(fault=fault)


# On all cores.

_open = ExitStack()  # as long as this process lives
_opened: list[stages.Stage] = []


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _opened.append(_open.enter_context(stages.opened(SITES)))
    gc.freeze()


def _do(work: Callable[..., Found], task: Task) -> Found:
    return work(_opened[0], task)


def main() -> int:
    """The command line; 1 when something was broken."""
    options = argparse.ArgumentParser(prog="python -m sim.scope", description=__doc__)
    options.add_argument("--pairs", action="store_true", help="every pair of faults too")
    options.add_argument("--every", type=int, default=1, help="of the pairs, one in so many")
    options.add_argument("--scenario", choices=[one.name for one in small.SCENARIOS], help="only this one")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = options.parse_args()
    with stages.opened(SITES) as stage:
        tasks = [
            one for one in singles(stage) if asked.scenario in (None, small.SCENARIOS[one.scenario].name)
        ]
    work = partial(with_a_second, every=asked.every) if asked.pairs else alone
    found = _all(work, tasks, asked.jobs)
    return 1 if found.broken else 0


def _all(work: Callable[..., Found], tasks: Sequence[Task], jobs: int) -> Found:
    began = told = time.monotonic()
    found = Found(0, [])
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
        for done, one in enumerate(pool.map(partial(_do, work), tasks, chunksize=4), 1):
            found += one
            for name, script, size, broken in one.broken:
                print(f"{name}: {broken}\n  {[tuple(point) for point in script]} size {size}", flush=True)
            if time.monotonic() - told > _TOLD_EVERY:
                told = time.monotonic()
                print(f"{done} of {len(tasks)} faults, {found.played} worlds", flush=True)
    seconds = time.monotonic() - began
    print(f"{found.played} worlds in {seconds:.0f} s, {len(found.broken)} violations")
    return found


if __name__ == "__main__":
    sys.exit(main())
