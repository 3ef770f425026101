# ruff: noqa: T201  a terminal programme prints
"""`python -m sim`: play seeds on all cores and say what came of them, or one with all that happens in it.

A bug of sim.mutants can be put into the shop for one seed, to see what a violation looks like.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

from . import run, shrink, soak, stage, story
from .mutants import MUTANTS


def main() -> int:
    """The command line; 1 when something was broken."""
    options = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    options.add_argument("--seeds", type=int, help="how many worlds to play (1 unless there are hours)")
    options.add_argument("--hours", type=float, help="for how long to play")
    options.add_argument("--seed", type=int, help="the first one (0; with hours, one that nobody played)")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options.add_argument("--summary", type=Path, help="where to write a report")
    options.add_argument("--trace", action="store_true", help="print everything that happens in the first")
    options.add_argument("--cause", action="store_true", help="cut the first down to what breaks it")
    bugs = [name for name, one in MUTANTS.items() if not one.drilled]
    options.add_argument("--mutant", choices=bugs, metavar="NAME", help="with this bug")
    asked = options.parse_args()
    if asked.seed is None:
        asked.seed = int(time.time()) if asked.hours else 0
    if asked.trace or asked.cause:
        return _one(_trace if asked.trace else _cause, asked.seed, asked.mutant)
    return _soak(asked)


def _one(show: Callable[..., int], seed: int, bug: str | None) -> int:
    mutant = MUTANTS.get(bug or "")
    with stage.opened() as opened, mutant.applied() if mutant else nullcontext():
        broken = show(opened, seed, mutant.rates if mutant else {})
    if broken:
        print(f"again: {soak.replay(seed)}{f' --mutant {bug}' if bug else ''}")
    return broken


def _trace(opened: stage.Stage, seed: int, rates: Mapping[str, float]) -> int:
    world, broken = run.play(opened, seed, keep_trace=True, rates=dict(rates))
    print("\n".join(map(str, world.trace.lines)))
    print(f"seed {seed}: {broken or 'nothing broken'}; trace {world.trace.digest}")
    return 1 if broken else 0


def _cause(opened: stage.Stage, seed: int, rates: Mapping[str, float]) -> int:
    cause = shrink.cut_down(opened, seed, rates=rates)
    print(story.told(cause) if cause else f"seed {seed}: nothing broken")
    return 1 if cause else 0


def _soak(asked: argparse.Namespace) -> int:
    most = asked.seeds or (None if asked.hours else 1)
    seconds = asked.hours * 3600 if asked.hours else None
    print(f"seeds from {asked.seed} on, {asked.jobs} at a time", flush=True)
    tally = soak.soak(asked.seed, most=most, seconds=seconds, jobs=asked.jobs)
    if asked.summary:
        asked.summary.parent.mkdir(parents=True, exist_ok=True)
        asked.summary.write_text(soak.summary(tally))
    print(", ".join(f"{name} {count}" for name, count in sorted(tally.faults.items())))
    print(tally.line)
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
