"""Import: a million codes through the shop's own import.

Codes of 19 characters come in files of 200,000, the most that one import takes, into one pool of the main site; each
file is held against the fingerprints of all before it. Memory is the process's peak above what it needed before the
first file. The database forgets chunks as soon as they are counted, since an import does not read them.
"""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import ids, tenant
from chalicelib.stock import rules as stock_rules
from chalicelib.stock import service as stock
from sim.stage import Stage

from . import pools
from . import shop as shops
from .report import Figure, Finding, Goal
from .shop import Shop, Tally

_CODES = 1_000_000


@dataclass(frozen=True)
class Import:
    """What an import took, and the megabytes it needed at most."""

    cost: Tally
    added: int
    megabytes: float


class _Forgetful(Shop):
    """A shop whose chunks are gone once they are written."""

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """A call to AWS, counted."""
        answer = super().call(client, operation, given)
        for name, puts in given["RequestItems"].items() if operation == "BatchWriteItem" else ():
            for item in (each["PutRequest"]["Item"] for each in puts):
                if item["pk"]["S"].startswith("CHUNK#"):
                    self.database.tables[name].put((item["pk"]["S"], item["sk"]["S"]), None)
        return answer


def measure() -> Iterator[Finding]:
    """Units, calls and memory."""
    with shops.opened() as stage:
        done = bring(stage, _CODES)
    yield Figure("codes added", done.added, "", Goal("=", _CODES))
    yield Figure("write units", done.cost.writes, "write units", Goal("≤", 160_000))
    yield Figure("read units", done.cost.reads, "read units")
    yield Figure("calls", done.cost.requests["dynamodb"], "requests", Goal("≤", 1600))
    yield Figure("memory above the baseline", done.megabytes, "MB", Goal("≤", 128), "clock")


def bring(stage: Stage, codes: int, *, at_once: int = stock_rules.MOST_ROWS) -> Import:
    """Import so many codes, in files of so many."""
    shop = _Forgetful(stage)
    before, added = _peak(), 0
    with shop.step("import") as cost:
        for first in range(0, codes, at_once):
            text = "\n".join(map(_code, range(first, min(first + at_once, codes))))
            added += stock.import_codes(tenant.MAIN, pools.SKU, text, note="", now=int(shop.now)).added
    return Import(cost, added, _peak() - before)


def _code(index: int) -> str:
    """Four groups of four letters and digits, no two alike."""
    text = ids.number32(index * 7_919_927 % 2**80, 16)
    return "-".join(text[i : i + 4] for i in range(0, 16, 4))


def _peak() -> float:
    """The most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
