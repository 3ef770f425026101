"""Queues: the only arrows that point upwards.

A message carries names, never authority: whoever receives it reads the state again. The message group is the
site, so that SQS fair queues keep a quiet site's wait short while another site floods.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from typing import Any

from . import aws, config, trace

LONGEST_DELAY = 900  # seconds, the limit of SQS
BATCH = 10  # messages of one request, the limit of SQS
_TRIES = 3  # for what SQS takes a request with, and leaves out
_compact = json.JSONEncoder(separators=(",", ":")).encode


class NotTaken(RuntimeError):
    """SQS did not take all messages; whoever sends them begins again."""


def send(queue: str, *, site: str, delay: int = 0, **names: object) -> None:
    """Send one message to a queue of the deployment, to arrive after `delay` seconds (at most 900)."""
    aws.client("sqs").send_message(
        QueueUrl=config.load().queues[queue], **_message(site=site, delay=delay, **names)
    )


def send_all(queue: str, messages: Iterable[Mapping[str, Any]]) -> int:
    """Send many messages, each of what `send` takes, ten to a request, as they come; how many.

    What SQS leaves out is sent again after the others. Raises NotTaken where it never took it.
    """
    asked = count()
    left = list(_refused(queue, (_message(**names) for names, _ in zip(messages, asked, strict=False))))
    for _ in range(_TRIES - 1):
        left = list(_refused(queue, left))
    if left:
        raise NotTaken(f"{len(left)} messages to {queue}")
    return next(asked)


def _message(*, site: str, delay: int = 0, **names: object) -> dict[str, Any]:
    if trace.name():
        names["trace"] = trace.name()
    return {
        "MessageBody": _compact({"site": site, **names}),
        "MessageGroupId": site,
        "DelaySeconds": min(delay, LONGEST_DELAY),
    }


def _refused(queue: str, messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Send messages; those that SQS left out of a request it took."""
    rest = iter(messages)
    while batch := list(islice(rest, BATCH)):
        answer = aws.client("sqs").send_message_batch(
            QueueUrl=config.load().queues[queue],
            Entries=[{"Id": str(place), **message} for place, message in enumerate(batch)],
        )
        yield from (batch[int(one["Id"])] for one in answer.get("Failed", ()))
