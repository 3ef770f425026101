# ruff: noqa: T201  a terminal programme prints
"""Many worlds on all cores: so many seeds, or as long as wanted; what came of them, as it goes and at the end."""

import gc
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from . import run
from . import stage as stages

_TOLD_EVERY = 10  # seconds
_AHEAD = 2  # worlds handed to each process before it has ended the one it plays


@dataclass(frozen=True)
class Played:
    """What one seed came to in so many virtual hours and seconds of a core; `broken` says what was, or is empty."""

    seed: int
    orders: int
    calls: int
    hours: float
    cpu: float
    faults: Counter[str]
    broken: str


@dataclass
class Tally:
    """What seeds from `first` on came to, added up; `violations` by seed."""

    first: int
    jobs: int
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    seeds: int = 0
    orders: int = 0
    calls: int = 0
    hours: float = 0.0
    cpu: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    violations: dict[int, str] = field(default_factory=dict)

    def add(self, played: Played) -> None:
        """Count one seed in."""
        self.seeds += 1
        self.orders += played.orders
        self.calls += played.calls
        self.hours += played.hours
        self.cpu += played.cpu
        self.faults += played.faults
        if played.broken:
            self.violations[played.seed] = played.broken
        self.ended = time.monotonic()

    @property
    def hourly(self) -> float:
        """Seeds an hour."""
        return self.seeds * 3600 / max(self.ended - self.began, 0.001)

    @property
    def each(self) -> float:
        """Milliseconds of a core for one seed."""
        return self.cpu * 1000 / max(self.seeds, 1)

    @property
    def line(self) -> str:
        """How it stands."""
        return (
            f"{self.seeds} seeds, {self.orders} orders, {self.calls} calls, {self.faults.total()} faults, "
            f"{self.hourly:.0f} seeds an hour, {self.each:.0f} ms of a core each, {len(self.violations)} violations"
        )


def soak(first: int, *, most: int | None, seconds: float | None, jobs: int) -> Tally:
    """Play the seeds from `first` on, `most` of them and for so many seconds, `jobs` at a time.

    Violations are printed as they are found; Ctrl-C ends it early.
    """
    tally = Tally(first, jobs)
    until = tally.began + seconds if seconds else float("inf")
    seeds = iter(range(first, first + most) if most else range(first, 1 << 62))
    told = tally.began
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
        try:
            for played in _results(pool, seeds, jobs, until):
                tally.add(played)
                if played.broken:
                    print(f"seed {played.seed}: {played.broken}\n  replay: {replay(played.seed)}", flush=True)
                if time.monotonic() - told > _TOLD_EVERY:
                    told = time.monotonic()
                    print(tally.line, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
    return tally


def replay(seed: int) -> str:
    """The command that plays a seed again and shows what breaks it."""
    return f".venv/bin/python -m sim --seed {seed} --cause"


def summary(tally: Tally) -> str:
    """A report in Markdown."""
    faults = ", ".join(f"{name} {count}" for name, count in sorted(tally.faults.items()))
    rows = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _commit(),
        "cores": tally.jobs,
        "seeds": f"{tally.seeds}, from {tally.first} on",
        "orders": tally.orders,
        "calls": tally.calls,
        "virtual hours": round(tally.hours),
        "faults": f"{tally.faults.total()}: {faults}",
        "duration": f"{tally.ended - tally.began:.0f} s",
        "speed": f"{tally.hourly:.0f} seeds an hour, {tally.each:.0f} ms of a core each",
        "violations": len(tally.violations),
    }
    lines = ["# Soak", "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    found = sorted(tally.violations.items())
    lines += [f"\nSeed {seed}: {broken}\n\n    {replay(seed)}" for seed, broken in found]
    return "\n".join(lines) + "\n"


def _results(pool: ProcessPoolExecutor, seeds: Iterator[int], jobs: int, until: float) -> Iterator[Played]:
    """What comes of each seed, in the order in which they end."""
    pending: set[Future[Played]] = {pool.submit(_play, seed) for seed in islice(seeds, _AHEAD * jobs)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        more = len(done) if time.monotonic() < until else 0
        pending |= {pool.submit(_play, seed) for seed in islice(seeds, more)}
        yield from (each.result() for each in done)


_undo = ExitStack()
_opened: list[stages.Stage] = []  # this process's


def _begin() -> None:
    """Set up the stage of a process; whoever started it is who Ctrl-C is for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _opened.append(_undo.enter_context(stages.opened()))
    gc.freeze()


def _play(seed: int) -> Played:
    began = time.process_time()
    try:
        world, broken = run.play(_opened[0], seed)
    except Exception as error:  # noqa: BLE001  that a world cannot be played is a finding like any other
        return Played(seed, 0, 0, 0.0, 0.0, Counter(), f"{type(error).__name__}: {error}")
    hours = (world.time.now - world.start) / 3600
    cpu = time.process_time() - began
    return Played(seed, len(world.watch.states), world.cloud.calls, hours, cpu, world.faults.count, broken)


def _commit() -> str:
    known = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  whichever git there is
        cwd=Path(__file__).parent,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return known.stdout.strip() or "unknown"
