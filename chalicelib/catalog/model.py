"""Rows: goods (main table or a site's own), listings and the published shelf (site's table)."""

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
)

from chalicelib.kit import table

GOODS = "GOODS#all"
LISTINGS = "LIST#all"
SHELF = "SNAP#catalog"


class GoodsRow(table.Row):
    """GOODS#all / goods_id: the owner's goods."""

    terms = JSONAttribute()
    on = BooleanAttribute()
    version = table.IntegerAttribute()


class ListingRow(table.Row):
    """LIST#all / goods_id: where a site departs from what the main site suggests."""

    terms = JSONAttribute()


class HeadRow(table.Row):
    """SNAP#catalog / head: which snapshot is the published one."""

    snap = UnicodeAttribute()
    pages = table.IntegerAttribute()
    version = table.IntegerAttribute()
    at = table.IntegerAttribute()


class PageRow(table.Row):
    """SNAP#{snap} / 0000: a deflated part of a snapshot; expires once it is replaced."""

    part = BinaryAttribute(legacy_encoding=False)
    ttl = table.IntegerAttribute(null=True)
