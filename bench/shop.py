"""A calm shop: the real services over the simulation's DynamoDB, nothing fails, and every call is counted.

What is called counts for the step it is called in. Time moves only when the shop is told to go on.
"""

import contextlib
import heapq
import importlib
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from sim import stage as stages
from sim.dynamo import units
from sim.dynamo.database import Database
from sim.instance import Instance
from sim.keys import Keys
from sim.queues import SOURCES
from sim.stage import BEGIN, CHANNELS

MEMORY = "memory"  # the step of whatever an instance reads to remember it for a while
_REMEMBERED = ("SITE", "HOST", "SHELF", "SNAP", "CHANNEL", "PLAN", "KEY")
_EVENT = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
_BUCKETS = order_rules.BUCKETS  # as deployed; the simulation's stage makes do with one


@dataclass
class Tally:
    """What was asked of AWS: requests by service, DynamoDB's capacity units, and how many calls it refused."""

    writes: float = 0
    reads: float = 0
    refused: float = 0
    requests: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.writes + other.writes,
            self.reads + other.reads,
            self.refused + other.refused,
            self.requests + other.requests,
        )


class Channel:
    """A payment channel that answers at once; `paid` holds payments by trade number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.merchant = f"m{name}"
        self.app = "app1"
        self.paid: dict[str, gateways.Payment] = {}

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:  # noqa: ARG002  as the gateways
        """Open a trade."""
        return gateways.PayLink("qr", f"https://pay.test/{charge.out_trade_no}")

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:  # noqa: ARG002
        """The payment of a trade."""
        return self.paid.get(out_trade_no)

    def close(self, out_trade_no: str, *, now: int) -> bool:  # noqa: ARG002
        """True: nobody can pay any more."""
        return out_trade_no not in self.paid

    def pay(self, out_trade_no: str, amount_fen: int, *, now: int) -> gateways.Payment:
        """Somebody pays."""
        transaction = f"t{out_trade_no}"
        self.paid[out_trade_no] = gateways.Payment(
            self.name, self.merchant, self.app, out_trade_no, transaction, amount_fen, "CNY", now, transaction
        )
        return self.paid[out_trade_no]


class Shop:
    """A shop as everybody meets it: shoppers, payers, and the queues that `go_on` empties."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.now: float = BEGIN
        self.draw = Random(0).randbytes  # noqa: S311  a run must be repeatable
        self.database = Database(clock=self.clock)
        stage.tables(self.database)
        self.keys = Keys(self.draw, self.clock).with_keys_of(stage.keys)
        self.channels = {name: Channel(name) for name in CHANNELS}
        self.lines = {channel.merchant: channel for channel in self.channels.values()}
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._step = ""
        self._count = itertools.count()
        self._letters: list[tuple[float, int, str, dict[str, Any]]] = []
        stage.world = self
        self.restart()

    def restart(self) -> None:
        """A new function instance that remembers nothing."""
        Instance("", list(self.stage.places)).recall()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Tally]:
        """Everything asked of AWS in the block counts for a step."""
        before, self._step = self._step, name
        try:
            yield self.tallies[name]
        finally:
            self._step = before

    # What the shop's edges ask for.

    def clock(self) -> float:
        """The time in seconds UTC."""
        return self.now

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """A call to AWS, counted."""
        service = client.meta.service_model.service_name
        tally = self.tallies[MEMORY if _is_remembered(service, operation, given) else self._step]
        tally.requests[service] += len(given.get("Entries", "1"))  # of messages, each that a request carries
        if service == "sqs":
            return self._send(given)
        if service != "dynamodb":
            return self.keys.call(operation, given)
        try:
            return self.database.call(operation, given)
        except ClientError:
            tally.refused += 1
            raise
        finally:
            for charge in self.database.units.last:
                tally.writes += charge.units if charge.kind == units.WRITE else 0
                tally.reads += charge.units if charge.kind == units.READ else 0

    # What people do.

    def place(
        self, site: str, goods_id: str, *, quantity: int = 1, member: str | None = None
    ) -> orders.Order:
        """Somebody orders through one of the channels."""
        now, count = int(self.now), next(self._count)
        key = str(UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | count))
        ask = checkout.Ask(
            goods_id,
            quantity,
            f"{count}@example.com",
            "open sesame",
            "wechat",
            key,
            now,
            waiver=catalog.WAIVER,
        )
        with tenant.acting_for(site):
            return checkout.place(site, ask, member=member, address="192.0.2.1", device="pc", now=now).order

    def pay(self, order: orders.Order) -> None:
        """The channel tells that an order is paid."""
        attempt, now = order.attempts[-1], int(self.now)
        payment = self.channels[attempt.channel].pay(
            attempt.out_trade_no(order.number), order.amount_fen, now=now
        )
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(payment, now=now)

    def buy(self, site: str, goods_id: str) -> orders.Order:
        """Somebody orders, pays at once, and has the codes; the order is settled."""
        order = self.place(site, goods_id)
        self.pay(order)
        self.go_on(self.now)
        with tenant.acting_for(site):
            return orders.order(site, order.number)

    # What the queues do.

    def go_on(self, until: float, *, batch: int = 10, steps: Mapping[str, str] | None = None) -> None:
        """Let time pass and every message arrive that is due, at most `batch` of one kind at once.

        The kind of a message, a queue's name or what the message asks for, decides the step that it counts for.
        """
        while self._letters and self._letters[0][0] <= until:
            due, _, kind, first = heapq.heappop(self._letters)
            self.now = max(self.now, due)
            letters = [first, *self._same(kind, due, batch - 1)]
            with self.step((steps or {}).get(kind, kind)):
                self.work(str(first["queue"]), [letter["body"] for letter in letters])
        self.now = max(self.now, until)

    def work(self, queue: str, bodies: list[str]) -> None:
        """A queue's function works on messages."""
        source = SOURCES[queue]
        function = getattr(importlib.import_module(f"chalicelib.{source.domain}.worker"), source.function)
        records = [
            {"messageId": f"{i}", "body": body, "eventSource": "aws:sqs"} for i, body in enumerate(bodies)
        ]
        answer = function({"Records": records}, None)
        if answer["batchItemFailures"]:
            raise RuntimeError(f"{queue} failed in a calm shop: {answer}")

    def tick(self, function: Callable[..., Any]) -> None:
        """A schedule fires."""
        function(dict.fromkeys(_EVENT, ""), None)

    def _send(self, given: Mapping[str, Any]) -> dict[str, Any]:
        queue = given["QueueUrl"].rsplit("-", 1)[-1]
        for one in given.get("Entries", (given,)):
            self._put(queue, one["MessageBody"], one.get("DelaySeconds", 0))
        return {"MessageId": "1"}

    def _put(self, queue: str, body: str, delay: float) -> None:
        (kind,) = set(json.loads(body)) - {"site", "order", "owner"} or {queue}
        letter = {"queue": queue, "body": body}
        heapq.heappush(self._letters, (self.now + delay, next(self._count), kind, letter))

    def _same(self, kind: str, due: float, most: int) -> list[dict[str, Any]]:
        """Messages of a kind that are due at the same moment."""
        found = heapq.nsmallest(most, (one for one in self._letters if one[0] <= due and one[2] == kind))
        self._letters = [one for one in self._letters if one not in found]
        heapq.heapify(self._letters)
        return [letter for _, _, _, letter in found]


def _is_remembered(service: str, operation: str, given: Mapping[str, Any]) -> bool:
    if service != "dynamodb" or operation not in ("GetItem", "Query"):
        return service in ("kms", "sts")
    keys = given.get("Key") or given.get("ExpressionAttributeValues") or {}
    return any(str(value.get("S", "")).split("#")[0] in _REMEMBERED for value in keys.values())


@contextlib.contextmanager
def opened(slugs: Sequence[str] = ("one", "two", "three")) -> Iterator[stages.Stage]:
    """A stage on which orders and journals are spread over partitions as when deployed."""
    with (
        stages.opened(slugs) as stage,
        mock.patch.object(order_rules, "BUCKETS", _BUCKETS),
        mock.patch.object(ledger, "BUCKETS", _BUCKETS),
    ):
        yield stage
