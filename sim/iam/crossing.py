"""Does anybody reach another tenant? A thousand of them, every action, whatever belongs to somebody else.

A tenant's session is the tenant role with the site as its tag; beside them stand the roles of all functions, which
must not reach a site's data in their own name. What belongs to others: their tables, indexes, streams and backups,
names that begin or end like the tenant's own, its own names in another region, account or partition or under another
prefix, data keys of other contexts, what the main site has, and the role itself. A call on several things, such as a
batch or a transaction, is one request for each of them and needs them all.

An action that no statement names for a resource is denied without asking further, which makes this quick; the others
are evaluated one by one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

import botocore.session

from . import documents
from .evaluate import Policy, Request, decide, names, statements, touches

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # of a site's code, chalicelib/tenancy/rules.py
TENANTS = 1000
CONTEXT = "kms:EncryptionContext:site"
_BESIDE = {  # operations: IAM's own names of PartiQL, of parts of transactions, of streams and of half a re-encryption
    "dynamodb": (
        *(f"PartiQL{verb}" for verb in ("Select", "Insert", "Update", "Delete")),
        *("ConditionCheckItem", "GetRecords", "GetShardIterator", "DescribeStream"),
    ),
    "kms": ("ReEncryptFrom", "ReEncryptTo"),
    "sts": ("TagSession",),
}
_HERE = documents.TABLES.partition("table/")[0]
_BELOW = ("", "/index/member", "/index/*", "/stream/2026-11-22T00:00:00.000", "/backup/1", "/export/1")
_ELSEWHERE = (
    "arn:aws:dynamodb:us-east-1:111122223333:",
    "arn:aws:dynamodb:eu-west-1:999999999999:",
    "arn:aws-cn:dynamodb:cn-north-1:111122223333:",
)


class Role:
    """The statements of a policy, by the service they are about, with the actions that each names there."""

    def __init__(self, policy: Policy) -> None:
        self._statements = statements(policy)
        self._about: dict[str, list[tuple[Policy, list[str]]]] = {}

    def about(self, service: str) -> list[tuple[Policy, list[str]]]:
        """The statements that name any action of a service."""
        if service not in self._about:
            named = [
                (one, [each for each in every_action(service) if names(one, each)])
                for one in self._statements
            ]
            self._about[service] = [(one, actions) for one, actions in named if actions]
        return self._about[service]


@dataclass(frozen=True)
class Session:
    """Somebody with credentials: a role, and the tag of the site they were granted for."""

    name: str
    role: Role
    site: str = ""

    def reaches(self, thing: Request) -> tuple[int, list[str]]:
        """How many actions were decided, and those of them that it may do to a thing."""
        service = thing.resource.split(":", 3)[2]
        tag = {"aws:PrincipalTag/site": self.site} if self.site else {}
        asked = Request("", thing.resource, {**thing.context, **tag})
        told = [(one, actions) for one, actions in self.role.about(service) if touches(one, asked)]
        left = sorted({action for _, actions in told for action in actions})
        may = [each for each in left if decide([one for one, _ in told], replace(asked, action=each))]
        return len(every_action(service)), may

    def may(self, action: str, *things: Request) -> bool:
        """Whether it may do something to several things in one call, which needs them all."""
        return all(action in self.reaches(thing)[1] for thing in things)


@dataclass
class Tally:
    """What was decided: requests, what sessions may do to their own, and who crossed over to what."""

    decided: int = 0
    own: int = 0
    crossed: list[str] = field(default_factory=list)

    def own_of(self, session: Session) -> None:
        """Count what a tenant may do to what is its own; without that nothing above were proof of anything."""
        for thing in own(session.site):
            self.own += len(session.reaches(thing)[1])

    def across(self, session: Session, things: Iterable[Request]) -> None:
        """Decide about everything that a session could do to things of others."""
        for thing in things:
            count, allowed = session.reaches(thing)
            self.decided += count
            self.crossed += [f"{session.name}: {action} {thing.resource}" for action in allowed]


def tenants(count: int = TENANTS, seed: int = 0) -> list[str]:
    """Codes of different sites. Neighbours are among them, which differ by their last letter."""
    random = Random(seed)  # noqa: S311  names, no secrets
    stems = ["".join(random.choices(ALPHABET, k=3)) for _ in range(count)]
    codes = dict.fromkeys(stem + last for stem in stems for last in random.sample(ALPHABET, 2))
    return list(codes)[:count]


def own(site: str) -> list[Request]:
    """What belongs to a site: its table, the index, its data key."""
    table = f"{documents.TABLES}cardmesh-site-{site}"
    return [Request("", table), Request("", f"{table}/index/member"), _key(site)]


def tricks(site: str) -> Iterator[Request]:
    """What looks like a site's own and is not, and what belongs to the main site."""
    alike = [
        site[:-1],
        f"{site}1",
        f"1{site}",
        f"{site.upper()}A",
        site * 2,
        f"{site}-x",
        f"x-{site}",
        "*",
        "????",
        "",
    ]
    for name in alike:
        yield from whole_table(name)
    for place in _ELSEWHERE:
        yield from (Request("", f"{place}table/cardmesh-site-{site}{below}") for below in _BELOW)
    for name in (
        f"cardmesh2-site-{site}",
        f"shop-site-{site}",
        f"cardmesh-{site}",
        f"site-{site}",
        "cardmesh-main",
    ):
        yield from (Request("", f"{documents.TABLES}{name}{below}") for below in _BELOW)
    yield from (_key(owner) for owner in (*alike, "main", "payees"))
    yield Request("", documents.KEY)
    yield Request("", f"{documents.KEY}2", {CONTEXT: site})
    yield from (Request("", arn) for arn in documents.QUEUE_ARNS.values())
    yield Request("", f"{documents.PARAMETERS}channels/main/wechat/m1")
    yield Request("", documents.TENANT)
    yield Request("", f"{_HERE}global-table/cardmesh-site-{site}")


def whole_table(site: str) -> list[Request]:
    """A site's table and everything that hangs on it."""
    return [Request("", f"{documents.TABLES}cardmesh-site-{site}{below}") for below in _BELOW]


def foreign(site: str) -> list[Request]:
    """Everything of one other site."""
    return [*whole_table(site), _key(site)]


def all_pairs(codes: Sequence[str], *, each: int | None = None, policy: Policy | None = None) -> Tally:
    """Every tenant against the tricks and the others; against `each` of them that come next, if a number is given.

    `policy` stands in the place of the tenant role's.
    """
    tally, role = Tally(), Role(policy or documents.policy("tenant"))
    things = [foreign(code) for code in codes]
    for place, code in enumerate(codes):
        session = Session(f"for {code}", role, code)
        tally.own_of(session)
        tally.across(session, tricks(code))
        others = things[place + 1 :] + things[:place]
        for other in others[:each]:
            tally.across(session, other)
    return tally


def all_functions(codes: Sequence[str]) -> Tally:
    """Every function's own role against everything of every site."""
    tally = Tally()
    for function in documents.functions():
        session = Session(function, Role(documents.policy(function)))
        for code in codes:
            tally.across(session, foreign(code))
    return tally


@cache
def every_action(service: str) -> tuple[str, ...]:
    """All actions of a service, by botocore's list of its operations."""
    model: Any = botocore.session.Session().get_service_model(service)
    return tuple(f"{service}:{name}" for name in (*model.operation_names, *_BESIDE.get(service, ())))


def _key(owner: str) -> Request:
    return Request("", documents.KEY, {CONTEXT: owner})
