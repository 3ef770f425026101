"""A top-up goes back: once, with the balance's consent, and it is there again where the channel does not pay it."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import aftersales
from chalicelib.settlement import service as settlement
from chalicelib.wallet import service as wallet
from sim.iam.enforce import acting_as

pytestmark = pytest.mark.usefixtures("at_the_shop")


@pytest.fixture
def filled(shop):
    """A member's balance with 100.00 in it."""
    wallet.set_password(shop.site, "m1", "135790")
    return top_up(shop)


def top_up(shop):
    order = shop.place(member="m1", goods_id="topup", quantity=100)
    shop.pay(order)
    assert shop.world.run("fulfil", "settle") == []
    return shop.order(order.number)


def take_back(shop, order):
    return settlement.take_back(shop.order(order.number), now=shop.world.now)


def books(shop, order):
    found = ledger.totals(one.legs for one in settlement.journals_of(shop.order(order.number)))
    return {account: fen for account, fen in found.items() if fen}


def test_it_goes_back_to_its_payer_and_only_the_channel_s_fee_stays(shop, world, filled):
    refund = take_back(shop, filled)
    assert (refund.state, refund.fen, refund.asked_by) == ("submitted", 10_000, "shopper")
    assert shop.wallet() == (0, 0)
    assert world.run("refund") == []
    assert (shop.order(filled.number).status, world.channel.refunds) == (
        "refunded",
        {f"{filled.number}01R2": 10_000},
    )
    assert books(shop, filled) == {"channel_fee_expense": 60, "fee_accrued:wechat": -60}


def test_what_a_channel_closed_is_on_the_balance_again_and_may_be_taken_back_once_more(shop, world, filled):
    world.channel.refund_state = "closed"
    before = books(shop, filled)
    take_back(shop, filled)
    assert world.run("refund") == []
    kept = shop.order(filled.number)
    assert (kept.status, kept.refunded_fen, shop.wallet()) == ("delivered", 0, (10_000, 0))
    assert (books(shop, filled), world.channel.refunds) == (before, {})
    assert [(one.kind, "余额页" in one.action) for one in cases.open_ones()] == [("refund", True)]
    assert orders.todos_of(shop.site, filled.number) == []
    world.channel.refund_state = "success"
    assert take_back(shop, filled).name == "R03"
    assert world.run("refund") == []
    assert (shop.order(filled.number).status, shop.wallet()) == ("refunded", (0, 0))
    assert world.channel.refunds == {f"{filled.number}01R3": 10_000}


def test_a_second_tap_takes_nothing_of_another_top_up(shop, world, filled):
    top_up(shop)
    take_back(shop, filled)
    with pytest.raises(settlement.NotRefundable):
        take_back(shop, filled)
    assert world.run("refund") == []
    assert (shop.wallet(), world.channel.refunds) == ((10_000, 0), {f"{filled.number}01R2": 10_000})


def test_of_two_taps_at_once_one_is_told_to_look_again(shop, filled):
    top_up(shop)
    settlement.take_back(filled, now=shop.world.now)
    with pytest.raises(errors.Conflict):
        settlement.take_back(filled, now=shop.world.now)
    assert shop.wallet() == (10_000, 0)


def test_what_is_spent_while_it_is_taken_back_stays_spent(shop, filled, monkeypatch):
    really = aftersales.put
    monkeypatch.setattr(aftersales, "put", lambda *put, **how: shop.place_from(4950) and really(*put, **how))
    with pytest.raises(wallet.Short):
        settlement.take_back(filled, now=shop.world.now)
    assert (shop.wallet(), shop.order(filled.number).refunds) == ((5050, 0), 0)


@pytest.mark.parametrize("reason", ["spent", "late", "card", "unpaid"])
def test_only_a_top_up_that_is_delivered_fresh_and_unspent_goes_back(shop, world, filled, reason):
    order = filled
    if reason == "spent":
        shop.place_from(4950)
    elif reason == "late":
        world.now += 7 * clock.DAY + 1
    elif reason == "card":
        order = shop.place(member="m1")
        shop.pay(order)
        world.run("fulfil")
    else:
        order = shop.place(member="m1", goods_id="topup", quantity=10)
    stands = shop.wallet()
    with pytest.raises(settlement.NotRefundable):
        take_back(shop, order)
    assert (shop.wallet(), world.sent_to("refund")) == (stands, [])


