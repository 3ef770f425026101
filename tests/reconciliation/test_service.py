"""Books taken on hour by hour: bills that are late, wrong or never come; parts compared, healed, told and added up."""

import json

import pytest

from chalicelib.cases import service as cases
from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, log, outbound, tenant, worker
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.reconciliation import asking, bills, comparing, ours, rules, telling
from chalicelib.reconciliation import service as reconciliation
from chalicelib.reconciliation import worker as functions
from chalicelib.settlement import service as settlement
from chalicelib.wallet import service as wallet
from sim.iam.enforce import acting_as
from tests import make

DAY = "20261123"
BOOK = f"{DAY}#wechat#mwechat"
NEXT = clock.day_start(DAY) + clock.DAY
ASKED = NEXT + 11 * 3600


class Bills:
    """What the channel answers when it is asked for bills: rows, or an error; nothing for days without."""

    def __init__(self, monkeypatch):
        self.rows, self.error, self.digest = {}, None, "d1"
        answer = lambda merchant, day, *, now: self.download(merchant.name, day)  # noqa: E731  a method of its own
        monkeypatch.setattr(make.Merchant, "download_bill", answer, raising=False)

    def download(self, channel, day):
        if channel != "wechat":
            return gateways.Bill(day, "empty", ())
        if self.error:
            raise self.error
        if day not in self.rows:
            raise gateways.Unready("none")
        return gateways.Bill(day, self.digest, tuple(self.rows[day]))


@pytest.fixture
def bill(shop, monkeypatch):
    return Bills(monkeypatch)


@pytest.fixture
def alarms(monkeypatch):
    raised = []
    monkeypatch.setattr(log, "alarm", lambda name, **_fields: raised.append(name))
    return raised


def row(payment, **changes):
    base = gateways.BillRow(
        kind="payment",
        merchant=payment.merchant,
        out_trade_no=payment.out_trade_no,
        transaction_id=payment.transaction_id,
        amount_fen=payment.amount_fen,
        fee_fen=30,
        at=payment.paid_at,
    )
    return make.replace(base, **changes)


def strike(world, at=ASKED):
    """The hour strikes, and everybody works."""
    world.now = max(world.now, at)
    assert make.fire(functions.ask_for_bills)["books"] >= 0
    return world.run("reconcile", "fulfil", "settle", "refund")


def reconcile(world, at=ASKED):
    for _ in range(2):
        assert strike(world, at) == []
    return book()


def book(name=BOOK):
    with tenant.acting_for(tenant.MAIN):
        return reconciliation.find(name)


def differences():
    return [(case.why, case.facts["amount_fen"]) for case in cases.open_ones(kind="difference")]


def sell(shop, world, count=1, **asked):
    """Orders that were paid and delivered; their payments."""
    paid = []
    for _ in range(count):
        order = shop.place(**asked)
        paid.append(shop.payment(order))
        shop.pay(order)
        world.run("fulfil", "settle")
    return paid


def test_a_day_that_fits_is_closed_with_nothing_to_explain(shop, world, bill):
    bill.rows[DAY] = [row(one) for one in sell(shop, world, 3)]
    closed = reconcile(world)
    assert (closed.state, closed.rows) == ("closed", 3)
    assert closed.totals["counts"] == {"matched": [3, 14850]}
    assert closed.totals["unexplained_fen"] == 0
    assert cases.count_open() == {}
    with tenant.acting_for(tenant.MAIN):
        legs = ledger.totals(one.legs for one in ledger.journals(tenant.MAIN, DAY))
    assert legs == {"bank:main": 14760, "fee_accrued:wechat": 90, "clearing:wechat": -14850}


def test_everything_of_it_may_happen_under_its_own_policy(shop, world, bill):
    (paid,) = sell(shop, world)
    late = shop.place()
    unheard = shop.payment(late)
    strange = row(paid, out_trade_no="Hello", transaction_id="x")
    bill.rows[DAY] = [row(paid, fee_fen=31), row(unheard), strange, row(paid, transaction_id="y")]
    for _ in range(3):
        world.now = max(world.now, NEXT + clock.DAY + 11 * 3600)
        with acting_as("ask_for_bills"):
            make.fire(functions.ask_for_bills)
        with acting_as("reconcile_books"):
            assert world.run("reconcile") == []
    assert book().state == "closed"
    assert shop.order(late.number).status == "paid"
    assert len(differences()) == 2


