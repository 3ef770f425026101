"""Tables restored to an earlier moment: what left the house since then is neither given again nor forgotten."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import aws, clock, log, tenant
from chalicelib.orders import service as orders
from chalicelib.recovery import rules
from chalicelib.recovery import service as recovery
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from sim.ears import Logger
from tests import make

HOUR = 3600


class Tables:
    """Backups of tables, and the log since the first of them."""

    def __init__(self, shop):
        self.shop = shop
        self.logger = Logger()
        self.logger.lines = []
        self.kept = {}

    def keep(self, *owners):
        self.kept = {owner: self._rows(owner) for owner in owners}

    def restore(self):
        """The tables as they were kept, in place of what they hold now."""
        dynamo = aws.client("dynamodb")
        for owner, rows in self.kept.items():
            for row in self._rows(owner):
                dynamo.delete_item(
                    TableName=self._name(owner), Key={name: row[name] for name in ("pk", "sk")}
                )
            for row in rows:
                dynamo.put_item(TableName=self._name(owner), Item=row)
        make._forget_rows()
        stock.forget()

    def recover(self):
        now = self.shop.world.now
        with tenant.acting_for(tenant.MAIN):
            return recovery.recover(self.kept.keys(), self.logger.lines, since=now - HOUR, now=now)

    def _rows(self, owner):
        return aws.client("dynamodb").scan(TableName=self._name(owner))["Items"]

    def _name(self, owner):
        return "cardmesh-main" if owner == tenant.MAIN else f"cardmesh-site-{owner}"


@pytest.fixture
def tables(shop, monkeypatch):
    kept = Tables(shop)
    monkeypatch.setattr(log, "logger", kept.logger)
    return kept


def sell(shop, **asked):
    order = shop.place(**asked)
    shop.pay(order)
    shop.world.run("fulfil", "settle")
    return shop.order(order.number)


def codes(shop, order):
    with tenant.acting_for(shop.site):
        return fulfilment.codes_of(shop.order(order.number))


def named():
    with tenant.acting_for(tenant.MAIN):
        return {(one.kind, one.key) for one in cases.open_ones()}


def nights(shop, count=5):
    """Let the audit return whatever nobody accounts for."""
    for _ in range(count):
        shop.world.now += clock.DAY
        checkout.audit(tenant.MAIN, now=shop.world.now)


def test_an_order_shows_the_same_codes_that_it_showed_before(shop, tables):
    order = shop.place(quantity=2)
    tables.keep(shop.site)
    shop.pay(order)
    shop.world.run("fulfil", "settle")
    shown = codes(shop, order)
    tables.restore()
    assert shop.order(order.number).status == "pending"
    report = tables.recover()
    shop.world.run("fulfil", "settle")
    assert (report.gone, report.withheld, codes(shop, order)) == ((), 0, shown)
    with tenant.acting_for(shop.site):
        assert [one.event for one in settlement.journals_of(shop.order(order.number))] == ["sale"]


def test_codes_that_were_claimed_after_the_payment_are_the_same_again(shop, tables):
    order = shop.place()
    shop.world.now += HOUR
    shop.drive(order)
    shop.drive(order)
    assert shop.order(order.number).status == "expired"
    tables.keep(shop.site)
    shop.pay(order)
    shop.world.run("fulfil")
    shown = codes(shop, order)
    tables.restore()
    tables.recover()
    shop.pay(order)
    tables.recover()
    assert (len(shown), codes(shop, order)) == (1, shown)


def test_codes_of_an_order_that_is_gone_are_withheld_and_its_money_is_a_case(shop, tables):
    tables.keep(shop.site)
    order = sell(shop, quantity=3)
    tables.restore()
    for _ in range(2):
        report = tables.recover()
        assert report.gone == (order.number,)
    assert named() == {("restore", order.number), ("suspense", f"wechat#t{order.number}01")}
    nights(shop)
    with tenant.acting_for(tenant.MAIN):
        assert not stock.fold(tenant.MAIN, shop.goods_id, now=shop.world.now)
    assert shop.free() == 7


def switched(shop, order):
    """The order with a second try, of both of which a page was opened."""
    with tenant.acting_for(shop.site):
        checkout.pay_link(shop.site, order, now=shop.world.now)
        order = checkout.switch_channel(shop.site, order.number, "alipay", device="mobile")
        checkout.pay_link(shop.site, order, now=shop.world.now)
    return order


def pay_by(shop, order, index):
    """Somebody pays a try of an order; the channel tells, and is thanked."""
    shop.world.channel.trades[order.attempts[index - 1].out_trade_no(order.number)]["state"] = "paid"
    shop.pay(order, index=index)


def test_nobody_can_pay_any_more_for_an_order_that_is_gone(shop, tables):
    tables.keep(shop.site)
    order = switched(shop, shop.place())
    tables.restore()
    tables.recover()
    states = {number: trade["state"] for number, trade in shop.world.channel.trades.items()}
    assert states == {f"{order.number}01": "closed", f"{order.number}02": "closed"}
    assert named() == set()


def test_money_for_an_order_that_is_gone_is_a_case_where_only_its_open_page_was_logged(shop, tables):
    tables.keep(shop.site)
    order = shop.place()
    tables.logger.lines = []  # its function died with the order put down
    with tenant.acting_for(shop.site):
        checkout.pay_link(shop.site, order, now=shop.world.now)
    pay_by(shop, order, 1)
    tables.restore()
    assert tables.recover().gone == (order.number,)
    assert named() == {("suspense", f"wechat#t{order.number}01")}


def test_an_order_can_be_paid_in_every_way_that_a_page_has_shown(shop, tables):
    order = shop.place()
    tables.keep(shop.site)
    order = switched(shop, order)
    tables.restore()
    assert len(shop.order(order.number).attempts) == 1
    for _ in range(2):
        tables.recover()
        assert shop.order(order.number).attempts == order.attempts
    pay_by(shop, order, 2)
    shop.world.run("fulfil")
    assert (shop.order(order.number).status, named()) == ("delivered", set())


def test_a_try_that_no_page_has_shown_keeps_its_place(shop, tables):
    order = shop.place()
    tables.keep(shop.site)
    with tenant.acting_for(shop.site):
        checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
        order = checkout.switch_channel(shop.site, order.number, "wechat", device="mobile")
        checkout.pay_link(shop.site, order, now=shop.world.now)
    tables.restore()
    tables.recover()
    put_back = shop.order(order.number).attempts
    assert (len(put_back), put_back[0], put_back[2]) == (3, order.attempts[0], order.attempts[2])


@pytest.mark.parametrize("known", [False, True], ids=["none is known", "one is known"])
def test_a_second_payment_goes_back_though_no_channel_tells_of_it_again(shop, tables, known):
    order = switched(shop, shop.place())
    if known:
        pay_by(shop, order, 1)
    tables.keep(shop.site)
    if not known:
        pay_by(shop, order, 1)
    pay_by(shop, order, 2)
    tables.restore()
    tables.recover()
    shop.world.run("fulfil", "refund")
    assert shop.order(order.number).status == "delivered"
    back = [
        one["out_trade_no"] for one in tables.logger.lines if one["message"] == "settlement.refund_asking"
    ]
    assert (back, len(shop.world.channel.refunds)) == ([f"{order.number}02"], 1)


def test_money_that_came_late_is_found_though_no_channel_tells_of_it_again(shop, tables):
    order = shop.place(quantity=10)
    shop.world.now += HOUR
    shop.drive(order)
    shop.drive(order)
    assert shop.order(order.number).status == "expired"
    tables.keep(shop.site)
    pay_by(shop, order, 1)
    tables.restore()
    tables.recover()
    shop.world.run("fulfil")
    assert shop.order(order.number).status == "delivered"


def test_what_was_being_given_back_is_not_delivered(shop, tables):
    order = shop.place()
    shop.pay(order)
    tables.keep(shop.site)
    with tenant.acting_for(shop.site):
        fulfilment.refund_instead(shop.site, order.number, reason="x", staff="a", now=shop.world.now)
    shop.world.run("refund")
    given = dict(shop.world.channel.refunds)
    tables.restore()
    tables.recover()
    shop.world.run("fulfil", "refund")
    assert (shop.order(order.number).status, shop.world.channel.refunds) == ("refunded", given)


def test_an_order_whose_payment_went_back_is_paid_and_refunded_again(shop, tables):
    order = shop.place()
    tables.keep(shop.site)
    shop.pay(order)
    with tenant.acting_for(shop.site):
        fulfilment.refund_instead(shop.site, order.number, reason="x", staff="a", now=shop.world.now)
    shop.world.run("refund")
    shop.world.channel.trades[f"{order.number}01"]["state"] = "gone"  # a channel calls it no payment any more
    tables.restore()
    tables.recover()
    shop.world.run("fulfil", "refund")
    assert shop.order(order.number).status == "refunded"
    assert len(shop.world.channel.refunds) == 1


def test_a_hold_that_came_back_is_over_for_a_pending_order_and_for_a_paid_one(shop, tables):
    pending, paid = shop.place(), shop.place()
    shop.pay(paid)
    tables.keep(shop.site)
    shop.world.now += HOUR
    for order in (pending, paid):
        with tenant.acting_for(shop.site):
            from chalicelib.checkout import service as checkout

            checkout.give_back(order)
    tables.restore()
    tables.recover()
    shop.world.run("refund")
    assert [shop.order(one.number).status for one in (pending, paid)] == ["expired", "refunded"]


def test_what_a_person_delivered_counts_as_delivered(world, tables):
    shop = tables.shop = make.make_shop(world, slug="hand", codes=0, way="manual", kind="service")
    order = shop.place(waiver=0)
    shop.pay(order)
    shop.world.run("fulfil")
    tables.keep(shop.site)
    with tenant.acting_for(shop.site):
        fulfilment.deliver_by_hand(shop.site, order.number, "done", staff="a", now=world.now)
    tables.restore()
    tables.recover()
    assert shop.order(order.number).status == "delivered"
    assert "记录已丢失" in codes(shop, order)[0]


def test_after_sales_refunds_keep_their_numbers_and_amounts(shop, tables):
    order = sell(shop, quantity=2)
    tables.keep(shop.site)
    with tenant.acting_for(shop.site):
        asked = settlement.request(order, settlement.Wish("no", fen=500), now=shop.world.now)
        order = shop.order(order.number)
        settlement.reject(order, asked.seq, "no", by="demo:a", now=shop.world.now)
        order = shop.order(order.number)
        wish = settlement.Wish("yes", fen=3000)
        settlement.give(order, wish, by="demo:a", seen=order.refunds, now=shop.world.now)
    shop.world.run("refund")
    assert shop.world.channel.refunds == {f"{order.number}01R3": 3000}
    tables.restore()
    for _ in range(2):
        tables.recover()
    shop.world.run("refund")
    order = shop.order(order.number)
    with tenant.acting_for(shop.site):
        found = [(one.event, one.state, one.fen) for one in settlement.refunds_of(order)]
        events = [one.event for one in settlement.journals_of(order)]
    assert found == [("R2", "rejected", 1), ("R3", "success", 3000)]
    assert (events, order.refunded_fen) == (["sale", "R3", "R3-returned"], 3000)
    assert shop.world.channel.refunds == {f"{order.number}01R3": 3000}


def test_codes_that_came_after_a_hold_had_ended_are_the_same_again_though_its_end_is_forgotten(shop, tables):
    order = shop.place()
    tables.keep(tenant.MAIN, shop.site)
    shop.world.now += HOUR
    shop.drive(order)
    shop.drive(order)
    pay_by(shop, order, 1)
    shop.world.run("fulfil")
    shown = codes(shop, order)
    tables.restore()
    assert shop.order(order.number).ranges
    tables.recover()
    shop.world.run("fulfil")
    assert (len(shown), codes(shop, order)) == (1, shown)


@pytest.mark.parametrize("kept", ["before", "between"], ids=["nothing is known", "it waits"])
@pytest.mark.parametrize("word", ["rejected", "success"])
def test_a_refund_that_was_decided_stays_so_and_no_other_has_its_name(shop, tables, kept, word):
    order = sell(shop, quantity=2)
    tables.keep(shop.site)
    with tenant.acting_for(shop.site):
        asked = settlement.request(order, settlement.Wish("no", fen=500), now=shop.world.now)
        if kept == "between":
            tables.keep(shop.site)
        order = shop.order(order.number)
        decide = settlement.reject if word == "rejected" else settlement.agree
        why = ("no",) if word == "rejected" else ()
        decide(order, asked.seq, *why, by="demo:a", now=shop.world.now)
    shop.world.run("refund")
    tables.restore()
    for _ in range(2):
        tables.recover()
    shop.world.run("refund")
    order = shop.order(order.number)
    with tenant.acting_for(shop.site):
        assert [(one.event, one.state) for one in settlement.refunds_of(order)] == [("R2", word)]
        assert settlement.request(order, settlement.Wish("no", fen=5), now=shop.world.now).event == "R3"


def test_a_refund_that_was_agreed_to_goes_on_though_no_channel_was_asked(shop, tables):
    order = sell(shop, quantity=2)
    with tenant.acting_for(shop.site):
        asked = settlement.request(order, settlement.Wish("no", fen=500), now=shop.world.now)
        tables.keep(shop.site)
        settlement.agree(shop.order(order.number), asked.seq, by="demo:a", now=shop.world.now)
    tables.restore()
    tables.recover()
    shop.world.run("refund")
    assert shop.world.channel.refunds == {f"{order.number}01R2": 500}


def test_the_main_site_s_pointers_jump_over_what_was_given_out(shop, tables):
    tables.keep(tenant.MAIN)
    orders_ = [sell(shop, quantity=2), sell(shop)]
    with tenant.acting_for(tenant.MAIN):
        orders.add_to_feed([one.number for one in orders_], now=shop.world.now)
    shown = [codes(shop, one) for one in orders_]
    tables.restore()
    assert shop.free() == 10
    assert tables.recover().withheld == 0
    assert (shop.free(), [codes(shop, one) for one in orders_]) == (7, shown)
    later = codes(shop, sell(shop, quantity=7))
    assert not {code for each in shown for code in each} & set(later)
    with tenant.acting_for(tenant.MAIN):
        listed = {number for _, number in orders.newest("", now=shop.world.now)}
    assert {one.number for one in orders_} <= listed


def test_both_tables_may_be_lost(shop, tables):
    tables.keep(tenant.MAIN, shop.site)
    shown = codes(shop, sell(shop, quantity=4))
    tables.restore()
    assert tables.recover().withheld == 4
    assert not set(codes(shop, sell(shop, quantity=6))) & set(shown)
    assert shop.free() == 0


def test_what_was_folded_and_sold_is_folded_again_under_its_name(shop, tables):
    first = shop.place(quantity=10)
    tables.keep(tenant.MAIN)
    shop.world.now += HOUR
    shop.drive(first)
    shop.drive(first)
    assert shop.order(first.number).status == "expired"
    order = sell(shop, quantity=2)
    shown = codes(shop, order)
    assert order.ranges[0].seg.startswith("r")
    tables.restore()
    for _ in range(2):
        tables.recover()
    assert (codes(shop, order), shop.free()) == (shown, 8)
    assert not set(codes(shop, sell(shop, quantity=8))) & set(shown)


def test_a_case_of_the_lost_span_is_open_again_or_settled_as_it_was(shop, tables):
    tables.keep(tenant.MAIN)
    with tenant.acting_for(tenant.MAIN):
        for key in ("one", "two"):
            cases.open("k", key, why="why", facts={"site": "demo"}, action="do", now=shop.world.now)
        cases.settle("k", "one", staff="a", note="well", now=shop.world.now)
    tables.restore()
    tables.recover()
    with tenant.acting_for(tenant.MAIN):
        (one,) = cases.open_ones()
        assert (one.key, one.why, one.facts, one.action) == ("two", "why", {"site": "demo"}, "do")
        assert cases.find("k", "one").settled_at == shop.world.now


def test_codes_imported_in_the_lost_span_are_named_in_an_alarm(shop, tables):
    tables.keep(tenant.MAIN)
    with tenant.acting_for(tenant.MAIN):
        make.make_codes(tenant.MAIN, shop.goods_id, 5, first=10)
    order = sell(shop, quantity=12)
    tables.restore()
    tables.recover()
    (alarm,) = [one for one in tables.logger.lines if one["message"] == "recovery.segments_lost"]
    assert alarm["ranges"].startswith(order.ranges[-1].seg)


def test_lines_that_say_nothing_of_this_are_left_out():
    assert rules.read([{"message": "orders.moved", "site": "x"}, {}]) == rules.Evidence()
