"""Rows of the main table: BOARD#{day} / {site}, a day's figures of a site as last counted."""

from pynamodb.attributes import JSONAttribute

from chalicelib.kit import table


class CountRow(table.Row):
    """Figures of one site and day; counting again replaces them."""

    figures = JSONAttribute()
    at = table.IntegerAttribute()
