"""Queues SETTLE and REFUND, and the hourly closing of windows."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, SQSEvent

from chalicelib.kit import clock, worker
from chalicelib.payments import service as payments

from . import service, unowned

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(
    queue_arn="placeholder-settle",
    name="settle_orders",
    batch_size=10,
    maximum_batching_window_in_seconds=5,
)
def settle_orders(event: SQSEvent) -> dict[str, Any]:
    """Post each named order's journal, or close a site's windows."""
    return worker.each_message(event.to_dict(), _settle)


@blueprint.on_sqs_message(queue_arn="placeholder-refund", name="refund_orders", batch_size=1)
def refund_orders(event: SQSEvent) -> dict[str, Any]:
    """Take each named order's refunds, or its split, one step further, or try a merchant's settings."""
    return worker.each_message(event.to_dict(), _refund)


@blueprint.schedule(Cron("30", "*", "*", "*", "?", "*"), name="close_windows")
def close_windows(_event: CloudWatchEvent) -> dict[str, int]:
    """Have every site's windows closed."""
    return {"sites": service.close_all()}


def _settle(message: worker.Message) -> None:
    if message.get("close"):
        service.close_windows(message["site"], now=clock.now())
    else:
        service.settle(message["site"], message["order"], now=clock.now())


def _refund(message: worker.Message) -> None:
    if message.get("probe"):
        payments.probe(message["channel"], message["merchant"], now=clock.now())
        return
    if message.get("receiver"):
        _receiver(message)
        return
    if message.get("case"):
        unowned.drive(message["case"], now=clock.now())
        return
    if message.get("split"):
        service.drive_split(message["site"], message["order"], now=clock.now())
        return
    told = str(message.get("told", ""))
    service.refund(message["site"], message["order"], now=clock.now(), told=told)


def _receiver(message: worker.Message) -> None:
    """Have the channel accept a party's account, or forget one that was dropped."""
    party, channel, now = message["receiver"], message["channel"], clock.now()
    if message.get("leaves"):
        payments.remove_receiver(party, channel, message["merchant"], now=now)
    else:
        payments.try_receiver(party, channel, now=now)
