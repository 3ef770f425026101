"""Queue FULFIL: paid orders get their codes."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.kit import clock, worker

from . import service

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(queue_arn="placeholder-fulfil", name="deliver_orders", batch_size=10)
def deliver_orders(event: SQSEvent) -> dict[str, Any]:
    """Deliver each named order."""
    return worker.each_message(event.to_dict(), _deliver)


def _deliver(message: worker.Message) -> None:
    service.deliver(message["site"], message["order"], now=clock.now())
