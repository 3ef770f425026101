"""Queue PROVISION: sub-sites come up, move to other accounts, and get domains of their owners'."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.kit import clock, worker

from . import binding, moving, provisioning

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(queue_arn="placeholder-provision", name="provision_sites", batch_size=1)
def provision_sites(event: SQSEvent) -> dict[str, Any]:
    """Take each named site one step further."""
    return worker.each_message(event.to_dict(), _advance)


def _advance(message: worker.Message) -> None:
    if message.get("move"):
        moving.advance(message["site"], now=clock.now())
    elif message.get("domain"):
        binding.advance(message["site"], message["domain"], now=clock.now())
    else:
        provisioning.advance(message["site"], now=clock.now())
