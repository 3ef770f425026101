import pytest

from chalicelib.checkout import auditing, rules, worker
from chalicelib.checkout import service as checkout
from chalicelib.kit import outbound, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import feed
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from chalicelib.tenancy import registry
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SiteRow
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")


def fold(shop, world):
    stock.fold(shop.owner, shop.goods_id, now=world.now)


def timers(world, order):
    return [m["delay"] for m in world.sent_to("timer") if m.get("order") == order.number and "delay" in m]


def test_a_lost_callback_heals_by_asking_the_channel(shop, world):
    order = shop.place()
    shop.payment(order)
    world.now += 20
    assert shop.drive(order)
    assert shop.order(order.number).status == "paid"
    assert world.sent_to("fulfil") == [{"site": shop.site, "order": order.number}]


def test_every_attempt_is_asked_for(shop, world):
    order = shop.place()
    switched = checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
    checkout.pay_link(shop.site, switched, now=world.now)
    shop.payment(switched, index=2)
    shop.drive(order)
    paid = shop.order(order.number)
    assert (paid.status, paid.channel) == ("paid", "alipay")


def test_an_unpaid_order_is_looked_at_ever_more_rarely_until_it_expires(shop, world):
    order = shop.place()
    world.now += timers(world, order)[-1]
    world.channel.down = True  # which the first look does not notice
    with tenant.acting_for(shop.site):
        assert checkout.drive(shop.site, order.number, now=world.now, first=True)
    world.channel.down = False
    for _ in range(5):
        world.now += timers(world, order)[-1]
        shop.drive(order)
    assert timers(world, order) == [3, 17, 40, 120, 240, 480]
    assert world.now == order.expires_at
    assert shop.order(order.number).status == "expired"


def test_a_channel_is_closed_before_an_order_expires(shop, world):
    order = shop.place()
    checkout.pay_link(shop.site, order, now=world.now)
    world.now = order.expires_at - 1
    shop.drive(order)
    assert shop.order(order.number).status == "pending"
    assert world.channel.trades[f"{order.number}01"]["state"] == "open"
    world.now = order.expires_at
    shop.drive(order)
    assert shop.order(order.number).status == "expired"
    assert world.channel.trades[f"{order.number}01"]["state"] == "closed"


def test_an_order_paid_while_it_is_closed_does_not_expire(shop, world, monkeypatch):
    order = shop.place()
    checkout.pay_link(shop.site, order, now=world.now)
    world.now = order.expires_at
    really = make.Merchant.query

    def paid_just_after(merchant, out_trade_no, *, now):
        answer = really(merchant, out_trade_no, now=now)
        merchant.paid(out_trade_no)
        return answer

    monkeypatch.setattr(make.Merchant, "query", paid_just_after)
    shop.drive(order)
    assert shop.order(order.number).status == "pending"
    world.now += 60
    shop.drive(order)
    assert shop.order(order.number).status == "paid"


@pytest.mark.parametrize("trouble", [outbound.NotSent("x"), outbound.Unknown("x"), None])
def test_a_silent_channel_is_waited_for_and_then_the_stock_goes_back(shop, world, monkeypatch, trouble):
    order = shop.place()
    world.channel.down = True
    if trouble:

        def silent(*_named, **_fields):
            raise trouble

        monkeypatch.setattr(make.Merchant, "query", silent)
    world.now = order.expires_at + rules.PATIENCE - 1
    shop.drive(order)
    assert shop.order(order.number).status == "pending"
    assert timers(world, order)[-1] == 60
    world.now += 1
    shop.drive(order)
    assert shop.order(order.number).status == "expired"
    fold(shop, world)
    assert shop.free() == 10


def test_an_expired_order_gives_its_codes_back_once_and_has_them_folded(shop, world):
    order = shop.place(quantity=3)
    world.now = order.expires_at
    for _ in range(3):
        shop.drive(order)
    folds = [message for message in world.sent_to("timer") if "fold" in message]
    assert folds == [{"site": shop.site, "fold": shop.goods_id, "owner": shop.owner, "delay": 30}]
    for _ in range(2):
        assert make.work("timer", folds) == []
    assert shop.free() == 10
    assert shop.place(quantity=10).status == "pending"


