import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import placing, tender
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, table, tenant
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.wallet import service as wallet
from chalicelib.wallet.model import EntryRow
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

PRICE = 4950


def expire(shop, world, order):
    world.now = order.expires_at
    shop.drive(order)
    expired = shop.order(order.number)
    assert expired.status == "expired"
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    return expired


def accept(world, payment):
    checkout.accept_payment(payment, now=world.now)


def test_the_balance_pays_whole_and_the_codes_are_there_at_once(shop, world):
    shop.fund(5000)
    order = shop.order(shop.place_from(PRICE).number)
    assert (order.status, order.channel, order.balance_fen, order.channel_fen) == (
        "delivered",
        "balance",
        PRICE,
        0,
    )
    assert order.paid_at == order.delivered_at == make.NOON
    assert len(fulfilment.codes_of(order)) == 1
    assert shop.wallet() == (50, 0)
    assert world.sent_to("settle") == [{"site": shop.site, "order": order.number}]


def test_more_than_the_price_is_never_taken(shop):
    shop.fund(9000)
    assert shop.place_from(9000).balance_fen == PRICE
    assert shop.wallet() == (9000 - PRICE, 0)


def test_posting_twice_pays_once(shop):
    shop.fund(5000)
    ask = {"key": make.uuid7(make.NOON)}
    first = shop.place_from(PRICE, **ask)
    placing._seen.clear()
    assert shop.place_from(PRICE, **ask) == shop.order(first.number)
    assert shop.place_from(PRICE, secret="wrong one", **ask).number == first.number
    stock.fold(shop.owner, shop.goods_id, now=make.NOON)
    assert (shop.wallet(), shop.free()) == ((50, 0), 9)


def test_payments_without_password_at_once_stay_below_the_cap_of_the_day(shop, monkeypatch):
    shop.fund(60_000)
    cookie = wallet.agree(shop.site, "m1", 20_000, secret="135790", address="1.2.3.4", now=make.NOON)
    device = wallet.device_of(shop.site, "m1", cookie)
    shop.place_from(2 * PRICE, quantity=2)
    unasked = {"quantity": 2, "secret": "", "device": device}
    really_put = tender.put

    def put(*asked, **more):
        """Two others are faster."""
        monkeypatch.setattr(tender, "put", really_put)
        for _ in range(2):
            shop.place_from(2 * PRICE, **unasked)
        return really_put(*asked, **more)

    monkeypatch.setattr(tender, "put", put)
    with pytest.raises(wallet.PasswordNeeded):
        shop.place_from(2 * PRICE, **unasked)
    stock.fold(shop.owner, shop.goods_id, now=make.NOON)
    assert (shop.wallet(), shop.free()) == ((60_000 - 6 * PRICE, 0), 4)


def test_the_same_key_with_another_part_is_another_order(shop):
    shop.fund(9000)
    ask = {"key": make.uuid7(make.NOON)}
    shop.place_from(100, **ask)
    with pytest.raises(checkout.KeyReused):
        shop.place_from(200, **ask)
    assert shop.wallet() == (8900, 100)


def test_too_little_takes_nothing_and_holds_nothing(shop, world):
    shop.fund(PRICE - 1)
    with pytest.raises(wallet.Short):
        shop.place_from(PRICE)
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert (shop.wallet(), shop.free()) == ((PRICE - 1, 0), 10)


def test_a_wrong_password_takes_nothing_and_claims_nothing(shop):
    shop.fund(5000)
    with pytest.raises(wallet.PasswordWrong):
        shop.place_from(PRICE, secret="000000")
    assert (shop.wallet(), shop.free()) == ((5000, 0), 10)


def test_two_orders_at_once_spend_the_balance_once(shop, world, monkeypatch):
    shop.fund(5000)
    really = orders.open_with

    def overtaken(*given, **fields):
        monkeypatch.setattr(orders, "open_with", really)
        shop.place_from(PRICE)
        return really(*given, **fields)

    monkeypatch.setattr(orders, "open_with", overtaken)
    with pytest.raises(wallet.Short):
        shop.place_from(PRICE)
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert (shop.wallet(), shop.free()) == ((50, 0), 9)


def test_a_wallet_that_moved_meanwhile_is_read_again(shop, monkeypatch):
    shop.fund(5000)
    really = wallet.enter

    def overtaken(write, *given, **fields):
        monkeypatch.setattr(wallet, "enter", really)
        made = really(write, *given, **fields)
        shop.fund(1)
        return made

    monkeypatch.setattr(wallet, "enter", overtaken)
    assert shop.place_from(PRICE).status == "delivered"
    assert shop.wallet() == (51, 0)


