"""An order as everybody but the table sees it."""

import pytest

from chalicelib.kit import errors, tenant, vault
from chalicelib.orders import record, rules
from chalicelib.orders import service as orders
from chalicelib.orders.model import OrderRow
from chalicelib.orders.rules import Attempt
from chalicelib.stock.service import Range
from tests import make


def whats(order):
    return [step.what for step in order.progress]


def test_an_order_reads_back_as_it_was_put_down(desk):
    ranges = (Range("cA", 0, 1), Range("cB", 7, 1))
    order = desk.put(ranges=ranges, goods_name="名" * 60)
    assert record.read(desk.site, order.number) == order
    assert (order.status, order.quantity, order.amount_fen, order.cost_fen) == ("pending", 2, 9900, 8000)
    assert order.ranges == ranges
    assert order.attempts == (Attempt(1, "wechat", "m1", "pc"),)
    assert order.goods_name == "名" * 32
    assert (order.member, order.paid_at, order.transaction, order.why, order.late) == (
        None,
        None,
        "",
        "",
        False,
    )


def test_an_unknown_order_is_not_found(desk):
    number = rules.make_number(desk.site, bytes(32), make.NOON)
    with pytest.raises(errors.NotFound):
        record.read(desk.site, number)


def test_a_site_cannot_read_anothers_orders(desk):
    order = desk.put()
    with tenant.acting_for("zzzz"), pytest.raises(tenant.ForeignSite):
        record.read(desk.site, order.number)


def test_a_contact_is_sealed_for_its_order_and_shown_masked(desk):
    order, other = desk.put(), desk.put()
    assert order.contact_masked == "buy****om"
    row = OrderRow.of(desk.site).read(rules.partition(order.number), order.number)
    assert b"buyer" not in row.contact
    with pytest.raises(vault.Unreadable):
        record.open_contact(desk.site, other.number, order.sealed_contact)


def test_the_progress_tells_each_step_in_its_time(desk):
    order = desk.put()
    assert whats(order) == ["placed"]
    order = desk.move(order, "paid", transaction="t1", paid_attempt=1)
    assert whats(order) == ["placed", "paid", "delivering"]
    desk.world.now += 5
    order = desk.move(order, "delivered")
    assert whats(order) == ["placed", "paid", "delivered"]
    assert [step.at for step in order.progress] == [order.placed_at, order.paid_at, order.delivered_at]


def test_money_that_came_late_is_told_after_the_expiry(desk):
    order = desk.move(desk.put(), "expired")
    desk.world.now += 5
    late = orders.revive(order, rules.Receipt(1, "wechat", "m1", 9900, "t1"), now=desk.world.now)
    assert whats(late) == ["placed", "expired", "paid_late", "delivering"]
    assert (late.late, late.closed_at, late.ranges) == (True, order.closed_at, ())


def test_a_refund_is_told_to_its_end(desk):
    order = desk.move(desk.put(), "paid", transaction="t1", paid_attempt=1)
    for to in ("review", "refunding", "refunded"):
        desk.world.now += 5
        order = desk.move(order, to)
    assert whats(order) == ["placed", "paid", "review", "refunding", "refunded"]
    assert order.refunded_at == desk.world.now


def test_the_channel_is_the_one_that_was_paid_or_else_the_last_one_tried(desk):
    order = desk.put()
    assert order.channel == "wechat"
    order = orders.add_attempt(order, Attempt(2, "alipay", "m2", "pc"))
    assert order.channel == "alipay"
    assert desk.move(order, "paid", transaction="t1", paid_attempt=1).channel == "wechat"
