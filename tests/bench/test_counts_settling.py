import pytest

from bench import settling
from bench import shop as shops


@pytest.fixture(scope="module")
def stage():
    with shops.opened() as stage:
        yield stage


def test_closing_the_windows_of_many_sites_costs_a_tenth_of_a_unit_per_order(stage):
    night = settling.settle(stage, sites=5, orders=50, settled=2)
    assert night.windows.writes == (5 + 1) * 4  # one more for the site whose order was copied
    assert night.windows.writes / 250 <= 0.1
    assert night.journals.writes == 100
    assert night.posted_fen == night.due_fen > 0
