"""Capacity: what each call costs, item by item, and the ledger that adds it up.

Rules of the developer guide ("Read and write operations", "GSI.ThroughputConsiderations"): a write unit is 1 KB of
the larger of the item before and after, a read unit 4 KB, half of it when eventually consistent, at least one; a
transaction pays the table's part twice and an index's part once.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

READ = "read"
WRITE = "write"
_KB = 1024


class Charge(NamedTuple):
    """Units of one item in a table, or in one of its indexes; a Query is charged as a whole, with key None."""

    kind: str
    table: str
    gsi: str  # "" is the table itself
    key: tuple[Any, Any] | None
    units: float


class Ledger:
    """What has been consumed, answered or not: failed conditions and cancelled transactions count."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.totals: dict[tuple[str, str, str], float] = {}  # by kind, table, index
        self.last: list[Charge] = []  # of the latest call

    def open(self, operation: str) -> None:
        """A new call begins."""
        self.requests[operation] += 1
        self.last = []

    def charge(self, kind: str, table: str, index: str, key: tuple[Any, Any] | None, units: float) -> None:
        """Count units; nothing where there are none."""
        if units:
            self.last.append(Charge(kind, table, index, key, units))
            place = kind, table, index
            self.totals[place] = self.totals.get(place, 0.0) + units

    def total(self, kind: str) -> float:
        """All read units, or all write units."""
        return sum(units for (each, _, _), units in self.totals.items() if each == kind)


def write_units(size: int) -> int:
    """Units of writing an item of this many bytes."""
    return max(1, -(-size // _KB))


def read_units(size: int, *, consistent: bool) -> float:
    """Units of reading this many bytes at once."""
    units = max(1, -(-size // (4 * _KB)))
    return units if consistent else units / 2


def consumed(charges: Sequence[Charge], asked: str | None, *, both: bool = False) -> list[dict[str, Any]]:
    """ConsumedCapacity by table, as `ReturnConsumedCapacity` asks. Transactions name reads and writes apart."""
    if asked not in {"TOTAL", "INDEXES"}:
        return []
    tables = dict.fromkeys(charge.table for charge in charges)
    return [
        _of_table(
            name, [each for each in charges if each.table == name], indexes=asked == "INDEXES", both=both
        )
        for name in tables
    ]


def _of_table(name: str, charges: Sequence[Charge], *, indexes: bool, both: bool) -> dict[str, Any]:
    answer = {"TableName": name, **_units(charges, both=both)}
    if not indexes:
        return answer
    answer["Table"] = _units([each for each in charges if not each.gsi], both=both)
    touched = dict.fromkeys(each.gsi for each in charges if each.gsi)
    if touched:
        answer["GlobalSecondaryIndexes"] = {
            index: _units([each for each in charges if each.gsi == index], both=both) for index in touched
        }
    return answer


def _units(charges: Sequence[Charge], *, both: bool) -> dict[str, Any]:
    units: dict[str, Any] = {"CapacityUnits": float(sum(each.units for each in charges))}
    if both:
        word = {READ: "ReadCapacityUnits", WRITE: "WriteCapacityUnits"}
        units |= {word[kind]: float(_sum(charges, kind)) for kind in word if _sum(charges, kind)}
    return units


def _sum(charges: Sequence[Charge], kind: str) -> float:
    return sum(each.units for each in charges if each.kind == kind)
