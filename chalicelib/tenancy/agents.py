"""Distributors: partners of the main site who brought a sub-site to it and earn a part of main's share of its sales.

At most two stand above a site, whoever brought it and whoever brought them: who is above a distributor is said
once, when they are registered, and must be somebody above whom nobody is. So there is no deeper level and no
circle. Source: Regulations on Prohibiting Pyramid Selling, articles 7 and 26. Joining costs nothing, bringing
somebody earns nothing; only sales to others do.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.kit import errors, ids, table, tenant

from . import registry
from .model import AGENTS, SITES, AgentRow, SiteRow
from .rules import BadField

MOST_LEVELS = 2
MOST_CONTACTS = 3
LENGTH = 4  # of an id: an order keeps two of them


@dataclass(frozen=True)
class Agent:
    """A distributor. `marks` are of their own contacts: what they buy themselves earns nobody anything."""

    agent: str
    name: str
    parent: str  # who brought them, "" for nobody; never changes
    marks: tuple[str, ...]
    state: str  # "active" | "stopped"
    since: int
    login: str = ""  # with which they sign in, "" for not at all

    @property
    def party(self) -> str:
        """How the books name them."""
        return f"dist:{self.agent}"


def add_agent(name: str, contacts: Iterable[str], *, parent: str, key: str, now: int) -> Agent:
    """Register a distributor; the same key registers one. Raises BadField, NotFound, Conflict."""
    marks = tuple(dict.fromkeys(mark(contact) for contact in contacts))
    _check(name, marks, parent)
    code = ids.base32(hashlib.sha256(key[:64].encode()).digest(), LENGTH).lower()
    row = AgentRow.of(tenant.MAIN)(AGENTS, code, name=name.strip(), parent=parent, state="active", since=now)
    row.marks = list(marks)
    try:
        return agent_of(row.insert())
    except table.Refused as refused:
        stood = agent_of(refused.row)
        if (stood.name, stood.parent, stood.marks) != (name.strip(), parent, marks):
            raise errors.Conflict from None
        return stood


def agent(code: str) -> Agent:
    """A distributor, strongly read. Raises NotFound."""
    row = AgentRow.of(tenant.MAIN).read(AGENTS, code)
    if row is None:
        raise errors.NotFound("No such distributor.")
    return agent_of(row)


def agents() -> list[Agent]:
    """All distributors, by id."""
    return [agent_of(row) for row in AgentRow.of(tenant.MAIN).under(AGENTS)]


def bring(site: str, code: str) -> None:
    """Say who brought a site, "" for nobody; its next orders keep that. Raises NotFound, BadField for a stopped one."""
    if code and not _above(code):
        raise BadField("This distributor has stopped.", field="agent")
    _write(site, code)


def switch_agent(code: str, state: str) -> None:
    """Stop a distributor, or let them earn again, at every site they stand above.

    Whoever dies halfway does it again: what was done stays done. Raises NotFound, Invalid.
    """
    if state not in ("active", "stopped"):
        raise errors.Invalid("A distributor is active or stopped.")
    rows = AgentRow.of(tenant.MAIN)
    try:
        rows.change(AGENTS, code, [rows.state.set(state)], rows.pk.exists())
    except table.Refused:
        raise errors.NotFound("No such distributor.") from None
    under = {code, *(one.agent for one in agents() if one.parent == code)}
    for row in SiteRow.of(tenant.MAIN).under(SITES, consistent=True):
        if row.agent in under:
            _write(row.sk, row.agent)


def mark(contact: str) -> str:
    """What is kept of a distributor's own contact: enough to know it again."""
    return hashlib.sha256(f"agent|{contact}".encode()).hexdigest()[:20]


def _check(name: str, marks: tuple[str, ...], parent: str) -> None:
    if not 1 <= len(name.strip()) <= 40:
        raise BadField("A distributor needs a name of at most 40 characters.", field="name")
    if not 1 <= len(marks) <= MOST_CONTACTS:
        raise BadField("A distributor names one to three contacts of their own.", field="contacts")
    if parent and agent(parent).parent:
        raise BadField(
            "At most two levels: nobody may stand above this distributor's parent.", field="parent"
        )


def _above(code: str) -> list[Agent]:
    """Who earns from a site that this distributor brought, nearest first; nobody once they stopped."""
    chain: list[Agent] = []
    while code and len(chain) < MOST_LEVELS:
        found = agent(code)
        if found.state != "active":
            break
        chain.append(found)
        code = found.parent
    return chain


def _write(site: str, code: str) -> None:
    """Looks again after writing: whoever stops somebody meanwhile either sees this site or is seen here."""
    above = None
    while above != (above := _above(code)):
        actions = [
            SiteRow.agent.set(code),
            SiteRow.agents.set([one.agent for one in above]),
            SiteRow.agent_marks.set(sorted({each for one in above for each in one.marks})),
        ]
        registry.change(site, actions)


def agent_of(row: AgentRow) -> Agent:
    """The distributor in a row."""
    return Agent(row.sk, row.name, row.parent, tuple(row.marks), row.state, int(row.since), row.login or "")