def test_a_lost_notification_is_healed_and_its_order_delivered(shop, world, bill):
    order = shop.place()
    bill.rows[DAY] = [row(shop.payment(order))]
    assert reconcile(world).totals["healed"] == 1
    assert shop.order(order.number).status == "delivered"
    assert differences() == []


def test_a_payment_that_was_healed_is_a_difference_where_a_later_bill_says_otherwise(shop, world, bill):
    order = shop.place()
    paid = shop.payment(order)
    bill.rows[DAY] = [row(paid)]
    assert reconcile(world).totals["healed"] == 1
    bill.digest, bill.rows[DAY] = "d2", [row(paid, amount_fen=4949), row(paid, amount_fen=4949)]
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    assert reconcile(world).totals["healed"] == 0
    assert sorted(differences()) == [("同一笔在账单里出现两次", "4949"), ("金额与账单不一致", "4949")]


def test_a_second_payment_nobody_told_of_goes_back(shop, world, bill):
    order = shop.place()
    first, second = shop.payment(order), shop.payment(order, transaction_id="again")
    shop.pay(order)
    world.run("fulfil", "settle")
    bill.rows[DAY] = [row(first), row(second)]
    world.monkeypatch.setattr(make.Merchant, "query", lambda *_named, **_asked: second)
    assert reconcile(world).totals["counts"] == {"matched": [1, 4950], "fee": [1, 4950]}
    with tenant.acting_for(shop.site):
        assert [todo.done_at is None for todo in orders.todos_named(shop.site, "D", closed=True)] == [False]
    assert list(world.channel.refunds.values()) == [4950]


def test_a_bill_that_cuts_long_numbers_still_knows_a_second_payment_s_way_back(
    shop, world, bill, monkeypatch
):
    monkeypatch.setattr(ours, "_ROOM", {"wechat": 32})
    order = shop.place()
    first, second = shop.payment(order), shop.payment(order, transaction_id="again")
    shop.pay(order)
    with tenant.acting_for(tenant.MAIN):
        checkout.accept_payment(second, now=world.now)
    world.run("fulfil", "settle", "refund")
    (number,) = world.channel.refunds
    assert len(number) == 40
    back = row(second, kind="refund", out_refund_no=number[:32], fee_fen=0)
    bill.rows[DAY] = [row(first), row(second, fee_fen=0), back]
    closed = reconcile(world)
    assert (closed.state, set(closed.totals["counts"])) == ("closed", {"matched"})
    assert differences() == []


def test_a_second_payment_told_of_again_still_went_back_when_it_did(shop, world, bill):
    order = shop.place()
    second = shop.payment(order, transaction_id="again")
    shop.pay(order)
    world.run("fulfil", "settle")

    def told():
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(second, now=world.now)
        world.run("refund")
        with tenant.acting_for(shop.site):
            return [todo.done_at for todo in orders.todos_named(shop.site, "D", closed=True)]

    first = told()
    world.now += 2 * clock.DAY
    assert told() == first == [world.now - 2 * clock.DAY]


