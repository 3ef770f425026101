import pytest

from bench import flatness, history
from bench import shop as shops
from bench.flatness import Cost


@pytest.fixture(scope="module")
def stage():
    with shops.opened() as stage:
        yield stage


def grown(stage, costs, sizes):
    costs(stage, sizes[0])
    found = [costs(stage, size) for size in sizes]
    return {name: flatness.growth([one[name] for one in found]) for name in found[0]}


def test_a_claim_costs_the_same_in_a_pool_of_fifty_imports(stage):
    assert grown(stage, flatness.claims, (10**4, 10**7))["claim"] <= 1.02


def test_an_order_costs_the_same_among_a_hundred_sites(stage):
    assert grown(stage, flatness.checkouts, (3, 100))["order"] <= 1.02


def test_pages_of_orders_cost_the_same_after_three_days(stage, monkeypatch):
    monkeypatch.setattr(history, "PER_DAY", 100)
    monkeypatch.setattr(history, "EVERY", 1)
    found = grown(stage, flatness.pages, (100, 300))
    assert len(found) == 4
    assert max(found.values()) <= 1.05


def test_growth_is_that_of_what_grows_most():
    costs = [Cost(1, 0, 2, 100), Cost(1, 0, 3, 101)]
    assert flatness.growth(costs) == 1.5
