"""Rows of a pool, in the table of whoever owns it.

SKU#{sku}   / .              the segments that may still have free positions, oldest first; the import lock
PTR#{seg}   / .              the pointer of a segment: next, free, and the ring of the last 16 claims
PTR#{seg}   / map            of a segment of returned positions: which original ranges they are
PTR#{seg}   / audit          how far an audit of many sites is: which positions somebody has, by the sites up to one
CHUNK#{seg} / {first:012}    up to 32 codes in one ciphertext, written once
PRINT#{seg} / {first:012}    fingerprints (8 bytes each) of a segment's codes, to notice duplicates
BATCH#{sku} / {at}#{batch}   one import
BACK#{sku}  / {at}#{range}   a returned range; marked when it went into a new segment
"""

from pynamodb.attributes import (
    BinaryAttribute,
    JSONAttribute,
    UnicodeAttribute,
)

from chalicelib.kit import table


class SkuRow(table.Row):
    """The pool of one SKU."""

    segs = JSONAttribute(default=list)
    rev = table.IntegerAttribute(default=0)
    lock = UnicodeAttribute(null=True)
    locked_until = table.IntegerAttribute(default=0)


class PointerRow(table.Row):
    """A segment's pointer. Slots o0..o15, s0..s15, k0..k15 are written by `claims` in DynamoDB's own words."""

    next = table.IntegerAttribute()
    free = table.IntegerAttribute()
    len = table.IntegerAttribute()
    sku = UnicodeAttribute()
    born = table.IntegerAttribute()
    seen = table.IntegerAttribute(null=True)  # how far `next` had come at `seen_at`, for the audit
    seen_at = table.IntegerAttribute(null=True)
    audited = table.IntegerAttribute(null=True)  # positions below it are accounted for
    audited_at = table.IntegerAttribute(null=True)


class MapRow(table.Row):
    """Original ranges, in the order of the new positions: [[seg, start, count], …]."""

    ranges = JSONAttribute()


class AuditRow(table.Row):
    """What the sites up to one, by code, have of the positions that an audit judges."""

    seen_at = table.IntegerAttribute()  # which audit it is, as the pointer says
    upto = UnicodeAttribute()
    known = BinaryAttribute(legacy_encoding=False)  # a byte for each position, compressed


class ChunkRow(table.Row):
    """Codes first..first+31 of a segment."""

    sealed = BinaryAttribute(legacy_encoding=False)


class PrintRow(table.Row):
    """Fingerprints of a run of codes."""

    marks = BinaryAttribute(legacy_encoding=False)


class BatchRow(table.Row):
    """What an import brought."""

    note = UnicodeAttribute(default="")
    added = table.IntegerAttribute()
    segs = JSONAttribute()


class BackRow(table.Row):
    """A range that came back from an order."""

    seg = UnicodeAttribute()
    start = table.IntegerAttribute()
    size = table.IntegerAttribute()
    why = UnicodeAttribute()
    folded = UnicodeAttribute(null=True)
    ttl = table.IntegerAttribute(null=True)
