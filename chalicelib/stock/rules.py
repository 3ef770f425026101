"""Positions and what an import's rows mean. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.kit.errors import ShopError

CHUNK = 32  # codes in one ciphertext
LONGEST = 512  # characters of a code
MOST_ROWS = 200_000
MOST_RANGES = 8  # of one order, so that its row stays within 900 bytes
RING = 16  # claims a pointer remembers

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")  # lone surrogates cannot be stored


class SoldOut(ShopError):
    """Not enough is left. `left` says how many there were."""

    status = 409
    code = "sold_out"
    sentence = "Not enough is left of these goods; nothing was charged."


class TooManyRows(ShopError):
    """An import larger than one run takes."""

    status = 413
    code = "too_many_rows"
    sentence = f"An import holds at most {MOST_ROWS} rows; split the file."


@dataclass(frozen=True)
class Range:
    """`count` positions of a segment from `start` on."""

    seg: str
    start: int
    count: int

    def __str__(self) -> str:
        return f"{self.seg}:{self.start}:{self.count}"

    @property
    def end(self) -> int:
        return self.start + self.count


@dataclass(frozen=True)
class Problem:
    """A row of an import that was not taken: duplicate, blank or bad. The text is masked."""

    line: int
    what: str
    text: str = ""


@dataclass(frozen=True)
class Parsed:
    """The codes of an import with their line numbers, and the rows that are none."""

    codes: tuple[tuple[int, str], ...]
    problems: tuple[Problem, ...]
    rows: int


@dataclass(frozen=True)
class ImportReport:
    """What became of every row: added + problems = rows."""

    added: int
    rows: int
    problems: tuple[Problem, ...]
    batch: str


@dataclass(frozen=True)
class Batch:
    """An earlier import and what is left of it."""

    at: int
    note: str
    added: int
    batch: str
    free: int


def parse_range(text: str) -> Range:
    """The range behind its short form."""
    seg, start, count = text.split(":")
    return Range(seg, int(start), int(count))


def parse(text: str) -> Parsed:
    """Codes out of text or CSV: one a row; several columns are joined by a space. Raises TooManyRows."""
    codes: list[tuple[int, str]] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    line = 0
    for line, code in enumerate(_rows(text.removeprefix("\ufeff")), 1):
        what = _wrong(code, seen)
        if what:
            problems.append(Problem(line, what, mask(code or "")))
        elif code:
            seen.add(code)
            codes.append((line, code))
    return Parsed(tuple(codes), tuple(problems), line)


def mask(code: str) -> str:
    """Enough of a code to find it again, not enough to use it."""
    shown = code[:64]
    return shown[:2] + "…" + shown[-2:] if len(shown) > 8 else shown[:1] + "…"


def chunks(codes: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """The codes in runs of 32, each with the position it begins at."""
    for first in range(0, len(codes), CHUNK):
        yield first, codes[first : first + CHUNK]


def chunks_of(wanted: Range) -> range:
    """The first positions of the chunks a range touches."""
    return range(wanted.start // CHUNK * CHUNK, wanted.end, CHUNK)


def originals(mapped: Iterable[Range], wanted: Range) -> list[Range]:
    """The original ranges behind a range of returned positions."""
    found, at = [], 0
    for one in mapped:
        first, last = max(wanted.start, at), min(wanted.end, at + one.count)
        if first < last:
            found.append(Range(one.seg, one.start + first - at, last - first))
        at += one.count
    return found


def _rows(text: str) -> Iterator[str | None]:
    """One entry per line; None for a row that cannot be read."""
    lines = re.split(r"\r\n|\n|\r", text.rstrip("\r\n"))
    if len(lines) > MOST_ROWS:
        raise TooManyRows
    for row in lines if text.strip("\r\n") else []:
        yield _joined(row) if row.startswith('"') or "," in row else row.strip()


def _joined(row: str) -> str | None:
    try:
        cells = next(csv.reader(io.StringIO(row), strict=True))
    except (csv.Error, StopIteration):
        return None
    return " ".join(cell.strip() for cell in cells if cell.strip())


def _wrong(code: str | None, seen: set[str]) -> str:
    if code is None or _CONTROL.search(code) or len(code) > LONGEST:
        return "bad"
    if not code:
        return "blank"
    return "duplicate" if code in seen else ""
