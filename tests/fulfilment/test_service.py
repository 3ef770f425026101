import logging
from collections import Counter

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")


@pytest.fixture
def by_hand(shop):
    """Goods that a person delivers."""
    goods = make.make_goods(way="manual", kind="service")
    catalog.publish(shop.site, now=make.NOON)
    catalog.forget()
    return goods.goods_id


def paid(shop, **ask):
    order = shop.place(**ask)
    shop.pay(order)
    return shop.order(order.number)


def deliver(shop, order):
    fulfilment.deliver(shop.site, order.number, now=shop.world.now)
    return shop.order(order.number)


def write(shop, order, text="KEY-1\nKEY-2", staff="an"):
    return fulfilment.deliver_by_hand(shop.site, order.number, text, staff=staff, now=shop.world.now)


def refund(shop, order, reason="no longer made"):
    fulfilment.refund_instead(shop.site, order.number, reason=reason, staff="an", now=shop.world.now)
    return shop.order(order.number)


def fold(shop):
    stock.fold(shop.owner, shop.goods_id, now=shop.world.now)


def test_a_paid_order_gets_the_codes_it_held(shop, world):
    order = paid(shop, quantity=3)
    assert fulfilment.codes_of(order) == []
    delivered = deliver(shop, order)
    assert (delivered.status, delivered.ranges) == ("delivered", order.ranges)
    assert len(set(fulfilment.codes_of(delivered))) == 3
    assert world.sent_to("settle") == [{"site": shop.site, "order": order.number}]


def test_every_code_goes_to_one_order_only(shop):
    delivered = [deliver(shop, paid(shop, quantity=2)) for _ in range(5)]
    assert len({code for order in delivered for code in fulfilment.codes_of(order)}) == 10


def test_a_message_that_comes_again_delivers_nothing_twice_and_settles_again(shop, world):
    delivered = deliver(shop, paid(shop))
    assert deliver(shop, delivered) == delivered
    assert len(world.sent_to("settle")) == 2
    assert shop.free() == 9


@pytest.mark.parametrize("state", ["pending", "expired", "refunded", "review"])
def test_an_order_in_another_state_is_left_alone(shop, world, state):
    order = shop.place()
    if state == "expired":
        orders.move(shop.site, order.number, "expired", now=make.NOON)
    if state in ("refunded", "review"):
        shop.pay(order)
        orders.move(shop.site, order.number, "refunding", now=make.NOON)
        orders.move(shop.site, order.number, state, now=make.NOON)
    world.sent.clear()
    assert deliver(shop, order).status == state
    assert world.sent == []


def test_a_refund_whose_message_was_lost_is_asked_for_again(shop, world):
    order = paid(shop)
    orders.move(shop.site, order.number, "refunding", now=make.NOON)
    deliver(shop, order)
    assert world.sent_to("refund") == [{"site": shop.site, "order": order.number}]


def late(shop, **ask):
    """An order paid after it had expired: it holds nothing."""
    order = shop.place(**ask)
    shop.world.now = order.expires_at
    shop.drive(order)
    fold(shop)
    shop.pay(order)
    return shop.order(order.number)


def test_an_order_that_finds_nothing_left_is_refunded(shop, world):
    order = late(shop, quantity=2)
    shop.place(quantity=9)
    refunding = deliver(shop, order)
    assert (refunding.status, refunding.why, fulfilment.codes_of(refunding)) == ("refunding", "sold out", [])
    world.run("refund")
    assert shop.order(order.number).status == "refunded"
    fold(shop)
    assert shop.free() == 1


def test_an_order_too_old_for_the_audit_to_see_is_refunded(shop, world):
    order = late(shop)
    world.now = order.placed_at + checkout.CLAIM_WITHIN + 1
    assert deliver(shop, order).why == "too late"
    assert shop.free() == 10


def test_an_order_that_still_holds_its_codes_is_delivered_however_late(shop, world):
    order = paid(shop)
    world.now = order.placed_at + checkout.CLAIM_WITHIN + 1
    assert deliver(shop, order).status == "delivered"


def race(monkeypatch, between):
    """Let something happen after the claim and before the order is moved."""
    really = orders.deliver

    def overtaken(order, ranges, *, now, ref=None):
        monkeypatch.setattr(orders, "deliver", really)
        between()
        return really(order, ranges, now=now, ref=ref)

    monkeypatch.setattr(orders, "deliver", overtaken)


