"""Payments that fitted no order are heard again; an order's channel is asked."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import tenant
from chalicelib.orders.model import OrderRow
from chalicelib.orders.rules import partition
from chalicelib.payments import service as payments


@pytest.fixture
def lost(shop, world):
    """A payment that came while its order could not be found, which is there again."""
    order = shop.place()
    payment = shop.payment(order)
    with tenant.acting_for(shop.site):
        rows = OrderRow.of(shop.site)
        row = rows.read(partition(order.number), order.number)
        row.delete()
    with tenant.acting_for(tenant.MAIN):
        checkout.accept_payment(payment, now=world.now)
    with tenant.acting_for(shop.site):
        row.insert()
    return order.number, cases.open_ones(kind=payments.SUSPENSE)[0].case_id


def test_payments_in_suspense_are_listed(cardmesh, lost):
    (row,) = cardmesh("replay list --json").rows
    assert (row["case"], row["channel"], row["yuan"]) == (lost[1], "wechat", "49.50")
    assert row["number there"].startswith(lost[0])


def test_a_payment_is_heard_again_and_its_order_delivered(cardmesh, lost, shop, world):
    number, case = lost
    said = cardmesh(f"replay callback {case} --by ann", typed="y\n")
    assert "Order: pending" in said.out
    assert "amount        49.50 yuan\n" in said.out
    assert "paid_at       2026-11-23 12:00:00\n" in said.out
    assert f"The payment is that of order {number}, which is paid." in said.out
    world.run("fulfil", "settle")
    assert shop.order(number).status == "delivered"
    assert cases.case(case).staff == "ann"
    again = cardmesh(f"replay callback {case} --yes")
    assert (again.code, shop.order(number).status) == (3, "delivered")


def test_a_rehearsal_hears_nothing(cardmesh, lost, shop):
    number, case = lost
    assert cardmesh(f"replay callback {case} --dry-run").code == 0
    assert (shop.order(number).status, cases.case(case).begun) == ("pending", "")


def test_a_payment_that_still_fits_nothing_stays_in_suspense(cardmesh, world):
    with tenant.acting_for(tenant.MAIN):
        payment = world.channel.as_({"channel": "wechat"})
        world.channel.trades["unknown"] = {"amount": 100, "state": "paid"}
        checkout.accept_payment(payment.paid("unknown"), now=world.now)
    case = cases.open_ones(kind=payments.SUSPENSE)[0].case_id
    said = cardmesh(f"replay callback {case} --yes")
    assert "Order: there is none of that number" in said.out
    assert (said.code, said.wrong) == (3, "This payment still fits no order.\n")
    assert cardmesh("replay callback 0").code == 3


def test_an_order_whose_notification_was_lost_is_asked_about(cardmesh, shop, world):
    order = shop.place()
    world.channel.trades[f"{order.number}01"] = {"amount": order.channel_fen, "state": "paid"}
    world.run("timer")
    said = cardmesh(f"replay order {order.number} --yes")
    assert "is pending; wechat would be asked" in said.out
    world.run()
    assert shop.order(order.number).status == "delivered"


def test_no_order_is_asked_about_in_a_rehearsal_or_where_there_is_none(cardmesh, shop, world):
    order = shop.place()
    world.messages("timer")
    assert cardmesh(f"replay order {order.number} --dry-run").code == 0
    assert world.messages("timer") == []
    for number in ("nonsense", "0" * 28):
        assert cardmesh(f"replay order {number} --yes").code == 3
