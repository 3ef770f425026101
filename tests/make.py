"""Builders: a cloud in memory, shops, goods, shoppers, and a payment channel that does as it is told."""

import copy
import copyreg
import importlib
import itertools
import json
import os
import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition

from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ParameterDict, ssm_backends
from moto.sts import models as sts

from chalicelib.catalog import service as catalog
from chalicelib.checkout import placing, returning
from chalicelib.checkout import service as checkout
from chalicelib.kit import accounts, aws, clock, config, ids, queue, shape, table, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.membership import service as membership
from chalicelib.orders import lookup
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.stock import service as stock
from chalicelib.tenancy import applications
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet
from chalicelib.web import face
from chalicelib.web.storefront import receipts
from sim.iam import enforce
from tests import dynamo

NOON = 1_795_406_400  # 2026-11-23 12:00 in Beijing
WORKERS = {
    "provision": ("tenancy", "provision_sites"),
    "publish": ("catalog", "publish_catalogs"),
    "timer": ("checkout", "drive_orders"),
    "fulfil": ("fulfilment", "deliver_orders"),
    "settle": ("settlement", "settle_orders"),
    "refund": ("settlement", "refund_orders"),
    "reconcile": ("reconciliation", "reconcile_books"),
    "payout": ("payouts", "pay_out"),
}
_owners = itertools.count(1)
_clients = defaultdict(dict)  # of a tenant, by role
_load = config.load  # a test may put something else in its place
_built = {}  # what moto holds of a world, and its shop, by the shop's terms
_ACCOUNT, _REGION = "123456789012", "us-east-1"
_QUEUES = "https://sqs.us-east-1.amazonaws.com/123456789012/"
_SUBSITE = Path(__file__).parents[1] / "infra/subsite.yaml"
copyreg.pickle(ParameterDict, lambda d: (ParameterDict, (_ACCOUNT, _REGION), vars(d), None, iter(d.items())))
copyreg.pickle(Condition, lambda _: (Condition, ()))  # moto's queues have locks, which else have no copies


class World:
    """A main stack in moto, and a shop of these terms in it if there are any. Queues move only when `run` is called.

    The first world of its kind is built, the others begin as copies of it.
    """

    def __init__(self, monkeypatch, terms=None):
        self.monkeypatch = monkeypatch
        self.now = NOON
        self.channel = Channel()
        self.shop = None
        self.sent = []  # whatever anybody sent, by queue and message, the delayed ones too
        self.denied = []  # what a face or a worker was refused by its policy, though it may have hidden that
        self._terms = terms
        self._moto = mock_aws()

    def __enter__(self):
        self._moto.start()
        _forget()
        self._connect()
        kind = repr(self._terms)
        if kind not in _built:
            self._build()
            _built[kind] = copy.deepcopy(_clouds()), self.shop
        picture, shop = _built[kind]
        for cloud, held in zip(_clouds(), copy.deepcopy(picture), strict=True):
            cloud.update(held)
        self.shop = shop and replace(shop, world=self)
        self.sent.clear()
        _forget_rows()
        return self

    def __exit__(self, *error):
        self._moto.stop()
        _forget()
        assert self.denied == []

    def _connect(self):
        patch = self.monkeypatch.setattr
        patch(face.Face, "_answer", _under_its_policy(face.Face._answer, self.denied))
        patch(clock, "source", lambda: self.now)
        self.database = dynamo.Service(clock=lambda: self.now)
        self.database.turn(patch)
        patch(sts, "utcnow", lambda: datetime.fromtimestamp(self.now, UTC))  # until when it grants
        patch(gateways, "GATEWAYS", {"wechat": self.channel.as_, "alipay": self.channel.as_})
        really_send, really_send_all = queue.send, queue.send_all

        def send(name, **message):
            self.sent.append((name, message))
            really_send(name, **message)

        def send_all(name, messages):
            def noted(message):
                self.sent.append((name, message))
                return message

            return really_send_all(name, map(noted, messages))

        patch(queue, "send", send)
        patch(queue, "send_all", send_all)
        for name in config.QUEUES:
            self.monkeypatch.setenv(f"QUEUE_{name.upper()}", f"{_QUEUES}cardmesh-{name}")
        self.monkeypatch.setenv("SUBSITE_TEMPLATE", _SUBSITE.read_text())
        _load.cache_clear()
        self.sqs = aws.client("sqs")

    def _build(self):
        make_table("cardmesh-main")
        kms = aws.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/cardmesh", TargetKeyId=key)
        for name in config.QUEUES:
            self.sqs.create_queue(QueueName=f"cardmesh-{name}")
            self.sqs.create_queue(QueueName=f"cardmesh-{name}-dead")
        for owner in vault.SHARED:
            vault.make_key(owner)
        ledger.put_plan(ledger.Plan("standard", 0, 2000, 2000), now=self.now)
        for channel in ("wechat", "alipay"):
            payments.put_channel(channel, {"channel": channel, "api_v3_key": "open sesame"})
        if self._terms is not None:
            self.shop = make_shop(self, **self._terms)

    def sent_to(self, queue):
        """The messages sent to a queue since the beginning."""
        return [message for name, message in self.sent if name == queue]

    def messages(self, queue):
        """The visible messages of a queue, taken out of it."""
        if not sqs_backends[_ACCOUNT][_REGION].queues[f"cardmesh-{queue}"].messages:
            return []  # as asking would, in a hundredth of the time
        url = config.load().queues[queue]
        got = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for one in got:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in got]

    def run(self, *names, rounds=20):
        """Let the workers of these queues (all by default) work until nothing is left; what failed."""
        failed = []
        for _ in range(rounds):
            moved = False
            for name in names or WORKERS:
                batch = self.messages(name)
                moved = moved or bool(batch)
                failed += work(name, batch)
            if not moved:
                return failed
        return failed


