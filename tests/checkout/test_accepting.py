import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import errors, log
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")


def suspense():
    found = [(case, case.facts) for case in cases.open_ones(kind="suspense")]
    return [(case.key, case.why, facts["out_trade_no"], int(facts["amount_fen"])) for case, facts in found]


def accept(world, payment):
    checkout.accept_payment(payment, now=world.now)


def expire(shop, world, order):
    world.now = order.expires_at
    shop.drive(order)
    assert shop.order(order.number).status == "expired"
    stock.fold(shop.owner, shop.goods_id, now=world.now)


def sell_all(shop):
    """Others take everything that is left."""
    stock.claim(shop.owner, shop.goods_id, shop.free(), now=make.NOON)


@pytest.fixture
def alarms(monkeypatch):
    raised = []
    monkeypatch.setattr(log, "alarm", lambda name, **_fields: raised.append(name))
    return raised


def test_a_payment_is_recorded_and_delivery_asked_for(shop, world):
    order = shop.place()
    shop.pay(order)
    paid = shop.order(order.number)
    assert (paid.status, paid.transaction, paid.paid_at) == ("paid", f"t{order.number}01", make.NOON)
    assert world.sent_to("fulfil") == [{"site": shop.site, "order": order.number}]


def test_a_repeat_asks_for_delivery_again_until_it_is_delivered(shop, world):
    order = shop.place()
    for _ in range(3):
        shop.pay(order)
    assert len(world.sent_to("fulfil")) == 3
    world.run("fulfil")
    delivered = shop.order(order.number)
    shop.pay(order)
    world.run("fulfil", "refund")
    assert shop.order(order.number) == delivered
    assert len(world.sent_to("fulfil")) == 3
    assert world.channel.refunds == {}


def test_another_payment_of_the_same_order_goes_back_once(shop, world):
    order = shop.place()
    shop.pay(order)
    for _ in range(3):
        shop.pay(order, transaction_id="again")
        world.run("fulfil", "refund")
    (number,) = world.channel.refunds
    assert number.startswith(f"{order.number}D")
    assert len(number) <= 64
    assert world.channel.refunds[number] == order.amount_fen
    assert shop.order(order.number).status == "delivered"
    assert orders.todos_of(shop.site, order.number) == []


def test_two_payments_at_once_leave_one_payer(shop, world, monkeypatch):
    """The second notification read the order while the first was still moving it."""
    order = shop.place()
    first, second = shop.payment(order), shop.payment(order, transaction_id="again")
    really = orders.pay

    def overtaken(site, number, receipt, *, now):
        monkeypatch.setattr(orders, "pay", really)
        accept(world, first)
        return really(site, number, receipt, now=now)

    monkeypatch.setattr(orders, "pay", overtaken)
    accept(world, second)
    world.run("fulfil", "refund")
    assert shop.order(order.number).transaction == first.transaction_id
    assert list(world.channel.refunds.values()) == [order.amount_fen]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount_fen": 1}, "金额或商户号与订单不符"),
        ({"merchant": "malipay"}, "金额或商户号与订单不符"),
        ({"channel": "alipay"}, "金额或商户号与订单不符"),
        ({"currency": "USD"}, "付款币种不是人民币"),
    ],
)
@pytest.mark.parametrize("state", ["pending", "paid", "expired"])
def test_a_payment_that_fits_no_order_is_kept_once_and_the_order_left_alone(
    shop, world, alarms, change, why, state
):
    order = shop.place()
    if state == "paid":
        shop.pay(order)
    if state == "expired":
        expire(shop, world, order)
    before = shop.order(order.number)
    payment = shop.payment(order, transaction_id="odd", **change)
    payment = make.replace(payment, paid_at=make.NOON)
    for _ in range(2):
        accept(world, payment)
    assert suspense() == [(f"{payment.channel}#odd", why, payment.out_trade_no, payment.amount_fen)]
    assert alarms == ["cases.opened"]
    assert shop.order(order.number) == before
    world.run("fulfil", "refund")
    assert world.channel.refunds == {}


