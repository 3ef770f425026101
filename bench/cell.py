"""Cells that open many sites: the shop's own provisioning in virtual time, under each account's quotas.

All cells share one queue, whose function works on so many messages at once, and the rows that count their sites, which
a transaction holds while it is under way. CloudFormation is a model for each account: two of its calls are served so
many times a second, the rest is told to slow down, and the SDK tries again as it would. A stack makes its table after
a while; whoever asks for more tables at once than an account may create gets a stack that rolls back.
"""

import contextlib
import json
import string
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import cells as kit_cells
from chalicelib.kit import tenant
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy import worker as tenancy_worker
from chalicelib.tenancy.model import CELLS
from sim.clockwork import Clockwork
from sim.dynamo.errors import cancelled, client_error
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
    fleet: "Fleet"
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
        self.fleet.database.create_table(**definition(name, indexed=True))
        self._later(quotas.STACK_ENDS, lambda: self.stacks.update({name: "CREATE_COMPLETE"}))

    def _later(self, seconds: tuple[float, float], act: Any) -> None:
        self.time.at(self.time.now + self.time.random.uniform(*seconds), act)


class Fleet(Shop):
    """Cells in which sites are asked for and come up, by workers that all of them share.

    `opened` says when each was open, in seconds, `failed` how often a message failed, `conflicts` how often a
    transaction was refused because another was under way.
    """

    def __init__(
        self, stage: Stage, *, cells: int, workers: int, creates: float = quotas.CREATE_STACK.value
    ) -> None:
        self.time = Clockwork(0, BEGIN)
        self.formations = {name: Formation(self.time, self, creates) for name in names(cells)}
        self.asked = 0
        self.opened: list[float] = []
        self.keyed = 0
        self.conflicts = 0
        self.failed: Counter[str] = Counter()
        self._waiting: deque[str] = deque()
        self._workers = workers
        self._working = 0
        self._held: set[str] = set()
        self._noise = Random(1)  # noqa: S311  a run must be repeatable
        super().__init__(stage)
        self._instance = Instance("provision_sites", list(stage.places))

    @property
    def given_up(self) -> int:
        """Stacks that got no table."""
        return sum(one.refused for one in self.formations.values())

    def after(self, sites: int) -> float:
        """Seconds after which so many sites would be open: in proportion, so the start counts more often than once."""
        return self.opened[-1] * sites / self.asked

    @property
    def fullest(self) -> Formation:
        """Where most sites are."""
        return max(self.formations.values(), key=lambda one: len(one.stacks))

    def clock(self) -> float:
        """The time in seconds UTC."""
        return self.time.now

    def open(self, slugs: Sequence[str], *, most: float) -> None:
        """Ask for sites at once, and let them work until all are open or so many seconds are over."""
        brand = tenancy.Brand("Shop")
        self.asked += len(slugs)
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
        if client.meta.service_model.service_name == "cloudformation":
            return self._formed(self.formations[_cell_of(client)], operation, given)
        with self._holding(operation, given):
            self.time.pause(self._noise.uniform(*model.WRITE_SECONDS))
            self.keyed += client.meta.service_model.service_name == "kms"
            return super().call(client, operation, given)

    def _formed(self, formation: Formation, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        for tried in range(1, model.TRIES + 1):
            self.time.pause(self._noise.uniform(*quotas.ANSWER))
            try:
                return formation.call(operation, given)
            except ClientError as error:
                if error.response["Error"]["Code"] != "Throttling" or tried == model.TRIES:
                    raise
            self.time.pause(self._noise.random() * min(2 ** (tried - 1), model.LONGEST_WAIT))
        raise AssertionError

    @contextlib.contextmanager
    def _holding(self, operation: str, given: dict[str, Any]) -> Iterator[None]:
        """Nobody else's transaction touches the rows that this one counts sites in."""
        wanted = set(_counted(given)) if operation == "TransactWriteItems" else set()
        if wanted & self._held:
            self.conflicts += 1
            reasons = [{"Code": "TransactionConflict"} for _ in given["TransactItems"]]
            raise client_error(cancelled(reasons), operation)
        self._held |= wanted
        try:
            yield
        finally:
            self._held -= wanted

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
        while self._waiting and self._working < self._workers:
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


def names(cells: int) -> str:
    """The names of so many cells; `a` is the deployment's own account."""
    return string.ascii_lowercase[:cells]


def _cell_of(client: Any) -> str:
    known = ((cell, one) for (_, cell), one in kit_cells._clients.items())  # noqa: SLF001
    return next((cell for cell, one in known if one is client), kit_cells.HOME)


def _counted(given: dict[str, Any]) -> Iterator[str]:
    """The rows CELL#all / name among those that a transaction writes."""
    keys = (one["Update"]["Key"] for one in given["TransactItems"] if "Update" in one)
    return (key["sk"]["S"] for key in keys if key["pk"]["S"] == CELLS)


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