def test_two_deliveries_at_once_leave_one_and_the_surplus_comes_back(shop, monkeypatch):
    order = late(shop, quantity=2)
    race(monkeypatch, lambda: deliver(shop, order))
    delivered = deliver(shop, order)
    assert (delivered.status, len(fulfilment.codes_of(delivered))) == ("delivered", 2)
    fold(shop)
    assert shop.free() == 8


def test_two_deliveries_of_one_hold_give_nothing_back(shop, world, monkeypatch):
    order = paid(shop, quantity=2)
    race(monkeypatch, lambda: deliver(shop, order))
    assert deliver(shop, order).ranges == order.ranges
    assert len(world.sent_to("settle")) == 2
    fold(shop)
    assert shop.free() == 8


def test_a_delivery_overtaken_by_a_refund_shows_nothing(shop, world, monkeypatch):
    order = paid(shop, quantity=2)
    race(monkeypatch, lambda: refund(shop, order))
    stopped = deliver(shop, order)
    assert (stopped.status, fulfilment.codes_of(stopped)) == ("refunding", [])
    world.run("refund")
    fold(shop)
    assert (shop.free(), shop.order(order.number).status) == (10, "refunded")


def test_a_late_delivery_overtaken_by_a_refund_returns_its_claim(shop, world, monkeypatch):
    order = late(shop, quantity=2)
    race(monkeypatch, lambda: refund(shop, order))
    assert deliver(shop, order).status == "refunding"
    fold(shop)
    assert shop.free() == 10


@pytest.mark.parametrize(("make_order", "free"), [(late, 10), (paid, 9)])
def test_a_delivery_of_an_order_that_vanished_returns_its_own_claim_only(shop, monkeypatch, make_order, free):
    order = make_order(shop)

    def gone(*_named, **_fields):
        raise orders.WrongState(None)

    monkeypatch.setattr(orders, "deliver", gone)
    deliver(shop, order)
    fold(shop)
    assert shop.free() == free


def test_goods_by_hand_wait_for_a_person_whose_text_the_shopper_gets(shop, world, by_hand):
    order = deliver(shop, paid(shop, goods_id=by_hand))
    assert (order.status, fulfilment.codes_of(order)) == ("review", [])
    delivered = write(shop, order, "  KEY-1\nKEY-2\n")
    assert (delivered.status, fulfilment.codes_of(delivered)) == ("delivered", ["KEY-1", "KEY-2"])
    assert {m["order"] for m in world.sent_to("settle")} == {order.number}


def test_a_delivery_by_hand_that_died_after_the_move_is_settled_all_the_same(
    shop, world, by_hand, monkeypatch
):
    order = deliver(shop, paid(shop, goods_id=by_hand))
    really = orders.deliver

    def dies(*named, **fields):
        really(*named, **fields)
        raise SystemExit

    monkeypatch.setattr(orders, "deliver", dies)
    with pytest.raises(SystemExit):
        write(shop, order)
    assert shop.order(order.number).status == "delivered"
    (message,) = world.sent_to("settle")
    assert message == {"site": shop.site, "order": order.number, "delay": 60}
    assert make.work("settle", [message]) == []
    (journal,) = ledger.journals(shop.site, make.clock.day_of(make.NOON))
    assert (journal.number, journal.event) == (order.number, "sale")


def test_an_order_handed_over_twice_waits_once(shop, by_hand, monkeypatch):
    order = paid(shop, goods_id=by_hand)
    fulfilment._hand_over(order, make.NOON)
    fulfilment._hand_over(order, make.NOON + 9)
    steps = shop.order(order.number).progress
    assert [step.at for step in steps if step.what == "review"] == [make.NOON]


def test_of_two_people_writing_at_once_the_first_ones_text_counts(shop, by_hand, monkeypatch):
    order = deliver(shop, paid(shop, goods_id=by_hand))
    race(monkeypatch, lambda: write(shop, order, "FIRST"))
    with pytest.raises(orders.WrongState):
        write(shop, order, "SECOND", staff="bo")
    assert fulfilment.codes_of(shop.order(order.number)) == ["FIRST"]
    with pytest.raises(orders.WrongState):
        write(shop, order, "THIRD")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001])
def test_nothing_and_too_much_are_no_delivery(shop, by_hand, text):
    order = deliver(shop, paid(shop, goods_id=by_hand))
    with pytest.raises(fulfilment.EmptyDelivery):
        write(shop, order, text)
    assert shop.order(order.number).status == "review"


