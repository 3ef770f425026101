"""Rows of the books.

J#{window}#{bucket} / {number}#{event}   site's table: one business event, all its legs
STMT#{site} / {window}                   main table: what a window's journals add up to, as posted
ACC#{site} / .                           main table: what the site may withdraw
PLAN#all / {name}#{version:06}           main table: split plans
"""

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.kit import table

PLANS = "PLAN#all"


class JournalRow(table.Row):
    """All legs of one event; they add up to zero."""

    legs = JSONAttribute()  # [[account, fen], …], + debit, - credit
    at = table.IntegerAttribute()
    about = UnicodeAttribute(default="")


class StatementRow(table.Row):
    """Totals of a window by account, and how often they were revised."""

    totals = JSONAttribute()
    rev = table.IntegerAttribute()
    at = table.IntegerAttribute()


class AccountRow(table.Row):
    """A site's account; only main's functions can raise it."""

    available = table.IntegerAttribute()


class PlanRow(table.Row):
    """One version of a split plan."""

    main_bps = table.IntegerAttribute()
    own_bps = table.IntegerAttribute()
    fee_bearer = UnicodeAttribute()
    fee_bps = table.IntegerAttribute()
    since = table.IntegerAttribute()
