"""Wall clock on the embedded cloud, beside the same purchase written the tutorial way.

Both run in one process against one ministack, their calls going through botocore with the same options: place,
callback, deliver, settle, with that many shoppers at a time, each in a thread. Messages are sent to SQS; what they
would start is called at once, so that no poll is in the times, and HTTP in front of the functions is left aside. The
query password is hashed at its least, since the tutorial has none. Ministack is one Python process that serves one call
after the other: orders per second tell requests and work per request, not what DynamoDB would bear, and times at 64 at
a time are mostly its queue. Only ratios mean anything on another machine.
"""

import cProfile
import itertools
import os
import socket
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud import cloud
from localcloud.place import Place

from . import wallclock_ours, wallclock_theirs
from .baseline import counted
from .report import Figure, Finding, Table

_AT_ONCE = (1, 8, 64)
_ORDERS = 64  # at each of them
_PROFILED = 30
_CODES = len(_AT_ONCE) * (
    _ORDERS + 1
)  # no more: ministack's queries take the longer, the more a partition holds

Buy = Callable[[int], float]  # the number of an order: seconds from callback to code


@dataclass(frozen=True)
class Run:
    """Orders per second, and seconds from callback to code at the 50th and the 99th percentile."""

    rate: float
    p50: float
    p99: float


def measure() -> Iterator[Finding]:
    """The baseline's cost, ratios, and times."""
    theirs = counted.order()
    yield Figure("the tutorial's order", theirs.writes, "write units")
    yield Figure("the tutorial's order", theirs.requests.total(), "requests to DynamoDB and SQS")
    with running() as place:
        ours = wallclock_ours.opened(place, codes=_CODES + _PROFILED)
        tutorial = wallclock_theirs.opened(place, codes=_CODES)
        numbers = itertools.count(1)
        runs = [(n, _run(ours, n, numbers), _run(tutorial, n, numbers)) for n in _AT_ONCE]
        yield from itertools.chain.from_iterable(_ratios(*each) for each in runs)
        yield _table(runs)
        yield _profile(ours, numbers)


@contextmanager
def running() -> Iterator[Place]:
    """The embedded cloud, in a folder and at a port of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(_free_port() - 2, Path(folder))
        child = cloud.child(place)
        child.start()
        try:
            child.wait_until(lambda: cloud.answers(f"{place.cloud_url}/_ministack/health"))
            os.environ.update(cloud.credentials(place))
            yield place
        finally:
            child.stop()


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _run(buy: Buy, at_once: int, numbers: Iterator[int]) -> Run:
    """So many orders by so many threads, after one that nobody times."""
    buy(next(numbers))
    with ThreadPoolExecutor(at_once) as pool:
        began = time.monotonic()
        seconds = sorted(pool.map(buy, list(itertools.islice(numbers, _ORDERS))))
        taken = time.monotonic() - began
    return Run(_ORDERS / taken, statistics.median(seconds), seconds[int(_ORDERS * 0.99)])


def _ratios(at_once: int, ours: Run, theirs: Run) -> Iterator[Figure]:
    at = f"at {at_once} at a time, ours over the tutorial's"
    yield Figure(f"orders per second {at}", ours.rate / theirs.rate, "", kind="ratio")
    yield Figure(f"callback to code, median {at}", ours.p50 / theirs.p50, "", kind="ratio")


def _table(runs: list[tuple[int, Run, Run]]) -> Table:
    heads = ["at a time", "", "orders per second", "callback to code, p50 ms", "p99 ms"]
    rows = [
        [str(at_once), name, f"{run.rate:.1f}", f"{run.p50 * 1000:.0f}", f"{run.p99 * 1000:.0f}"]
        for at_once, ours, theirs in runs
        for name, run in (("ours", ours), ("tutorial", theirs))
    ]
    return Table("Times on this machine (clock)", heads, rows)


def _profile(buy: Buy, numbers: Iterator[int]) -> Table:
    """Where one order's time is spent, by whose code runs, and each one's dearest function."""
    profile = cProfile.Profile()
    with profile:
        for number in itertools.islice(numbers, _PROFILED):
            buy(number)
    spent: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for one in profile.getstats():
        file, name = ("", one.code) if isinstance(one.code, str) else (one.code.co_filename, one.code.co_name)
        spent[_whose(file, name)].append((one.inlinetime, name))
    shares = {whose: sum(seconds for seconds, _ in each) for whose, each in spent.items()}
    dearest = sorted(shares, key=lambda whose: -shares[whose])[:5]
    rows = [
        [whose, f"{shares[whose] / sum(shares.values()) * 100:.0f} %", max(spent[whose])[1]]
        for whose in dearest
    ]
    heads = ["whose code", "share of the time", "its dearest function"]
    return Table("Where an order's time is spent, one at a time (clock)", heads, rows)


def _whose(file: str, name: str) -> str:
    """The package that a function belongs to."""
    if "_socket.socket" in name:
        return "waiting for the embedded cloud"
    _, installed, rest = file.partition("site-packages/")
    if installed:
        return rest.partition("/")[0]
    return "the shop" if "chalicelib" in file else "Python and its library"
