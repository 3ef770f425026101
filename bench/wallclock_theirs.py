"""The tutorial's shop on the embedded cloud, from checkout to settlement."""

import time
from collections.abc import Callable
from functools import partial

from chalicelib.kit import aws
from localcloud.place import Place

from .baseline import tables
from .baseline.flow import Flow, message_of

_SKU = "sku"


def opened(_place: Place, *, codes: int) -> Callable[[int], float]:
    """A shop with so many codes; how to buy one. The clients are made with the options of ours."""
    dynamodb, sqs = aws.client("dynamodb"), aws.client("sqs")
    tables.create(dynamodb)
    flow = Flow(dynamodb, sqs, sqs.create_queue(QueueName="baseline")["QueueUrl"])
    flow.stock(_SKU, (f"CODE-{i:06}" for i in range(codes)))
    return partial(_buy, flow)


def _buy(flow: Flow, number: int) -> float:
    """One purchase from end to end; the seconds from callback to code."""
    key = str(number)
    flow.place(ask={"key": key, "sku": _SKU, "contact": "a@example.com"})
    began = time.perf_counter()
    flow.paid(notice={"key": f"paid-{key}", "order": key})
    flow.deliver(message_of(key))
    seconds = time.perf_counter() - began
    flow.settle(message_of(key))
    return seconds
