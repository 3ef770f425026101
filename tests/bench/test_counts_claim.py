import pytest

from bench import claim, flash
from bench import shop as shops


@pytest.fixture(scope="module")
def stage():
    with shops.opened() as stage:
        yield stage


@pytest.mark.parametrize("quantity", [1, 10, 100, 1000, 10_000])
def test_any_number_of_codes_of_one_segment_is_one_write(stage, quantity):
    cost = claim.cost(stage, quantity, [10**6], warm=True)
    assert (cost.writes, cost.reads, cost.requests.total()) == (1, 0, 1)


def test_each_further_segment_costs_one_write(stage):
    cost = claim.cost(stage, 10_000, [2500] * 4, warm=True)
    assert (cost.writes, cost.reads, cost.requests.total()) == (4, 0, 4)


def test_shoppers_at_once_do_not_get_in_each_others_way(stage):
    tally = claim.rush(stage, 100).tallies[""]
    assert (tally.refused, tally.writes) == (0, 100)


def test_a_flash_sale_gives_every_code_once_and_decides_at_once(stage):
    sale = flash.sell(stage, 400, [20] * 10)
    assert (len(sale.given), sale.oversold, sale.wrongly_refused, sale.vain) == (200, 0, 0, 0)
    assert len(sale.waits) == 400
    assert sale.wait(1) < 200
