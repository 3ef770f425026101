"""What the deployment tells the code, read from the environment once and checked at cold start."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAYOUTS_VIA = ("file", "transfer")  # by a bank: people take it a file, or it is called

QUEUES = ("fulfil", "settle", "timer", "refund", "reconcile", "provision", "publish", "payout")


_CELL = re.compile(r"([a-z][a-z0-9]{0,7})(?:@(\d{12}))?:(\d{1,5})", re.ASCII)
_FILE = re.compile(r"[a-z]+\.json")
_PACKAGE = Path(__file__).parents[2]
_MOST_TABLES = 10_000  # of an account in a region, for ever


class Misconfigured(RuntimeError):
    """A setting is missing or makes no sense; the function must not start."""


@dataclass(frozen=True)
class Cell:
    """An account for sub-sites: how many it takes, and the roles in it; none given is the deployment's own."""

    takes: int
    tenant_role: str = ""
    operator_role: str = ""


@dataclass(frozen=True)
class Edge:
    """A CDN that takes domains of owners' own (outputs of infra/edge.yaml)."""

    distribution: str
    group: str  # of connections
    names: str  # the host that answers for all of them


@dataclass(frozen=True)
class Config:
    """Settings of one deployment. Durations are seconds, sizes KiB, amounts fen."""

    stage: str
    region: str
    tables: str  # prefix: "{tables}-main", "{tables}-site-{site}"
    queues: Mapping[str, str]  # queue URL by name, see QUEUES
    key_id: str  # KMS key that wraps the data keys
    tenant_role: str  # ARN; empty means the function's own credentials (never in a deployment)
    cells: Mapping[str, Cell]  # accounts for sub-sites by name; empty: all are in the deployment's own
    subsite_template: str  # CloudFormation body or https URL of infra/subsite.yaml
    domain_template: str  # the body of infra/domain.yaml, where domains are bound
    edge: Edge | None  # none: owners' own domains are not to be had
    site_domain: str  # sub-sites answer at {slug}.{site_domain}, the main site at main.{site_domain}
    scheme: str
    origin_secrets: tuple[str, ...]  # any one proves a request to be from our own edge; none: Host counts
    hold_seconds: int
    payout_via: str  # how payouts reach the bank: "transfer" over its interface, or "file" by a person
    payout_least_fen: int
    payout_two_fen: int  # from here on two people of main's staff have to agree
    deposit_fen: int  # what staff asks of an applicant unless they say otherwise
    deposit_to: str  # where applicants send it: bank, holder and number, as they are to read it
    deposit_days: int  # within which a deposit is given back
    split_after: int  # from delivery until a payment is split at its channel: persons give nothing back
    hash_memory_kib: int
    hash_passes: int
    holds_per_contact: int
    holds_per_address: int
    wallet_unnamed: int  # fen a member may hold whose name nobody verified
    wallet_named: int
    static_url: str
    sandbox_url: str  # set only where the sandbox channels run: pages then offer to pay there

    @property
    def main_host(self) -> str:
        return f"main.{self.site_domain}"

    def url_of(self, host: str, path: str = "") -> str:
        """An absolute address on one of our hosts."""
        return f"{self.scheme}://{host}{path}"


@cache
def load() -> Config:
    """The deployment's settings. Raises Misconfigured, naming the first setting that is wrong."""
    return read(os.environ)


