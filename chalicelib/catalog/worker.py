"""Queue PUBLISH: sites publish their shelves after main goods changed."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.kit import clock, errors, tenant, worker

from . import service

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(queue_arn="placeholder-publish", name="publish_catalogs", batch_size=10)
def publish_catalogs(event: SQSEvent) -> dict[str, Any]:
    """Publish each named site's shelf; the main site's name stands for all sites."""
    return worker.each_message(event.to_dict(), _publish)


def _publish(message: worker.Message) -> None:
    if message["site"] == tenant.MAIN:
        service.publish_all()
        return
    try:
        service.publish(message["site"], now=clock.now())
    except errors.Conflict as raced:
        # The faster run may have read before the change that sent this message.
        raise worker.TryLater from raced