def test_a_wallet_that_never_rests_is_given_up(shop, world, monkeypatch):
    shop.fund(5000)
    really = wallet.enter

    def overtaken(write, *given, **fields):
        made = really(write, *given, **fields)
        with table.Together(shop.site, "") as another:
            really(another, shop.site, "m1", "refund", 1, about="x", now=world.now)
        return made

    monkeypatch.setattr(wallet, "enter", overtaken)
    with pytest.raises(errors.Conflict):
        shop.place_from(PRICE)
    stock.fold(shop.owner, shop.goods_id, now=world.now)
    assert shop.free() == 10


@pytest.mark.parametrize("member", [None, "m1"])
def test_the_balance_pays_for_what_main_sells_to_members_only(world, member):
    own = make.make_shop(world, slug="own", own=True)
    own.fund(5000)
    with pytest.raises(checkout.NotFromBalance):
        own.place_from(PRICE, member=member)
    assert own.wallet() == (5000, 0)


def test_a_guest_has_no_balance(shop):
    with pytest.raises(checkout.NotFromBalance):
        shop.place_from(PRICE, member=None)


def test_goods_that_a_person_delivers_are_paid_and_wait(world):
    by_hand = make.make_shop(world, slug="hand", codes=0, way="manual")
    by_hand.fund(5000)
    order = by_hand.place_from(PRICE)
    assert order.status == "paid"
    assert world.sent_to("fulfil") == [{"site": by_hand.site, "order": order.number}]
    world.run("fulfil")
    assert by_hand.order(order.number).status == "review"


def test_a_part_is_reserved_until_the_channel_has_the_rest(shop, world):
    shop.fund(2000)
    order = shop.place_from(2000)
    assert (order.status, order.channel_fen, shop.wallet()) == ("pending", PRICE - 2000, (0, 2000))
    checkout.pay_link(shop.site, order, now=world.now)
    (trade,) = world.channel.trades.values()
    assert trade["amount"] == PRICE - 2000
    for _ in range(2):
        shop.pay(order)
    world.run("fulfil")
    assert (shop.order(order.number).status, shop.wallet()) == ("delivered", (0, 0))
    assert world.channel.refunds == {}


@pytest.mark.parametrize("amount", [PRICE, 2000, 1])
def test_a_channel_that_collected_another_amount_moves_nothing(shop, world, amount):
    shop.fund(2000)
    order = shop.place_from(2000)
    shop.pay(order, amount_fen=amount)
    assert (shop.order(order.number).status, shop.wallet()) == ("pending", (0, 2000))


def test_what_was_reserved_is_available_again_when_the_order_expires(shop, world):
    shop.fund(2000)
    order = shop.place_from(2000)
    expire(shop, world, order)
    shop.drive(order)
    assert (shop.wallet(), shop.free()) == ((2000, 0), 10)


def test_expiry_and_payment_at_once_leave_one_of_them(shop, world, monkeypatch):
    shop.fund(2000)
    order = shop.place_from(2000)
    payment = shop.payment(order)
    world.channel.trades[payment.out_trade_no]["state"] = "open"
    really = tender.release
    world.now = order.expires_at

    def overtaken(*given, **fields):
        monkeypatch.setattr(tender, "release", really)
        accept(world, payment)
        return really(*given, **fields)

    monkeypatch.setattr(tender, "release", overtaken)
    shop.drive(order)
    assert (shop.order(order.number).status, shop.wallet()) == ("paid", (0, 0))


def test_late_money_takes_the_balance_s_part_again(shop, world):
    shop.fund(2000)
    order = expire(shop, world, shop.place_from(2000))
    for _ in range(2):
        shop.pay(order)
    world.run("fulfil")
    assert (shop.order(order.number).status, shop.wallet()) == ("delivered", (0, 0))


def test_late_money_goes_back_where_the_balance_is_spent_even_when_it_is_filled_later(shop, world):
    shop.fund(2000)
    order = expire(shop, world, shop.place_from(2000))
    shop.place_from(2000)
    for _ in range(2):
        shop.pay(order)
        world.run("fulfil", "refund")
        shop.fund(9000)
    assert shop.order(order.number).status == "expired"
    assert list(world.channel.refunds.values()) == [PRICE - 2000]
    shop.pay(order, transaction_id="another")
    world.run("fulfil", "refund")
    assert list(world.channel.refunds.values()) == [PRICE - 2000] * 2
    assert shop.wallet() == (18_000, 2000)


