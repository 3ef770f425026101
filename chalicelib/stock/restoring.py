"""A pool after its table, or that of a site which sold from it, was restored to an earlier moment.

What was given out since then is known from the log, where it is written before anybody sees it. Pointers jump over
it, folds that somebody claimed from are made again under their names, and what no order has any more is withheld: it
may have been shown to somebody, so it is never sold again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.kit import table

from . import claims
from .model import BackRow, PointerRow, SkuRow
from .rules import Range

WITHHELD = "-"  # where the others name the segment they were folded into: these never are


@dataclass(frozen=True)
class Fold:
    """A segment of returned ranges as it was made; `backs` are the rows that went into it, by time and range."""

    sku: str
    seg: str
    ranges: tuple[Range, ...]
    backs: tuple[tuple[int, Range], ...]


def refold(owner: str, fold: Fold, *, now: int) -> bool:
    """Make a segment again that is lost, of the same ranges; False where it stands. Raises table.Refused."""
    if PointerRow.of(owner).read(f"PTR#{fold.seg}", "."):
        return False
    pool = SkuRow.of(owner).read(f"SKU#{fold.sku}", ".")
    if pool is None:
        return False
    for at, one in fold.backs:
        claims.put_back(owner, fold.sku, one, why="restored", at=at)
    keys = [(f"BACK#{fold.sku}", f"{at:010}#{one.seg}#{one.start:012}") for at, one in fold.backs]
    backs = sorted(BackRow.of(owner).read_many(keys), key=lambda row: row.sk)
    claims.commit_fold(owner, pool, fold.seg, fold.ranges, backs, now)
    return True


def jump(owner: str, given: Iterable[Range]) -> list[Range]:
    """Move pointers past what was given out; what is of no segment that is there. Repeating it changes nothing."""
    lost = []
    rows = PointerRow.of(owner)
    for one in given:
        pointer = rows.read(f"PTR#{one.seg}", ".")
        if pointer is None:
            lost.append(one)
        elif pointer.next < one.end:
            actions = [rows.next.set(one.end), rows.free.set(pointer.len - one.end)]
            rows.change(pointer.pk, ".", actions, rows.next == pointer.next)
    return lost


def withhold(owner: str, sku: str, given: Iterable[Range], held: Iterable[Range]) -> int:
    """Keep from sale, for ever, what was given out and is neither held by an order nor back; how many positions."""
    known = {place for one in (*held, *returned(owner, sku)) for place in _places(one)}
    found = [run for one in given for run in _runs(one, known)]
    for one in found:
        row = BackRow.of(owner)(f"BACK#{sku}", f"{0:010}#{one.seg}#{one.start:012}", folded=WITHHELD)
        row.seg, row.start, row.size, row.why = one.seg, one.start, one.count, "lost"
        try:
            row.insert()
        except table.Refused:
            continue
        known.update(_places(one))
    return sum(one.count for one in found)


def returned(owner: str, sku: str) -> list[Range]:
    """All ranges that came back to a pool, folded or not, and those withheld."""
    rows = BackRow.of(owner).under(f"BACK#{sku}", consistent=True)
    return [Range(row.seg, row.start, row.size) for row in rows]


def _places(one: Range) -> Iterable[tuple[str, int]]:
    return ((one.seg, n) for n in range(one.start, one.end))


def _runs(one: Range, known: set[tuple[str, int]]) -> Sequence[Range]:
    """The runs of a range's positions that nobody has."""
    runs: list[Range] = []
    for n in range(one.start, one.end):
        if (one.seg, n) in known:
            continue
        if runs and runs[-1].end == n:
            runs[-1] = Range(one.seg, runs[-1].start, runs[-1].count + 1)
        else:
            runs.append(Range(one.seg, n, 1))
    return runs
