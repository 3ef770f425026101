import pytest

from bench import order as order_bench
from bench import shop as shops
from bench.order import Day


@pytest.fixture(scope="module")
def stage():
    with shops.opened() as stage:
        yield stage


def own(costs):
    steps = [costs[step] for step in order_bench.OWN if step != "window"]
    return sum(one.writes for one in steps), sum(one.requests["dynamodb"] for one in steps)


def test_a_guests_order_writes_five_units_in_seven_requests(stage):
    costs = order_bench.live(stage, Day(orders=20))
    assert own(costs) == (5, 7)
    assert costs["window"].writes * 20 == 4  # statement and account, once however often the window closes
    assert costs["list"].writes == 0.1
    assert costs["walk"].writes == costs["looks"].writes == 0


def test_a_members_order_writes_six_units_in_eight_requests(stage):
    assert own(order_bench.live(stage, Day(orders=10, member=True))) == (6, 8)


def test_an_abandoned_order_costs_less_than_ten_units(stage):
    costs = order_bench.live(stage, Day(orders=10, pay_rate=0.7))
    whole = sum(one.writes for step, one in costs.items() if step not in ("window", "audit"))
    assert (whole - 5.1) * 7 / 3 < 10
