"""A sub-site as everybody but the table sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.kit import cells, config

from .agents import mark
from .licences import Licence
from .model import SiteRow
from .rules import OPEN, SOLD, Brand, end_of

_Kind = TypeVar("_Kind", Brand, Licence, "Closure", "Leaving", "Domain")


@dataclass(frozen=True)
class Closure:
    """Why a site does not sell. `kind` is "staff", or what ended by itself: "licence" or "term"."""

    kind: str
    words: str  # of the person who closed it, for the owner
    by: str
    at: int


@dataclass(frozen=True)
class Leaving:
    """How a site leaves, and what is left of it in the end: the proof. Times are seconds UTC, 0 where not yet."""

    by: str
    at: int
    until: int  # shoppers are told until then at least
    closed_at: int = 0
    key: str = ""  # SHA-256 of its data key as KMS had wrapped it
    erased_at: int = 0  # when that key was overwritten: what was sealed under it is unreadable from then on
    table: str = ""  # the table's ARN
    items: int = 0  # in it, as DynamoDB last counted
    deleted_at: int = 0
    deleted_by: str = ""


@dataclass(frozen=True)
class Domain:
    """A domain of the owner's, on its way along rules.BINDS. Times are seconds UTC."""

    host: str
    state: str
    since: int  # when it came into this state
    looked: int = 0  # when its DNS was last asked and did not lead here
    why: str = ""  # it failed: "dns", "taken", "elsewhere", "quota", "stack" or "certificate"
    told: str = ""  # what CloudFormation said of that, for main's staff

    @property
    def moves(self) -> bool:
        """Whether the next step is a machine's."""
        return self.state not in ("live", "failed")


@dataclass(frozen=True)
class Site:
    """A sub-site as everybody may know it. `site` is its code: in table names, order numbers, messages."""

    site: str
    slug: str
    host: str
    state: str
    brand: Brand
    plan: str
    channels: tuple[str, ...]
    blocks: frozenset[str]
    follow: bool
    note: str
    opened_at: int
    domains: tuple[Domain, ...] = ()  # of its owner
    licence: Licence | None = None  # verified: the site may collect under its own merchant numbers
    merchants: Mapping[str, str] = field(default_factory=dict)  # its own, by channel
    splits: frozenset[str] = frozenset()  # channels at which it gets its share of what main collects
    agent: str = ""  # the distributor who brought it
    agents: tuple[str, ...] = ()  # the distributors who earn from its sales, nearest first
    insiders: frozenset[str] = frozenset()  # marks of their own contacts
    release: str = ""  # the last one that its table was brought to
    closure: Closure | None = None  # while it does not sell
    leaving: Leaving | None = None  # while it leaves, and for ever after
    term: int = 0  # until when it was admitted; 0: for good
    cell: str = cells.HOME  # whose account has its table
    moving: bool = False  # to another: it takes no orders for a minute
    left: str = ""  # the cell it came from, while its old table is kept there
    tier: str = "shared"  # what its table may take: one of TIERS

    @property
    def stands(self) -> bool:
        """Whether its doors answer and its orders are looked after."""
        return self.state in OPEN

    @property
    def sold(self) -> bool:
        """Whether its table may hold orders: also of a site that is closed, whose codes stay sold."""
        return self.state in SOLD

    def domain(self, host: str) -> Domain | None:
        """One of its owner's domains."""
        return next((one for one in self.domains if one.host == host), None)

    @property
    def end(self) -> tuple[str, int]:
        """What ends first, its licence or its term, and when: ("", 0) for neither."""
        return end_of({"licence": self.licence.until if self.licence else 0, "term": self.term})

    @property
    def parameters(self) -> dict[str, str]:
        """What its stack of infra/subsite.yaml is given."""
        return {"Site": self.site, "TablePrefix": config.load().tables, "Tier": self.tier}

    def earners(self, contact: str) -> tuple[str, ...]:
        """The distributors who earn from a sale to a contact: nobody where one of them is the buyer.

        It would be no sale to a consumer: neither they nor whoever brought them may be paid for it.
        """
        return () if mark(contact) in self.insiders else self.agents


def host_of(slug: str) -> str:
    """Where a site answers."""
    return f"{slug}.{config.load().site_domain}"


def site_of(row: SiteRow) -> Site:
    """The site in a row."""
    return Site(
        site=row.sk,
        slug=row.slug,
        host=host_of(row.slug),
        state=row.state,
        brand=_made(Brand, row.brand),
        plan=row.plan,
        channels=tuple(row.channels),
        blocks=frozenset(row.blocks),
        domains=tuple(_made(Domain, {"host": host, **one}) for host, one in (row.bound or {}).items()),
        follow=row.follow,
        note=row.note,
        opened_at=int(row.opened),
        licence=_made(Licence, row.licence) if row.licence else None,
        merchants=dict(row.merchants),
        splits=frozenset(row.splits),
        agent=row.agent,
        agents=tuple(row.agents),
        insiders=frozenset(row.agent_marks),
        release=row.release,
        closure=_made(Closure, row.closure) if row.closure else None,
        leaving=_made(Leaving, row.leaving) if row.leaving else None,
        term=int(row.term),
        cell=row.cell or cells.HOME,
        moving=bool(row.moving),
        left=row.left or "",
        tier=row.tier,
    )


def _made(kind: type[_Kind], stored: Mapping[str, Any]) -> _Kind:
    """What was stored, without what only a later release knows of."""
    return kind(**{name: value for name, value in stored.items() if name in kind.__match_args__})
