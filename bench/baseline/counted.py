"""What an order of the baseline costs, counted over the simulation's DynamoDB."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import botocore.client
import botocore.session

from bench.shop import Tally
from sim.dynamo import units
from sim.dynamo.database import Database

from . import tables
from .flow import Flow, SoldOut, message_of

__all__ = ["SoldOut"]


def order(*, codes: int = 100) -> Tally:
    """Units and requests of one order from checkout to settlement, with so many codes on sale."""
    with opened(codes=codes) as (flow, tally):
        before = tally()
        buy(flow, "1")
        after = tally()
    requests = after.requests - before.requests
    return Tally(after.writes - before.writes, after.reads - before.reads, 0, requests)


def buy(flow: Flow, key: str) -> str:
    """One purchase from end to end; the code. Raises SoldOut."""
    flow.place(ask={"key": key, "sku": "sku", "contact": "a@example.com"})
    flow.paid(notice={"key": f"paid-{key}", "order": key})
    code = flow.deliver(message_of(key))
    flow.settle(message_of(key))
    return code


@contextmanager
def opened(*, codes: int) -> Iterator[tuple[Flow, Callable[[], Tally]]]:
    """A shop with so many codes, and what it has asked of AWS so far."""
    database, requests = Database(), Counter[str]()

    def call(client: Any, operation: str, given: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        requests[service] += 1
        return database.call(operation, given) if service == "dynamodb" else {}

    def tally() -> Tally:
        writes, reads = (database.units.total(kind) for kind in (units.WRITE, units.READ))
        return Tally(writes, reads, 0, Counter(requests))

    with mock.patch.object(botocore.client.BaseClient, "_make_api_call", call):
        flow = Flow(_client("dynamodb"), _client("sqs"), "https://sqs.test/baseline")
        tables.create(_client("dynamodb"))
        flow.stock("sku", (f"CODE-{i:05}" for i in range(codes)))
        yield flow, tally


def _client(service: str) -> Any:
    session = botocore.session.Session()
    session.set_credentials("1", "1")
    return session.create_client(service, "us-east-1")
