# ruff: noqa: T201  a terminal programme prints
"""Play seeds and say what came of them. A violation names the command that replays it."""

import argparse
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import stage as stages
from .clockwork import Violation
from .world import World


@dataclass
class Result:
    """What some seeds came to; `violations` says what was broken, by seed."""

    seeds: int = 0
    orders: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: dict[int, str] = field(default_factory=dict)


def play(stage: stages.Stage, seed: int, **options: Any) -> tuple[World, str]:
    """Play one seed with the options of a World: the world, and what was broken in it or ""."""
    world = World(stage, seed, **options)
    try:
        world.play()
    except Violation as violation:
        return world, str(violation)
    return world, ""


def play_all(stage: stages.Stage, seeds: Iterable[int]) -> Result:
    """Play many seeds; each violation is printed as it is found."""
    result = Result()
    for seed in seeds:
        world, broken = play(stage, seed)
        result.seeds += 1
        result.orders += len(world.watch.states)
        result.calls += world.cloud.calls
        result.faults += world.faults.count
        if broken:
            result.violations[seed] = broken
            print(
                f"seed {seed}: {broken}\n  replay: .venv/bin/python -m sim --seed {seed} --trace", flush=True
            )
    return result


def main() -> int:
    """The command line: how many seeds from which on, or one with its trace."""
    options = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    options.add_argument("--seeds", type=int, default=1, help="how many worlds to play")
    options.add_argument("--seed", type=int, default=0, help="the first one")
    options.add_argument(
        "--trace", action="store_true", help="print everything that happens in the first one"
    )
    asked = options.parse_args()
    with stages.opened() as stage:
        return _trace(stage, asked.seed) if asked.trace else _report(stage, asked.seed, asked.seeds)


def _trace(stage: stages.Stage, seed: int) -> int:
    world, broken = play(stage, seed, keep_trace=True)
    print("\n".join(world.trace.lines))
    print(f"seed {seed}: {broken or 'nothing broken'}; trace {world.trace.digest}")
    return 1 if broken else 0


def _report(stage: stages.Stage, first: int, count: int) -> int:
    began = time.perf_counter()
    result = play_all(stage, range(first, first + count))
    hourly = result.seeds * 3600 / (time.perf_counter() - began)
    print(f"{result.seeds} seeds, {result.orders} orders, {result.calls} calls, {hourly:.0f} seeds an hour")
    print(
        f"{result.faults.total()} faults: " + ", ".join(f"{n} {c}" for n, c in sorted(result.faults.items()))
    )
    print(f"{len(result.violations)} violations")
    return 1 if result.violations else 0