def test_money_of_nobody_is_booked_as_suspense_and_has_one_case(shop, world, bill):
    payment = make.replace(shop.payment(shop.place()), out_trade_no="Hello", transaction_id="lost")
    bill.rows[DAY] = [row(payment)]
    world.monkeypatch.setattr(make.Merchant, "query", lambda *_named, **_asked: payment)
    closed = reconcile(world)
    assert closed.totals["unexplained_fen"] == 0
    assert cases.count_open() == {"suspense": 1}
    with tenant.acting_for(tenant.MAIN):
        legs = ledger.totals(one.legs for one in ledger.journals(tenant.MAIN, DAY))
    assert legs["suspense:unmatched"] == -4950
    assert (legs["clearing:wechat"], legs["fee_accrued:wechat"], legs["channel_fee_expense"]) == (0, 0, 30)

    def again(digest, *rows):
        bill.digest, bill.rows[DAY] = digest, list(rows)
        with tenant.acting_for(tenant.MAIN):
            reconciliation.ask_again(BOOK)
        reconcile(world)
        with tenant.acting_for(tenant.MAIN):
            return ledger.totals(one.legs for one in ledger.journals(tenant.MAIN, DAY))

    for digest, rows, fee in (
        ("d1", [row(payment)], 30),
        ("d2", [row(payment, fee_fen=31)], 31),
        ("d3", [], 0),
        ("d4", [row(payment)], 30),
    ):
        legs = again(digest, *rows)
        assert (legs["fee_accrued:wechat"], legs["channel_fee_expense"]) == (0, fee)


def test_its_way_back_in_the_next_bill_is_no_difference(shop, world, bill):
    payment = shop.payment(shop.place(), transaction_id="odd", amount_fen=4000)
    with tenant.acting_for(tenant.MAIN):
        checkout.accept_payment(payment, now=world.now)
        money = settlement.unowned("wechat", "odd")
        settlement.give_back(money.case.case_id, staff="admin", now=world.now)
    world.run("refund")
    back = row(payment, kind="refund", out_refund_no=money.number, fee_fen=-25)
    bill.rows[DAY] = [row(payment), back]
    closed = reconcile(world)
    assert (closed.state, closed.totals["unexplained_fen"]) == ("closed", 0)
    assert differences() == []
    with tenant.acting_for(tenant.MAIN):
        legs = ledger.totals(one.legs for one in ledger.journals(tenant.MAIN, DAY))
    assert (legs["fee_accrued:wechat"], legs["channel_fee_expense"]) == (0, 5)


def test_money_claimed_after_its_bill_has_its_fee_once(shop, world, bill):
    order = shop.place()
    payment = shop.payment(order)
    with tenant.acting_for(tenant.MAIN):
        payments.suspend(payment, why="lost", now=world.now)
    bill.rows[DAY] = [row(payment)]
    money = settlement.unowned("wechat", payment.transaction_id)
    answers(world, None)
    reconcile(world)
    with tenant.acting_for(tenant.MAIN):
        settlement.claim(money.case.case_id, staff="admin", now=payment.paid_at + 60)
    world.run("fulfil", "settle")
    with tenant.acting_for(shop.site):
        days = (DAY, "20261124")
        sites = ledger.totals(one.legs for day in days for one in ledger.journals(shop.site, day))
    with tenant.acting_for(tenant.MAIN):
        mains = ledger.totals(one.legs for one in ledger.journals(tenant.MAIN, DAY))
    assert sites["clearing:wechat"] + mains["clearing:wechat"] == 0
    assert sites["fee_accrued:wechat"] + mains["fee_accrued:wechat"] == 0
    assert mains.get("channel_fee_expense", 0) == 0


def test_a_fee_is_followed_once_and_back_again(shop, world, bill):
    (paid,) = sell(shop, world)
    bill.rows[DAY] = [row(paid, fee_fen=35)]
    assert reconcile(world).totals["adjusted_fen"] == 5

    def fees():
        with tenant.acting_for(shop.site):
            found = ledger.journals(shop.site, DAY)
        return [dict(one.legs)["fee_accrued:wechat"] for one in found if one.event.startswith("fee-")]

    assert fees() == [-5]
    for digest, fee, posted in (("d1", 35, [-5]), ("d2", 30, [-5, 5]), ("d3", 35, [-5, -5, 5])):
        bill.digest, bill.rows[DAY] = digest, [row(paid, fee_fen=fee)]
        with tenant.acting_for(tenant.MAIN):
            reconciliation.ask_again(BOOK)
        reconcile(world)
        assert sorted(fees()) == posted


