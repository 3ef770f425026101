"""The shops of the wall clock open on the embedded cloud, and each sells."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from bench import wallclock, wallclock_ours, wallclock_theirs

pytestmark = pytest.mark.cloud


def bought():
    """The seconds from callback to code, in a process whose environment is the embedded cloud's."""
    with wallclock.running() as place:
        return [shop.opened(place, codes=1)(1) for shop in (wallclock_ours, wallclock_theirs)]


def test_both_shops_sell_on_the_embedded_cloud():
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        ours, theirs = fresh.submit(bought).result()
    assert ours > 0
    assert theirs > 0
