"""Rows of a site's table: O#{Beijing day of the key's time}#{bucket} / {number}, and what is left to do.

Attribute names are short: the row stays under 900 bytes in every state, so that each of its writes costs one unit.
"""

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.kit import table


class MemberIndex(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """A member's orders; guests' orders are not in it."""

    class Meta:
        """The index as infra/subsite.yaml makes it."""

        index_name = "member"
        projection = KeysOnlyProjection()

    member = UnicodeAttribute(hash_key=True, attr_name="m")
    sk = UnicodeAttribute(range_key=True)


class OrderRow(table.Row):
    """An order. Times are seconds UTC, amounts fen."""

    by_member = MemberIndex()

    status = UnicodeAttribute(attr_name="st")
    fingerprint = BinaryAttribute(legacy_encoding=False, attr_name="fp")
    goods_id = UnicodeAttribute(attr_name="g")
    goods_owner = UnicodeAttribute(attr_name="ow")
    goods_name = UnicodeAttribute(attr_name="gn")
    kind = UnicodeAttribute(attr_name="k")
    way = UnicodeAttribute(attr_name="w")
    quantity = table.IntegerAttribute(attr_name="q")
    amount = table.IntegerAttribute(attr_name="a")
    cost = table.IntegerAttribute(attr_name="co")
    balance = table.IntegerAttribute(attr_name="bf", null=True)  # the part that the member's balance pays
    plan = UnicodeAttribute(attr_name="pl")
    goods_version = table.IntegerAttribute(attr_name="gv")
    ranges = UnicodeAttribute(attr_name="r", null=True)  # "seg:start:count seg:…"
    attempts = UnicodeAttribute(attr_name="pa")  # "wechat:1900000001:p alipay:…:M"
    agents = UnicodeAttribute(attr_name="ag", null=True)  # distributors who earn: ids, nearest first
    paid_attempt = table.IntegerAttribute(attr_name="pi", null=True)
    transaction = UnicodeAttribute(attr_name="tx", null=True)
    contact = BinaryAttribute(legacy_encoding=False, attr_name="c")
    password = BinaryAttribute(legacy_encoding=False, attr_name="pw")
    member = UnicodeAttribute(attr_name="m", null=True)
    waiver = table.IntegerAttribute(attr_name="v", null=True)  # the words on returns confirmed when placing
    placed_at = table.IntegerAttribute(attr_name="t")
    expires_at = table.IntegerAttribute(attr_name="te")
    paid_at = table.IntegerAttribute(attr_name="tp", null=True)
    delivered_at = table.IntegerAttribute(attr_name="td", null=True)
    expired_at = table.IntegerAttribute(attr_name="tz", null=True)
    review_at = table.IntegerAttribute(attr_name="tv", null=True)
    refunding_at = table.IntegerAttribute(attr_name="tr", null=True)
    refunded_at = table.IntegerAttribute(attr_name="tf", null=True)
    late = BooleanAttribute(attr_name="l", null=True)
    why = UnicodeAttribute(attr_name="y", null=True)
    refunded_fen = table.IntegerAttribute(attr_name="rf", null=True)  # after-sales refunds asked for or made
    refunds = table.IntegerAttribute(attr_name="rn", null=True)  # how many there ever were


class TodoRow(table.Row):
    """TODO / {number}#{what}: work that outlives the walk of recent days."""

    noted_at = table.IntegerAttribute()
    due = table.IntegerAttribute()
    tries = table.IntegerAttribute(default=0)
    what = UnicodeAttribute()
    detail = UnicodeAttribute(default="")
    done_at = table.IntegerAttribute(null=True)
    ttl = table.IntegerAttribute(null=True)


class DeliveryRow(table.Row):
    """HAND#{number} / {ref}: what a person wrote, sealed; the order names the one that counts."""

    sealed = BinaryAttribute(legacy_encoding=False)
    staff = UnicodeAttribute()
    at = table.IntegerAttribute()