def test_another_channel_collects_the_rest_as_well(shop, world):
    shop.fund(2000)
    order = shop.place_from(2000)
    switched = checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
    shop.pay(switched, index=2)
    assert (shop.order(order.number).status, shop.wallet()) == ("paid", (0, 0))


def test_a_top_up_is_paid_for_and_on_the_balance_once(shop, world):
    order = shop.place(member="m1", goods_id="topup", quantity=100)
    assert (order.amount_fen, order.way, order.goods_owner) == (10_000, "wallet", tenant.MAIN)
    assert shop.wallet() == (0, 0)
    shop.pay(order)
    for _ in range(2):
        fulfilment.deliver(shop.site, order.number, now=world.now)
    assert (shop.order(order.number).status, shop.wallet()) == ("delivered", (10_000, 0))


@pytest.mark.parametrize("yuan", [1001, 5001])
def test_a_top_up_above_what_a_member_may_hold_is_refused(shop, yuan):
    with pytest.raises(wallet.OverCap):
        shop.place(member="m1", goods_id="topup", quantity=yuan)


def test_a_guest_cannot_top_up(shop):
    with pytest.raises(errors.NotFound):
        shop.place(goods_id="topup", quantity=10)


def test_a_balance_buys_no_balance(shop):
    shop.fund(2000)
    with pytest.raises(checkout.NotFromBalance):
        shop.place_from(1000, goods_id="topup", quantity=10)


def test_two_top_ups_that_do_not_fit_together_leave_one(shop, world):
    placed = [shop.place(member="m1", goods_id="topup", quantity=600) for _ in range(2)]
    for order in placed:
        shop.pay(order)
    world.run("fulfil", "refund")
    assert [shop.order(one.number).status for one in placed] == ["delivered", "refunded"]
    assert list(world.channel.refunds.values()) == [60_000]
    assert shop.wallet() == (60_000, 0)


def test_two_workers_deliver_a_top_up_once(shop, world, monkeypatch):
    order = shop.place(member="m1", goods_id="topup", quantity=10)
    shop.pay(order)
    really = orders.move_with

    def overtaken(*given, **fields):
        monkeypatch.setattr(orders, "move_with", really)
        fulfilment.deliver(shop.site, order.number, now=world.now)
        return really(*given, **fields)

    monkeypatch.setattr(orders, "move_with", overtaken)
    fulfilment.deliver(shop.site, order.number, now=world.now)
    assert shop.wallet() == (1000, 0)


def test_a_refund_before_delivery_goes_back_to_both_tenders_once(world):
    by_hand = make.make_shop(world, slug="hand", codes=0, way="manual")
    by_hand.fund(2000)
    with tenant.acting_for(by_hand.site):
        order = by_hand.place_from(2000)
        by_hand.pay(order)
        world.run("fulfil")
        fulfilment.refund_instead(by_hand.site, order.number, reason="out", staff="s", now=world.now)
        for _ in range(2):
            world.run("refund")
            settlement.refund(by_hand.site, order.number, now=world.now)
        assert world.channel.refunds == {f"{order.number}01R1": PRICE - 2000}
        assert by_hand.wallet() == (2000, 0)
        refunded = by_hand.order(order.number)
        assert refunded.status == "refunded"
        legs = [dict(one.legs) for one in settlement.journals_of(refunded)]
        assert {fen for each in legs for account, fen in each.items() if account.startswith("clearing")} == {
            PRICE - 2000,
            2000 - PRICE,
        }


def test_a_refund_of_what_the_balance_paid_whole_asks_no_channel(world):
    by_hand = make.make_shop(world, slug="hand", codes=0, way="manual")
    by_hand.fund(5000)
    with tenant.acting_for(by_hand.site):
        order = by_hand.place_from(PRICE)
        world.run("fulfil")
        fulfilment.refund_instead(by_hand.site, order.number, reason="out", staff="s", now=world.now)
        world.run("refund")
        assert (by_hand.order(order.number).status, by_hand.wallet()) == ("refunded", (5000, 0))
        assert (world.channel.refunds, settlement.journals_of(by_hand.order(order.number))) == ({}, [])


def legs_of(order):
    (journal,) = settlement.journals_of(order)
    return dict(journal.legs)


