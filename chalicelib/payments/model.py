"""Rows of the main table.

CHANNEL#{channel} / {merchant}    a merchant's settings; its secrets are references to Parameter Store
CHANNEL#{channel} / current       which merchant of main's new orders are paid to; a site's is in the registry
PROBE#{channel} / {merchant}      how the last trial of a merchant's settings went
RECEIVER#{party} / {channel}      the account there of somebody who gets parts of payments
"""

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.kit import table, tenant

CURRENT = "current"  # stands where a merchant's id would


class ChannelRow(table.Row):
    """A merchant of a channel."""

    owned_by = UnicodeAttribute(default=tenant.MAIN)  # main, or the licensed site whose own it is; for ever
    settings = JSONAttribute()


class CurrentRow(table.Row):
    """The merchant in use."""

    merchant = UnicodeAttribute()


class ProbeRow(table.Row):
    """The report of a trial."""

    at = table.IntegerAttribute()
    passed = JSONAttribute()
    fault = UnicodeAttribute()
    said = UnicodeAttribute()
    skew = table.IntegerAttribute()


class ReceiverRow(table.Row):
    """A party's account at a channel."""

    kind = UnicodeAttribute()
    account = UnicodeAttribute()
    name = UnicodeAttribute(default="")
    cap_bps = table.IntegerAttribute()
    said = UnicodeAttribute(default="")
