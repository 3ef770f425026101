"""Rows of the main table. A day is a Beijing day, a book is "{day}#{channel}#{merchant}".

RECON#{YYYYMM} / {book}                     how far a book is, and its totals
BILL#{book} / {digest:12}#{site}#{n:03}     rows of a site in the bill with this digest, packed
COMPARED#{book} / {site}                    what comparing a site's part came to; the main site's has what is nobody's
"""

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute

from chalicelib.kit import table


class BookRow(table.Row):
    """A merchant's day at a channel."""

    state = UnicodeAttribute()
    digest = UnicodeAttribute(default="")
    rows = table.IntegerAttribute(default=0)
    totals = JSONAttribute(null=True)
    note = UnicodeAttribute(default="")
    at = table.IntegerAttribute()


class ChunkRow(table.Row):
    """Rows of a bill, compressed."""

    packed = BinaryAttribute(legacy_encoding=False)


class ResultRow(table.Row):
    """A site's part of a book, written whole each time."""

    digest = UnicodeAttribute()
    rev = table.IntegerAttribute()
    counts = JSONAttribute()
    clearing = JSONAttribute()
    lines = BinaryAttribute(legacy_encoding=False)  # whatever did not simply match, compressed
    waits = table.IntegerAttribute()
    healed = table.IntegerAttribute()
    fee_fen = table.IntegerAttribute()
    adjusted_fen = table.IntegerAttribute()
    ended = JSONAttribute(null=True)  # keys of cases that are none any more
    at = table.IntegerAttribute()
