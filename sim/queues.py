"""SQS and its event source mappings: at least once, in no order, hidden while in work, dead after ten receives.

A function gets batches as Lambda would give them. What it reports as failed, and everything of a batch it died with,
comes back after the visibility timeout.
"""

import importlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from . import ears
from .clockwork import Act, Clockwork, Process, Violation
from .faults import Faults
from .lineage import Lineage
from .mutants.next_release import NEWS

JUNK = ("", "{", "[]", "null", '"site"')  # messages that nobody can read
MOST_RECEIVES = 10  # infra/main.yaml
_LATE = 60.0  # seconds by which a message may come later than it should, or once more


@dataclass(frozen=True)
class Source:
    """Who reads a queue: domain and function, messages at once, seconds of batching and of invisibility."""

    domain: str
    function: str
    batch: int
    window: int
    visibility: int


SOURCES = {
    "provision": Source("tenancy", "provision_sites", 1, 0, 720),
    "publish": Source("catalog", "publish_catalogs", 10, 0, 720),
    "timer": Source("checkout", "drive_orders", 10, 2, 360),
    "fulfil": Source("fulfilment", "deliver_orders", 10, 0, 360),
    "settle": Source("settlement", "settle_orders", 10, 5, 390),
    "refund": Source("settlement", "refund_orders", 1, 0, 360),
    "reconcile": Source("reconciliation", "reconcile_books", 1, 0, 1800),
    "payout": Source("payouts", "pay_out", 1, 0, 360),
}


@dataclass
class Letter:
    """A message in a queue; `who` is its lineage."""

    who: Lineage
    body: str
    visible_at: float
    receives: int = 0


class Queues:
    """All queues of a deployment. `invoke(function, act)` starts a function."""

    def __init__(self, time: Clockwork, faults: Faults, invoke: Callable[[str, Act], Process]) -> None:
        self.letters: defaultdict[str, list[Letter]] = defaultdict(list)
        self.dead: list[tuple[str, Letter]] = []
        self.sent: Counter[str] = Counter()
        self._time = time
        self._faults = faults
        self._invoke = invoke

    def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call; sending is all the shop does."""
        queue = params["QueueUrl"].rsplit("-", 1)[-1]
        if operation == "SendMessage":
            return {"MessageId": self._take(queue, params)}
        if operation != "SendMessageBatch":
            raise NotImplementedError(operation)
        return {"Successful": [{"MessageId": self._take(queue, entry)} for entry in params["Entries"]]}

    def _take(self, queue: str, message: Mapping[str, Any]) -> str:
        """The id of a message that was taken."""
        ears.hear(f"a message to {queue}", message["MessageBody"])
        self.sent[queue] += 1
        who = self._time.who.child(queue)
        self._post(
            queue, Letter(who, message["MessageBody"], self._time.now + message.get("DelaySeconds", 0))
        )
        return who.name

    def expect_junk(self, end: float) -> None:
        """Some queues get a message that nobody can read."""
        for queue in SOURCES:
            who = self._time.who.child("stranger")
            body, when = who.random.choice(JUNK), who.random.uniform(self._time.now, end)
            if self._faults.strikes("poison", who):
                self._time.at(when, partial(self.post, queue, body), who=who)

    def post(self, queue: str, body: str) -> None:
        """A message of somebody else's."""
        who = self._time.who.child(queue)
        self._post(queue, Letter(who, body, self._time.now))

    def redrive(self) -> None:
        """Put all dead letters back, as an operator does who has found out what killed them."""
        for queue, letter in self.dead:
            self._post(queue, replace(letter, visible_at=self._time.now, receives=0))
        self.dead.clear()

    def _post(self, queue: str, letter: Letter) -> None:
        if self._faults.strikes("message_late", letter.who):
            letter.visible_at += self._faults.how_bad(letter.who) * _LATE
        self.letters[queue].append(letter)
        self._poll_at(queue, letter.visible_at, letter)

    def _poll_at(self, queue: str, when: float, letter: Letter) -> None:
        """Poll soon after a time for the sake of a message."""
        wait = letter.who.random.uniform(0.01, 0.1 + SOURCES[queue].window)
        self._time.at(when + wait, partial(self._poll, queue), who=letter.who)

    def _poll(self, queue: str) -> None:
        """Hand what is visible to the queue's function, in no order."""
        now, source = self._time.now, SOURCES[queue]
        found = [one for one in self.letters[queue] if one.visible_at <= now]
        found.sort(key=lambda one: one.who.chance("turn", one.receives))
        batch = [one for one in found[: source.batch] if self._receive(queue, one)]
        for left in found[source.batch : source.batch + 1]:
            self._poll_at(queue, now, left)
        if batch:
            self._time.who = batch[0].who
            work = partial(_work, queue, [(one.who.name, one.body) for one in batch])
            process = self._invoke(source.function, work)
            process.waiters.append(partial(self._finish, queue, batch, process))

    def _receive(self, queue: str, letter: Letter) -> bool:
        """Hide a message while it is worked on; False for one that was received too often."""
        if letter.receives >= MOST_RECEIVES:
            self.letters[queue].remove(letter)
            self.dead.append((queue, letter))
            return False
        letter.receives += 1
        letter.visible_at = self._time.now + SOURCES[queue].visibility
        self._poll_at(queue, letter.visible_at, letter)
        if letter.receives == 1 and self._faults.strikes("message_twice", letter.who):
            late = self._faults.how_bad(letter.who) * _LATE
            again = replace(letter, visible_at=self._time.now + late)
            self.letters[queue].append(again)
            self._poll_at(queue, again.visible_at, again)
        return True

    def _finish(self, queue: str, batch: list[Letter], process: Process) -> None:
        """Delete what was done."""
        if process.error is not None:
            return
        failed = {one["itemIdentifier"] for one in process.answer["batchItemFailures"]}
        done = [id(one) for one in batch if one.who.name not in failed]
        old = process.instance and not process.instance.following
        if old and any(NEWS in one.body and id(one) in done for one in batch):
            raise Violation("I1: a release has done a message that it does not know")
        self.letters[queue] = [one for one in self.letters[queue] if id(one) not in done]


def _work(queue: str, batch: list[tuple[str, str]]) -> Any:
    source = SOURCES[queue]
    records = [{"messageId": name, "body": body, "eventSource": "aws:sqs"} for name, body in batch]
    function = getattr(importlib.import_module(f"chalicelib.{source.domain}.worker"), source.function)
    return function({"Records": records}, None)