def test_a_fee_is_followed_once_also_where_the_order_was_refunded_since(shop, world, bill):
    with tenant.acting_for(shop.site):
        goods = make.make_goods(way="manual", kind="service")
        catalog.publish(shop.site, now=make.NOON)
        catalog.forget()
    order = shop.place(goods_id=goods.goods_id)
    bill.rows[DAY] = [row(shop.payment(order), fee_fen=35)]
    shop.pay(order)
    world.run("fulfil")
    reconcile(world)
    with tenant.acting_for(shop.site):
        fulfilment.refund_instead(shop.site, order.number, reason="none left", staff="a", now=world.now)
    world.run("refund")
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    reconcile(world)
    with tenant.acting_for(shop.site):
        assert shop.order(order.number).status == "refunded"
        found = [one.event for one in ledger.journals(shop.site, DAY) if one.event.startswith("fee-")]
    assert found == ["fee-sale-0"]


def test_a_difference_becomes_a_case_and_a_corrected_bill_settles_it(shop, world, bill):
    (paid,) = sell(shop, world)
    bill.rows[DAY] = [row(paid, amount_fen=5000)]
    assert reconcile(world).totals["clearing"]["unmatched_fen"] == 50
    assert differences() == [("金额与账单不一致", "5000")]
    bill.digest, bill.rows[DAY] = "d2", [row(paid)]
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    assert reconcile(world).totals["counts"] == {"matched": [1, 4950]}
    assert differences() == []
    assert cases.settled_ones()[0].staff == telling.SYSTEM


def test_many_differences_of_a_kind_are_one_case(shop, world, bill):
    (paid,) = sell(shop, world)
    bill.rows[DAY] = [row(paid), *[row(paid, transaction_id=f"x{i}") for i in range(60)]]
    reconcile(world)
    ((why, fen),) = differences()
    assert "共 60 笔" in why
    assert fen == str(60 * 4950)
    (case,) = cases.open_ones()
    assert reconciliation.list_of(case) == (BOOK, shop.site, "long")
    cases.settle(case.kind, case.key, staff="a", note="all of these looked up", now=world.now)
    bill.digest, bill.rows[DAY] = "d2", bill.rows[DAY][:-1]
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    reconcile(world)
    ((why, _),) = differences()
    assert "共 59 笔" in why  # others than those that were looked up


def test_money_that_came_days_late_is_missed_although_nothing_was_delivered(shop, world, bill):
    world.now -= 3 * clock.DAY
    order = shop.place()
    world.now = order.expires_at
    shop.drive(order)
    world.now = make.NOON
    shop.pay(order)
    world.messages("fulfil")  # which is lost
    bill.rows[DAY], bill.rows["20261124"] = [], []
    closed = reconcile(world, NEXT + clock.DAY + 11 * 3600)
    assert closed.totals["counts"] == {"short": [1, 4950]}
    assert differences() == [("渠道已收款，账单里没有", "4950")]


def test_what_only_we_have_waits_for_the_next_bill(shop, world, bill):
    paid = sell(shop, world, 2)
    bill.rows[DAY] = [row(paid[0])]
    assert reconcile(world).state == "waiting"
    assert differences() == []
    bill.rows["20261124"] = [row(paid[1], at=NEXT + 5)]
    closed = reconcile(world, NEXT + clock.DAY + 11 * 3600)
    assert (closed.state, closed.totals["counts"]) == ("closed", {"matched": [1, 4950]})
    assert closed.totals["clearing"]["behind_fen"] == 4950
    assert book("20261124#wechat#mwechat").totals["clearing"]["ahead_fen"] == 4950
    assert differences() == []


AFTER_GRACE = NEXT + clock.DAY + 11 * 3600
UNBILLED = "渠道已收款，账单里没有"
UNPAID = "渠道没有收到这笔款，订单却已按付款处理"
UNSAID = "本平台有一笔，账单里没有，渠道也答复不了"


def answers(world, answer):
    """What the channel says when it is asked for a payment; an error is raised."""

    def query(*_named, **_asked):
        if isinstance(answer, Exception):
            raise answer
        return answer

    world.monkeypatch.setattr(make.Merchant, "query", query)


