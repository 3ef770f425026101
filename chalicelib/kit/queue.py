"""Queues: the only arrows that point upwards.

A message carries names, never authority: whoever receives it reads the state again. The message group is the
site, so that SQS fair queues keep a quiet site's wait short while another site floods.
"""

import json

from . import aws, config, trace

LONGEST_DELAY = 900  # seconds, the limit of SQS
_compact = json.JSONEncoder(separators=(",", ":")).encode


def send(queue: str, *, site: str, delay: int = 0, **names: object) -> None:
    """Send one message to a queue of the deployment, to arrive after `delay` seconds (at most 900)."""
    if trace.name():
        names["trace"] = trace.name()
    aws.client("sqs").send_message(
        QueueUrl=config.load().queues[queue],
        MessageBody=_compact({"site": site, **names}),
        MessageGroupId=site,
        DelaySeconds=min(delay, LONGEST_DELAY),
    )
