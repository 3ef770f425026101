import pytest

from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, log, outbound, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import rules
from chalicelib.settlement import service as settlement
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")


@pytest.fixture
def alarms(monkeypatch):
    raised = []
    monkeypatch.setattr(log, "alarm", lambda name, **_fields: raised.append(name))
    return raised


@pytest.fixture
def refunding(shop):
    """An order on its way back to its payer."""
    order = shop.place(quantity=2)
    shop.pay(order)
    fulfilment.refund_instead(shop.site, order.number, reason="gone", staff="an", now=shop.world.now)
    return order


def refund(shop, order):
    settlement.refund(shop.site, order.number, now=shop.world.now)
    return shop.order(order.number)


def events(shop, day=None):
    return sorted(one.event for one in ledger.journals(shop.site, day or clock.day_of(shop.world.now)))


def balance(shop, day=None):
    return ledger.totals(one.legs for one in ledger.journals(shop.site, day or clock.day_of(shop.world.now)))


def test_money_goes_back_once_and_the_books_are_even(shop, world, refunding):
    refunded = refund(shop, refunding)
    assert (refunded.status, refunded.refunded_at) == ("refunded", make.NOON)
    assert world.channel.refunds == {f"{refunding.number}01R1": 9900}
    assert events(shop) == ["returned", "taken"]
    assert set(balance(shop).values()) == {0}
    assert orders.todos_of(shop.site, refunding.number) == []
    refund(shop, refunding)
    assert events(shop) == ["returned", "taken"]
    assert {one.event for one in settlement.journals_of(refunded)} == {"taken", "returned"}


def test_a_refund_in_progress_is_asked_for_again_under_its_number(shop, world, refunding):
    world.channel.refund_state = "processing"
    delays = []
    for _ in range(4):
        assert refund(shop, refunding).status == "refunding"
        delays.append(world.sent_to("refund")[-1]["delay"])
        world.now += delays[-1]
    assert delays == [15, 30, 60, 120]
    assert events(shop) == []
    world.channel.refund_state = "success"
    assert refund(shop, refunding).status == "refunded"
    assert world.channel.refunds_asked == {(f"{refunding.number}01R1", make.NOON)}


def test_messages_that_repeat_each_other_bring_one_next_try(shop, world, refunding):
    world.channel.refund_state = "processing"
    for _ in range(3):
        refund(shop, refunding)
        world.now += 60
    sent = len(world.sent_to("refund"))
    for _ in range(5):
        refund(shop, refunding)
    assert len(world.sent_to("refund")) == sent + 1
    assert orders.todos_of(shop.site, refunding.number)[0].tries == 4


@pytest.mark.parametrize("trouble", [outbound.NotSent("x"), outbound.Unknown("x"), None])
def test_a_refund_nobody_can_tell_of_is_tried_ten_times_and_then_a_person_looks(
    shop, world, refunding, alarms, monkeypatch, trouble
):
    world.channel.down = True
    asked = []

    def silent(_merchant, _trade, *, out_refund_no, **_fields):
        asked.append(out_refund_no)
        raise trouble

    if trouble:
        monkeypatch.setattr(make.Merchant, "refund", silent)
    for _ in range(rules.MOST_TRIES):
        assert refund(shop, refunding).status == "refunding"
        world.now += 900
    assert alarms == []
    looked_at = refund(shop, refunding)
    assert (looked_at.status, looked_at.why, alarms) == (
        "review",
        "refund unknown",
        ["settlement.refund_stuck"],
    )
    assert orders.todos_of(shop.site, refunding.number) == []
    assert set(asked) <= {f"{refunding.number}01R1"}
    assert events(shop) == []


@pytest.mark.parametrize("state", ["abnormal", "closed"])
def test_a_refund_the_channel_cannot_do_goes_to_a_person_at_once(shop, world, refunding, alarms, state):
    world.channel.refund_state = state
    looked_at = refund(shop, refunding)
    assert (looked_at.status, looked_at.why) == ("review", f"refund {state}")
    assert alarms == ["settlement.refund_stuck"]


def test_a_refund_asked_for_again_on_another_day_is_in_the_books_once(shop, world, refunding):
    world.channel.refund_state = "abnormal"
    refund(shop, refunding)
    world.now += clock.DAY
    world.channel.refund_state = "success"
    fulfilment.refund_instead(shop.site, refunding.number, reason="again", staff="bo", now=world.now)
    assert refund(shop, refunding).status == "refunded"
    assert events(shop, clock.day_of(make.NOON)) == []
    assert events(shop) == ["returned", "taken"]
    assert list(world.channel.refunds) == [f"{refunding.number}01R1"]


