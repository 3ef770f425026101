"""Queue RECONCILE, and the hourly question for bills."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, SQSEvent

from chalicelib.kit import clock, worker

from . import service

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(queue_arn="placeholder-reconcile", name="reconcile_books", batch_size=1)
def reconcile_books(event: SQSEvent) -> dict[str, Any]:
    """Take a named book on, or compare a site's part of it."""
    return worker.each_message(event.to_dict(), _reconcile)


@blueprint.schedule(Cron("40", "*", "*", "*", "?", "*"), name="ask_for_bills")
def ask_for_bills(_event: CloudWatchEvent) -> dict[str, int]:
    """Have every book taken on that is not closed."""
    return {"books": service.ask_all(now=clock.now())}


def _reconcile(message: worker.Message) -> None:
    if message.get("digest"):
        service.compare(message["site"], message["book"], message["digest"], now=clock.now())
    else:
        service.drive(message["book"], now=clock.now(), again=bool(message.get("again")))
