"""How a queue function treats a batch: each message by itself, the failed ones reported, the rest done."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from . import log, tenant
from .errors import ShopError

Message = dict[str, Any]


class TryLater(Exception):
    """The message is right but its time has not come; it comes back after the visibility timeout."""


def each_message(event: dict[str, Any], handle: Callable[[Message], None]) -> dict[str, Any]:
    """Handle the messages of an SQS event, acting for each one's site; answer which must come again.

    Nothing is swallowed: a message that keeps failing ends in the dead-letter queue, where an alarm waits.
    """

    def one(record: SQSRecord) -> None:
        message = json.loads(record.body)
        with tenant.acting_for(message["site"]):
            _guarded(handle, message)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, one, processor, context=None)
    return dict(answer)


def _guarded(handle: Callable[[Message], None], message: Message) -> None:
    try:
        handle(message)
    except (TryLater, ShopError) as reason:
        log.event("worker.again", site=message["site"], order=message.get("order"), why=str(reason))
        raise
    except Exception:
        log.crash("worker.failed", site=message["site"], order=message.get("order"))
        raise