def test_codes_that_a_dying_expiry_kept_come_back_with_the_next_look(shop, world):
    order = shop.place(quantity=3)
    orders.move(shop.site, order.number, "expired", now=world.now)
    shop.drive(order)
    fold(shop, world)
    assert shop.free() == 10


def test_an_expiry_overtaken_by_a_payment_gives_nothing_back(shop, world, monkeypatch):
    order = shop.place(quantity=3)
    world.now = order.expires_at
    payment = shop.payment(order)
    world.channel.trades[payment.out_trade_no]["state"] = "open"
    really = make.Merchant.close

    def overtaken(merchant, out_trade_no, *, now):
        closed = really(merchant, out_trade_no, now=now)
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(payment, now=now)
        return closed

    monkeypatch.setattr(make.Merchant, "close", overtaken)
    shop.drive(order)
    assert shop.order(order.number).status == "paid"
    fold(shop, world)
    assert shop.free() == 7


def test_an_expiry_repeated_below_us_gives_the_codes_back(shop, world, monkeypatch):
    order = shop.place(quantity=3)
    world.now = order.expires_at
    really = orders.move

    def move_twice(*named, **fields):
        really(*named, **fields)
        return really(*named, **fields)

    monkeypatch.setattr(orders, "move", move_twice)
    shop.drive(order)
    fold(shop, world)
    assert shop.free() == 10


def test_an_expiry_of_an_order_gone_is_left_alone(shop, world, monkeypatch):
    order = shop.place()
    world.now = order.expires_at

    def gone(*_named, **_fields):
        raise orders.WrongState(None)

    monkeypatch.setattr(orders, "move", gone)
    shop.drive(order)
    fold(shop, world)
    assert shop.free() == 9


def test_driving_an_order_never_put_says_so(shop):
    ghost = make.replace(shop.place(), number=f"{shop.site.upper()}{'0' * 24}")
    assert shop.drive(ghost) is False


def test_the_walk_finds_what_lost_its_message(shop, world):
    unpaid, paid, refunding, done = (shop.place() for _ in range(4))
    for order in (paid, refunding, done):
        shop.pay(order)
    orders.move(shop.site, refunding.number, "refunding", now=world.now)
    make.work("fulfil", [{"site": shop.site, "order": done.number}])
    world.now += 29
    assert checkout.walk(shop.site, now=world.now) == 0
    world.now += 1
    world.sent.clear()
    assert checkout.walk(shop.site, now=world.now) == 3
    found = {message["order"] for message in world.sent_to("timer")}
    assert found == {unpaid.number, paid.number, refunding.number}
    world.sent.clear()
    make.work("timer", [{"site": shop.site, "order": number} for number in found])
    assert [m["order"] for m in world.sent_to("fulfil")] == [paid.number]
    assert [m["order"] for m in world.sent_to("refund")] == [refunding.number]
    assert timers(world, unpaid) == [30]


def test_the_walk_reaches_yesterday_and_what_is_still_to_do(shop, world):
    order, old = shop.place(), shop.place()
    orders.add_todo(shop.site, old.number, "refund", due=world.now)
    world.now += make.clock.DAY
    orders.move(shop.site, old.number, "expired", now=world.now)
    world.sent.clear()
    assert checkout.walk(shop.site, now=world.now) == 2
    assert [m["order"] for m in world.sent_to("timer")] == [order.number]
    assert [m["order"] for m in world.sent_to("refund")] == [old.number]
    world.now += make.clock.DAY
    world.sent.clear()
    assert checkout.walk(shop.site, now=world.now) == 1
    assert world.sent_to("timer") == []


def test_who_pays_long_after_the_orders_day_has_it_watched_until_it_is_in_the_books(shop, world):
    order = shop.place()
    world.now += 3 * make.clock.DAY
    orders.move(shop.site, order.number, "expired", now=world.now)
    shop.pay(order)
    world.messages("fulfil")  # which is lost
    world.now += 899
    assert checkout.walk(shop.site, now=world.now) == 0
    world.now += 1
    assert checkout.walk(shop.site, now=world.now) == 1
    world.run("timer", "fulfil")
    assert shop.order(order.number).status == "delivered"
    world.messages("settle")  # as is this one
    assert checkout.walk(shop.site, now=world.now) == 1
    world.run()
    assert checkout.walk(shop.site, now=world.now) == 1
    world.run()
    day = make.clock.day_of(world.now)
    assert [one.event for one in ledger.journals_of(shop.site, day, order.number)] == ["sale"]
    assert checkout.walk(shop.site, now=world.now) == 0


