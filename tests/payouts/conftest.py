"""Parties with money and an account, the sandbox's bank in the same process, and people at main's desk."""

import itertools
import json
from functools import partialmethod
from random import Random
from urllib.parse import urlsplit

import botocore.client
import pytest

from chalicelib.kit import clock, config, outbound, table, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.payouts.adapters import transfer
from chalicelib.tenancy import service as tenancy
from sandbox import bank as banks
from sandbox import keys
from sandbox.exchange import Refused, Request, problem
from sim.dynamo.database import Database
from sim.keys import Keys
from tests import make

COUNT, DESKS = itertools.count(1), itertools.count(1)
ACCOUNT = payouts.Account("bank", "杭州卡卡科技有限公司", "6217000010001234567", "建设银行杭州西湖支行")
MONDAY = clock.day_start("20261123") + 10 * 3600


class Small:
    """Main's table alone, in the simulation's database, which bears thousands of transactions; and its queues."""

    def __init__(self):
        self.now = MONDAY
        self.sent = []
        self.database = Database()
        self.database.create_table(
            TableName="cardmesh-main",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in (("pk", "HASH"), ("sk", "RANGE"))],
        )
        self.keys = Keys(Random(0).randbytes, lambda: self.now)

    def answer(client, self, operation, given):  # noqa: N805  a method of botocore's client
        """Stands in for botocore."""
        service = client.meta.service_model.service_name
        if service == "dynamodb":
            return self.database.call(operation, given)
        if service == "sqs":
            self.sent += [(given["QueueUrl"], one["MessageBody"]) for one in given.get("Entries", (given,))]
            return {}
        return self.keys.call(operation, given)

    def run(self):
        """Let `pay_out` work until no message is left, the delayed ones too."""
        while self.sent:
            letters, self.sent = self.sent, []
            bodies = [json.loads(body) for url, body in letters if url.endswith("payout")]
            assert [make.work("payout", [body]) for body in bodies] == [[] for _ in bodies]


class Desk:
    """What parties, staff and functions do."""

    def __init__(self, world, bank):
        self.world = world
        self.bank = bank
        self.number = next(DESKS)

    @property
    def now(self):
        return self.world.now

    def party(self, fen=0, *, deposit=0, verified=True, account=ACCOUNT):
        """A new party with so much to withdraw."""
        name = f"p{next(COUNT):03}"
        self.give(name, fen, deposit=deposit)
        if account:
            payouts.register(name, account, by="owner", now=self.now)
        if account and verified:
            payouts.judge(name, 1, "verified", by="ann", note="", now=self.now)
        return name

    def site(self, slug):
        """A registered sub-site; its code."""
        brand = tenancy.Brand(slug.title())
        login = {"owner_login": f"{slug}-owner", "owner_password": "correct horse"}
        return tenancy.open_site(slug, brand=brand, **login, plan="standard", now=self.now).site

    def give(self, party, fen, *, deposit=0):
        """Money from sales, without the sales."""
        self.world.now += 1
        if fen or deposit:
            with table.Together(tenant.MAIN, "") as write:
                flow = ledger.Flow(self.now, "release", "x", available=fen, deposit=deposit)
                ledger.move(write, party, flow, floor=False)

    def ask(self, party, fen, key="k1", **more):
        return payouts.request(party, fen, key=key, by="owner", now=self.now, **more)

    def agree(self, payout, *staff):
        for name in staff or ("ann",):
            payout = payouts.approve(payout.party, payout.id, by=name, now=self.now)
        return payout

    def drive(self, payout, *, days=0):
        self.world.now += days * clock.DAY
        payouts.drive(payout.party, payout.id, now=self.now)
        return payouts.get(payout.party, payout.id)

    def finish(self, payout):
        """Let time pass until it is known what became of a payout."""
        for _ in range(48):
            self.world.now += 6 * 3600
            payout = self.drive(payout)
            if payout.state not in ("approved", "sent"):
                return payout
        raise AssertionError(f"never at rest: {payout}")

    def sums(self, *parties):
        """Main's books of these parties alone, by account."""
        legs = [
            one.legs
            for day in range(30)
            for one in ledger.journals(tenant.MAIN, clock.day_of(make.NOON + (day - 2) * clock.DAY))
            if one.about in parties or any(party in account for party in parties for account, _ in one.legs)
        ]
        return ledger.totals(legs)


def held(party):
    found = ledger.balances(party)
    return found.available, found.transit, found.deposit


@pytest.fixture(scope="module")
def cloud():
    """A small world shared by a module's tests."""
    with pytest.MonkeyPatch.context() as patches:
        small = Small()
        small.monkeypatch = patches
        patches.setattr(botocore.client.BaseClient, "_make_api_call", partialmethod(Small.answer, small))
        patches.setattr(clock, "source", lambda: small.now)
        patches.setenv("QUEUE_PAYOUT", "https://sqs.test/cardmesh-payout")
        patches.setenv("QUEUE_PROVISION", "https://sqs.test/cardmesh-provision")
        forget()
        for owner in vault.SHARED:
            vault.make_key(owner)
        yield small
    forget()


def forget():
    """What was remembered of another world."""
    config.load.cache_clear()
    vault.forget()
    tenancy.forget()
    table.Row._bound.clear()


@pytest.fixture(scope="module")
def bank(cloud, tmp_path_factory):
    """The sandbox's bank, reached as over the network."""
    folder = tmp_path_factory.mktemp("bank")
    settings = keys.bank_settings(folder, "http://bank.test")
    found = banks.Bank(settings["merchant"], settings["secret"], folder / "books.json")

    def call(method, url, *, headers, body=b"", **_):
        asked = Request(method, urlsplit(url).path, {k.lower(): v for k, v in headers.items()}, body)
        try:
            answer = found.answer(asked, now=cloud.now)
        except Refused as refusal:
            answer = problem(refusal)
        return outbound.Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)

    cloud.monkeypatch.setattr(transfer.outbound, "call", call)
    payouts.put_bank(settings)
    return found


@pytest.fixture
def desk(cloud, bank, monkeypatch):
    """Everybody, on a Monday at ten in Beijing; payouts go over the bank's interface."""
    via(monkeypatch, "transfer")
    cloud.now = MONDAY
    bank._faults.clear()
    cloud.sent.clear()
    with tenant.acting_for(tenant.MAIN):
        yield Desk(cloud, bank)
    config.load.cache_clear()


def via(monkeypatch, how):
    monkeypatch.setenv("PAYOUT_VIA", how)
    config.load.cache_clear()