def work(queue, batch):
    """Call a queue's function with these messages; the messages it reported as failed."""
    if not batch:
        return []
    domain, name = WORKERS[queue]
    module = importlib.import_module(f"chalicelib.{domain}.worker")
    records = [
        {"messageId": str(i), "body": json.dumps(body), "eventSource": "aws:sqs"}
        for i, body in enumerate(batch)
    ]
    with enforce.acting_as(name, cold=False):
        answer = getattr(module, name)({"Records": records}, None)
    return [batch[int(one["itemIdentifier"])] for one in answer["batchItemFailures"]]


@dataclass
class Channel:
    """A payment channel: trades by out_trade_no, each open, paid or closed."""

    trades: dict = field(default_factory=dict)
    refunds: dict = field(default_factory=dict)
    refunds_asked: set = field(default_factory=set)
    receivers: set = field(default_factory=set)
    down: bool = False
    refund_state: str = "success"
    name: str = "wechat"

    def as_(self, settings):
        return Merchant(self, settings["channel"], settings.get("merchant", f"m{settings['channel']}"))


@dataclass
class Merchant:
    """One merchant's view of the channel, as a gateway."""

    books: Channel
    name: str
    merchant: str
    app: str = "app1"
    home = "http://127.0.0.1:9"
    capabilities = gateways.Capabilities(3000, 60, 365, frozenset({"merchant"}), returns_with_refund=False)

    def create(self, charge, *, now):
        self._up()
        opened = {"amount": charge.amount_fen, "state": "open", "splits": charge.splits}
        self.books.trades.setdefault(charge.out_trade_no, opened)
        return gateways.PayLink("qr", f"https://pay.test/{charge.out_trade_no}")

    def parse_notify(self, headers, body, *, now):
        if headers.get("x-signature") != "good":
            raise gateways.Forged("signature")
        return gateways.Payment(**json.loads(body))

    def query(self, out_trade_no, *, now):
        self._up()
        trade = self.books.trades.get(out_trade_no)
        return self.paid(out_trade_no) if trade and trade["state"] == "paid" else None

    def close(self, out_trade_no, *, now):
        self._up()
        trade = self.books.trades.setdefault(out_trade_no, {"amount": 0, "state": "open"})
        if trade["state"] == "open":
            trade["state"] = "closed"
        return trade["state"] == "closed"

    def refund(self, trade_no, *, out_refund_no, amount_fen, total_fen, reason, asked_at, now, taken_back=()):
        self._up()
        if self.books.refund_state != "closed":
            self.books.refunds.setdefault(out_refund_no, amount_fen)
        self.books.refunds_asked.add((out_refund_no, asked_at))
        return gateways.Refund(out_refund_no, self.books.refund_state)

    def query_refund(self, trade_no, out_refund_no, *, asked_at, now):
        return gateways.Refund(out_refund_no, self.books.refund_state)

    def add_receiver(self, receiver, *, now):
        self._up()
        self.books.receivers.add((self.merchant, receiver.account))

    def remove_receiver(self, receiver, *, now):
        self._up()
        self.books.receivers.discard((self.merchant, receiver.account))

    def ack(self):
        return 200, {"Content-Type": "text/plain"}, "success"

    def nack(self, reason):
        return 400, {"Content-Type": "text/plain"}, "fail"

    def paid(self, out_trade_no, **changes):
        """The payment the channel vouches for once a trade is paid."""
        trade = self.books.trades[out_trade_no]
        trade["state"] = "paid"
        paid = gateways.Payment(
            self.name,
            self.merchant,
            self.app,
            out_trade_no,
            f"t{out_trade_no}",
            trade["amount"],
            "CNY",
            clock.now(),
            "e1",
        )
        return replace(paid, **changes)

    def _up(self):
        if self.books.down:
            raise gateways.Declined("SYSTEM_ERROR", "down")