def read(env: Mapping[str, str]) -> Config:
    """Settings out of an environment (pure, so that a test can feed it anything)."""

    def text(name: str, default: str | None = None) -> str:
        value = env.get(name, default)
        if value is None:
            raise Misconfigured(f"{name} is not set")
        return value

    def number(name: str, default: int, least: int, most: int) -> int:
        raw = env.get(name, str(default))
        if not raw.isdecimal() or not least <= int(raw) <= most:
            raise Misconfigured(f"{name} must be a whole number from {least} to {most}")
        return int(raw)

    via = text("PAYOUT_VIA", "file")
    if via not in PAYOUTS_VIA:
        raise Misconfigured(f"PAYOUT_VIA is one of {', '.join(PAYOUTS_VIA)}")
    region = text("AWS_REGION", env.get("AWS_DEFAULT_REGION", "us-east-1"))
    return Config(
        stage=text("STAGE", "dev"),
        region=region,
        tables=text("TABLE_PREFIX", "cardmesh"),
        queues={name: text(f"QUEUE_{name.upper()}", "") for name in QUEUES},
        key_id=text("KEY_ID"),
        tenant_role=text("TENANT_ROLE", ""),
        cells=_cells(text("CELLS", ""), text("TABLE_PREFIX", "cardmesh"), region),
        subsite_template=_body(text("SUBSITE_TEMPLATE", "")),
        domain_template=_body(text("DOMAIN_TEMPLATE", "")),
        edge=_edge(text("EDGE", "")),
        site_domain=text("SITE_DOMAIN"),
        scheme=text("PUBLIC_SCHEME", "https"),
        origin_secrets=tuple(each for each in text("ORIGIN_SECRET", "").split(",") if each),
        payout_via=via,
        payout_least_fen=number("PAYOUT_LEAST_FEN", 1000, 1, 10_000_000),
        payout_two_fen=number("PAYOUT_TWO_FEN", 5_000_000, 1, 10_000_000_000),
        deposit_fen=number("DEPOSIT_FEN", 200_000, 0, 100_000_000),
        deposit_to=text("DEPOSIT_TO", ""),
        deposit_days=number("DEPOSIT_DAYS", 15, 1, 90),
        hold_seconds=number("HOLD_SECONDS", 900, 5, 900),
        split_after=number("SPLIT_AFTER", 86_400, 60, 20 * 86_400),
        hash_memory_kib=number("HASH_MEMORY_KIB", 19456, 64, 1 << 20),
        hash_passes=number("HASH_PASSES", 2, 1, 10),
        holds_per_contact=number("HOLDS_PER_CONTACT", 30, 1, 1_000_000),
        holds_per_address=number("HOLDS_PER_ADDRESS", 300, 1, 1_000_000),
        wallet_unnamed=number("WALLET_UNNAMED_FEN", 100_000, 0, 100_000),
        wallet_named=number("WALLET_NAMED_FEN", 500_000, 0, 500_000),
        static_url=text("STATIC_URL", "/static"),
        sandbox_url=text("SANDBOX_URL", ""),
    )


def _body(told: str) -> str:
    """A template as it is told, or the file of the package that is named; an environment holds 4,096 bytes."""
    return (_PACKAGE / told).read_text() if _FILE.fullmatch(told) else told


def _cells(given: str, tables: str, region: str) -> Mapping[str, Cell]:
    """As "a:8000,b@444455556666:8000": how many sites each account takes; `a` is our own.

    An environment holds 4,096 bytes, so roles are not told: infra/cell.yaml names them by prefix and region. Our own
    account has one for opening sites only if `a` is told with its number.
    """
    told = [_CELL.fullmatch(one) for one in given.split(",") if given]
    found = {one[1]: _cell(one, tables, region) for one in told if one}
    if len(found) < len(told):
        raise Misconfigured("CELLS is no list of cells, each named once")
    sound = all(one.takes <= _MOST_TABLES and (one.tenant_role or name == "a") for name, one in found.items())
    if found and not (sound and "a" in found):
        raise Misconfigured(
            "CELLS names the cell a and the accounts of all others, each of at most 10000 sites"
        )
    return found


def _cell(told: re.Match[str], tables: str, region: str) -> Cell:
    name, account, takes = told.groups()
    partition = "aws-cn" if region.startswith("cn-") else "aws"
    tenant, operator = (
        f"arn:{partition}:iam::{account}:role/{tables}/cells/{kind}/{tables}-{kind}-{region}"
        if account
        else ""
        for kind in ("tenant", "operator")
    )
    return Cell(int(takes), "" if name == "a" else tenant, operator)


def _edge(given: str) -> Edge | None:
    """As {"distribution": "E…", "group": "cg_…", "names": "d….cloudfront.net"}."""
    try:
        return Edge(**json.loads(given)) if given else None
    except (ValueError, TypeError):
        raise Misconfigured("EDGE is no description of an edge") from None
