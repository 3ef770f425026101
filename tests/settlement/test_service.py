import pytest

from chalicelib.kit import clock, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.settlement import worker
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

MIDNIGHT = clock.day_start(clock.day_of(make.NOON)) + clock.DAY
TODAY, TOMORROW = clock.day_of(make.NOON), clock.day_of(MIDNIGHT)


def deliver(shop, **ask):
    """An order delivered now, whose SETTLE message waits."""
    order = shop.place(**ask)
    shop.pay(order)
    shop.world.run("fulfil")
    return shop.order(order.number)


def settle(shop, order):
    return settlement.settle(shop.site, order.number, now=shop.world.now)


def close(shop, at):
    shop.world.now = at
    return settlement.close_windows(shop.site, now=at)


def sums(shop, day):
    return ledger.totals(one.legs for one in ledger.journals(shop.site, day))


def test_an_order_is_in_the_books_once(shop, world):
    order = deliver(shop, quantity=2)
    assert settle(shop, order) is True
    assert settle(shop, order) is False
    (journal,) = settlement.journals_of(order)
    assert journal.event == "sale"
    assert sum(fen for _, fen in journal.legs) == 0
    # 99.00 paid, 80.00 wholesale, 20 % of the margin of 19.00 for main, 0.6 % fee borne by main.
    assert dict(journal.legs) == {
        "clearing:wechat": 9900,
        "main:sales": -8000,
        "main:commission": -380,
        f"subsite:{shop.site}:pending": -1520,
        "channel_fee_expense": 59,
        "fee_accrued:wechat": -59,
    }


def test_only_a_delivered_order_is_settled(shop, world):
    order = shop.place()
    assert settle(shop, order) is False
    shop.pay(order)
    assert settle(shop, order) is False
    assert ledger.journals(shop.site, TODAY) == []


@pytest.mark.parametrize(("delivered_at", "window"), [(MIDNIGHT - 1, TODAY), (MIDNIGHT, TOMORROW)])
def test_the_window_comes_from_the_time_of_delivery_in_beijing(shop, world, delivered_at, window):
    world.now = delivered_at
    order = deliver(shop)
    world.now += 5 * clock.DAY
    settle(shop, order)
    assert [one.number for one in ledger.journals(shop.site, window)] == [order.number]


def test_the_site_has_its_money_the_day_after(shop):
    settle(shop, deliver(shop, quantity=2))
    assert ledger.available(shop.site) == 0
    assert close(shop, MIDNIGHT - 1) == 0
    assert close(shop, MIDNIGHT + 1800) == 1520
    assert ledger.available(shop.site) == 1520


def test_closing_again_posts_only_what_came_late(shop, world):
    settle(shop, deliver(shop))
    late = deliver(shop, quantity=2)
    late_journal = dict(ledger.statement(shop.site, TODAY) or {})
    assert late_journal == {}
    total = close(shop, MIDNIGHT + 1800)
    assert total == 760 + 1520  # the lost journal was written by the close
    assert [one.event for one in settlement.journals_of(late)] == ["sale"]
    assert close(shop, MIDNIGHT + 3600) == 0
    legs = [(f"subsite:{shop.site}:pending", -5), ("main:sales", 5)]
    ledger.post(shop.site, TODAY, late.number, "correction", legs, at=make.NOON)
    assert close(shop, MIDNIGHT + clock.DAY + 3600) == 0
    assert close(shop, MIDNIGHT + clock.DAY + 60) == 5
    assert ledger.available(shop.site) == 2285


def test_closing_writes_no_journal_that_stands(shop, world, monkeypatch):
    settle(shop, deliver(shop))
    lost = deliver(shop)
    written, post = [], ledger.post
    monkeypatch.setattr(ledger, "post", lambda *what, **more: written.append(what[2]) or post(*what, **more))
    close(shop, MIDNIGHT + 1800)
    close(shop, MIDNIGHT + 3600)
    assert written == [lost.number]


def test_an_order_placed_before_midnight_and_delivered_after_it_is_found(shop, world):
    world.now = MIDNIGHT - 10
    order = shop.place()
    shop.pay(order)
    world.now = MIDNIGHT + 10
    world.run("fulfil")
    assert close(shop, MIDNIGHT + 1800) == 0
    assert close(shop, MIDNIGHT + clock.DAY + 1800) == 760
    assert [one.number for one in ledger.journals(shop.site, TOMORROW)] == [order.number]


def test_two_closings_at_once_post_once(shop, world, monkeypatch):
    settle(shop, deliver(shop))
    really = ledger.close
    posted = []

    def overtaken(site, window, *, now, early_fen):
        monkeypatch.setattr(ledger, "close", really)
        posted.append(really(site, window, now=now, early_fen=early_fen))
        raise table.Refused

    monkeypatch.setattr(ledger, "close", overtaken)
    assert close(shop, MIDNIGHT + 1800) == 0
    assert posted == [760]
    assert close(shop, MIDNIGHT + 3600) == 0
    assert ledger.available(shop.site) == 760


