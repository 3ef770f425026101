"""Rows of the main table: the registry of sites, the host map, staff and their sessions."""

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.kit import table

SITES = "SITE#all"


class SiteRow(table.Row):
    """SITE#all / site: one row per sub-site, the source of truth of its provisioning."""

    slug = UnicodeAttribute()
    state = UnicodeAttribute()  # asked creating active suspended failed
    brand = JSONAttribute()
    plan = UnicodeAttribute()
    channels = JSONAttribute(default=["wechat", "alipay"])
    blocks = JSONAttribute(default=["members", "own_goods", "wholesale"])
    follow = BooleanAttribute(default=True)
    note = UnicodeAttribute(default="")
    opened = NumberAttribute()


class HostRow(table.Row):
    """HOST#{host} / . : which site answers at a host."""

    site = UnicodeAttribute()


class StaffRow(table.Row):
    """STAFF#{scope}#{login} / . : who may sign in to which console."""

    record = BinaryAttribute(legacy_encoding=False)  # of the password, see kit.password
    role = UnicodeAttribute()
    since = NumberAttribute()


class SessionRow(table.Row):
    """SESSION#{digest of the token} / . : the token itself is never stored."""

    login = UnicodeAttribute()
    scope = UnicodeAttribute()
    until = NumberAttribute()
    ttl = NumberAttribute()
