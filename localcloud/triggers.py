"""What SQS and EventBridge do around the functions: poll queues, hand over batches, fire schedules.

The functions and their queues are found in the Chalice app's own registry. A partial-batch answer is honoured: what
succeeded is deleted, the rest comes back after the queue's visibility timeout; an exception leaves the whole batch.
"""

import os
import signal
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, ScheduleExpression, SQSEventConfig
from chalice.local import LambdaContext

from . import cloud, schedule
from .terminal import READY, say

THREADS = {"fulfil": 8, "timer": 4, "settle": 2, "refund": 2}  # one for any other queue
_WAIT = 2  # seconds of one long poll, and so the longest wait when stopping
_PAUSE = 1.0  # seconds after the queue could not be reached

Function = Callable[[dict[str, Any], Any], Any]
Message = dict[str, Any]


@dataclass(frozen=True)
class Mapping:
    """One queue and the function behind it."""

    queue: str
    url: str
    name: str
    function: Function
    batch: int
    window: int  # seconds in which a batch may fill up


def run() -> int:
    """Drive every function of the project's app until SIGTERM; what is in hand is finished first."""
    from app import app

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threads = start(app, client=cloud.client("sqs", os.environ["AWS_ENDPOINT_URL"]), stop=stop)
    say(READY)
    for thread in threads:
        thread.join()
    return 0


def start(app: Chalice, *, client: Any, stop: threading.Event) -> list[threading.Thread]:
    """Start the pollers and the schedules of an app; they end soon after `stop` is set."""
    threads = [
        threading.Thread(target=poll, args=(mapping, client, stop), name=mapping.name)
        for mapping in mappings(app)
        for _ in range(THREADS.get(mapping.queue, 1))
    ]
    threads += [threading.Thread(target=fire, args=(*each, stop), name=each[0]) for each in schedules(app)]
    for thread in threads:
        thread.start()
    return threads


def mappings(app: Chalice) -> list[Mapping]:
    """The queue functions of an app; their queues are named `placeholder-{queue}` until a stack is made."""
    return [
        Mapping(
            queue=queue,
            url=os.environ[f"QUEUE_{queue.upper()}"],
            name=source.name,
            function=app.handler_map[source.name],
            batch=source.batch_size,
            window=source.maximum_batching_window_in_seconds,
        )
        for source in app.event_sources
        if isinstance(source, SQSEventConfig)
        for queue in [(source.queue_arn or "").removeprefix("placeholder-")]
    ]


def schedules(app: Chalice) -> list[tuple[str, str, Function]]:
    """Name, expression and function of each schedule of an app."""
    return [
        (source.name, _expression(source.schedule_expression), app.handler_map[source.name])
        for source in app.event_sources
        if isinstance(source, ScheduledEventConfig)
    ]


def poll(mapping: Mapping, client: Any, stop: threading.Event) -> None:
    """Receive and hand over, batch by batch, until stopped."""
    while not stop.is_set():
        try:
            if batch := receive(mapping, client):
                handle(mapping, client, batch)
        except Exception:  # noqa: BLE001 the poller outlives whatever happens
            _report(mapping.name)
            stop.wait(_PAUSE)


def receive(mapping: Mapping, client: Any) -> list[Message]:
    """One batch; with a window it may fill up until the window ends."""
    batch = _take(mapping, client, mapping.batch, _WAIT)
    end = time.monotonic() + mapping.window
    while batch and len(batch) < mapping.batch and (left := end - time.monotonic()) > 0:
        batch += _take(mapping, client, mapping.batch - len(batch), min(_WAIT, int(left) + 1))
    return batch


def handle(mapping: Mapping, client: Any, batch: list[Message]) -> None:
    """Call the function and delete what it did not report as failed; an exception keeps everything."""
    arn = f"arn:aws:sqs:{cloud.REGION}:{cloud.ACCOUNT}:{mapping.url.rsplit('/', 1)[-1]}"
    answer = mapping.function({"Records": [record(m, arn) for m in batch]}, context(mapping.name))
    failed = _failed(answer, batch)
    done = [m for m in batch if m["MessageId"] not in failed]
    if done:
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(done)]
        client.delete_message_batch(QueueUrl=mapping.url, Entries=entries)


def record(message: Message, arn: str) -> dict[str, Any]:
    """A message as Lambda hands it to a function. Source: Lambda developer guide, "Using Lambda with SQS"."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {
                "dataType": value["DataType"],
                "stringValue": value.get("StringValue"),
                "binaryValue": value.get("BinaryValue"),
                "stringListValues": [],
                "binaryListValues": [],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": cloud.REGION,
    }


def fire(name: str, expression: str, function: Function, stop: threading.Event) -> None:
    """Call a function whenever its schedule says so, until stopped."""
    at = schedule.next_after(expression, int(time.time()))
    while not stop.wait(max(0.0, at - time.time())):
        try:
            function(tick(name, at), context(name))
        except Exception:  # noqa: BLE001 the next time comes all the same
            _report(name)
        at = schedule.next_after(expression, at)


def context(name: str) -> LambdaContext:
    """What Lambda tells a function about itself."""
    return LambdaContext(name, memory_size=256, max_runtime_ms=60_000)


def _take(mapping: Mapping, client: Any, most: int, wait: int) -> list[Message]:
    answer = client.receive_message(
        QueueUrl=mapping.url,
        MaxNumberOfMessages=min(most, 10),
        WaitTimeSeconds=wait,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def _failed(answer: Any, batch: Iterable[Message]) -> set[str]:
    """The messages to keep. As in Lambda an unknown or empty identifier means that all failed."""
    known = {message["MessageId"] for message in batch}
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {failure.get("itemIdentifier") for failure in failures}
    return failed if failed.issubset(known) else known


def tick(name: str, at: int) -> dict[str, Any]:
    """What EventBridge sends when a schedule fires at a time."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": cloud.ACCOUNT,
        "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": cloud.REGION,
        "resources": [f"arn:aws:events:{cloud.REGION}:{cloud.ACCOUNT}:rule/{name}"],
        "detail": {},
    }


def _expression(given: str | ScheduleExpression) -> str:
    return given if isinstance(given, str) else given.to_string()


def _report(name: str) -> None:
    print(f"{name} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
