"""Merchants' secrets: many function instances start at once, and Parameter Store serves so many calls a second.

In a flash sale 407 instances start within a second (above), and each reads the secrets of the channel that its first
shopper pays by. Parameter Store takes 40 calls a second of an account unless it is told to take more; who is told to
slow down comes again as the SDK does, a wait drawn from 0 to 1, 2, 4 … seconds. A warm instance that is refused goes on
with the secrets it has; a cold one has none, and its shopper's order fails.
"""

import heapq
from collections.abc import Iterator
from random import Random

from chalicelib.kit import aws

from . import model, quotas
from .report import Figure, Finding, Goal
from .rush import Bucket

INSTANCES = 407  # of the flash sale's model


def measure() -> Iterator[Finding]:
    """What of a cold start is served at the default rate and at the raised one."""
    for tries in (model.TRIES, aws.TRIES_SSM):
        gone, last = start(quotas.PARAMETERS.default, tries)
        name = f"instances of {INSTANCES} that got no secrets, 40 calls a second, {tries} tries"
        yield Figure(name, gone, "", kind="model")
        yield Figure(
            f"the last of them had them after, {tries} tries", round(last, 1), "seconds", kind="model"
        )
    gone, last = start(quotas.PARAMETERS.value, aws.TRIES_SSM)
    yield Figure("the same with higher throughput switched on", gone, "", Goal("=", 0), "model")
    yield Figure("its last had them after", round(last, 1), "seconds", Goal("≤", 2), "model")


def start(rate: float, tries: int, instances: int = INSTANCES) -> tuple[int, float]:
    """How many instances that start within a second got nothing, and when the last of the others had its secrets."""
    random = Random(0)  # noqa: S311  a run must be repeatable
    bucket, gone, last = Bucket(rate, rate, 0), 0, 0.0
    due = [(random.random(), number, 1) for number in range(instances)]
    heapq.heapify(due)
    while due:
        now, number, tried = heapq.heappop(due)
        if bucket.take(1, now):
            last = now
        elif tried == tries:
            gone += 1
        else:
            wait = random.random() * min(2 ** (tried - 1), model.LONGEST_WAIT)
            heapq.heappush(due, (now + wait, number, tried + 1))
    return gone, last