@dataclass
class Shop:
    """A sub-site ready to sell, and what its shoppers do."""

    world: World
    site: str
    goods_id: str
    owner: str = "main"

    def ask(self, **changes):
        key = uuid7(self.world.now)
        base = checkout.Ask(
            self.goods_id, 1, "buyer@example.com", "open sesame", "wechat", key, self.world.now, waiver=1
        )
        return replace(base, **changes)

    def place(self, *, member=None, address="1.2.3.4", **changes):
        """Place an order; the order alone."""
        return self.place_whole(member=member, address=address, **changes).order

    def place_whole(self, *, member=None, address="1.2.3.4", **changes):
        with tenant.acting_for(self.site):
            return checkout.place(
                self.site,
                self.ask(**changes),
                member=member,
                address=address,
                device="pc",
                now=self.world.now,
            )

    def payment(self, order, *, index=1, **changes):
        """What the channel would vouch for when this order's attempt is paid."""
        attempt = order.attempts[index - 1]
        opened = {"state": "open"}  # as the pay page would have
        self.world.channel.trades.setdefault(attempt.out_trade_no(order.number), opened)["amount"] = (
            order.channel_fen
        )
        merchant = self.world.channel.as_({"channel": attempt.channel, "merchant": attempt.merchant})
        return merchant.paid(attempt.out_trade_no(order.number), **changes)

    def pay(self, order, **changes):
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(self.payment(order, **changes), now=self.world.now)

    def fund(self, fen, *, member="m1", secret="135790"):
        """Put money on a member's balance and give it a pay password."""
        with tenant.acting_for(self.site):
            with table.Together(self.site, "") as write:
                wallet.enter(write, self.site, member, "topup", fen, about=ids.token(8), now=self.world.now)
            wallet.set_password(self.site, member, secret)

    def place_from(self, fen, *, member="m1", secret="135790", device="", **changes):
        """Place an order of which the member's balance pays a part."""
        return self.place(member=member, balance=checkout.FromBalance(fen, secret, device), **changes)

    def wallet(self, member="m1"):
        """(available, reserved) of a member's sound wallet."""
        with tenant.acting_for(self.site):
            assert wallet.sound(wallet.all_entries(self.site, member))
            last = wallet.newest(self.site, member)
            return last.available, last.reserved

    def order(self, number):
        with tenant.acting_for(self.site):
            return orders.order(self.site, number)

    def drive(self, order):
        with tenant.acting_for(self.site):
            return checkout.drive(self.site, order.number, now=self.world.now)

    def free(self):
        with tenant.acting_for(self.site):
            return stock.level(self.owner, self.goods_id)


def make_site(world, slug="demo", **brand):
    """An active sub-site; its code."""
    named = tenancy.Brand(**{"name": slug.title(), **brand})
    with tenant.acting_for(tenant.MAIN):
        site = tenancy.open_site(
            slug,
            brand=named,
            owner_login=f"{slug}-owner",
            owner_password="correct horse",
            plan="standard",
            now=world.now,
        )
        world.run("provision", "publish")
        tenancy.forget()
        assert tenancy.site(site.site).state == "active"
    return site.site


def lose_table(site):
    """A site's table is gone, as while it is restored."""
    database, name = aws.client("dynamodb"), f"cardmesh-site-{site}"
    database.update_table(TableName=name, DeletionProtectionEnabled=False)
    database.delete_table(TableName=name)


