"""Rows of the books.

J#{window}#{bucket} / {number}#{event}   an owner's table: one business event, all its legs
STMT#{site} / {window}                   main table: what a window's journals add up to, and what was released of it
ACC#{party} / .                          main table: what a party may withdraw, what is kept back, what is on its way
DEP#{party} / .                          main table: a party's deposit
FLOW#{party} / {at:010}#{event}#{ref}    main table: each change of a party's account or deposit, and why; what a site
                                         gets when a window is closed stands in STMT, which saves a write
PLAN#all / {name}#{version:06}           main table: split plans
"""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute

from chalicelib.kit import table

PLANS = "PLAN#all"


class JournalRow(table.Row):
    """All legs of one event; they add up to zero."""

    legs = JSONAttribute()  # [[account, fen], …], + debit, - credit
    at = table.IntegerAttribute()
    about = UnicodeAttribute(default="")


class StatementRow(table.Row):
    """Totals of a window by account, what each party has had of them, and how often they were revised.

    `log` has what the site's own account got, revision by revision: [[at, fen, {part: fen}], …].
    """

    totals = JSONAttribute()
    released = JSONAttribute()
    log = JSONAttribute(default=list)
    rev = table.IntegerAttribute()
    at = table.IntegerAttribute()


class AccountRow(table.Row):
    """A party's account in fen; only main's functions can raise it. An amount that never moved is absent."""

    available = table.IntegerAttribute(default=0)
    held = table.IntegerAttribute(default=0)
    transit = table.IntegerAttribute(default=0)


class DepositRow(table.Row):
    """What a party left as security, in fen; never below zero."""

    fen = table.IntegerAttribute(default=0)


class PlanRow(table.Row):
    """One version of a split plan."""

    main_bps = table.IntegerAttribute()
    own_bps = table.IntegerAttribute()
    fee_bearer = UnicodeAttribute()
    fee_bps = table.IntegerAttribute()
    since = table.IntegerAttribute()
    main_base = UnicodeAttribute(default="margin")
    own_base = UnicodeAttribute(default="gross")
    l1_bps = table.IntegerAttribute(default=0)
    l2_bps = table.IntegerAttribute(default=0)
    second_level = BooleanAttribute(default=False)
    release = UnicodeAttribute(default="T+1")
    t0_cap_fen = table.IntegerAttribute(default=0)


class FlowRow(table.Row):
    """One change of a party's account or deposit, in fen; `parts` say what a release was made of."""

    available = table.IntegerAttribute(default=0)
    held = table.IntegerAttribute(default=0)
    transit = table.IntegerAttribute(default=0)
    deposit = table.IntegerAttribute(default=0)
    parts = JSONAttribute(default=dict)
