"""Cut a seed that breaks something down to its cause: the few shoppers and faults without which nothing breaks.

Draws hang on lineage, so a world with fewer shoppers or faults is nearly the same story. What is left is found by delta
debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002): first over those who shop,
since a world with few of them is soon played, then over the points at which faults struck.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from . import run
from .crowd import LICENSED, SHOPPERS
from .faults import Point
from .stage import Stage
from .world import World

REPLAYS = 150  # at most, since each takes up to as long as a seed
T = TypeVar("T")
NUMBER = re.compile(r"[0-9A-Z]{28}")  # of an order


@dataclass
class Cause:
    """What a seed breaks and what that needs; `world` is the one in which little else happens."""

    stage: Stage
    seed: int
    rates: Mapping[str, float]
    broken: str
    world: World
    cast: list[str]
    faults: list[Point]
    left: int  # replays that are not used up

    def still(self, cast: Sequence[str], faults: Sequence[Point]) -> bool:
        """Whether some of it breaks the same kind of thing; if so it is the cause from now on."""
        if not self.left:
            return False
        self.left -= 1
        world, broken = run.play(
            self.stage,
            self.seed,
            keep_trace=True,
            rates=dict(self.rates),
            script=frozenset(faults),
            cast=frozenset(cast),
        )
        if kind_of(broken) != kind_of(self.broken):
            return False
        self.world, self.broken = world, broken
        self.cast, self.faults = list(cast), world.faults.struck
        return True


def cut_down(
    stage: Stage, seed: int, *, rates: Mapping[str, float] | None = None, replays: int = REPLAYS
) -> Cause | None:
    """The cause of what a seed breaks; None where it breaks nothing."""
    world, broken = run.play(stage, seed, rates=dict(rates or {}), keep_trace=True)
    if not broken:
        return None
    everybody = [f"shopper-{n}" for n in range(1, SHOPPERS + 1)]
    everybody += [f"patron-{n}" for n in range(1, LICENSED + 1)]
    cause = Cause(stage, seed, rates or {}, broken, world, everybody, world.faults.struck, replays)
    cause.still([name for name in everybody if name in _concerned(world, broken)], cause.faults)
    fewest(cause.cast, lambda some: cause.cast if cause.still(some, cause.faults) else None)
    fewest(cause.faults, lambda some: cause.faults if cause.still(cause.cast, some) else None)
    fewest(cause.cast, lambda some: cause.cast if cause.still(some, cause.faults) else None)
    return cause


def fewest(items: Sequence[T], left: Callable[[Sequence[T]], Sequence[T] | None]) -> Sequence[T]:
    """Some of the items, none of which can be done without; `left(some)` is what is needed of some, or None."""
    parts = 1
    while items:
        size = -(-len(items) // parts)
        tries = ([*items[:at], *items[at + size :]] for at in range(0, len(items), size))
        found = next((rest for some in tries if (rest := left(some)) is not None), None)
        if found is None and size == 1:
            break
        items, parts = (items, 2 * parts) if found is None else (found, max(parts - 1, 2))
    return items


def _concerned(world: World, broken: str) -> set[str]:
    """Whoever had to do with the orders that a violation names."""
    numbers = NUMBER.findall(broken)
    return {
        line.who.split("/")[0] for line in world.trace.lines if any(number in line.what for number in numbers)
    }


def kind_of(broken: str) -> str:
    """The number of the invariant."""
    return broken.partition(":")[0]
