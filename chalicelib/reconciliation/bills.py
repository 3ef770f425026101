"""Bills as they are kept: a book per merchant and day, its rows by site in packed chunks.

Chunks come first and the book names their digest last, so a bill is whole or not there. The same file again is the
same rows under the same names; a corrected one stands beside the old and the book points to it.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

from chalicelib.kit import clock, errors, table, tenant
from chalicelib.orders import service as orders
from chalicelib.payments.service import BillRow

from .model import BookRow, ChunkRow

NONE = "none"  # the digest of a bill that never came
_CHUNK = 4000  # rows of one chunk: about 60 bytes each once packed, a row of the table holds 400 KB


@dataclass(frozen=True)
class Book:
    """A merchant's day. `state`: unready, damaged, comparing, waiting, closed."""

    day: str
    channel: str
    merchant: str
    state: str
    digest: str = ""
    rows: int = 0
    totals: dict[str, object] | None = None
    note: str = ""
    at: int = 0

    @property
    def name(self) -> str:
        """Its name in keys and messages."""
        return name_of(self.day, self.channel, self.merchant)


def name_of(day: str, channel: str, merchant: str) -> str:
    """The name of a book."""
    return f"{day}#{channel}#{merchant}"


def parse_name(name: str) -> tuple[str, str, str]:
    """Day, channel and merchant of a book. Raises NotFound."""
    parts = name.split("#")
    try:
        clock.day_start(parts[0])
    except ValueError:
        raise errors.NotFound from None
    if len(parts) != 3 or not parts[2].isalnum() or not parts[1].isalpha():
        raise errors.NotFound
    return parts[0], parts[1], parts[2]


def find(name: str) -> Book | None:
    """A book by its name, strongly read; None where nobody asked for its bill yet. Raises NotFound."""
    day, _, _ = parse_name(name)
    row = BookRow.of(tenant.MAIN).read(f"RECON#{day[:6]}", name)
    return _book(row) if row else None


def of_month(month: str) -> list[Book]:
    """All books of a month (YYYYMM), newest day first."""
    return [_book(row) for row in BookRow.of(tenant.MAIN).under(f"RECON#{month}", newest_first=True)]


def note(name: str, state: str, *, text: str, now: int) -> None:
    """Say why a book has no bill yet; one that has is left alone."""
    rows = BookRow.of(tenant.MAIN)
    without = rows.digest.does_not_exist() | rows.digest.is_in("", NONE)
    actions = [rows.state.set(state), rows.note.set(text[:200]), rows.at.set(now)]
    try:
        rows.change(f"RECON#{name[:6]}", name, actions, without)
    except table.Refused:
        return


def keep(name: str, digest: str, rows: Sequence[BillRow], sites: set[str], *, now: int) -> None:
    """Keep a bill's rows by site, then have the book point to them."""
    parts: dict[str, list[BillRow]] = {}
    for row in rows:
        parts.setdefault(_site_of(row, sites), []).append(row)
    for site, found in parts.items():
        _put(name, digest, site, found)
    heads = BookRow.of(tenant.MAIN)
    actions = [
        heads.state.set("comparing"),
        heads.digest.set(digest),
        heads.rows.set(len(rows)),
        heads.note.set(""),
        heads.at.set(now),
        heads.totals.remove(),
    ]
    heads.change(f"RECON#{name[:6]}", name, actions, None)  # whole: the newest bill counts


def move(book: Book, state: str, *, now: int, totals: dict[str, object] | None = None) -> bool:
    """Take a book on; False where another bill came meanwhile."""
    heads = BookRow.of(tenant.MAIN)
    actions = [heads.state.set(state), heads.at.set(now)]
    actions += [heads.totals.set(totals)] if totals is not None else []
    try:
        heads.change(f"RECON#{book.day[:6]}", book.name, actions, heads.digest == book.digest)
    except table.Refused:
        return False
    return True


def rows_of(name: str, digest: str, site: str = "") -> Iterator[BillRow]:
    """The rows of a bill, of one site or of all."""
    rows = ChunkRow.of(tenant.MAIN)
    where = rows.sk.startswith(f"{digest[:12]}#{site}#" if site else f"{digest[:12]}#")
    for chunk in rows.under(f"BILL#{name}", where=where, consistent=True):
        yield from msgspec.json.decode(zlib.decompress(chunk.packed), type=list[BillRow])


def rows_of_days(name: str, site: str, days: Iterable[str]) -> Iterator[BillRow]:
    """The rows of a site in the same merchant's bills of other days."""
    _, channel, merchant = parse_name(name)
    for day in days:
        book = find(name_of(day, channel, merchant))
        if book and book.digest:
            yield from rows_of(book.name, book.digest, site)


def _put(name: str, digest: str, site: str, rows: Sequence[BillRow]) -> None:
    each = iter(rows)
    for number in range(-(-len(rows) // _CHUNK)):
        packed = zlib.compress(msgspec.json.encode(list(islice(each, _CHUNK))), 6)
        chunk = ChunkRow.of(tenant.MAIN)(f"BILL#{name}", f"{digest[:12]}#{site}#{number:03}", packed=packed)
        try:
            chunk.insert()
        except table.Refused:
            continue  # the same file, kept before


def _site_of(row: BillRow, sites: set[str]) -> str:
    """The site that a row's number names, main for what is nobody's."""
    try:
        site = orders.site_of(orders.split_trade_no(row.out_trade_no)[0])
    except errors.NotFound:
        return tenant.MAIN
    return site if site in sites else tenant.MAIN


def _book(row: BookRow) -> Book:
    day, channel, merchant = parse_name(row.sk)
    return Book(day, channel, merchant, row.state, row.digest, row.rows, row.totals, row.note, row.at)