def make_goods(owner=tenant.MAIN, **changes):
    """Goods of the main site or of a sub-site."""
    draft = catalog.GoodsDraft(
        "Steam 充值卡 ¥50",
        "游戏点卡",
        wholesale_fen=4000,
        floor_fen=4500,
        suggest_fen=4950,
        notes="Redeem at the desk.",
    )
    return catalog.put_goods(owner, replace(draft, **changes))


def make_codes(owner, goods_id, count, *, first=0):
    """Import that many codes; the codes."""
    codes = [f"CODE-{goods_id[-4:]}-{i:05}" for i in range(first, first + count)]
    report = stock.import_codes(owner, goods_id, "\n".join(codes), note="test", now=clock.now())
    assert report.added == count
    return codes


def make_shop(world, *, slug="demo", codes=10, own=False, **terms):
    """An active sub-site with goods on its shelf; `own` makes them the sub-site's own."""
    site = make_site(world, slug)
    with tenant.acting_for(site):
        owner = site if own else tenant.MAIN
        goods = make_goods(owner, **terms)
        if codes:
            make_codes(owner, goods.goods_id, codes)
        catalog.publish(site, now=world.now)
        catalog.forget()
    return Shop(world, site, goods.goods_id, owner)


def make_owner():
    """The table and the key of a sub-site that nobody registered; its code."""
    code = f"t{next(_owners):03}"
    make_table(f"cardmesh-site-{code}")
    with tenant.acting_for(code):
        vault.make_key(code)
    return code


def make_table(name):
    """A table with the keys every table has."""
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
    )


def uuid7(now, *, salt=None):
    """A UUIDv7 made in a given second."""
    rest = (uuid.uuid4() if salt is None else uuid.UUID(int=salt)).int & ((1 << 62) - 1)
    return str(uuid.UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | rest))


_BUCKETS = [
    *(accounts._tries, lookup._wrong, lookup._guesses, returning._folds, wallet._tries),
    *(membership._sign_ups, receipts._asks, applications._filings),
]


def _forget():
    """What functions remember between calls must not outlive a test's cloud."""
    _forget_rows()
    vault.forget()
    shape.forget()
    table.Row._bound.clear()
    _load.cache_clear()
    # Clients outlive a cloud: moto answers whatever client asks, and making one costs a tenth of a second.
    tenant._clients = _clients[os.environ["TENANT_ROLE"]]


def _forget_rows():
    for remembered in (tenancy, catalog, stock, payments, ledger, lookup):
        remembered.forget()
    for held in (placing._holds, placing._seen):
        held.clear()
    for bucket in _BUCKETS:
        bucket._levels.clear()


def item_size(item):
    """Bytes DynamoDB counts for an item in its wire form: names and values, see "DynamoDB item sizes and formats"."""
    return sum(
        len(name.encode()) + _value_size(*value.popitem()) for name, value in copy.deepcopy(item).items()
    )


def _value_size(kind, value):
    if kind == "S":
        return len(value.encode())
    if kind == "B":
        return len(value)
    if kind == "N":
        return (len(value.lstrip("-").strip("0.")) + 1) // 2 + 1 + value.startswith("-")
    if kind in ("BOOL", "NULL"):
        return 1
    parts = value.values() if kind == "M" else value
    names = sum(len(name.encode()) for name in value) if kind == "M" else 0
    return 3 + names + sum(1 + _value_size(*dict(one).popitem()) for one in parts)


def fire(schedule):
    """Call a scheduled function as its clock does."""
    names = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
    with enforce.acting_as(schedule.func.__name__, cold=False):
        return schedule(dict.fromkeys(names, ""), None)


def _under_its_policy(answer, refused):
    """A face's way to answer, in the function that serves the face."""

    def guarded(self, view, parts):
        from app import FACES

        module = view.__module__.removeprefix("chalicelib.web.")
        function = next(name for name, modules in FACES.items() if module in modules)
        with enforce.acting_as(function, cold=False, refused=refused):
            return answer(self, view, parts)

    return guarded


def _clouds():
    """What moto holds for each service that the main stack needs."""
    services = (cloudformation_backends, dynamodb_backends, kms_backends, sqs_backends, ssm_backends)
    return [vars(each[_ACCOUNT][_REGION]) for each in services]