def test_what_no_bill_has_is_short(shop, world, bill):
    sell(shop, world)
    bill.rows = {DAY: [], "20261124": []}
    closed = reconcile(world, AFTER_GRACE)
    assert closed.totals["counts"] == {"short": [1, 4950]}
    assert differences() == [(UNBILLED, "4950")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (None, UNPAID),
        ({"amount_fen": 1}, "渠道收的是另一笔款，与订单记的不一致"),
        ({"transaction_id": "else"}, "渠道收的是另一笔款，与订单记的不一致"),
        (gateways.Declined("X", "no"), UNSAID),
    ],
)
def test_the_case_of_what_is_short_says_what_the_channel_answered(shop, world, bill, changes, why):
    (paid,) = sell(shop, world)
    bill.rows = {DAY: [], "20261124": []}
    answers(world, make.replace(paid, **changes) if isinstance(changes, dict) else changes)
    assert reconcile(world, AFTER_GRACE).state == "closed"
    assert differences() == [(why, "4950")]


def test_a_channel_that_does_not_answer_is_asked_by_the_next_run_and_some_day_no_more(shop, world, bill):
    (paid,) = sell(shop, world)
    bill.rows = {DAY: [], "20261124": []}
    answers(world, outbound.Unknown("timeout"))
    assert reconcile(world, AFTER_GRACE).state == "waiting"
    assert differences() == []
    answers(world, None)
    reconcile(world, AFTER_GRACE + 3600)
    assert differences() == [(UNPAID, "4950")]
    answers(world, outbound.NotSent("refused"))
    bill.digest = "d2"
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    assert reconcile(world, NEXT + 4 * clock.DAY).state == "closed"
    assert differences() == [(UNSAID, "4950")]
    assert paid.amount_fen == 4950


def test_a_short_payment_with_a_refund_is_not_called_unpaid(shop, world, bill):
    """Some channels call it no payment any more; a refund that moved says that it was one."""
    for state in ("success", "processing"):
        world.channel.refund_state = state
        order = shop.place()
        shop.pay(order)
        world.run("fulfil", "settle")
        with tenant.acting_for(shop.site):
            settlement.give(
                shop.order(order.number), settlement.Wish("less", fen=50), by="o", seen=0, now=world.now
            )
        world.run("refund")
    answers(world, None)
    bill.rows = {DAY: [], "20261124": []}
    reconcile(world, AFTER_GRACE)
    assert {why for why, fen in differences() if fen == "4950"} == {UNBILLED, UNSAID}


def test_only_so_many_are_asked_for_in_a_run_and_none_twice(shop, world, bill, monkeypatch):
    monkeypatch.setattr(asking, "_MOST", 1)
    sell(shop, world, 2)
    bill.rows = {DAY: [], "20261124": []}
    asked = []
    really = make.Merchant.query

    def query(self, trade, *, now):
        asked.append(trade)
        return really(self, trade, now=now)

    monkeypatch.setattr(make.Merchant, "query", query)
    assert strike(world, AFTER_GRACE) == []
    assert (len(asked), differences()) == (1, [(UNBILLED, "4950")])
    assert reconcile(world, AFTER_GRACE).state == "closed"
    assert (len(asked), len(set(asked)), len(differences())) == (2, 2, 2)


def test_a_bill_that_never_comes_is_empty_by_evening_and_a_case_if_we_sold(shop, world, bill):
    sell(shop, world)
    assert reconcile(world).state == "unready"
    assert reconcile(world, NEXT + 21 * 3600).digest == bills.NONE
    assert cases.count_open() == {}
    closed = reconcile(world, NEXT + clock.DAY + 11 * 3600)
    assert closed.state == "closed"
    assert {case.why for case in cases.open_ones(kind="bill")} == {"账单一直没有出来"}


def test_a_day_without_business_has_no_bill_and_no_case(shop, world, bill):
    assert reconcile(world, NEXT + 2 * clock.DAY).state == "closed"
    assert cases.count_open() == {}


