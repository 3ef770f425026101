"""The bill adds up: every step is on it, and nothing costs less for being asked more often."""

from dataclasses import replace

import pytest

from bench import cost, order, prices, shop

COUNTS = {
    "password": 100e6,
    "functions": {
        name: {"start": 1e9, "warm": 5e6, "dynamodb": 1, "read": 0.5, "write": 0, "logged": 100}
        for name in {one.like for one in (*cost._CALLS, cost._WAITING)}
    },
}
SPENT = {name: shop.Tally() for name in order.STEPS} | {
    "place": shop.Tally(writes=2, reads=1),
    "walk": shop.Tally(reads=4),
}
STORED = 0.25


def bill(api_call=prices.REST_CALL):
    return cost._Bill(COUNTS, SPENT, api_call)


def row(step):
    return next(line for line in bill().rows(STORED) if line[0] == step)


def test_the_total_is_the_sum_of_the_steps():
    lines = [float(line[-1]) for line in bill().rows(STORED)]
    assert sum(lines[:-1]) == pytest.approx(lines[-1], abs=0.1)
    assert bill().total(STORED) == pytest.approx(lines[-1], abs=0.01)


def test_an_http_api_saves_the_difference_for_each_request():
    requests = sum(one.number for one in cost._CALLS if one.api)
    saved = bill().total(0) - bill(prices.HTTP_CALL).total(0)
    assert saved == pytest.approx(requests * 2.5)


def test_an_edge_answers_browsing_and_is_paid_for_every_request():
    requests = sum(one.number for one in cost._CALLS if one.api)
    browsing = sum(bill().of(one).all for one in cost._CALLS if one.edge)
    difference = bill().total(0) - bill().behind(0.8, 0)
    assert difference == pytest.approx(0.8 * browsing - 1.1 * requests)


def test_an_edge_can_answer_more_for_a_busy_site():
    shares = [cost.hits(orders) for orders in (0, 100, 1000, 100_000)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] < 1


def test_dynamodb_is_paid_by_units_of_the_whole_life():
    assert float(row("order")[4]) == pytest.approx(2 * 0.625 + 0.125, abs=0.005)
    assert float(row("windows, walks, audits, memory")[4]) == pytest.approx(4 * 0.125)
    assert float(row("browse")[4]) == pytest.approx(20 * 0.5 * 0.125)


def test_a_batch_shares_its_call_but_not_its_work():
    deliver = next(one for one in cost._CALLS if one.step == "deliver")
    alone, together = (bill().of(replace(deliver, batch=size)) for size in (1, 10))
    assert together.calls == alone.calls / 10
    assert alone.functions / 10 < together.functions < alone.functions


def test_every_function_of_the_bill_has_been_counted():
    kept = cost.json.loads(cost.KEPT.read_text())["functions"]
    assert {one.like for one in (*cost._CALLS, cost._WAITING)} <= kept.keys()
