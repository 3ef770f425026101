"""Money without an owner: booked, given back under its own number, or claimed by its order after all."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from tests import make


@pytest.fixture
def odd(shop, world):
    """A payment of another amount than its order's, in suspense; its case."""
    order = shop.place()
    payment = shop.payment(order, transaction_id="odd", amount_fen=4000)
    checkout.accept_payment(payment, now=world.now)
    return cases.find(payments.SUSPENSE, payments.suspense_key("wechat", "odd"))


@pytest.fixture
def in_main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


def journals(day="20261123"):
    return {one.event: dict(one.legs) for one in ledger.journals(tenant.MAIN, day)}


def balances():
    return {account: fen for account, fen in ledger.totals(map(list, _legs())).items() if fen}


def _legs():
    return [one.legs for one in ledger.journals(tenant.MAIN, "20261123")]


def test_it_goes_back_under_its_own_number_and_the_books_end_empty(odd, world, in_main):
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    assert world.run("refund") == []
    money = settlement.unowned("wechat", "odd")
    assert world.channel.refunds == {money.number: 4000}
    assert world.channel.refunds_asked == {(money.number, make.NOON)}
    assert (money.case.staff, money.case.settled_at) == ("admin", make.NOON)
    assert money.number in money.case.note
    assert balances() == {}
    assert set(journals()) == {"suspense", "suspense-back", "suspense-returned"}


def test_what_the_channel_does_not_confirm_is_asked_again_under_the_same_number(odd, world, in_main):
    world.channel.refund_state = "processing"
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    world.run("refund", rounds=2)
    assert world.sent_to("refund")[-1]["delay"] == 900
    assert cases.case(odd.case_id).settled_at is None
    world.channel.refund_state = "success"
    world.now += clock.DAY
    assert settlement.drive_all() == 1
    world.run("refund")
    assert cases.case(odd.case_id).settled_at == world.now
    assert len(world.channel.refunds) == 1
    assert balances() == {}
    assert settlement.drive_all() == 0


def test_however_long_a_channel_refuses_each_hour_asks_it_once(odd, world, in_main):
    world.channel.down = True
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    world.now += 2 * 3600
    for _ in range(3):
        settlement.drive_all()
        before = len(world.sent_to("refund"))
        world.run("refund")
        assert len(world.sent_to("refund")) == before, "no message brings another one for ever"


@pytest.mark.parametrize(
    ("state", "later", "why"),
    [("closed", 0, "渠道关闭了这笔退回"), ("processing", 7 * clock.DAY, "渠道七天没有办成这笔退回")],
)
def test_what_the_channel_does_not_bring_about_is_a_person_s_again_and_may_be_tried_once_more(
    odd, world, in_main, state, later, why
):
    world.channel.refund_state = state
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    world.now += later
    assert world.run("refund") == []
    stopped = cases.case(odd.case_id)
    assert (stopped.begun, stopped.settled_at, stopped.facts["stopped"]) == ("", None, why)
    assert settlement.drive_all() == 0
    world.channel.refund_state = "success"
    settlement.give_back(odd.case_id, staff="other", now=world.now)
    assert world.run("refund") == []
    assert cases.case(odd.case_id).staff == "other"


def test_two_people_give_it_back_once(odd, world, in_main):
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    with pytest.raises(errors.Conflict):
        settlement.give_back(odd.case_id, staff="other", now=world.now)
    for _ in range(3):
        make.work("refund", [{"site": tenant.MAIN, "case": odd.case_id}])
    assert len(world.channel.refunds) == 1
    assert balances() == {}


def test_a_channel_that_is_down_settles_nothing(odd, world, in_main):
    world.channel.down = True
    settlement.give_back(odd.case_id, staff="admin", now=world.now)
    world.run("refund", rounds=1)
    assert cases.case(odd.case_id).settled_at is None


def test_money_in_another_currency_is_given_back_by_hand(shop, world, in_main):
    order = shop.place()
    checkout.accept_payment(shop.payment(order, transaction_id="usd", currency="USD"), now=world.now)
    money = settlement.unowned("wechat", "usd")
    settlement.book_unowned(money)
    assert journals() == {}
    with pytest.raises(errors.Invalid):
        settlement.give_back(money.case.case_id, staff="admin", now=world.now)


