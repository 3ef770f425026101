import itertools

import pytest

from chalicelib.payments import gateways
from tests.sandbox import shop as shops
from tests.sandbox.shop import until

COUNT = itertools.count(1)
CHANNELS = pytest.mark.parametrize("channel", ["wechat", "alipay", "unionpay", "ecny"])


@pytest.fixture
def order_no():
    return shops.order_no(next(COUNT))


def paid_with(shop, order_no, channel, **plan):
    shop.open(order_no + "1", channel)
    answer = shop.post("/faults", plan)
    assert (answer.status_code, answer.json()) == (200, plan)
    return shop.pay(order_no)


@CHANNELS
def test_without_a_plan_one_notification_is_sent_at_once(shop, order_no, channel):
    assert len(paid_with(shop, order_no, channel)["notifications"]) == 1
    assert shop.heard[0].host == f"main.localhost:{shop.port}"


@CHANNELS
def test_paying_again_sends_again_with_the_same_transaction(shop, order_no, channel):
    first = paid_with(shop, order_no, channel)
    second = shop.pay(order_no)
    assert first["transaction_id"] == second["transaction_id"]
    assert len(second["notifications"]) == 2
    assert len({(told.transaction_id, told.event_id) for told in shop.payments}) == 1


@CHANNELS
def test_duplicates_come_one_after_the_other(shop, order_no, channel):
    paid_with(shop, order_no, channel, duplicate=3)
    calls = sorted((heard.started, heard.ended) for heard in shop.heard)
    assert len(shop.payments) == 4
    assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(calls))


@CHANNELS
def test_concurrent_duplicates_overlap(shop, order_no, channel):
    shop.pause = 0.3
    paid_with(shop, order_no, channel, concurrent=5)
    assert len(shop.payments) == 6
    assert max(heard.started for heard in shop.heard) < min(heard.ended for heard in shop.heard)


@CHANNELS
def test_a_dropped_notification_is_never_heard(shop, order_no, channel):
    receipt = paid_with(shop, order_no, channel, drop=True)
    assert receipt["notifications"][0]["status"] is None
    until(lambda: len(_sent(shop, order_no)) > 3)
    assert shop.heard == []
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock())


@CHANNELS
def test_after_the_first_drops_the_repeat_arrives(shop, order_no, channel):
    paid_with(shop, order_no, channel, drop=2)
    until(lambda: shop.payments)
    assert [sent["status"] for sent in _sent(shop, order_no)][:2] == [None, None]


@CHANNELS
def test_a_wrong_amount_is_told_and_the_books_know_better(shop, order_no, channel):
    paid_with(shop, order_no, channel, wrong_amount=True)
    assert shop.payments[0].amount_fen == 4949
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock()).amount_fen == 4950


@CHANNELS
def test_a_wrong_amount_can_be_chosen(shop, order_no, channel):
    paid_with(shop, order_no, channel, wrong_amount=1)
    assert [told.amount_fen for told in shop.payments] == [1]


@CHANNELS
def test_a_bad_signature_is_refused_and_the_repeat_is_genuine(shop, order_no, channel):
    receipt = paid_with(shop, order_no, channel, bad_signature=True)
    assert receipt["notifications"][0]["status"] == 400
    until(lambda: shop.payments)
    assert len(shop.refusals) == 1
    assert shop.payments[0].amount_fen == 4950


@pytest.mark.parametrize("fault", ["stale_timestamp", "signtest"])
def test_what_only_wechat_can_get_wrong(shop, order_no, fault):
    paid_with(shop, order_no, "wechat", **{fault: True})
    until(lambda: shop.payments)
    assert shop.refusals == [{"stale_timestamp": "the timestamp is not of now", "signtest": "a probe"}[fault]]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("forged", "a certificate of another authority"),
        ("stranger", "a certificate of somebody else"),
        ("expired", "a certificate is not valid now"),
    ],
)
def test_what_only_unionpay_can_get_wrong(shop, order_no, fault, reason):
    paid_with(shop, order_no, "unionpay", certificate=fault)
    until(lambda: shop.payments)
    assert shop.refusals == [reason]


