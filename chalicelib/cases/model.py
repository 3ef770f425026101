"""Rows of the main table.

CASE#{id} / .                     a case, for ever; the id comes from its kind and key, so that it is opened once
CASE#open / {at:010}#{id}         its place in the list of open ones; forgotten some time after it was settled
CASE#settled / {at:010}#{id}      its place in the list of settled ones
"""

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.kit import table

OPEN, SETTLED = "CASE#open", "CASE#settled"


class CaseRow(table.Row):
    """A case. Times are seconds UTC."""

    kind = UnicodeAttribute()
    key = UnicodeAttribute()
    why = UnicodeAttribute()
    action = UnicodeAttribute()
    facts = JSONAttribute()
    at = table.IntegerAttribute()
    begun = UnicodeAttribute(null=True)  # what a person has set going
    begun_by = UnicodeAttribute(null=True)
    begun_at = table.IntegerAttribute(null=True)
    settled_at = table.IntegerAttribute(null=True)
    staff = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)


class PlaceRow(table.Row):
    """A case's place in a list."""

    kind = UnicodeAttribute()
    ttl = table.IntegerAttribute(null=True)