def test_the_books_hold_a_top_up_as_owed_and_a_sale_as_paid_from_it(shop, world):
    filled = shop.place(member="m1", goods_id="topup", quantity=100)
    shop.pay(filled)
    world.run("fulfil", "settle")
    legs = legs_of(shop.order(filled.number))
    assert legs == {
        "clearing:wechat": 10_000,
        "user:m1:balance": -10_000,
        "channel_fee_expense": 60,
        "fee_accrued:wechat": -60,
    }
    shop.fund(1)
    bought = shop.place_from(4000)
    shop.pay(bought)
    world.run("fulfil", "settle")
    legs = legs_of(shop.order(bought.number))
    assert (legs["clearing:wechat"], legs["user:m1:balance"]) == (PRICE - 4000, 4000)
    assert legs["fee_accrued:wechat"] == -6
    rows = settlement.statement(shop.site, clock.day_of(make.NOON)).rows
    (row,) = [one for one in rows if one.number == bought.number]
    assert row.paid_fen == row.site_fen + row.main_fen + row.fee_fen == PRICE


def test_the_nightly_check_makes_a_case_of_a_history_that_does_not_add_up(shop, world):
    order = shop.place(member="m1", goods_id="topup", quantity=100)
    shop.place(member="m2")
    shop.pay(order)
    world.run("fulfil")
    message = [{"site": shop.site, "audit": True}]
    assert make.work("timer", message) == []
    assert cases.open_ones() == []
    rows = EntryRow.of(shop.site)
    rows.change("WENT#m1", "0000000001", [rows.available.set(20_000)], None)
    for _ in range(2):
        assert make.work("timer", message) == []
    (case,) = cases.open_ones()
    assert (case.kind, case.facts["member"]) == ("wallet", "m1")


def test_nobody_delivers_a_top_up_by_hand_that_did_not_go_back(shop, world):
    placed = [shop.place(member="m1", goods_id="topup", quantity=600) for _ in range(2)]
    world.channel.refund_state = "abnormal"
    for order in placed:
        shop.pay(order)
    world.run("fulfil", "refund")
    stuck = shop.order(placed[1].number)
    assert stuck.status == "review"
    with pytest.raises(orders.WrongState):
        fulfilment.deliver_by_hand(shop.site, stuck.number, "done", staff="s", now=world.now)
    assert (shop.order(stuck.number), shop.wallet()) == (stuck, (60_000, 0))


@pytest.fixture
def filled(shop, world):
    """A delivered top-up of 100 yuan, in the books."""
    order = shop.place(member="m1", goods_id="topup", quantity=100)
    shop.pay(order)
    world.run("fulfil", "settle")
    return shop.order(order.number)


def test_a_top_up_taken_back_is_given_up_refunded_and_in_the_books_once(shop, world, filled):
    settlement.take_back(filled, now=world.now)
    assert shop.wallet() == (0, 0)
    with pytest.raises(errors.Conflict):
        settlement.take_back(filled, now=world.now)
    for _ in range(2):
        world.run("refund")
        settlement.refund(shop.site, filled.number, now=world.now)
    assert world.channel.refunds == {f"{filled.number}01R2": 10_000}
    refunded = shop.order(filled.number)
    assert (refunded.status, shop.wallet()) == ("refunded", (0, 0))
    sums = {}
    for journal in settlement.journals_of(refunded):
        for account, fen in journal.legs:
            sums[account] = sums.get(account, 0) + fen
    left = {account: fen for account, fen in sums.items() if fen}
    assert left == {"channel_fee_expense": 60, "fee_accrued:wechat": -60}


def test_a_top_up_whose_refund_the_channel_closes_is_on_the_balance_again(shop, world, filled):
    world.channel.refund_state = "closed"
    settlement.take_back(filled, now=world.now)
    world.run("refund")
    assert (shop.order(filled.number).status, shop.wallet()) == ("delivered", (10_000, 0))
    world.channel.refund_state = "success"
    settlement.take_back(shop.order(filled.number), now=world.now)
    world.run("refund")
    assert (shop.order(filled.number).status, shop.wallet()) == ("refunded", (0, 0))


def test_a_spent_top_up_stays(shop, world, filled):
    with tenant.acting_for(shop.site):
        wallet.set_password(shop.site, "m1", "135790")
    shop.place_from(1)
    assert not settlement.may_take_back(filled, now=world.now)
    with pytest.raises(settlement.NotRefundable):
        settlement.take_back(filled, now=world.now)
    assert shop.wallet() == (9999, 1)


def test_what_is_no_top_up_is_not_taken_back(shop, world):
    order = shop.place(member="m1")
    with pytest.raises(settlement.NotRefundable):
        settlement.take_back(order, now=world.now)
