"""One structured line per event, named like `orders.moved`; site, order and trace as fields, never secrets."""

from aws_lambda_powertools import Logger

from . import trace

logger = Logger(service="cardmesh", utc=True, use_rfc3339=True)  # the times that Lambda knows


def event(name: str, **fields: object) -> None:
    """Record what happened."""
    logger.info(name, extra=_traced(fields))


def alarm(name: str, **fields: object) -> None:
    """Record what a person must look at: metric filters of the main stack count these lines."""
    logger.error(name, extra=_traced({**fields, "alarm": True}))


def crash(name: str, **fields: object) -> None:
    """Record an unexpected failure with its traceback (values of arguments are not part of it)."""
    logger.error(name, extra=_traced({**fields, "alarm": True}), exc_info=True)  # noqa: LOG014  called while one is handled


def _traced(fields: dict[str, object]) -> dict[str, object]:
    followed = trace.name()
    return {**fields, "trace": followed} if followed else fields