def test_a_bill_that_comes_after_the_evening_counts(shop, world, bill):
    (paid,) = sell(shop, world)
    reconcile(world, NEXT + 21 * 3600)
    bill.rows[DAY] = [row(paid)]
    assert reconcile(world, NEXT + 23 * 3600).totals["counts"] == {"matched": [1, 4950]}


@pytest.mark.parametrize(
    "error",
    [gateways.Damaged("cut"), gateways.Declined("X", "no"), outbound.NotSent("x"), outbound.Unknown("x")],
)
def test_a_bill_that_cannot_be_read_is_tried_again_and_a_case_by_evening(shop, world, bill, alarms, error):
    (paid,) = sell(shop, world)
    bill.error = error
    assert reconcile(world).state == "damaged"
    assert "reconciliation.bill_damaged" in alarms
    key = f"{BOOK}#账单下载不下来"
    assert cases.find("bill", key) is None
    reconcile(world, NEXT + 21 * 3600)
    assert cases.find("bill", key)
    bill.error, bill.rows[DAY] = None, [row(paid)]
    assert reconcile(world, NEXT + 22 * 3600).state == "closed"


def test_rows_of_another_merchant_are_left_out_and_told(shop, world, bill):
    (paid,) = sell(shop, world)
    bill.rows[DAY] = [row(paid), row(paid, merchant="other", transaction_id="z")]
    assert reconcile(world).totals["counts"] == {"matched": [1, 4950]}
    assert {case.why for case in cases.open_ones(kind="bill")} == {"账单里有别的商户号的行"}
    bill.digest, bill.rows[DAY] = "d2", [row(paid, merchant="other")]
    with tenant.acting_for(tenant.MAIN):
        assert (
            reconciliation.drive(BOOK, now=world.now, again=True) == "closed"
        )  # as it was: nothing to go by


def test_a_journal_that_says_something_else_is_unexplained(shop, world, bill, alarms):
    (paid,) = sell(shop, world)
    with tenant.acting_for(shop.site):
        legs = [("clearing:wechat", 7), ("main:sales", -7)]
        ledger.post(shop.site, DAY, "Z" * 28, "sale", legs, at=world.now)
    bill.rows[DAY] = [row(paid)]
    assert reconcile(world).totals["unexplained_fen"] == -7
    assert "reconciliation.unexplained" in alarms
    assert {case.facts["found"] for case in cases.open_ones(kind="bill") if "mwechat" in case.key} == {
        "-0.07 元"
    }


def test_a_refund_the_channel_finished_is_heard_of(shop, world, bill):
    order = shop.place()
    paid = shop.payment(order)
    shop.pay(order)
    world.channel.refund_state = "processing"
    with tenant.acting_for(shop.site):
        orders.move(shop.site, order.number, "refunding", now=world.now, why="gone")
        orders.add_todo(shop.site, order.number, "refund", due=world.now)
    back = row(paid, kind="refund", out_refund_no=f"{paid.out_trade_no}R1", fee_fen=-30)
    bill.rows[DAY] = [row(paid), back]
    strike(world)
    world.channel.refund_state = "success"
    strike(world)
    assert reconcile(world, ASKED + 3600).state == "waiting"
    reconcile(world, ASKED + 4 * 3600)
    assert shop.order(order.number).status == "refunded"
    closed = reconcile(world, ASKED + 8 * 3600)
    assert (closed.state, closed.totals["counts"]) == ("closed", {"matched": [2, 0]})


def test_a_refund_nobody_decided_on_and_one_paid_by_hand_are_in_no_bill(shop, world, bill):
    asked, by_hand = sell(shop, world, 2)
    world.channel.refund_state = "abnormal"
    with tenant.acting_for(shop.site):
        settlement.request(
            shop.order(asked.out_trade_no[:28]), settlement.Wish("why", fen=100), now=world.now
        )
        wish = settlement.Wish("used before", fen=200)
        settlement.give(shop.order(by_hand.out_trade_no[:28]), wish, by="demo:owner", seen=0, now=world.now)
        world.run("refund")
        settlement.paid_by_hand(
            shop.order(by_hand.out_trade_no[:28]), 2, "ICBC-1", by="demo:owner", now=world.now
        )
    bill.rows[DAY] = [row(asked), row(by_hand)]
    closed = reconcile(world)
    assert (closed.totals["counts"], closed.totals["unexplained_fen"]) == ({"matched": [2, 9900]}, 0)


