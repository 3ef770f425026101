"""The card pool's verbs: import, look, claim, give back, and read the codes of a delivered order."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from pynamodb.expressions.update import Action

from chalicelib.kit import clock, errors, ids, log, table, vault

from . import claims
from .audit import Check
from .audit import due as audits_due
from .audit import finish as finish_audit
from .audit import lay_down as lay_audit_down
from .audit import take_up as take_audits_up
from .claims import claim, fold, give_back, level, resolve
from .model import BatchRow, ChunkRow, PointerRow, PrintRow, SkuRow
from .restoring import WITHHELD, Fold, jump, refold, returned, withhold
from .rules import (
    CHUNK,
    Batch,
    ImportReport,
    Parsed,
    Problem,
    Range,
    SoldOut,
    chunks,
    chunks_of,
    mask,
    parse,
    parse_range,
)

__all__ = [
    "WITHHELD",
    "Batch",
    "Check",
    "Fold",
    "ImportReport",
    "Problem",
    "Range",
    "SoldOut",
    "audits_due",
    "claim",
    "finish_audit",
    "fold",
    "give_back",
    "jump",
    "lay_audit_down",
    "level",
    "parse",
    "parse_range",
    "refold",
    "resolve",
    "returned",
    "take_audits_up",
    "withhold",
]

_LOCK = 900  # seconds after which a dead import no longer bars the next
_MARK = 8  # bytes of a fingerprint: one false duplicate in about 10^7 imports of a million codes
_MARKS = 40_000  # fingerprints in one row
_FRESH = 1  # seconds a level may be shown from memory

_levels: dict[tuple[str, str], tuple[int, int]] = {}


class Busy(errors.Conflict):
    """Another import into the same pool is under way."""

    code = "import_running"
    sentence = "Another import into this pool is running; try again when it is done."


def import_codes(owner: str, sku: str, text: str, *, note: str, now: int, parallel: int = 1) -> ImportReport:
    """Add the codes of a text to a pool, all of them or none; the report names every row left out.

    `parallel` segments let a flash sale outrun one partition. Raises Busy, TooManyRows.
    """
    parsed = parse(text)
    batch = ids.token(10)
    _lock_pool(owner, sku, batch, now)
    try:
        return _import(owner, sku, parsed, batch, note=note, now=now, parallel=parallel)
    except BaseException:
        _unlock_pool(owner, sku, batch)
        raise
    finally:
        _levels.pop((owner, sku), None)
        claims.restocked(owner, sku)


def levels(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Free positions of many (owner, sku) pools, at most a second old."""
    now = clock.now()
    wanted = list(dict.fromkeys(keys))
    stale = [key for key in wanted if _levels.get(key, (0, 0))[0] <= now - _FRESH]
    for owner in dict.fromkeys(owner for owner, _ in stale):
        for sku, free in _read_levels(owner, [s for o, s in stale if o == owner]).items():
            _levels[owner, sku] = (now, free)
    if len(_levels) > 100_000:
        _levels.clear()
    return {key: _levels.get(key, (0, 0))[1] for key in wanted}


def batches(owner: str, sku: str) -> list[Batch]:
    """Earlier imports, newest first, with what is left of each."""
    rows = list(BatchRow.of(owner).under(f"BATCH#{sku}", newest_first=True))
    pointers = PointerRow.of(owner).read_many((f"PTR#{seg}", ".") for row in rows for seg in row.segs)
    free = {row.pk.removeprefix("PTR#"): int(row.free) for row in pointers}
    return [
        Batch(int(at), row.note, int(row.added), batch, sum(free.get(seg, 0) for seg in row.segs))
        for row in rows
        for at, batch in [row.sk.split("#")]
    ]


def read_codes(owner: str, ranges: Iterable[Range]) -> list[str]:
    """The codes at these positions, in order, and no others of their chunks."""
    wanted = claims.resolve(owner, ranges)
    keys = [(f"CHUNK#{one.seg}", f"{first:012}") for one in wanted for first in chunks_of(one)]
    sealed = {(row.pk, row.sk): row.sealed for row in ChunkRow.of(owner).read_many(keys, consistent=False)}
    opened = {key: _open(owner, *key, sealed) for key in dict.fromkeys(keys)}
    return [
        opened[f"CHUNK#{one.seg}", f"{first:012}"][position - first]
        for one in wanted
        for first in chunks_of(one)
        for position in range(max(first, one.start), min(first + CHUNK, one.end))
    ]


def forget() -> None:
    """Drop what this instance remembers."""
    _levels.clear()
    claims.forget()


def _lock_pool(owner: str, sku: str, batch: str, now: int) -> None:
    rows = SkuRow.of(owner)
    unlocked = rows.lock.does_not_exist() | (rows.locked_until < now)
    actions = [rows.lock.set(batch), rows.locked_until.set(now + _LOCK)]
    try:
        row = rows.change(f"SKU#{sku}", ".", actions, unlocked)
    except table.Refused:
        raise Busy from None
    log.event("stock.import_started", sku=sku, batch=batch, segments=len(row.segs or []))


def _unlock_pool(owner: str, sku: str, batch: str) -> None:
    rows = SkuRow.of(owner)
    try:
        rows.change(f"SKU#{sku}", ".", [rows.lock.remove()], rows.lock == batch)
    except table.Refused:
        return


