"""Play one seed."""

from typing import Any

from .clockwork import Violation
from .stage import Stage
from .world import World


def play(stage: Stage, seed: int, **options: Any) -> tuple[World, str]:
    """Play one seed with the options of a World: the world, and what was broken in it or ""."""
    world = World(stage, seed, **options)
    try:
        world.play()
    except Violation as violation:
        return world, str(violation)
    return world, ""