def test_a_merchant_of_a_site_s_own_is_held_against_that_site_alone(shop, world, bill, monkeypatch):
    """At thousands of merchants, each of thousands of sites would be asked in vain about each."""
    paid = sell(shop, world, 2)
    monkeypatch.setattr(payments, "owner_of", lambda _channel, _merchant: "zzzz")
    bill.rows[DAY] = [row(one) for one in paid]
    reconcile(world)
    asked = {message["site"] for message in world.sent_to("reconcile") if message.get("digest") == "d1"}
    assert asked == {tenant.MAIN}
    monkeypatch.setattr(payments, "owner_of", lambda _channel, _merchant: shop.site)
    bill.digest = "d2"
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    assert reconcile(world).totals["counts"] == {"matched": [2, 9900]}
    assert {message["site"] for message in world.sent_to("reconcile")} == {tenant.MAIN, shop.site}


def test_the_fee_that_a_site_s_own_merchant_paid_follows_each_bill(shop, world, bill, monkeypatch):
    monkeypatch.setattr(payments, "owner_of", lambda _channel, _merchant: shop.site)
    monkeypatch.setattr(payments, "splits_at_channel", lambda _channel, _merchant: True)
    (paid,) = sell(shop, world)
    for digest, fee in (("d1", 31), ("d2", 35), ("d3", 32)):
        bill.digest, bill.rows[DAY] = digest, [row(paid, fee_fen=fee)]
        with tenant.acting_for(tenant.MAIN):
            reconciliation.ask_again(BOOK)
        assert reconcile(world).state == "closed"
        with tenant.acting_for(shop.site):
            found = [one for one in ledger.journals(shop.site, DAY) if one.event.startswith("fee-")]
        assert ledger.totals(one.legs for one in found)["channel_fee_expense"] == fee - 30


def test_a_site_that_is_all_quiet_is_compared_too(shop, world, bill):
    bill.rows[DAY] = []
    assert reconcile(world).state == "closed"
    with tenant.acting_for(tenant.MAIN):
        assert set(reconciliation.parts(book())) == {tenant.MAIN, shop.site}


def test_the_channel_s_silence_while_healing_is_waited_out(shop, world, bill):
    bill.rows[DAY] = [row(shop.payment(shop.place()))]
    world.channel.down = True
    reconcile(world)
    assert book().totals["counts"] == {"long": [1, 4950]}  # it refused, which is an answer

    def silent(*_named, **_asked):
        raise outbound.Unknown("timeout")

    world.monkeypatch.setattr(make.Merchant, "query", silent)
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(BOOK)
    assert strike(world) != []


def test_healing_goes_on_in_the_next_run(shop, world, bill, monkeypatch):
    monkeypatch.setattr(comparing, "_MOST_HEALED", 1)
    bill.rows[DAY] = [row(shop.payment(shop.place())) for _ in range(2)]
    message = {"site": shop.site, "book": BOOK, "digest": "d1"}
    world.now = ASKED
    with tenant.acting_for(tenant.MAIN):
        reconciliation.drive(BOOK, now=world.now)
    assert make.work("reconcile", [message]) == [message]
    assert make.work("reconcile", [message]) == []
    world.run("reconcile")
    assert reconcile(world).totals["counts"]["matched"] == [2, 9900]


def test_a_message_of_an_older_bill_does_nothing(shop, world, bill):
    bill.rows[DAY] = [row(one) for one in sell(shop, world)]
    reconcile(world)
    assert make.work("reconcile", [{"site": shop.site, "book": BOOK, "digest": "older"}]) == []
    with tenant.acting_for(tenant.MAIN):
        before = comparing.results(BOOK)[shop.site].rev
        assert not bills.move(make.replace(book(), digest="older"), "waiting", now=world.now)
    assert comparing.results(BOOK)[shop.site].rev == before