def test_only_an_order_in_review_is_delivered_by_hand(shop, by_hand):
    for order in (shop.place(goods_id=by_hand), paid(shop, goods_id=by_hand), paid(shop)):
        with pytest.raises(orders.WrongState) as refused:
            write(shop, order)
        assert refused.value.order.status == order.status


def test_an_order_that_has_codes_is_not_delivered_by_hand(shop):
    order = paid(shop)
    orders.move(shop.site, order.number, "review", now=make.NOON)
    with pytest.raises(orders.WrongState):
        write(shop, order)


def test_a_person_may_refund_instead(shop, by_hand, world):
    order = deliver(shop, paid(shop, goods_id=by_hand))
    refunding = refund(shop, order, "下架" * 30)
    assert refunding.status == "refunding"
    assert ("下架" * 30).startswith(refunding.why)
    world.run("refund")
    assert shop.order(order.number).status == "refunded"
    with pytest.raises(orders.WrongState):
        write(shop, order)


@pytest.mark.parametrize("state", ["pending", "delivered", "refunding", "refunded"])
def test_nothing_else_can_be_refunded_by_a_person(shop, world, state):
    order = shop.place()
    if state != "pending":
        shop.pay(order)
    if state == "delivered":
        deliver(shop, order)
    if state in ("refunding", "refunded"):
        refund(shop, order)
    if state == "refunded":
        world.run("refund")
    before = dict(world.channel.refunds)
    with pytest.raises(orders.WrongState):
        refund(shop, order)
    world.run("refund")
    assert shop.order(order.number).status == {"refunding": "refunded"}.get(state, state)
    assert world.channel.refunds == (
        before or ({f"{order.number}01R1": 4950} if state == "refunding" else {})
    )


def test_a_refund_overtaken_by_a_delivery_moves_no_money(shop, world, monkeypatch):
    order = deliver(shop, paid(shop))
    stale = make.replace(order, status="paid")
    monkeypatch.setattr(orders, "order", lambda *_: stale)
    with pytest.raises(orders.WrongState):
        refund(shop, order)
    monkeypatch.undo()
    assert [todo.what for todo in orders.todos_of(shop.site, order.number)] == ["refund"]
    make.work("refund", [{"site": shop.site, "order": order.number}])
    assert orders.todos_of(shop.site, order.number) == []
    assert (shop.order(order.number).status, world.channel.refunds) == ("delivered", {})


@pytest.fixture
def counted(caplog):
    """What CloudWatch counts of the lines written so far, by name; what is zero is left out."""
    caplog.set_level(logging.INFO, "cardmesh")

    def sums():
        total = Counter()
        for line in (vars(record) for record in caplog.records):
            for metrics in line.get("_aws", {}).get("CloudWatchMetrics", []):
                total.update({each["Name"]: line[each["Name"]] for each in metrics["Metrics"]})
        return dict(+total)

    return sums


def test_a_delivery_is_counted_and_so_is_one_that_came_late(shop, world, counted):
    deliver(shop, paid(shop))
    assert counted() == {"OrdersPlaced": 1, "OrdersPaid": 1, "Delivered": 1}
    order = paid(shop)
    world.now = order.paid_at + fulfilment.PROMISED + 1
    deliver(shop, order)
    assert counted()["DeliveredLate"] == 1
    assert counted()["DeliverySeconds"] == fulfilment.PROMISED + 1


def test_an_order_paid_and_given_back_is_counted_as_never_delivered(shop, counted):
    order = late(shop, quantity=2)
    shop.place(quantity=9)
    for _ in range(2):
        deliver(shop, order)
    assert counted() == {"OrdersPlaced": 2, "OrdersPaid": 1, "Undelivered": 1}


def test_what_a_person_delivers_is_counted_when_it_is_handed_over_and_against_an_hour(
    shop, world, by_hand, counted
):
    handed = [deliver(shop, paid(shop, goods_id=by_hand)) for _ in range(2)]
    assert counted()["HandedOver"] == 2
    world.now += 3600
    write(shop, handed[0])
    world.now += 1
    write(shop, handed[1])
    assert (counted()["DeliveredByHand"], counted()["DeliveredByHandLate"]) == (2, 1)
    assert "Delivered" not in counted()


def test_the_worker_delivers_what_messages_name(shop):
    order = paid(shop)
    ghost = {"site": shop.site, "order": f"{shop.site.upper()}{'0' * 24}"}
    assert make.work("fulfil", [{"site": shop.site, "order": order.number}, ghost]) == [ghost]
    assert shop.order(order.number).status == "delivered"
