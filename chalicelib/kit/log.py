"""One structured line per event, named like `orders.moved`; site, order and trace as fields, never secrets."""

from collections.abc import Mapping

from aws_lambda_powertools import Logger

from . import clock, trace

NAMESPACE = "CardMesh"

logger = Logger(service="cardmesh", utc=True, use_rfc3339=True)  # the times that Lambda knows


def event(name: str, **fields: object) -> None:
    """Record what happened."""
    logger.info(name, extra=_traced(fields))


def measure(name: str, counted: Mapping[str, int], *, channel: str = "", **fields: object) -> None:
    """Record what happened in a line that CloudWatch counts as metrics, of a channel where one is named (EMF).

    A channel is the one dimension there is: each value of a dimension is a metric that is paid for, and there are
    thousands of sites.
    """
    logger.info(name, extra=_traced({**fields, **counted, **_counting(counted, channel)}))


def alarm(name: str, **fields: object) -> None:
    """Record what a person must look at: metric filters of the main stack count these lines."""
    logger.error(name, extra=_traced({**fields, "alarm": True}))


def crash(name: str, **fields: object) -> None:
    """Record an unexpected failure with its traceback (values of arguments are not part of it)."""
    logger.error(name, extra=_traced({**fields, "alarm": True}), exc_info=True)  # noqa: LOG014  called while one is handled


def _traced(fields: dict[str, object]) -> dict[str, object]:
    followed = trace.name()
    return {**fields, "trace": followed} if followed else fields


def _counting(counted: Mapping[str, int], channel: str) -> dict[str, object]:
    """Source: CloudWatch user guide, "Embedded metric format specification"."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["channel"]] if channel else [[]],
        "Metrics": [{"Name": each} for each in counted],
    }
    aws = {"Timestamp": clock.now() * 1000, "CloudWatchMetrics": [directive]}
    return {"channel": channel, "_aws": aws} if channel else {"_aws": aws}