@pytest.mark.parametrize("booked", [False, True])
def test_a_payment_whose_order_turned_up_is_claimed(shop, world, in_main, monkeypatch, booked):
    order = shop.place()
    payment = shop.payment(order)
    payments.suspend(payment, "unknown order", now=world.now)
    money = settlement.unowned("wechat", payment.transaction_id)
    if booked:
        settlement.book_unowned(money)
    assert settlement.claim(money.case.case_id, staff="admin", now=world.now).number == order.number
    assert shop.order(order.number).transaction == payment.transaction_id
    assert order.number in cases.case(money.case.case_id).note
    assert balances() == {}
    with pytest.raises(errors.Conflict):
        settlement.claim(money.case.case_id, staff="admin", now=world.now)


def test_what_one_person_claims_another_does_not_give_back_meanwhile(shop, world, in_main, monkeypatch):
    order = shop.place()
    payment = shop.payment(order)
    payments.suspend(payment, "unknown order", now=world.now)
    case_id = settlement.unowned("wechat", payment.transaction_id).case.case_id
    really_accept = checkout.accept_payment

    def accept(payment, *, now):
        with pytest.raises(errors.Conflict):
            settlement.give_back(case_id, staff="other", now=now)
        really_accept(payment, now=now)

    monkeypatch.setattr(checkout, "accept_payment", accept)
    settlement.claim(case_id, staff="admin", now=world.now)
    world.run("refund")
    assert world.channel.refunds == {}


def test_who_dies_while_claiming_claims_again(shop, world, in_main, monkeypatch):
    order = shop.place()
    payment = shop.payment(order)
    payments.suspend(payment, "unknown order", now=world.now)
    case_id = settlement.unowned("wechat", payment.transaction_id).case.case_id
    with monkeypatch.context() as patches:
        patches.setattr(cases, "settle", lambda *_asked, **_more: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            settlement.claim(case_id, staff="admin", now=world.now)
    assert settlement.claim(case_id, staff="other", now=world.now).number == order.number
    assert cases.case(case_id).staff == "other"


def test_a_second_payment_is_claimed_and_goes_back(shop, world, in_main):
    order = shop.place()
    shop.pay(order)
    second = shop.payment(order, transaction_id="second")
    payments.suspend(second, "unknown order", now=world.now)
    money = settlement.unowned("wechat", "second")
    settlement.claim(money.case.case_id, staff="admin", now=world.now)
    world.run("fulfil", "refund")
    with tenant.acting_for(shop.site):
        assert [todo.done_at for todo in orders.todos_named(shop.site, "D", closed=True)] == [world.now]


def test_a_payment_that_still_fits_nothing_stays_where_it_is(odd, world, in_main):
    with pytest.raises(settlement.FitsNothing):
        settlement.claim(odd.case_id, staff="admin", now=world.now)
    assert cases.case(odd.case_id).settled_at is None
    settlement.give_back(odd.case_id, staff="admin", now=world.now)


def test_a_number_that_names_no_site_fits_nothing(shop, world, in_main):
    payment = make.replace(shop.payment(shop.place()), out_trade_no="Hello")
    checkout.accept_payment(payment, now=world.now)
    money = settlement.unowned("wechat", payment.transaction_id)
    with pytest.raises(settlement.FitsNothing):
        settlement.claim(money.case.case_id, staff="admin", now=world.now)


def test_a_case_of_another_kind_is_no_money(world, in_main):
    cases.open("difference", "k", why="w", facts={}, action="a", now=world.now)
    case_id = cases.id_of("difference", "k")
    with pytest.raises(errors.NotFound):
        settlement.give_back(case_id, staff="admin", now=world.now)
    assert settlement.unowned_of(f"S{case_id.upper()}") is None
    assert settlement.unowned_of("S" + "0" * 20) is None
    assert settlement.unowned("wechat", "none") is None


def test_a_case_that_nobody_set_going_is_left_alone(odd, world, in_main):
    make.work("refund", [{"site": tenant.MAIN, "case": odd.case_id}])
    assert world.channel.refunds == {}
