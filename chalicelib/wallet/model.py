"""Rows of a site's table. A wallet is its history: the newest entry says what stands, and none is ever changed.

WENT#{member} / {seq:010}            an entry: what happened, and what stood after it; seq grows by one
WALLET#{member} / .                  pay password, what was agreed about paying without it
WALLET#{member} / name#{rev:04}      a version of the member's name, sealed; the highest counts
NAMES / {member}                     that a name of theirs waits for a person; forgotten some time after one judged it
WALLET#{member} / consent#{at:010}#  each time something was agreed or taken back
"""

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, UnicodeAttribute

from chalicelib.kit import table


class EntryRow(table.Row):
    """One entry. Two of the same number cannot stand, so entries follow each other without a gap or a fork."""

    what = UnicodeAttribute(attr_name="w")
    fen = table.IntegerAttribute(attr_name="f")
    available = table.IntegerAttribute(attr_name="a")
    reserved = table.IntegerAttribute(attr_name="r")
    about = UnicodeAttribute(attr_name="o")
    at = table.IntegerAttribute(attr_name="t")
    unasked = BooleanAttribute(attr_name="u", null=True)  # paid without the password


class TermsRow(table.Row):
    """How a member pays from the balance."""

    record = BinaryAttribute(legacy_encoding=False, null=True)
    tries = table.IntegerAttribute(default=0)
    locked_until = table.IntegerAttribute(default=0)
    named = BooleanAttribute(default=False)
    cap = table.IntegerAttribute(null=True)  # per payment without password; absent where that is off
    device = UnicodeAttribute(null=True)
    agreed_at = table.IntegerAttribute(null=True)
    contacts = UnicodeAttribute(null=True)  # marks of contacts that were paid for with the password


class ConsentRow(table.Row):
    """What a member agreed to, or took back, and when."""

    version = UnicodeAttribute()
    cap = table.IntegerAttribute()  # fen; 0 where it was taken back
    address = UnicodeAttribute()
    at = table.IntegerAttribute()


class NameRow(table.Row):
    """A version of a member's name. States: asked, verified, refused."""

    sealed = BinaryAttribute(legacy_encoding=False)
    masked = UnicodeAttribute()
    state = UnicodeAttribute()
    told_by = UnicodeAttribute()
    told_at = table.IntegerAttribute()
    judged_by = UnicodeAttribute(default="")
    judged_at = table.IntegerAttribute(default=0)
    note = UnicodeAttribute(default="")


class WaitRow(table.Row):
    """A member whose newest name nobody has judged yet; with `ttl` once somebody did."""

    rev = table.IntegerAttribute()
    ttl = table.IntegerAttribute(null=True)
