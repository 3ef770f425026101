"""Rows of after-sales refunds and of splits.

REFUND#{number} / R{seq:02}        site's table: one refund of a delivered order, kept for ever
RULE#refund / .                    main's table: up to which sum one person may decide
SPLIT#{number} / S1                site's table: how an order is split at its channel, step by step
SPLIT#{number} / R{seq}            site's table: what the split's receivers give back for one refund
"""

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.kit import table


class RefundRow(table.Row):
    """A refund. Amounts in fen, times in seconds UTC."""

    state = UnicodeAttribute()
    fen = table.IntegerAttribute()
    pieces = table.IntegerAttribute(default=0)
    slices = UnicodeAttribute()
    channel_fen = table.IntegerAttribute()
    balance_fen = table.IntegerAttribute(default=0)
    reason = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    agreed = UnicodeAttribute(default="")  # "main:an main:bo", in the order in which they agreed
    asked_at = table.IntegerAttribute()
    accepted_at = table.IntegerAttribute(null=True)
    asks = table.IntegerAttribute(default=1)  # how often it was set going
    done_at = table.IntegerAttribute(null=True)
    word = UnicodeAttribute(default="")  # the channel's, or of whoever ended it


class LimitRow(table.Row):
    """What one person may decide."""

    fen = table.IntegerAttribute()


class SplitRow(table.Row):
    """A split. Times in seconds UTC."""

    state = UnicodeAttribute()
    shares = JSONAttribute(default=())  # the fields of splits.Share
    covered = UnicodeAttribute(default="")
    due = table.IntegerAttribute()
    submitted_at = table.IntegerAttribute(null=True)
    finished_at = table.IntegerAttribute(null=True)
    unfrozen_at = table.IntegerAttribute(null=True)


class TakeBackRow(table.Row):
    """What receivers of a split give back for one refund."""

    shares = JSONAttribute()
    at = table.IntegerAttribute()