def _import(
    owner: str, sku: str, parsed: Parsed, batch: str, *, note: str, now: int, parallel: int
) -> ImportReport:
    marks = [_mark(owner, sku, code) for _, code in parsed.codes]
    known = _known_marks(owner, sku, frozenset(marks)) if marks else set()
    new = [i for i, mark in enumerate(marks) if mark not in known]
    repeated = [
        Problem(line, "duplicate", mask(code))
        for (line, code), mark in zip(parsed.codes, marks, strict=True)
        if mark in known
    ]
    codes = [parsed.codes[i][1] for i in new]
    segs = _write(owner, batch, codes, [marks[i] for i in new], parallel)
    _commit(owner, sku, batch, segs, note, now)
    problems = sorted((*parsed.problems, *repeated), key=lambda problem: problem.line)
    log.event("stock.imported", sku=sku, batch=batch, added=len(codes))
    return ImportReport(len(codes), parsed.rows, tuple(problems), batch)


def _write(
    owner: str, batch: str, codes: Sequence[str], marks: Sequence[bytes], parallel: int
) -> dict[str, int]:
    """Write chunks and fingerprints of new segments; their lengths. Nothing refers to them yet."""
    lengths: dict[str, int] = {}
    share = max(1, -(-len(codes) // max(1, min(parallel, len(ids.ALPHABET)))))
    for index, first in enumerate(range(0, len(codes), share)):
        seg = f"c{batch}{ids.ALPHABET[index]}"
        part = codes[first : first + share]
        with ChunkRow.of(owner).batch_write() as write:
            for row in _chunk_rows(owner, seg, part):
                write.save(row)
        with PrintRow.of(owner).batch_write() as prints:
            for marked in _print_rows(owner, seg, marks[first : first + share]):
                prints.save(marked)
        lengths[seg] = len(part)
    return lengths


def _chunk_rows(owner: str, seg: str, codes: Sequence[str]) -> Iterator[ChunkRow]:
    rows = ChunkRow.of(owner)
    for first, run in chunks(codes):
        plain = msgspec.json.encode(list(run))
        yield rows(f"CHUNK#{seg}", f"{first:012}", sealed=vault.seal(owner, plain, _place(seg, first)))


def _print_rows(owner: str, seg: str, marks: Sequence[bytes]) -> Iterator[PrintRow]:
    rows = PrintRow.of(owner)
    for first in range(0, len(marks), _MARKS):
        yield rows(f"PRINT#{seg}", f"{first:012}", marks=b"".join(marks[first : first + _MARKS]))


def _commit(owner: str, sku: str, batch: str, lengths: dict[str, int], note: str, now: int) -> None:
    """The one moment in which an import comes into being. Raises Conflict when its lock was lost."""
    skus, pointers, rows = SkuRow.of(owner), PointerRow.of(owner), BatchRow.of(owner)
    before = skus.read(f"SKU#{sku}", ".")
    if before is None or before.lock != batch:
        raise Busy
    actions: list[Action] = [
        skus.segs.set([*(before.segs or []), *lengths]),
        skus.rev.set(int(before.rev or 0) + 1),
        skus.lock.remove(),
    ]
    same = skus.rev == int(before.rev) if before.rev else skus.rev.does_not_exist()
    try:
        with table.Together(owner, "") as write:
            write.update(skus(f"SKU#{sku}", "."), actions, condition=(skus.lock == batch) & same)
            for seg, count in lengths.items():
                pointer = pointers(f"PTR#{seg}", ".", next=0, free=count, len=count, sku=sku, born=now)
                write.save(pointer, condition=pointers.pk.does_not_exist())
            if lengths:
                row = rows(f"BATCH#{sku}", f"{now:010}#{batch}", note=note[:80], segs=list(lengths))
                row.added = sum(lengths.values())
                write.save(row, condition=rows.pk.does_not_exist())
    except table.Refused:
        raise errors.Conflict from None


def _known_marks(owner: str, sku: str, marks: frozenset[bytes]) -> set[bytes]:
    """Which of these fingerprints committed imports brought into the pool; earlier ones are read and let go."""
    known: set[bytes] = set()
    for batch in BatchRow.of(owner).under(f"BATCH#{sku}", consistent=True):
        for seg in batch.segs:
            for row in PrintRow.of(owner).under(f"PRINT#{seg}", consistent=True):
                known |= marks.intersection(row.marks[i : i + _MARK] for i in range(0, len(row.marks), _MARK))
    return known


def _mark(owner: str, sku: str, code: str) -> bytes:
    return vault.mac(owner, f"code|{sku}", code)[:_MARK]


def _open(owner: str, pk: str, sk: str, sealed: dict[tuple[str, str], bytes]) -> list[str]:
    place = _place(pk.removeprefix("CHUNK#"), int(sk))
    return msgspec.json.decode(vault.unseal(owner, sealed[pk, sk], place), type=list[str])


def _place(seg: str, first: int) -> str:
    return f"{seg}|{first}"


def _read_levels(owner: str, skus: Sequence[str]) -> dict[str, int]:
    rows = SkuRow.of(owner).read_many(((f"SKU#{sku}", ".") for sku in skus), consistent=False)
    keys = [(f"PTR#{seg}", ".") for row in rows for seg in row.segs or []]
    free = dict.fromkeys(skus, 0)
    for pointer in PointerRow.of(owner).read_many(keys, consistent=False):
        free[pointer.sku] += int(pointer.free)
    return free
