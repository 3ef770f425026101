"""One cell that opens many sites: the shop's own provisioning in virtual time, under one account's quotas.

CloudFormation is a model: two of its calls are served so many times a second, the rest is told to slow down, and the
SDK tries again as it would. A stack makes its table after a while; whoever asks for more tables at once than an
account may create gets a stack that rolls back.
"""

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import tenant
from chalicelib.tenancy import rules
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy import worker as tenancy_worker
from infra.package.template import BATCHES
from sim.clockwork import Clockwork
from sim.instance import Instance
from sim.queues import MOST_RECEIVES, SOURCES
from sim.stage import BEGIN, Stage, definition

from . import model, quotas
from .rush import Bucket
from .shop import Shop


@dataclass
class Formation:
    """CloudFormation of one account, and the tables its stacks make."""

    time: Clockwork
    stage: "Cell"
    creates: float
    stacks: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    creating: int = 0
    most_creating: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        rates = {"CreateStack": self.creates, "DescribeStacks": quotas.DESCRIBE_STACKS.value}
        self._buckets = {name: Bucket(rate, rate, self.time.now) for name, rate in rates.items()}

    def call(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """The answer of one call. Raises botocore's ClientError."""
        self.asked[operation] += 1
        bucket = self._buckets.get(operation)
        if bucket and not bucket.take(1, self.time.now):
            self.throttled[operation] += 1
            raise _error("Throttling", operation)
        return {"CreateStack": self._create, "DescribeStacks": self._describe}[operation](given["StackName"])

    def _create(self, name: str) -> dict[str, Any]:
        if name in self.stacks:
            raise _error("AlreadyExistsException", "CreateStack")
        if len(self.stacks) >= quotas.STACKS.value:
            raise _error("LimitExceededException", "CreateStack")
        self.stacks[name] = "CREATE_IN_PROGRESS"
        self._later(quotas.STACK_BEGINS, lambda: self._begin(name))
        return {"StackId": name}

    def _describe(self, name: str) -> dict[str, Any]:
        if name not in self.stacks:
            raise _error("ValidationError", "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.stacks[name]}]}

    def _begin(self, name: str) -> None:
        if self.creating >= quotas.TABLES_CREATING.value:
            self.refused += 1
            self.stacks[name] = "ROLLBACK_COMPLETE"
            return
        self.creating += 1
        self.most_creating = max(self.most_creating, self.creating)
        self._later(quotas.TABLE_CREATING, lambda: self._made(name))

    def _made(self, name: str) -> None:
        self.creating -= 1
        self.stage.database.create_table(**definition(name, indexed=True))
        self._later(quotas.STACK_ENDS, lambda: self.stacks.update({name: "CREATE_COMPLETE"}))

    def _later(self, seconds: tuple[float, float], act: Any) -> None:
        self.time.at(self.time.now + self.time.random.uniform(*seconds), act)


class Cell(Shop):
    """A cell in which sites are asked for and come up.

    `opened` says when each was open, in seconds, `failed` how often a message failed.
    """

    def __init__(self, stage: Stage, *, creates: float = quotas.CREATE_STACK.value) -> None:
        self.time = Clockwork(0, BEGIN)
        self.formation = Formation(self.time, self, creates)
        self.opened: list[float] = []
        self.keyed = 0
        self.failed: Counter[str] = Counter()
        self._waiting: deque[str] = deque()
        self._working = 0
        self._noise = Random(1)  # noqa: S311  a run must be repeatable
        super().__init__(stage)
        self._instance = Instance("provision_sites", list(stage.places))

    def clock(self) -> float:
        """The time in seconds UTC."""
        return self.time.now

    def open(self, slugs: Sequence[str], *, most: float) -> None:
        """Ask for sites at once, and let the cell work until all are open or so many seconds are over."""
        brand = tenancy.Brand("Shop")
        for slug in slugs:
            with tenant.acting_for(tenant.MAIN):
                tenancy.open_site(
                    slug,
                    brand=brand,
                    owner_login=slug,
                    owner_password="correct horse",  # noqa: S106
                    plan="standard",
                    now=BEGIN,
                )
        self.time.run(BEGIN + most)

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """A call over the network, tried again as botocore would when it is told to slow down."""
        if self.time.running is None:
            return super().call(client, operation, given)
        if client.meta.service_model.service_name != "cloudformation":
            self.time.pause(self._noise.uniform(*model.WRITE_SECONDS))
            self.keyed += client.meta.service_model.service_name == "kms"
            return super().call(client, operation, given)
        for tried in range(1, model.TRIES + 1):
            self.time.pause(self._noise.uniform(*quotas.ANSWER))
            try:
                return self.formation.call(operation, given)
            except ClientError as error:
                if error.response["Error"]["Code"] != "Throttling" or tried == model.TRIES:
                    raise
            self.time.pause(self._noise.random() * min(2 ** (tried - 1), model.LONGEST_WAIT))
        raise AssertionError

    def _send(self, given: Any) -> dict[str, Any]:
        queue, body = given["QueueUrl"].rsplit("-", 1)[-1], given["MessageBody"]
        if queue == "provision":
            wait = given.get("DelaySeconds", 0) + self._noise.uniform(*quotas.POLL)
            self.time.at(self.time.now + wait, lambda: self._arrive(body))
        elif queue == "publish":
            self.opened.append(self.time.now - BEGIN)
        return {"MessageId": "1"}

    def _arrive(self, body: str) -> None:
        self._waiting.append(body)
        self._work()

    def _work(self) -> None:
        """Take up messages while fewer are in work than may be."""
        while self._waiting and self._working < BATCHES["provision"]:
            self._working += 1
            body = self._waiting.popleft()
            act = partial(self._advance, body)
            process = self.time.spawn("provision_sites", act, instance=self._instance)
            process.waiters.append(self._done)

    def _advance(self, body: str) -> None:
        """A message that fails comes again when it is visible, and is dead after ten times."""
        record = {"messageId": json.loads(body)["site"], "body": body, "eventSource": "aws:sqs"}
        answer = tenancy_worker.provision_sites({"Records": [record]}, None)
        if answer["batchItemFailures"]:
            self.failed[body] += 1
            if self.failed[body] < MOST_RECEIVES:
                wait = SOURCES["provision"].visibility
                self.time.at(self.time.now + wait, lambda: self._arrive(body))

    def _done(self) -> None:
        self._working -= 1
        self._work()


def fullest(sites: int, cells: int) -> int:
    """Sites of the fullest cell, where the shop's own rule places one after the other."""
    rooms = {f"c{n}": rules.Room(f"c{n}", int(quotas.TABLES.value) - 1, 0) for n in range(cells)}
    for _ in range(sites):
        chosen = rules.place(rooms.values())
        rooms[chosen] = replace(rooms[chosen], used=rooms[chosen].used + 1)
    return max(room.used for room in rooms.values())


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
