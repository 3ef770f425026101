"""Rows of after-sales refunds.

REFUND#{number} / R{seq:02}        site's table: one refund of a delivered order, kept for ever
RULE#refund / .                    main's table: up to which sum one person may decide
"""

from pynamodb.attributes import UnicodeAttribute

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
