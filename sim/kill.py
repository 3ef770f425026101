# ruff: noqa: T201  a terminal programme prints
"""Look for a seed that shows each seeded bug, and write what was found to docs/mutants.md."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import stage as stages
from .mutants import MUTANTS, Mutant
from .run import play

TABLE = Path(__file__).parents[1] / "docs" / "mutants.md"
BOUND = 60  # seeds within which a bug must show
_HEAD = """# Seeded bugs

Bugs that shops of this kind really had, put into this one by name and found by the simulation.
`make mutants` writes this table; `.venv/bin/python -m sim.kill NAME …` tries some of them.

| bug | what somebody would see | where the like was met | found by | seed | seeds tried |
|---|---|---|---|--:|--:|
"""


@dataclass(frozen=True)
class Kill:
    """What a bug was found by: the beginning of what was broken, and the first of so many seeds."""

    by: str
    seed: int
    tried: int


def hunt(stage: stages.Stage, mutant: Mutant, seeds: Iterable[int]) -> Kill | None:
    """The first seed whose world the bug breaks."""
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
    TABLE.write_text(_HEAD + "".join(_row(one, kills.get(one.name)) for one in MUTANTS.values()))


def main() -> int:
    """The command line: which bugs, all by default, and how many seeds each is given."""
    options = argparse.ArgumentParser(prog="python -m sim.kill", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="a bug; all of them by default")
    options.add_argument("--seeds", type=int, default=BOUND, help="seeds for each")
    asked = options.parse_args()
    kills = known()
    with stages.opened() as stage:
        for name in asked.names or MUTANTS:
            kill = hunt(stage, MUTANTS[name], range(asked.seeds))
            print(f"{name}: {f'seed {kill.seed}: {kill.by}' if kill else 'SURVIVES'}", flush=True)
            kills.pop(name, None)
            kills.update({name: kill} if kill else {})
    write(kills)
    print(f"{len(kills.keys() & MUTANTS.keys())} of {len(MUTANTS)} are found")
    return int(not kills.keys() >= MUTANTS.keys())


def _row(mutant: Mutant, kill: Kill | None) -> str:
    found = (_short(kill.by), str(kill.seed), str(kill.tried)) if kill else ("-", "-", "-")
    return "| " + " | ".join((f"`{mutant.name}`", mutant.story, mutant.origin, *found)) + " |\n"


def _short(broken: str) -> str:
    """What was broken, without the names of one world."""
    words = broken.replace("|", "/").split()
    return " ".join("…" if len(word) > 15 or word.isdecimal() else word for word in words[:9])


if __name__ == "__main__":
    raise SystemExit(main())