def test_an_order_paid_in_the_walks_days_is_not_watched(shop, world):
    order = shop.place()
    world.now = make.clock.day_start(make.clock.day_of(order.placed_at)) + rules.WALKED - 6 * 3600 - 1
    shop.pay(order)
    assert orders.watched(shop.site, since=0) == []


def test_what_is_open_at_the_end_of_the_walks_days_is_watched_on(shop, world):
    order = shop.place()
    shop.pay(order)
    world.messages("fulfil")
    end = make.clock.day_start(make.clock.day_of(order.placed_at)) + rules.WALKED
    world.now = end - 6 * 3600 - 1
    checkout.walk(shop.site, now=world.now)
    assert orders.watched(shop.site, since=0) == []
    world.now += 1
    checkout.walk(shop.site, now=world.now)
    assert orders.watched(shop.site, since=world.now) == [order.number]
    world.run("publish")
    world.sent.clear()
    world.now = end + 900
    assert checkout.walk(shop.site, now=world.now) == 1
    assert world.sent_to("timer") == [{"site": shop.site, "order": order.number, "watched": True}]


def test_an_order_in_review_stays_watched_and_one_that_expired_does_not(shop, world):
    reviewed, expired, ghost = shop.place(), shop.place(), f"{shop.site.upper()}{'0' * 24}"
    orders.move(shop.site, reviewed.number, "paid", now=world.now)
    orders.move(shop.site, reviewed.number, "review", now=world.now)
    orders.move(shop.site, expired.number, "expired", now=world.now)
    for number in (reviewed.number, expired.number, ghost):
        orders.watch(shop.site, number, now=world.now)
    world.now += 900
    for number in (reviewed.number, expired.number, ghost):
        checkout.look_after(shop.site, number, now=world.now)
    assert [todo.number for todo in orders.due_todos(shop.site, now=world.now)] == [reviewed.number]


def test_an_order_just_paid_is_given_a_moment(shop, world):
    order = shop.place()
    shop.pay(order)
    world.sent.clear()
    world.now += 29
    shop.drive(order)
    assert world.sent == []
    world.now += 1
    shop.drive(order)
    assert [m["order"] for m in world.sent_to("fulfil")] == [order.number]


def test_every_live_site_is_walked_and_audited(shop, world):
    with tenant.acting_for(tenant.MAIN):
        assert checkout.walk_all(now=world.now) == 1
        assert checkout.audit_all() == 2
        tenancy.suspend(shop.site, "Closed for now.", by="staff", now=world.now)
        assert checkout.walk_all(now=world.now) == 1
        registry.change(shop.site, [SiteRow.state.set("failed")])
        assert checkout.walk_all(now=world.now) == 0
    walks = [message for message in world.sent_to("timer") if message.get("walk")]
    assert [message["site"] for message in walks] == [shop.site] * 2
    assert make.work("timer", walks) == []


def walks_of_a_round(world):
    """How the site is walked at each of a round's walks, six hours long."""
    world.sent.clear()
    for _ in range(24):
        world.now += 900
        checkout.walk_all(now=world.now)
    return [message["walk"] for message in world.sent_to("timer")]


def test_a_site_with_listed_orders_is_walked_whole_until_the_day_after(shop, world):
    order = shop.place()
    make.work("timer", [{"site": shop.site, "order": order.number, "first": True}])
    assert walks_of_a_round(world) == [True] * 24
    world.now = make.clock.day_start(make.clock.day_of(world.now)) + 2 * make.clock.DAY - 25 * 900
    assert walks_of_a_round(world) == [True] * 24
    assert walks_of_a_round(world).count(True) < 24


def test_an_order_that_was_never_listed_is_found_within_six_hours(shop, world):
    assert orders.sites_listed(now=world.now) == set()
    order = shop.place()
    walks = walks_of_a_round(world)
    assert (walks.count(True), walks.count("due")) == (2, 22)
    whole = [{"site": shop.site, "walk": True}]
    world.sent.clear()
    assert make.work("timer", whole) == []
    assert [m["order"] for m in world.sent_to("timer")] == [order.number]


