"""Where worlds are played: the shop's modules with their edges turned towards one world after another.

Worlds begin with the same rows, made once per process by the shop's own verbs: a main site, three sub-sites, goods that
are plenty, scarce, a sub-site's own, and delivered by hand; some of them with one site more, which is licensed.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock

import botocore.client

from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, config, ids, log, table, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.orders import rules as order_rules
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.payouts import service as payouts
from chalicelib.payouts.adapters import BANKS
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy

from . import ears, licensed
from .dynamo.database import Database
from .dynamo.tables import Row
from .instance import Instance, places
from .keys import Keys
from .licensed import Licensed
from .mutants.next_release import NEXT
from .releases import Codes
from .sharing import CAP_BPS

BEGIN = 1_795_406_400  # 2026-11-23 12:00 in Beijing
CHANNELS = ("wechat", "alipay")
_BUCKETS = 1  # partition of a day, since the walk reads them all; that there are several is tested elsewhere
LEAST = 1000  # fen that can be paid out
LIMIT = 9000  # fen of one order that one person may give back
_TWO = 8000  # fen from which on two people have to agree
_PAID_AT = ("alipay", "bank", "wechat")  # of the sites' accounts, in turn
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "000000000001",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STAGE": "sim",
    "SITE_DOMAIN": "cardmesh.test",
    "KEY_ID": "alias/cardmesh",
    "TENANT_ROLE": "arn:aws:iam::111122223333:role/tenant",
    "HASH_MEMORY_KIB": "64",
    "HASH_PASSES": "1",
    "HOLDS_PER_CONTACT": "1000",
    "HOLDS_PER_ADDRESS": "1000",
    "SPLIT_AFTER": "7200",
    "PAYOUT_VIA": "transfer",
    "PAYOUT_LEAST_FEN": str(LEAST),
    "PAYOUT_TWO_FEN": str(_TWO),
    "POWERTOOLS_METRICS_DISABLED": "true",
    **{f"QUEUE_{name.upper()}": f"https://sqs.test/cardmesh-{name}" for name in config.QUEUES},
}
_clients: dict[str, Any] = {}  # by service, with signers of this module's own


Rows = Mapping[str, tuple[Mapping[str, Any], Mapping[Any, Row]]]  # of tables, with their definitions


@dataclass(frozen=True)
class Goods:
    """Goods on sale at some sites, and the codes imported for them."""

    goods_id: str
    owner: str
    sites: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass
class Stage:
    """The rows every world begins with. `world` answers the shop's calls; it is exchanged for each seed.

    `fourth` is the licensed site that worlds have which begin with `more`.
    """

    sites: tuple[str, ...] = ()
    goods: tuple[Goods, ...] = ()
    keys: Keys | None = None
    rows: Rows = field(default_factory=dict)
    more: Rows = field(default_factory=dict)
    fourth: Licensed = field(init=False)
    fourth_goods: Goods = field(init=False)
    places: tuple[Any, ...] = ()
    coming: Codes = field(default_factory=NEXT.codes)  # read before a bug stands in its place
    logger: ears.Logger = field(default_factory=ears.Logger)
    world: Any = None

    def tables(self, database: Database, *, licensed: bool = False) -> None:
        """Put the first rows into a database."""
        for definition, rows in (self.more if licensed else self.rows).values():
            database.create_table(**definition)
            stored = database.tables[definition["TableName"]]
            for key, row in rows.items():
                stored.put(key, row)


@contextlib.contextmanager
def opened(slugs: Sequence[str] = ("one", "two", "three")) -> Iterator[Stage]:
    """The shop's modules play in worlds until the block ends; these are their sites."""
    stage = Stage()
    with contextlib.ExitStack() as undo:
        _turn(stage, undo.enter_context)
        undo.callback(_forget)
        _forget()
        stage.places = tuple(places([_signer(service) for service in ("dynamodb", "kms")]))
        undo.callback(Instance.of_this_process(list(stage.places)).recall)
        _build(stage, slugs)
        yield stage


def _turn(stage: Stage, enter: Any) -> None:
    """Turn every edge of the shop towards the stage's world."""

    def call(client: Any, operation: str, given: dict[str, Any]) -> Any:
        return stage.world.call(client, operation, given)

    def now() -> float:
        return float(stage.world.clock())

    def draw(size: int) -> bytes:
        return bytes(stage.world.draw(size))

    channels = {
        name: (lambda told, name=name: stage.world.lines[told.get("merchant", f"m{name}")])
        for name in CHANNELS
    }
    enter(mock.patch.dict(os.environ, _SETTINGS))
    enter(mock.patch.object(botocore.client.BaseClient, "_make_api_call", call))
    enter(mock.patch.object(log, "logger", stage.logger))
    enter(mock.patch.object(clock, "source", now))
    enter(mock.patch.object(ids, "source", draw))
    enter(mock.patch.dict(gateways.GATEWAYS, channels, clear=True))
    enter(mock.patch.dict(BANKS, {"transfer": lambda _settings: stage.world.bank}))
    enter(mock.patch.object(order_rules, "BUCKETS", _BUCKETS))
    enter(mock.patch.object(ledger, "BUCKETS", _BUCKETS))
    enter(mock.patch.object(tenant, "_clients", _clients))
    # An instance serves one call at a time, so these locks are never waited for; here they would stop everybody.
    enter(mock.patch.object(vault, "_lock", contextlib.nullcontext()))


def _forget() -> None:
    config.load.cache_clear()
    table.Row._bound.clear()  # noqa: SLF001  rows are bound to the tables of one deployment


