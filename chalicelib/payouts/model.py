"""Rows of the main table.

PAYEE#{party} / {rev:04}        one version of where a party is paid, sealed; the highest counts
PAYEE#{party} / auto            whether a party is paid every day by itself
PAYEES#open / {party}           accounts that wait for somebody to verify them
PAYOUT#{party} / {id}           a payout, its state and who agreed to it
PAYOUTS#open / {id}             what is not finished, and when to look at it again
PAYFILE#all / {day}             the payouts of a day's bank file, fixed when it was made
"""

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, UnicodeAttribute

from chalicelib.kit import table

OPEN, FILES, ASKED = "PAYOUTS#open", "PAYFILE#all", "PAYEES#open"
AUTO = "auto"  # stands where a version of an account would


class PayeeRow(table.Row):
    """A version of a party's account. States: asked, verified, refused, replaced."""

    sealed = BinaryAttribute(legacy_encoding=False)
    kind = UnicodeAttribute()
    masked = UnicodeAttribute()
    holder = UnicodeAttribute()
    state = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    asked_at = table.IntegerAttribute()
    judged_by = UnicodeAttribute(default="")
    judged_at = table.IntegerAttribute(default=0)
    note = UnicodeAttribute(default="")


class AskedRow(table.Row):
    """A party whose newest account waits to be verified, or waited once."""

    rev = table.IntegerAttribute()
    open = BooleanAttribute()


class AutoRow(table.Row):
    """Daily payouts of a party: from this many fen on; none below 1."""

    least = table.IntegerAttribute()


class PayoutRow(table.Row):
    """A payout."""

    state = UnicodeAttribute()
    source = UnicodeAttribute()  # "available" | "deposit"
    fen = table.IntegerAttribute()
    payee = table.IntegerAttribute()  # the version of the account it goes to
    masked = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    agreed = JSONAttribute(default=list)
    via = UnicodeAttribute(default="")  # "transfer", or the day of a bank file
    note = UnicodeAttribute(default="")
    bank_no = UnicodeAttribute(default="")
    times = JSONAttribute(default=dict)  # when it came into which state
    tries = table.IntegerAttribute(default=0)


class OpenRow(table.Row):
    """A payout somebody or something still has to look at."""

    party = UnicodeAttribute()
    due = table.IntegerAttribute()
    done_at = table.IntegerAttribute(null=True)
    ttl = table.IntegerAttribute(null=True)


class FileRow(table.Row):
    """Which payouts a day's bank file names: [[party, id], …]."""

    names = JSONAttribute()
    at = table.IntegerAttribute()
    made_by = UnicodeAttribute()


class DepositRow(table.Row):
    """DEPOSIT#{party} / {id}: money that became a deposit, with what proves it."""

    fen = table.IntegerAttribute()
    source = UnicodeAttribute()  # "bank" | "available"
    proof = UnicodeAttribute(default="")
    by = UnicodeAttribute()
    at = table.IntegerAttribute()