def test_a_refund_asked_for_again_goes_on_although_the_run_that_gave_up_closes_its_matter_late(
    shop, world, refunding
):
    world.channel.refund_state = "abnormal"
    refund(shop, refunding)
    fulfilment.refund_instead(shop.site, refunding.number, reason="again", staff="bo", now=world.now)
    orders.close_todo(shop.site, refunding.number, "refund", now=world.now)
    world.channel.refund_state = "success"
    assert refund(shop, refunding).status == "refunded"
    assert orders.todos_of(shop.site, refunding.number) == []


def test_a_process_that_died_after_the_move_leaves_no_hole_in_the_books(shop, world, refunding):
    orders.move(shop.site, refunding.number, "refunded", now=world.now)
    world.now += clock.DAY
    refund(shop, refunding)
    assert events(shop, clock.day_of(make.NOON)) == ["returned", "taken"]
    assert orders.todos_of(shop.site, refunding.number) == []


def test_a_process_that_died_before_the_move_to_refunding_keeps_its_matter_open(shop, world):
    order = shop.place()
    shop.pay(order)
    orders.add_todo(shop.site, order.number, "refund", due=world.now)
    assert refund(shop, order).status == "paid"
    assert len(orders.todos_of(shop.site, order.number)) == 1
    assert world.channel.refunds == {}


def test_of_two_runs_that_hear_nothing_one_asks_for_the_next_try(shop, world, refunding, monkeypatch):
    world.channel.refund_state = "processing"
    real = orders.delay_todo

    def overtaken(*asked, **more):
        monkeypatch.setattr(orders, "delay_todo", real)
        refund(shop, refunding)
        return real(*asked, **more)

    monkeypatch.setattr(orders, "delay_todo", overtaken)
    sent = len(world.sent_to("refund"))
    refund(shop, refunding)
    assert len(world.sent_to("refund")) == sent + 1
    assert orders.todos_of(shop.site, refunding.number)[0].tries == 1


def test_codes_of_a_refunded_order_are_sold_again(shop, world, refunding):
    refund(shop, refunding)
    make.stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert shop.free() == 10


def twice_paid(shop):
    order = shop.place()
    shop.pay(order)
    shop.pay(order, transaction_id="again")
    return order


def test_a_duplicate_goes_back_and_the_order_stays(shop, world):
    order = twice_paid(shop)
    world.run("fulfil", "settle")
    assert refund(shop, order).status == "delivered"
    (name,) = (event.removesuffix("-taken") for event in events(shop) if event.endswith("-taken"))
    assert events(shop) == sorted([f"{name}-returned", f"{name}-taken", "sale"])
    assert list(world.channel.refunds) == [f"{order.number}{name}"]
    assert len(f"{order.number}{name}") <= 40
    sums = balance(shop)
    assert (sums["clearing:wechat"], sums["refund_clearing:wechat"]) == (4950, 0)


def test_a_duplicate_told_of_again_days_later_is_in_the_books_once(shop, world):
    order = twice_paid(shop)
    duplicate = shop.payment(order, transaction_id="again")
    refund(shop, order)
    world.now += 3 * clock.DAY
    with tenant.acting_for(tenant.MAIN):
        checkout.accept_payment(duplicate, now=world.now)
    refund(shop, order)
    assert events(shop) == []
    assert len(events(shop, clock.day_of(make.NOON))) == 2
    assert len(world.channel.refunds_asked) == 1


def test_a_duplicate_that_does_not_go_back_is_tried_for_ever_with_an_alarm(shop, world, alarms):
    order = twice_paid(shop)
    world.channel.refund_state = "processing"
    assert refund(shop, order).status == "paid"
    assert world.sent_to("refund")[-1]["delay"] == 15
    world.channel.refund_state = "abnormal"
    for _ in range(2):
        world.now += 900
        assert refund(shop, order).status == "paid"
        assert world.sent_to("refund")[-1]["delay"] == 900
    assert alarms == ["settlement.refund_stuck"] * 2
    assert len(orders.todos_of(shop.site, order.number)) == 1


def test_a_matter_that_only_the_next_release_knows_is_left_to_it(shop, world):
    order = shop.place()
    shop.pay(order)
    orders.add_todo(shop.site, order.number, "question", due=world.now)
    assert refund(shop, order).status == "paid"
    assert [todo.what for todo in orders.todos_of(shop.site, order.number)] == ["question"]
    assert world.channel.refunds == {}


def test_the_worker_refunds_what_messages_name(shop, refunding):
    assert make.work("refund", [{"site": shop.site, "order": refunding.number}]) == []
    assert shop.order(refunding.number).status == "refunded"
