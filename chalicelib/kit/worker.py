"""How a queue function treats a batch: each message by itself, the failed ones reported, the rest done."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from . import log, tenant, trace
from .errors import ShopError

Message = dict[str, Any]
Record = dict[str, Any]  # of an SQS event


class TryLater(Exception):
    """The message is right but its time has not come; it comes back after the visibility timeout."""


def each_message(event: dict[str, Any], handle: Callable[[Message], None]) -> dict[str, Any]:
    """Handle the messages of an SQS event, acting for each one's site; answer which must come again.

    Nothing is swallowed: a message that keeps failing ends in the dead-letter queue, where an alarm waits.
    """

    def one(record: Record) -> None:
        message, site = _read(record)
        # A message of an older release, or of a schedule, is followed under its own id.
        with tenant.acting_for(site), trace.following(message.get("trace"), record["messageId"]):
            _guarded(handle, message)

    failed = [record["messageId"] for record in in_turn(event["Records"]) if not _done(one, record)]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def in_turn(records: Sequence[Record]) -> list[Record]:
    """A batch in the order in which it is handled: first the groups with few messages in it.

    SQS fills a batch up with a flooding site's messages, and a quiet site's are not to wait behind them.
    """
    sizes = Counter(map(_group, records))
    return sorted(records, key=lambda record: sizes[_group(record)])


def _group(record: Record) -> str:
    return str(record.get("attributes", {}).get("MessageGroupId", ""))


def _done(act: Callable[[Record], None], record: Record) -> bool:
    """Whether a message was handled; what went wrong has been logged."""
    try:
        act(record)
    except Exception:  # noqa: BLE001  whatever it was, the others of the batch are not to suffer
        return False
    return True


def _read(record: Record) -> tuple[Message, str]:
    """A message and its site. Raises ValueError, TypeError or KeyError for what is none of ours."""
    try:
        message = json.loads(record["body"])
        return message, message["site"]
    except (ValueError, TypeError, KeyError):
        log.crash("worker.unreadable", received=record["messageId"])
        raise


def _guarded(handle: Callable[[Message], None], message: Message) -> None:
    try:
        handle(message)
    except (TryLater, ShopError) as reason:
        log.event("worker.again", site=message["site"], order=message.get("order"), why=str(reason))
        raise
    except Exception:
        log.crash("worker.failed", site=message["site"], order=message.get("order"))
        raise
