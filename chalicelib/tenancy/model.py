"""Rows of the main table: the registry of sites and the host map."""

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
)

from chalicelib.kit import table

SITES = "SITE#all"


class SiteRow(table.Row):
    """SITE#all / site: one row per sub-site, the source of truth of its provisioning."""

    slug = UnicodeAttribute()
    owner_login = UnicodeAttribute(default="")
    state = UnicodeAttribute()  # asked creating active suspended failed
    brand = JSONAttribute()
    plan = UnicodeAttribute()
    channels = JSONAttribute(default=("wechat", "alipay"))
    blocks = JSONAttribute(default=("members", "own_goods", "wholesale"))
    domains = JSONAttribute(default=())
    follow = BooleanAttribute(default=True)
    note = UnicodeAttribute(default="")
    licence = JSONAttribute(null=True)
    merchants = JSONAttribute(default=dict)  # its own, by channel
    opened = table.IntegerAttribute()


class HostRow(table.Row):
    """HOST#{host} / . : which site answers at a host."""

    site = UnicodeAttribute()