@pytest.mark.parametrize(
    "number",
    [
        "ZZZZ" + "0" * 26,  # no such site
        "short",
        "?" * 30,
        "0" * 28 + "xx",
        "",
    ],
)
def test_a_payment_for_no_number_of_ours_is_kept(shop, world, number):
    payment = make.replace(shop.payment(shop.place()), out_trade_no=number)
    accept(world, payment)
    assert [(why, text) for _, why, text, _ in suspense()] == [("商户订单号不是本平台的订单号", number)]


def test_a_payment_for_an_order_never_put_is_kept(shop, world):
    payment = shop.payment(shop.place())
    unknown = make.replace(
        payment, out_trade_no=shop.site.upper() + payment.out_trade_no[4:12] + "0" * 16 + "01"
    )
    accept(world, unknown)
    assert [why for _, why, _, _ in suspense()] == ["查无此订单"]


def test_late_money_gets_new_codes_where_some_are_left(shop, world):
    order = shop.place(quantity=2)
    expire(shop, world, order)
    world.now += 60
    shop.pay(order)
    late = shop.order(order.number)
    assert (late.status, late.late, late.ranges) == ("paid", True, ())
    world.run("fulfil", "settle")
    delivered = shop.order(order.number)
    assert delivered.status == "delivered"
    assert len(set(fulfilment.codes_of(delivered))) == 2
    assert shop.free() == 8
    assert "paid_late" in [step.what for step in delivered.progress]


def test_late_money_goes_back_where_nothing_is_left(shop, world):
    order = shop.place(quantity=2)
    expire(shop, world, order)
    sell_all(shop)
    shop.pay(order)
    world.run("fulfil", "refund", "settle")
    refunded = shop.order(order.number)
    assert (refunded.status, refunded.why) == ("refunded", "sold out")
    assert world.channel.refunds == {f"{order.number}01R1": order.amount_fen}


def test_the_old_hold_of_a_late_order_comes_back_exactly_once(shop, world, monkeypatch):
    """The process that expired it died before it gave the hold back."""
    order = shop.place(quantity=2)
    orders.move(shop.site, order.number, "expired", now=make.NOON + 900)
    world.now += 1000
    for _ in range(2):
        shop.pay(order)
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert shop.free() == 10
    world.run("fulfil")
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert shop.free() == 8


def test_late_money_that_two_runs_accept_is_accepted_once(shop, world, monkeypatch):
    order = shop.place()
    expire(shop, world, order)
    payment = shop.payment(order)
    really = orders.revive

    def overtaken(expired, receipt, *, now):
        monkeypatch.setattr(orders, "revive", really)
        accept(world, payment)
        return really(expired, receipt, now=now)

    monkeypatch.setattr(orders, "revive", overtaken)
    accept(world, payment)
    world.run("fulfil", "refund")
    assert shop.order(order.number).status == "delivered"
    assert (shop.free(), world.channel.refunds) == (9, {})


def test_two_different_late_payments_at_once_make_the_second_come_again(shop, world, monkeypatch):
    order = shop.place()
    expire(shop, world, order)
    first, second = shop.payment(order), shop.payment(order, transaction_id="again")
    really = orders.revive

    def overtaken(expired, receipt, *, now):
        monkeypatch.setattr(orders, "revive", really)
        accept(world, first)
        return really(expired, receipt, now=now)

    monkeypatch.setattr(orders, "revive", overtaken)
    with pytest.raises(orders.WrongState):
        accept(world, second)
    accept(world, second)
    world.run("fulfil", "refund")
    assert shop.order(order.number).transaction == first.transaction_id
    assert list(world.channel.refunds.values()) == [order.amount_fen]


def test_a_payment_that_meets_an_order_in_motion_is_asked_for_again(shop, world, monkeypatch):
    """It was refused, and yet the order stands as if it should not have been."""
    order = shop.place()

    def refused(*_named, **_fields):
        raise orders.WrongState(order)

    monkeypatch.setattr(orders, "pay", refused)
    with pytest.raises(errors.Conflict):
        accept(world, shop.payment(order))


def test_the_first_of_two_channels_may_still_be_paid(shop, world):
    order = shop.place()
    checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
    accept(world, shop.payment(order, index=1))
    assert shop.order(order.number).channel == "wechat"
