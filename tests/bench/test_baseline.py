"""The baseline is a shop that works: what it costs is counted the same each time."""

import pytest

from bench.baseline import counted


def test_an_order_costs_what_a_tutorial_writes():
    cost = counted.order()
    assert (cost.writes, cost.requests["dynamodb"], cost.requests["sqs"]) == (21, 13, 2)


def test_the_cost_of_an_order_does_not_depend_on_the_number_of_codes():
    assert counted.order(codes=1) == counted.order(codes=300)


def test_each_order_gets_a_code_of_its_own_until_none_is_left():
    with counted.opened(codes=3) as (flow, _):
        assert {counted.buy(flow, str(i)) for i in range(3)} == {"CODE-00000", "CODE-00001", "CODE-00002"}
        with pytest.raises(counted.SoldOut):
            counted.buy(flow, "4")


def test_a_repeated_checkout_and_a_repeated_callback_change_nothing():
    with counted.opened(codes=2) as (flow, tally):
        ask = {"key": "1", "sku": "sku", "contact": "a@example.com"}
        flow.place(ask=ask)
        flow.paid(notice={"key": "n", "order": "1"})
        before = tally()
        assert flow.place(ask=ask) == {"order": "1"}
        assert flow.paid(notice={"key": "n", "order": "1"}) == {"order": "1"}
        assert tally().requests["sqs"] == before.requests["sqs"]
