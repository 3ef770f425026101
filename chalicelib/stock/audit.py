"""The nightly audit: positions that were given out and are in no order and in no BACK go back to sale.

A function that died between its claim and its order leaves such positions. Each night notes how far every pointer
has come; two days later, when no zombie can still put an order, whatever nobody accounts for is returned as burnt.

Many sites are asked page after page, by their codes. What they have is kept together with how far that is, so who dies
begins where the last page ended: a position that somebody had at any time since is nobody else's, or stands in a BACK.
"""

import contextlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.kit import log, table

from . import claims
from .model import AuditRow, BackRow, BatchRow, PointerRow, SkuRow
from .rules import Range

WAIT = 2 * 86_400  # seconds for which a claim may still turn into an order
_KEPT = "audit"


@dataclass
class Check:
    """Positions `start`..`end` of a segment, given out after `since`, and which of them are accounted for."""

    sku: str
    seg: str
    start: int
    end: int
    since: int
    seen_at: int
    known: bytearray
    upto: str = ""  # the sites up to this code have been asked

    def account(self, one: Range) -> None:
        """Somebody has these positions."""
        for position in range(max(one.start, self.start), min(one.end, self.end)):
            self.known[position - self.start] = 1

    def burnt(self) -> Iterator[Range]:
        """Runs of positions nobody has."""
        first = None
        for position in range(self.start, self.end + 1):
            free = position < self.end and not self.known[position - self.start]
            if free and first is None:
                first = position
            if not free and first is not None:
                yield Range(self.seg, first, position - first)
                first = None


def due(owner: str, skus: Iterable[str], *, now: int, begun: int | None = None) -> list[Check]:
    """What could be judged when the audit began; notes how far every other pointer has come, for a later night.

    A pointer is noted under the moment at which it is read: what was just claimed is none of an older night.
    """
    checks = []
    for sku in skus:
        for pointer in _pointers(owner, sku):
            check = _check(owner, sku, pointer, now, now if begun is None else min(begun, now))
            if check:
                checks.append(check)
    return checks


def take_up(owner: str, checks: Iterable[Check]) -> None:
    """Go on with checks where an earlier page of sites ended."""
    by_key = {f"PTR#{check.seg}": check for check in checks}
    for row in AuditRow.of(owner).read_many((key, _KEPT) for key in by_key):
        check = by_key[row.pk]
        if row.seen_at == check.seen_at:
            check.upto, check.known = row.upto, bytearray(zlib.decompress(row.known))


def lay_down(owner: str, check: Check, upto: str) -> None:
    """Keep what the sites up to one have; another run that came further stays."""
    rows = AuditRow.of(owner)
    if check.upto:
        as_read = (rows.seen_at == check.seen_at) & (rows.upto == check.upto)
    else:
        as_read = rows.pk.does_not_exist() | (rows.seen_at != check.seen_at)
    actions = [
        rows.seen_at.set(check.seen_at),
        rows.upto.set(max(upto, check.upto)),
        rows.known.set(zlib.compress(bytes(check.known))),
    ]
    with contextlib.suppress(table.Refused):
        rows.change(f"PTR#{check.seg}", _KEPT, actions, as_read)


def finish(owner: str, check: Check, *, now: int) -> int:
    """Return what a check found burnt, then move its mark; how many positions. Repeating it changes nothing."""
    for back in BackRow.of(owner).under(f"BACK#{check.sku}", consistent=True):
        if back.seg == check.seg:
            check.account(Range(back.seg, int(back.start), int(back.size)))
    burnt = list(check.burnt())
    claims.give_back(owner, check.sku, burnt, why="burnt", at=now)
    rows = PointerRow.of(owner)
    actions = [rows.audited.set(check.end), rows.audited_at.set(check.seen_at), rows.seen_at.remove()]
    try:
        rows.change(f"PTR#{check.seg}", ".", actions, rows.seen_at == check.seen_at)
    except table.Refused:
        log.event("stock.audit_raced", segment=check.seg)
    total = sum(one.count for one in burnt)
    if total:
        log.event("stock.burnt_returned", sku=check.sku, segment=check.seg, positions=total)
    return total


def _check(owner: str, sku: str, pointer: PointerRow, now: int, begun: int) -> Check | None:
    seg, start = pointer.pk.removeprefix("PTR#"), int(pointer.audited or 0)
    if not pointer.seen_at:
        if int(pointer.next) > start:
            _note(owner, pointer, now)
        return None
    if int(pointer.seen_at) + WAIT > begun:
        return None
    end, since = int(pointer.seen), int(pointer.audited_at or pointer.born)
    return Check(sku, seg, start, end, since, int(pointer.seen_at), bytearray(end - start))


def _note(owner: str, pointer: PointerRow, now: int) -> None:
    rows = PointerRow.of(owner)
    actions = [rows.seen.set(int(pointer.next)), rows.seen_at.set(now)]
    try:
        rows.change(pointer.pk, ".", actions, rows.seen_at.does_not_exist())
    except table.Refused:
        return


def _pointers(owner: str, sku: str) -> list[PointerRow]:
    row = SkuRow.of(owner).read(f"SKU#{sku}", ".")
    names: dict[str, None] = dict.fromkeys(row.segs if row else ())
    for batch in BatchRow.of(owner).under(f"BATCH#{sku}"):
        names.update(dict.fromkeys(batch.segs))
    for back in BackRow.of(owner).under(f"BACK#{sku}"):
        names.update({back.folded: None} if back.folded is not None else {})
    return PointerRow.of(owner).read_many((f"PTR#{seg}", ".") for seg in names)
