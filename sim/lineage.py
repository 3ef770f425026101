"""Randomness by lineage: whoever something happens to has a name no other has, and draws of its own.

A name tells where its owner comes from: `shopper-12/checkout-3/fulfil-1` is the first message to FULFIL that the third
checkout of shopper 12 sent. Every draw hangs on the seed and that name alone, so what is taken out of one story leaves
the draws of all the others as they were. Nothing hangs on how Python orders sets.
"""

from functools import cached_property
from hashlib import blake2b
from random import Random

_SPAN = 2**64


class Lineage:
    """A process, a message, a tick of a schedule, or the world itself, whose name is empty.

    `order` decides between those who come at the same moment; `random` is for whatever has no number of its own;
    `counts` says how often each thing has happened to this one.
    """

    def __init__(self, seed: int, name: str = "") -> None:
        self.name = name
        self._seed = seed
        self._draws = blake2b(f"{seed} {name} ".encode(), digest_size=8)
        self.counts: dict[str, int] = {}
        self.order = int.from_bytes(self._draws.digest())

    @cached_property
    def random(self) -> Random:
        """A sequence of its own."""
        return Random(self.order)  # noqa: S311  a run must be repeatable

    def child(self, kind: str) -> "Lineage":
        """The next of a kind that comes from this one."""
        return self.named(f"{kind}-{self.nth(kind)}")

    def named(self, name: str) -> "Lineage":
        """One that comes from this one, by a name that is given once."""
        return Lineage(self._seed, f"{self.name}/{name}" if self.name else name)

    def nth(self, what: str) -> int:
        """How often something has happened to this one, this time included."""
        nth = self.counts[what] = self.counts.get(what, 0) + 1
        return nth

    def chance(self, what: str, nth: int = 0) -> float:
        """A number in [0, 1) for the n-th time of something, whatever else was drawn before."""
        draw = self._draws.copy()
        draw.update(b"%s %d" % (what.encode(), nth))
        return int.from_bytes(draw.digest()) / _SPAN