def test_a_bill_that_comes_while_its_day_is_closed_is_compared_too(shop, world, bill, monkeypatch):
    (paid,) = sell(shop, world)
    bill.rows[DAY] = [row(paid)]
    strike(world)
    really = bills.move

    def overtaken(told, state, **more):
        monkeypatch.setattr(bills, "move", really)
        bills.keep(BOOK, "d2", [row(paid, amount_fen=5000)], {shop.site}, now=world.now)
        return really(told, state, **more)

    monkeypatch.setattr(bills, "move", overtaken)
    with tenant.acting_for(tenant.MAIN):
        reconciliation.drive(BOOK, now=world.now)
        assert (book().state, book().digest) == ("comparing", "d2")
    assert reconcile(world).totals["counts"] == {"amount": [1, 5000]}


def test_two_runs_at_once_leave_the_faster_one_and_come_again(shop, world, bill, monkeypatch):
    bill.rows[DAY] = [row(one) for one in sell(shop, world)]
    reconcile(world)
    really = rules.counts

    def overtaken(lines):
        monkeypatch.setattr(rules, "counts", really)
        comparing.compare(shop.site, BOOK, "d1", now=world.now)
        return really(lines)

    monkeypatch.setattr(rules, "counts", overtaken)
    with tenant.acting_for(shop.site), pytest.raises(worker.TryLater):
        comparing.compare(shop.site, BOOK, "d1", now=world.now)


@pytest.mark.parametrize("name", ["", "20261123", "2026#wechat#m", f"{DAY}#wechat#no/where", f"{DAY}#x#y#z"])
def test_a_name_that_names_no_book_is_not_found(world, name):
    with pytest.raises(errors.NotFound):
        reconciliation.find(name)


def test_a_book_of_a_merchant_nobody_set_up_is_not_done_again(shop, world):
    with tenant.acting_for(tenant.MAIN), pytest.raises(errors.NotFound):
        reconciliation.ask_again(f"{DAY}#wechat#nobody")


def test_the_bill_is_kept_as_it_came(shop, world, bill):
    bill.rows[DAY] = [row(one) for one in sell(shop, world, 2)]
    closed = reconcile(world)
    with tenant.acting_for(tenant.MAIN):
        assert sorted(reconciliation.rows(closed), key=str) == sorted(bill.rows[DAY], key=str)
        assert reconciliation.lines(closed) == {}
        assert json.dumps(closed.totals)


def test_a_bill_knows_only_what_the_channel_collected_beside_a_balance(shop, world, bill):
    """A top-up, one taken back, an order in part and one whole from the balance, and late money that was too late."""
    filled, returned = sell(shop, world, 2, member="m1", goods_id="topup", quantity=100)
    with tenant.acting_for(shop.site):
        settlement.take_back(shop.order(returned.out_trade_no[:28]), now=world.now)
        wallet.set_password(shop.site, "m1", "135790")
    world.run("refund")
    in_part = shop.place_from(4000)
    payment = shop.payment(in_part)
    shop.pay(in_part)
    shop.place_from(4950)
    too_late = shop.place_from(1000)
    world.now = too_late.expires_at
    shop.drive(too_late)
    shop.place_from(1050, contact="else@example.com")
    unwanted = shop.payment(too_late)
    shop.pay(too_late)
    world.run("fulfil", "settle", "refund")
    (second,) = (number for number in world.channel.refunds if "D" in number[28:])
    bill.rows[DAY] = [
        row(filled, fee_fen=60),
        row(returned, fee_fen=60),
        row(returned, kind="refund", out_refund_no=f"{returned.out_trade_no}R2", fee_fen=0),
        row(payment, fee_fen=6),
        row(unwanted, fee_fen=0),
        row(unwanted, kind="refund", out_refund_no=second, fee_fen=0),
    ]
    closed = reconcile(world)
    assert differences() == []
    assert (closed.state, closed.totals["unexplained_fen"]) == ("closed", 0)
    assert set(closed.totals["counts"]) == {"matched"}