def _signer(service: str) -> tenant.SiteCredentials:
    """The signer of a client that acts for sites; its lock would be waited for as the vault's would."""
    signer = tenant.client(service)._request_signer._credentials  # noqa: SLF001
    signer._lock = contextlib.nullcontext()  # noqa: SLF001
    return signer  # type: ignore[no-any-return]


class _Builder:
    """The world in which the first rows are made: nothing fails, and nobody else is there."""

    def __init__(self) -> None:
        self.database = Database()
        self.draw = Random(0).randbytes  # noqa: S311
        self.keys = Keys(self.draw, self.clock)
        self.bank = mock.Mock()
        self.lines = {
            name: _line(name) for each in CHANNELS for name in (f"m{each}", Licensed.merchant(each))
        }

    def clock(self) -> float:
        return BEGIN

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        if service == "dynamodb":
            return self.database.call(operation, given)
        return {} if service == "sqs" else self.keys.call(operation, given)


def _build(stage: Stage, slugs: Sequence[str]) -> None:
    stage.world = builder = _Builder()
    Instance("", list(stage.places)).recall()
    builder.database.create_table(**definition("cardmesh-main", indexed=False))
    with tenant.acting_for(tenant.MAIN):
        for owner in vault.SHARED:
            vault.make_key(owner)
        ledger.put_plan(ledger.Plan("standard", 0, 2000, 2000), now=BEGIN)
        settlement.set_limit(LIMIT)
        for channel in CHANNELS:
            payments.put_channel(channel, {"channel": channel, "api_v3_key": ears.SECRET})
        stage.sites = tuple(_open_site(builder, slug) for slug in slugs)
        _tell_accounts(stage.sites, now=BEGIN)
    stage.goods = tuple(_stock(stage.sites))
    for site in stage.sites:
        with tenant.acting_for(site):
            catalog.publish(site, now=BEGIN)
    stage.rows = _rows(builder.database)
    _build_licensed(stage, builder)
    stage.more, stage.keys = _rows(builder.database), builder.keys


def _build_licensed(stage: Stage, builder: _Builder) -> None:
    with tenant.acting_for(tenant.MAIN):
        site = _open_site(builder, licensed.SLUG, plan=licensed.put_plan(BEGIN))
        licensed.arrange(site, CHANNELS, now=BEGIN)
    stage.fourth_goods = _goods("Licensed", site, (site,), codes=40)
    stage.fourth = Licensed(site, stage.fourth_goods.goods_id)
    with tenant.acting_for(site):
        catalog.publish(site, now=BEGIN)


def _rows(database: Database) -> Rows:
    return {name: (each.definition, dict(each.rows)) for name, each in database.tables.items()}


def _line(merchant: str) -> mock.Mock:
    return mock.Mock(merchant=merchant, capabilities=mock.Mock(split_cap_bps=CAP_BPS))


def _open_site(builder: _Builder, slug: str, *, plan: str = "standard") -> str:
    brand = tenancy.Brand(name=slug.title())
    opened = tenancy.open_site(
        slug,
        brand=brand,
        owner_login=f"{slug}-owner",
        owner_password="correct horse",  # noqa: S106
        plan=plan,
        now=BEGIN,
    )
    builder.database.create_table(**definition(f"cardmesh-site-{opened.site}", indexed=True))
    with tenant.acting_for(opened.site):
        vault.make_key(opened.site)
        tenancy.move(opened.site, "active", expected=("asked",))
    return opened.site


def _tell_accounts(sites: Sequence[str], *, now: int) -> None:
    """Every site has told where it is paid, which was verified; the last one wants that daily."""
    payouts.put_bank({})
    for number, site in enumerate(sites):
        kind = _PAID_AT[number % len(_PAID_AT)]
        held = payouts.Account(kind, "Holder", f"1000{number:06}", "Bank, Branch" if kind == "bank" else "")
        told = payouts.register(site, held, by="owner", now=now)
        payouts.judge(site, told.rev, "verified", by="a", note="", now=now)
    payouts.set_auto(sites[-1], LEAST)


def _stock(sites: tuple[str, ...]) -> Iterator[Goods]:
    yield _goods("Plenty", tenant.MAIN, sites, codes=100)
    yield _goods("Scarce", tenant.MAIN, sites, codes=6)
    yield _goods("Own", sites[0], sites[:1], codes=8)
    yield _goods("By hand", tenant.MAIN, sites, codes=0, way="manual", kind="service")


def _goods(name: str, owner: str, sites: tuple[str, ...], *, codes: int, **terms: Any) -> Goods:
    draft = catalog.GoodsDraft(
        name, "cards", wholesale_fen=4000, floor_fen=4500, suggest_fen=4950, notes="", **terms
    )
    with tenant.acting_for(owner):
        goods_id = catalog.put_goods(owner, draft).goods_id
        texts = tuple(f"{ears.SECRET}{goods_id[-4:]}-{i:05}" for i in range(codes))
        if codes:
            stock.import_codes(owner, goods_id, "\n".join(texts), note="sim", now=BEGIN, parallel=2)
    return Goods(goods_id, owner, sites, texts)


def definition(name: str, *, indexed: bool) -> dict[str, Any]:
    """A table as infra/main.yaml and infra/subsite.yaml make it."""
    names = ("pk", "sk", "m") if indexed else ("pk", "sk")
    member = {
        "IndexName": "member",
        "KeySchema": _keys("m", "sk"),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in names],
        "KeySchema": _keys("pk", "sk"),
        **({"GlobalSecondaryIndexes": [member]} if indexed else {}),
    }


def _keys(first: str, second: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": first, "KeyType": "HASH"},
        {"AttributeName": second, "KeyType": "RANGE"},
    ]