MAIN, OTHER = "main:ann", "main:bob"


def ask_back(shop, order):
    return settlement.ask_back(shop.order(order.number), now=shop.world.now)


def test_what_is_left_of_a_top_up_goes_back_after_seven_days_once_a_person_of_main_agrees(
    shop, world, filled
):
    shop.place_from(4950)
    world.run("fulfil", "settle")
    world.now += 30 * clock.DAY
    asked = ask_back(shop, filled)
    assert (asked.state, asked.fen, shop.wallet()) == ("review", 5050, (0, 0))
    assert ask_back(shop, filled) == asked
    with acting_as("refund_orders"):
        assert world.run("refund") == world.run("refund") == []
    assert [(one.kind, one.why) for one in cases.open_ones()] == [
        ("refund_review", "会员要退回没有用完的充值，需要主站的人同意。")
    ]
    for act in (settlement.agree, lambda *named, **more: settlement.reject(*named, "no", **more)):
        with pytest.raises(settlement.Twice):
            act(shop.order(filled.number), asked.seq, by="demo:owner", now=world.now)
    settlement.agree(shop.order(filled.number), asked.seq, by=MAIN, now=world.now)
    assert cases.open_ones() == []
    assert world.run("refund") == []
    assert world.channel.refunds == {f"{filled.number}01R2": 5050}
    assert (shop.order(filled.number).status, shop.wallet()) == ("delivered", (0, 0))
    assert books(shop, filled) == {
        "channel_fee_expense": 60,
        "clearing:wechat": 4950,
        "fee_accrued:wechat": -60,
        "user:m1:balance": -4950,
    }
    with pytest.raises(settlement.NotRefundable):
        ask_back(shop, filled)


def test_a_top_up_beyond_the_limit_goes_back_once_two_people_of_main_agree(shop, world, filled):
    settlement.set_limit(9_999)
    world.now += 8 * clock.DAY
    asked = ask_back(shop, filled)
    assert settlement.agree(shop.order(filled.number), asked.seq, by=MAIN, now=world.now).state == "review"
    assert (
        settlement.agree(shop.order(filled.number), asked.seq, by=OTHER, now=world.now).state == "submitted"
    )
    assert world.run("refund") == []
    assert (shop.order(filled.number).status, shop.wallet()) == ("refunded", (0, 0))


def test_what_main_does_not_give_back_is_on_the_balance_again(shop, world, filled):
    world.now += 8 * clock.DAY
    asked = ask_back(shop, filled)
    settlement.reject(shop.order(filled.number), asked.seq, "ask your bank", by=MAIN, now=world.now)
    assert (shop.wallet(), cases.open_ones(), shop.order(filled.number).refunded_fen) == ((10_000, 0), [], 0)
    assert ask_back(shop, filled).name == "R03"


def test_what_the_channel_gives_back_no_longer_a_person_pays_and_proves(shop, world, filled):
    world.now += 366 * clock.DAY
    with pytest.raises(settlement.NotRefundable):
        take_back(shop, filled)
    asked = ask_back(shop, filled)
    assert shop.wallet() == (0, 0)
    settlement.agree(shop.order(filled.number), asked.seq, by=MAIN, now=world.now)
    assert world.run("refund") == []
    (case,) = cases.open_ones()
    assert (case.kind, case.why) == ("refund", "已过渠道的退款期限，渠道不再退这笔充值。")
    assert "登记付款凭证" in case.action
    assert world.channel.refunds_asked == set()
    settlement.paid_by_hand(shop.order(filled.number), asked.seq, "bank 42", by=MAIN, now=world.now)
    assert (cases.open_ones(), shop.order(filled.number).status) == ([], "refunded")
    assert "user:m1:balance" not in books(shop, filled)


def test_of_what_is_no_delivered_top_up_nothing_is_left(shop, world, filled):
    card, unpaid = shop.place(member="m1"), shop.place(member="m1", goods_id="topup", quantity=10)
    shop.pay(card)
    world.run("fulfil")
    for order in (card, unpaid):
        assert settlement.left_of(shop.order(order.number)) == 0
        with pytest.raises(settlement.NotRefundable):
            ask_back(shop, order)
    assert shop.wallet() == (10_000, 0)