def test_statements_add_up_from_journals_alone(shop, world):
    for quantity in (1, 2, 3):
        settle(shop, deliver(shop, quantity=quantity))
    refunded = shop.place()
    shop.pay(refunded)
    orders.add_todo(shop.site, refunded.number, "refund", due=world.now)
    orders.move(shop.site, refunded.number, "refunding", now=world.now)
    settlement.refund(shop.site, refunded.number, now=world.now)
    before = settlement.statement(shop.site, TODAY)
    assert (before.closed, before.available_fen) == (False, 0)
    close(shop, MIDNIGHT + 1800)
    statement = settlement.statement(shop.site, TODAY)
    assert (statement.closed, statement.rows, statement.totals) == (True, before.rows, before.totals)
    totals = statement.totals
    assert totals.paid_fen == 6 * 4950
    assert totals.site_fen + totals.main_fen + totals.fee_fen == totals.paid_fen
    assert totals.site_fen == ledger.available(shop.site) == statement.available_fen
    assert sum(sums(shop, TODAY).values()) == 0
    assert ledger.statement(shop.site, TODAY) == sums(shop, TODAY)
    assert len(statement.rows) == 5


def test_a_day_without_sales_closes_without_a_row(shop):
    assert close(shop, MIDNIGHT + 1800) == 0
    statement = settlement.statement(shop.site, TODAY)
    assert (statement.closed, statement.rows, statement.totals.paid_fen) == (False, (), 0)


def test_plans_are_versioned_and_an_order_keeps_its_own(shop, world):
    order = deliver(shop, quantity=2)
    plan = ledger.put_plan(ledger.Plan("standard", 0, 3000, 3000, "site"), now=world.now)
    assert (plan.version, len(ledger.plans())) == (2, 2)
    settle(shop, order)
    (journal,) = settlement.journals_of(order)
    assert dict(journal.legs)["main:commission"] == -380
    newer = deliver(shop, quantity=2)
    settle(shop, newer)
    (journal,) = settlement.journals_of(newer)
    assert dict(journal.legs)["main:commission"] == -570


def test_own_goods_pay_main_a_share_of_the_gross(world, shop):
    own = make.make_goods(shop.site, wholesale_fen=0)
    make.make_codes(shop.site, own.goods_id, 2)
    make.catalog.publish(shop.site, now=make.NOON)
    make.catalog.forget()
    order = deliver(shop, goods_id=own.goods_id)
    settle(shop, order)
    (row,) = settlement.statement(shop.site, TODAY).rows
    assert (row.paid_fen, row.site_fen) == (4950, 3960)


def test_every_site_is_asked_to_close_and_workers_do_as_messages_say(shop, world):
    order = deliver(shop)
    world.sent.clear()
    world.now = MIDNIGHT + 1800
    with tenant.acting_for(tenant.MAIN):
        assert make.fire(worker.close_windows) == {"sites": 1}
    (message,) = world.sent_to("settle")
    assert make.work("settle", [message, {"site": shop.site, "order": order.number}]) == []
    assert ledger.available(shop.site) == 760


def test_under_a_plan_of_the_same_day_the_site_has_money_every_hour_up_to_the_cap(shop, world):
    ledger.put_plan(ledger.Plan("standard", 0, 2000, 2000, release="T+0", t0_cap_fen=1000), now=make.NOON)
    settle(shop, deliver(shop))
    assert close(shop, make.NOON + 1800) == 760
    settle(shop, deliver(shop, quantity=2))
    assert [close(shop, make.NOON + hours * 3600) for hours in (1, 2)] == [240, 0]
    statement = settlement.statement(shop.site, TODAY)
    assert (statement.closed, statement.early_fen, statement.available_fen) == (False, 1000, 1000)
    assert close(shop, MIDNIGHT + 1800) == 1280
    statement = settlement.statement(shop.site, TODAY)
    assert (statement.closed, statement.early_fen, statement.available_fen) == (True, 0, 2280)


def test_after_midnight_the_deposit_pays_what_a_refund_left_owing(shop, world, monkeypatch):
    legs = [(f"subsite:{shop.site}:pending", 900), ("refund_clearing:wechat", -900)]
    ledger.post(shop.site, TODAY, "0" * 28, "R2", legs, at=make.NOON)
    with table.Together(tenant.MAIN, "") as write:
        ledger.move(write, shop.site, ledger.Flow(1, "deposit-paid", "D1", deposit=500))
    really = ledger.recover
    with monkeypatch.context() as patches:

        def overtaken(party, *, now):
            really(party, now=now)
            raise table.Refused

        patches.setattr(ledger, "recover", overtaken)
        assert close(shop, MIDNIGHT + 1800) == -900
    assert close(shop, MIDNIGHT + 5400) == 0
    assert ledger.balances(shop.site) == ledger.Balances(-400, 0, 0, 0)
    assert settlement.statement(shop.site, TOMORROW).available_fen == -400
