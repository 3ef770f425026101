"""The triggers against an SQS that keeps its promises (moto), in one thread."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, SQSEvent
from moto import mock_aws

from localcloud import triggers


class Shop:
    """An app with one queue and one schedule that remembers what it was given."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.ticks: list[CloudWatchEvent] = []
        self.fail: set[str] = set()
        self.app = app = Chalice("shop")

        @app.on_sqs_message(queue_arn="placeholder-fulfil", name="deliver", batch_size=10)
        def deliver(event: SQSEvent) -> dict[str, Any]:
            records = event.to_dict()["Records"]
            self.events.append(event.to_dict())
            if "crash" in self.fail:
                raise RuntimeError("on purpose")
            return {
                "batchItemFailures": [
                    {"itemIdentifier": r["messageId"]} for r in records if r["body"] in self.fail
                ]
            }

        @app.schedule(Rate(1, unit=Rate.HOURS), name="walk")
        def walk(event: CloudWatchEvent) -> None:
            self.ticks.append(event)


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("sqs", region_name="us-east-1")
        url = client.create_queue(QueueName="cardmesh-fulfil", Attributes={"VisibilityTimeout": "0"})[
            "QueueUrl"
        ]
        monkeypatch.setenv("QUEUE_FULFIL", url)
        monkeypatch.setattr(triggers, "_WAIT", 0)
        yield client


def send(sqs: Any, mapping: triggers.Mapping, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=mapping.url, MessageBody=body, MessageGroupId="demo")


def waiting(sqs: Any, mapping: triggers.Mapping) -> list[str]:
    time.sleep(0.01)  # a visibility timeout of 0 ends with the millisecond
    return sorted(message["Body"] for message in triggers.receive(mapping, sqs))


def test_functions_and_queues_are_found_in_the_registry(sqs: Any) -> None:
    (mapping,) = triggers.mappings(Shop().app)
    assert (mapping.queue, mapping.name, mapping.batch) == ("fulfil", "deliver", 10)
    ((name, expression, _),) = triggers.schedules(Shop().app)
    assert (name, expression) == ("walk", "rate(1 hour)")


def test_what_succeeded_is_deleted_and_what_failed_stays(sqs: Any) -> None:
    shop = Shop()
    (mapping,) = triggers.mappings(shop.app)
    shop.fail = {"b"}
    send(sqs, mapping, "a", "b", "c")
    triggers.handle(mapping, sqs, triggers.receive(mapping, sqs))
    assert waiting(sqs, mapping) == ["b"]


def test_an_exception_keeps_the_whole_batch(sqs: Any) -> None:
    shop = Shop()
    (mapping,) = triggers.mappings(shop.app)
    shop.fail = {"crash"}
    send(sqs, mapping, "a", "b")
    with pytest.raises(RuntimeError, match="on purpose"):
        triggers.handle(mapping, sqs, triggers.receive(mapping, sqs))
    assert waiting(sqs, mapping) == ["a", "b"]


@pytest.mark.parametrize("identifier", ["", None, "never seen"])
def test_an_identifier_that_makes_no_sense_keeps_the_whole_batch(sqs: Any, identifier: str | None) -> None:
    (found,) = triggers.mappings(Shop().app)
    answer = {"batchItemFailures": [{"itemIdentifier": identifier}]}
    mapping = triggers.Mapping(found.queue, found.url, found.name, lambda *_: answer, 10, 0)
    send(sqs, mapping, "a", "b")
    triggers.handle(mapping, sqs, triggers.receive(mapping, sqs))
    assert waiting(sqs, mapping) == ["a", "b"]


def test_a_function_sees_the_event_of_lambda(sqs: Any) -> None:
    shop = Shop()
    (mapping,) = triggers.mappings(shop.app)
    sqs.send_message(
        QueueUrl=mapping.url,
        MessageBody=json.dumps({"site": "demo"}),
        MessageGroupId="demo",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}},
    )
    triggers.handle(mapping, sqs, triggers.receive(mapping, sqs))
    (record,) = shop.events[0]["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":cardmesh-fulfil")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "demo"
    assert record["attributes"]["SentTimestamp"].isdigit()
    assert record["messageAttributes"]["kind"]["stringValue"] == "x"
    assert json.loads(record["body"]) == {"site": "demo"}


def test_a_failing_function_does_not_end_the_poller(
    sqs: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(triggers, "_PAUSE", 0)
    shop = Shop()
    (mapping,) = triggers.mappings(shop.app)
    stop = threading.Event()
    shop.fail = {"crash"}
    calls = iter((lambda: None, shop.fail.clear, stop.set))

    def function(event: dict[str, Any], context: object) -> Any:
        next(calls)()
        return mapping.function(event, context)

    send(sqs, mapping, "a")
    triggers.poll(
        triggers.Mapping(mapping.queue, mapping.url, "deliver", function, 10, 0), OneMore(sqs), stop
    )
    assert "on purpose" in capsys.readouterr().err


class OneMore:
    """An SQS that forgets to delete, so that the message comes again."""

    def __init__(self, client: Any) -> None:
        self.receive_message = client.receive_message

    def delete_message_batch(self, **_: Any) -> None:
        return


def test_a_window_lets_a_batch_fill_up(sqs: Any) -> None:
    (found,) = triggers.mappings(Shop().app)
    mapping = triggers.Mapping(found.queue, found.url, found.name, found.function, 3, 5)

    class Trickle:
        def __init__(self) -> None:
            self.left = [["a"], [], ["b"], ["c"], ["d"]]

        def receive_message(self, **_: Any) -> dict[str, Any]:
            return {"Messages": [{"Body": body} for body in self.left.pop(0)]}

    assert [m["Body"] for m in triggers.receive(mapping, Trickle())] == ["a", "b", "c"]


def test_a_schedule_calls_its_function_when_its_time_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    ((name, expression, function),) = triggers.schedules(shop.app)
    stop = threading.Event()
    monkeypatch.setattr(triggers.schedule, "next_after", lambda _, at: at)

    def once(event: dict[str, Any], context: object) -> None:
        stop.set()
        function(event, context)

    triggers.fire(name, expression, once, stop)
    assert shop.ticks[0].detail_type == "Scheduled Event"
    assert shop.ticks[0].resources[0].endswith("rule/walk")
