# ruff: noqa: T201  a terminal programme prints
"""Look for a seed that shows each seeded bug, and write what was found to docs/mutants.md."""

import argparse
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from . import drill, run
from . import stage as stages
from .mutants import HARMLESS, MUTANTS, Mutant

TABLE = Path(__file__).parents[1] / "docs" / "mutants.md"
_NAME = re.compile(r"\W*(\d+|(?=\S*\d)\S{9,}|\S{16,})\W*")  # what differs from world to world
BOUND = 100  # seeds within which a bug must show
_HEAD = """# Seeded bugs

Bugs that shops of this kind really had, put into this one by name (`sim/mutants/`) and found by the simulation.
`make mutants` writes this table, `.venv/bin/python -m sim.kill NAME` tries one, and
`.venv/bin/python -m sim --mutant NAME --seed SEED --cause` shows what it comes to.

"""
_COLUMNS = """| bug | what somebody would see | where the like was met | found by | seed | seeds tried |
|---|---|---|---|--:|--:|
"""
_DRILLED = """
## Bugs of recovering, found by the drill

These show where tables are lost and restored (`sim/drill.py`), on days when what they forget was lost: the seeds
tried are such days. `.venv/bin/python -m sim.drill --mutant NAME --seed SEED` shows one.

"""
_FOOT = """
## Bugs that come to nothing

Nobody sees these, because something else makes up for them. The simulation shall not find them.

| bug | what makes up for it |
|---|---|
"""


@dataclass(frozen=True)
class Kill:
    """What a bug was found by: the beginning of what was broken, and the first of so many seeds."""

    by: str
    seed: int
    tried: int


def hunt(stage: stages.Stage, mutant: Mutant, seeds: Iterable[int]) -> Kill | None:
    """The first seed whose world the bug breaks."""
    play = drill.play if mutant.drilled else run.play
    with mutant.applied():
        for tried, seed in enumerate(seeds, 1):
            broken = play(stage, seed, rates=dict(mutant.rates))[1]
            if broken:
                return Kill(broken, seed, tried)
    return None


def known() -> dict[str, Kill]:
    """What the table says, by the bug's name."""
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {
        name.strip("`"): Kill(by, int(seed), int(tried))
        for name, _, _, by, seed, tried in rows
        if seed != "-"
    }


def write(kills: Mapping[str, Kill]) -> None:
    """Write the table of all bugs."""
    found, drilled = (
        _COLUMNS + "".join(_row(one, kills.get(one.name)) for one in MUTANTS.values() if one.drilled is drill)
        for drill in (False, True)
    )
    harmless = "".join(f"| {one.name} | {one.story} |\n" for one in HARMLESS)
    TABLE.write_text(_HEAD + found + _DRILLED + drilled + _FOOT + harmless)


def main() -> int:
    """The command line: which bugs, all by default, and how many seeds each is given; 1 when one is not found."""
    options = argparse.ArgumentParser(prog="python -m sim.kill", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="a bug; all of them by default")
    options.add_argument("--seeds", type=int, default=BOUND, help="seeds for each")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = options.parse_args()
    kills, names = known(), asked.names or list(MUTANTS)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        found = pool.map(partial(_hunt_alone, range(asked.seeds)), names)
        for name, kill in zip(names, found, strict=True):
            print(f"{name}: {f'seed {kill.seed}: {kill.by}' if kill else 'not found'}", flush=True)
            kills.pop(name, None)
            kills.update({name: kill} if kill else {})
            write(kills)
    missing = MUTANTS.keys() - kills.keys()
    print(f"{len(MUTANTS) - len(missing)} of {len(MUTANTS)} bugs are found")
    return 1 if missing else 0


def _hunt_alone(seeds: Iterable[int], name: str) -> Kill | None:
    with stages.opened() as stage:
        return hunt(stage, MUTANTS[name], seeds)


def _row(mutant: Mutant, kill: Kill | None) -> str:
    found = (_short(kill.by), str(kill.seed), str(kill.tried)) if kill else ("-", "-", "-")
    return "| " + " | ".join((f"`{mutant.name}`", mutant.story, mutant.origin, *found)) + " |\n"


def _short(broken: str) -> str:
    """What was broken, without the names of one world."""
    return " ".join("…" if _NAME.fullmatch(word) else word for word in broken.replace("|", "/").split()[:9])


if __name__ == "__main__":
    raise SystemExit(main())
