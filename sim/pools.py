"""How many codes of each SKU were to be had, and when: whoever is told that they are sold out is told the truth."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from .dynamo.database import Database

Place = tuple[str, str]
Row = Mapping[str, Any]


class Pools:
    """Counts free positions and returned ranges; `clock` gives seconds since 1970 UTC."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[Place, int] = {}
        self._left: defaultdict[str, list[tuple[float, int]]] = defaultdict(lambda: [(0.0, 0)])
        self._database = database
        self.look_anew()

    def look_anew(self) -> None:
        """Count what is there now, whatever was there before."""
        self._held.clear()
        self._left.clear()
        for name in self._database.tables:
            for row in self._database.items(name):
                self.see((row["pk"]["S"], row["sk"]["S"]), row)

    def see(self, place: Place, row: Row) -> None:
        """Count a pointer or a returned range as it stands now."""
        kind, _, name = place[0].partition("#")
        if kind == "PTR" and place[1] == ".":
            self._count(row["sku"]["S"], place, int(row["free"]["N"]))
        elif kind == "BACK":
            self._count(name, place, 0 if "folded" in row else int(row["size"]["N"]))

    def least(self, sku: str, since: float) -> int:
        """The fewest that were to be had at any moment from then on."""
        found = [self._left[sku][-1][1]]
        for at, left in reversed(self._left[sku]):
            found.append(left)
            if at <= since:
                break
        return min(found)

    def _count(self, sku: str, place: Place, now: int) -> None:
        before = self._held.get(place, 0)
        if now != before:
            self._held[place] = now
            self._left[sku].append((self._clock(), self._left[sku][-1][1] + now - before))