@CHANNELS
def test_somebody_else_s_payment_is_told_as_theirs(shop, order_no, channel):
    paid_with(shop, order_no, channel, wrong_merchant=True)
    ours = shop.gateways[channel].merchant
    assert [told.merchant for told in shop.payments] == [ours[::-1]]
    assert shop.gateways[channel].query(order_no + "1", now=shop.clock()).merchant == ours


@CHANNELS
def test_a_delayed_notification_comes_later(shop, order_no, channel):
    assert paid_with(shop, order_no, channel, delay_seconds=0.2)["notifications"] == []
    until(lambda: shop.payments)


@CHANNELS
def test_what_is_not_acknowledged_is_sent_again_until_it_is(shop, order_no, channel):
    shop.deaf = 3
    paid_with(shop, order_no, channel)
    until(lambda: any(sent["acked"] for sent in _sent(shop, order_no)))
    assert [sent["acked"] for sent in _sent(shop, order_no)] == [False, False, False, True]


def test_a_plan_ends_after_its_times(shop, order_no):
    shop.open(order_no + "1")
    shop.post("/faults", {"duplicate": 1, "times": 2})
    counts = [len(shop.pay(order_no)["notifications"]) for _ in range(4)]
    assert counts == [2, 4, 5, 6]
    assert shop.post("/faults", {}).json() == {}


def test_a_plan_for_another_channel_or_order_does_not_count(shop, order_no):
    shop.open(order_no + "1")
    for elsewhere in ({"channel": "alipay"}, {"order_no": "OTHER"}):
        shop.post("/faults", {"drop": True, "times": 1, **elsewhere})
        shop.pay(order_no)
        assert shop.sandbox.faults.view()["times"] == 1
    assert len(shop.payments) == 2


@pytest.mark.parametrize(
    "plan",
    [
        {"nonsense": 1},
        {"duplicate": -1},
        {"duplicate": True},
        {"duplicate": "3"},
        {"drop": "yes"},
        {"bad_signature": 1},
        {"delay_seconds": None},
        {"delay_seconds": -1},
        {"refund": ["fail"]},
        {"refund": "later"},
        {"times": 1.5},
        {"channel": "cash"},
        {"certificate": "blank"},
        {"wrong_merchant": 1},
        {"order_no": ""},
    ],
    ids=str,
)
def test_a_plan_that_makes_no_sense_is_refused_by_name(shop, plan):
    shop.post("/faults", {"duplicate": 1})
    answer = shop.post("/faults", plan)
    assert answer.status_code == 422
    assert next(iter(plan)) in answer.json()["detail"]
    assert shop.sandbox.faults.view() == {"duplicate": 1}


def test_a_refund_at_alipay_is_announced_too(shop, order_no):
    paid_with(shop, order_no, "alipay")
    shop.gateways["alipay"].refund(
        order_no + "1",
        out_refund_no="R1",
        amount_fen=1,
        total_fen=4950,
        reason="",
        asked_at=shop.clock(),
        now=shop.clock(),
    )
    until(lambda: len(shop.heard) == 2)
    assert shop.heard[1].outcome.refund == gateways.Refund("R1", "success")
    until(lambda: [sent["kind"] for sent in _sent(shop, order_no)] == ["payment", "refund"])


def test_a_certificate_may_change_while_orders_are_open(shop, order_no):
    shop.open(order_no + "1")
    shop.post("/faults", {"rotated": True})
    shop.pay(order_no)
    assert len(shop.payments) == 1
    assert shop.gateways["wechat"].query(order_no + "1", now=shop.clock())


def _sent(shop, order_no):
    (trade,) = [row for row in shop.books()["trades"] if row["out_trade_no"].startswith(order_no)]
    return trade["notifications"]