def test_what_is_due_is_done_at_every_walk(shop, world):
    order, old = shop.place(), shop.place()
    orders.add_todo(shop.site, old.number, "refund", due=world.now + 60)
    world.now += 60
    world.sent.clear()
    assert make.work("timer", [{"site": shop.site, "walk": "due"}]) == []
    assert [m["order"] for m in world.sent_to("refund")] == [old.number]
    assert order.number not in [m["order"] for m in world.sent_to("timer")]


def test_where_lists_are_too_long_to_read_everybody_is_walked_whole(shop, world, monkeypatch):
    orders.add_to_feed(["OTHR" + "0" * 24], now=world.now)
    assert orders.sites_listed(now=world.now) == {"othr"}
    monkeypatch.setattr(feed, "_MOST", 0)
    assert orders.sites_listed(now=world.now) is None
    assert walks_of_a_round(world) == [True] * 24


def test_new_orders_are_listed_for_the_main_site_once_a_batch(shop, world):
    placed = [shop.place() for _ in range(3)]
    ghost = f"{shop.site.upper()}{'0' * 24}"
    batch = [
        {"site": shop.site, "order": number, "first": True}
        for number in [one.number for one in placed] + [ghost]
    ]
    assert make.work("timer", batch) == []
    assert make.work("timer", [{"site": shop.site, "order": placed[0].number}]) == []
    listed = [number for _, number in orders.newest("", now=world.now)]
    assert sorted(listed) == sorted(one.number for one in placed)


def test_an_order_put_after_its_first_look_is_listed_at_a_second_one(shop, world):
    late = f"{shop.site.upper()}{'0' * 24}"
    assert make.work("timer", [{"site": shop.site, "order": late, "first": True}]) == []
    (again,) = [message for message in world.sent_to("timer") if message["order"] == late]
    assert again == {"site": shop.site, "order": late, "first": True, "again": True, "delay": 900}
    order = shop.place()
    assert make.work("timer", [{**again, "order": order.number}]) == []
    assert [number for _, number in orders.newest("", now=world.now)] == [order.number]
    world.sent.clear()
    assert make.work("timer", [again]) == []
    assert world.sent_to("timer") == []


def test_the_schedules_ask_for_walks_and_audits(shop, world):
    assert make.fire(worker.walk_sites) == {"sites": 1}
    assert make.fire(worker.audit_pools) == {"owners": 2}
    messages = world.sent_to("timer")
    assert {"site": "main", "audit": True} in messages
    assert {(one["site"], "walk" in one) for one in messages} >= {(shop.site, True)}
    assert make.work("timer", messages) == []


def test_an_audit_leaves_codes_of_live_orders_and_other_owners_alone(shop, world):
    own = make.make_goods(shop.site, wholesale_fen=0)
    make.make_codes(shop.site, own.goods_id, 5)
    make.catalog.publish(shop.site, now=world.now)
    make.catalog.forget()
    for goods in (own.goods_id, shop.goods_id):
        shop.pay(shop.place(goods_id=goods, quantity=2))
    expired = shop.place(quantity=3)
    world.now = expired.expires_at
    shop.drive(expired)
    fold(shop, world)
    shop.pay(shop.place(quantity=8))  # some of them from the folded segment, which is too young for the audit
    assert shop.free() == 0
    world.run("fulfil")
    for _ in range(12):
        world.now += make.clock.DAY
        checkout.audit(shop.site, now=world.now)
        with tenant.acting_for(tenant.MAIN):
            checkout.audit(tenant.MAIN, now=world.now)
    fold(shop, world)
    stock.fold(shop.site, own.goods_id, now=world.now)
    assert (shop.free(), stock.level(shop.site, own.goods_id)) == (0, 3)


def test_codes_of_segments_that_are_not_judged_yet_are_passed_over(shop):
    auditing._tick(shop.place(quantity=2), {})


def test_a_code_burnt_by_a_dying_placement_is_sold_again_after_the_audit(shop, world):
    stock.claim(shop.owner, shop.goods_id, 4, now=world.now)
    live = shop.place(quantity=2)
    shop.pay(live)
    world.run("fulfil")
    for _ in range(12):
        world.now += make.clock.DAY
        with tenant.acting_for(tenant.MAIN):
            checkout.audit(tenant.MAIN, now=world.now)
    fold(shop, world)
    assert shop.free() == 8
