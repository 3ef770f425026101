"""Rows of the main table: the registry of sites, the host map, applications for a site, the distributors."""

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
)

from chalicelib.kit import table

SITES = "SITE#all"
AGENTS = "AGENT#all"
WAVES = "WAVE#all"
APPLICATIONS = "APPLY#all"
CELLS = "CELL#all"
MOVES = "MOVE#all"


class SiteRow(table.Row):
    """SITE#all / site: one row per sub-site, the source of truth of its provisioning."""

    slug = UnicodeAttribute()
    owner_login = UnicodeAttribute(default="")
    state = UnicodeAttribute()  # see rules.MOVES
    brand = JSONAttribute()
    plan = UnicodeAttribute()
    channels = JSONAttribute(default=("wechat", "alipay"))
    blocks = JSONAttribute(default=("members", "own_goods", "wholesale"))
    bound = JSONAttribute(null=True)  # domains of its owner, by host: see record.Domain
    follow = BooleanAttribute(default=True)
    note = UnicodeAttribute(default="")
    licence = JSONAttribute(null=True)
    merchants = JSONAttribute(default=dict)  # its own, by channel
    splits = JSONAttribute(default=())  # channels at which it gets its share of what main collects
    agent = UnicodeAttribute(default="")  # who brought it
    agents = JSONAttribute(default=())  # who earns from it, nearest first: derived from the agents' rows
    agent_marks = JSONAttribute(default=())
    opened = table.IntegerAttribute()
    release = UnicodeAttribute(default="")  # the last one that its table was brought to
    closure = JSONAttribute(null=True)  # why it does not sell: kind, words, by, at
    leaving = JSONAttribute(null=True)  # since when it leaves, and what was done of that: see record.Leaving
    term = table.IntegerAttribute(default=0)  # until when it was admitted; 0: for good
    cell = UnicodeAttribute(null=True)  # whose account has its table; none: our own, see kit/cells.py
    moving = UnicodeAttribute(null=True)  # "closing", then "frozen", while it goes to another
    left = UnicodeAttribute(null=True)  # the cell it came from, while its old table is kept there
    tier = UnicodeAttribute(default="shared")  # what its table may take: TIERS


class HostRow(table.Row):
    """HOST#{host} / . : which site answers at a host; none where the name is free again."""

    site = UnicodeAttribute()


class ApplicationRow(table.Row):
    """APPLY#all / id: somebody wants a sub-site. One that was refused is forgotten after a while."""

    state = UnicodeAttribute()  # see rules.STEPS
    follow = UnicodeAttribute()  # digest of what lets the applicant follow it
    slug = UnicodeAttribute()
    name = UnicodeAttribute()
    company = UnicodeAttribute()
    licence = UnicodeAttribute()
    licence_until = table.IntegerAttribute(default=0)
    login = UnicodeAttribute()
    record = BinaryAttribute(legacy_encoding=False, null=True)  # of the password; gone once it is decided
    sealed = BinaryAttribute(legacy_encoding=False)  # the person to speak to
    agreement = UnicodeAttribute()
    filed_at = table.IntegerAttribute()
    proposed_by = UnicodeAttribute(default="")
    proposed_at = table.IntegerAttribute(default=0)
    decided_by = UnicodeAttribute(default="")
    decided_at = table.IntegerAttribute(default=0)
    reason = UnicodeAttribute(default="")
    site = UnicodeAttribute(default="")
    deposit = table.IntegerAttribute(default=0)
    plan = UnicodeAttribute(default="")
    months = table.IntegerAttribute(default=0)
    ttl = table.IntegerAttribute(null=True)


class CellRow(table.Row):
    """CELL#all / name: how many sites' tables an account has."""

    used = table.IntegerAttribute()


class MoveRow(table.Row):
    """MOVE#all / site: its move to another cell, see moving.py; one that is over gives way to the next."""

    source = UnicodeAttribute()
    target = UnicodeAttribute()
    state = UnicodeAttribute()
    since = table.IntegerAttribute()  # when it came into this state
    by = UnicodeAttribute()
    why = UnicodeAttribute(default="")
    source_seen = UnicodeAttribute(null=True)  # carrying.Progress of either side
    target_seen = UnicodeAttribute(null=True)
    lasting = table.IntegerAttribute(default=0)
    clears = UnicodeAttribute(default="")  # the cell whose table goes


class AgentRow(table.Row):
    """AGENT#all / id: a distributor; all but the state and how they sign in stays as it was registered."""

    name = UnicodeAttribute()
    parent = UnicodeAttribute(default="")
    marks = JSONAttribute(default=())
    state = UnicodeAttribute()
    since = table.IntegerAttribute()
    invite = UnicodeAttribute(null=True)  # digest of the invitation that is open
    invite_until = table.IntegerAttribute(null=True)
    account = UnicodeAttribute(null=True)  # identity of the account that may sign in
    login = UnicodeAttribute(null=True)  # its login, for main's staff to see


class WaveRow(table.Row):
    """WAVE#all / release: how far a release has come among the sites."""

    wave = UnicodeAttribute()
    state = UnicodeAttribute()  # running halted done
    why = UnicodeAttribute(default="")
    by = UnicodeAttribute(default="")
    at = table.IntegerAttribute()
