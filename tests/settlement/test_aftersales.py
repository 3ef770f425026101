"""Refunds of delivered orders: who may, what the channel is asked, what the books say, and what is left at the end."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, outbound, parameters, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.settlement import aftersales, books, rules
from chalicelib.settlement import service as settlement
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")
OWNER, ANN, BEN = "demo:owner", "main:ann", "main:ben"


@pytest.fixture
def sold(shop, world):
    """Two codes for 99.00 yuan, delivered and in the books: 80.00 to main for the cards, 15.20 to the site."""
    order = shop.place(quantity=2)
    shop.pay(order)
    world.run("fulfil", "settle")
    return shop.order(order.number)


def wish(fen=0, pieces=0, reason="code used before"):
    return settlement.Wish(reason, fen=fen, pieces=pieces)


def give(shop, order, fen=0, *, by=OWNER, **asked):
    """Somebody of the console gives money back, as the order stands."""
    order = shop.order(order.number)
    return settlement.give(order, wish(fen, **asked), by=by, seen=order.refunds, now=shop.world.now)


def refund(shop, order):
    settlement.refund(shop.site, order.number, now=shop.world.now)
    return shop.order(order.number)


def states(shop, order):
    return [one.state for one in settlement.refunds_of(shop.order(order.number))]


def events(shop, order):
    return [one.event for one in settlement.journals_of(shop.order(order.number))]


def sums(shop, order):
    found = ledger.totals(one.legs for one in settlement.journals_of(shop.order(order.number)))
    return {account: fen for account, fen in found.items() if fen}


def stuck():
    return [(one.kind, one.facts["refund"]) for one in cases.open_ones()]


# What is refunded.


def test_a_part_goes_back_and_the_order_stays_delivered(shop, world, sold):
    before = sums(shop, sold)
    one = give(shop, sold, 3000)
    assert (one.state, one.name, one.fen, one.agreed) == ("submitted", "R02", 3000, (OWNER,))
    order = refund(shop, sold)
    assert (order.status, order.refunded_fen, order.refunds) == ("delivered", 3000, 1)
    assert world.channel.refunds == {f"{sold.number}01R2": 3000}
    assert (states(shop, sold), events(shop, sold)) == (["success"], ["sale", "R2", "R2-returned"])
    assert len(fulfilment.codes_of(order)) == 2
    assert orders.todos_of(shop.site, sold.number) == []
    after = sums(shop, sold)
    assert after["clearing:wechat"] == before["clearing:wechat"] - 3000
    assert after.get("refund_clearing:wechat", 0) == 0
    site = f"subsite:{shop.site}:pending"
    assert abs(after[site] * 9900 - before[site] * 6900) < 9900


def test_all_of_it_in_parts_ends_refunded_with_nothing_left_but_the_fee(shop, world, sold):
    for fen in (3333, 1, 6566):
        give(shop, sold, fen)
        order = refund(shop, sold)
    assert (order.status, order.refunded_fen, order.refunds) == ("refunded", 9900, 3)
    assert sum(world.channel.refunds.values()) == 9900
    assert sums(shop, sold) == {"channel_fee_expense": 59, "fee_accrued:wechat": -59}
    assert fulfilment.codes_of(order) == []
    assert shop.free() == 8, "codes that were seen are not sold again"
    with pytest.raises(settlement.NotRefundable):
        give(shop, sold, 1)


def test_pieces_cost_what_they_cost_and_all_of_them_the_whole(shop, sold):
    assert give(shop, sold, pieces=1).fen == 4950
    refund(shop, sold)
    assert give(shop, sold, pieces=1).fen == 4950
    assert refund(shop, sold).status == "refunded"


def test_a_channel_that_gives_its_fee_back_leaves_nothing_in_the_books(shop, sold, monkeypatch):
    monkeypatch.setattr(
        make.Merchant,
        "capabilities",
        gateways.Capabilities(3000, 60, 365, frozenset(), returns_with_refund=False, fee_returned=True),
    )
    give(shop, sold, 9900)
    refund(shop, sold)
    assert sums(shop, sold) == {}


def test_the_whole_is_hidden_while_it_is_on_its_way(shop, world, sold):
    world.channel.refund_state = "processing"
    give(shop, sold, 9900)
    order = refund(shop, sold)
    assert (order.status, order.delivered_at, states(shop, sold)) == (
        "refunding",
        sold.delivered_at,
        ["processing"],
    )
    assert fulfilment.codes_of(order) == []
    shop.drive(order)
    world.channel.refund_state = "success"
    world.now += 900
    assert refund(shop, sold).status == "refunded"
    assert (world.channel.refunds, shop.free()) == ({f"{sold.number}01R2": 9900}, 8)


def test_a_sale_whose_message_was_lost_is_in_the_books_before_its_refund(shop, world):
    order = shop.place()
    shop.pay(order)
    world.run("fulfil")
    give(shop, order, 4950)
    refund(shop, order)
    assert events(shop, order) == ["sale", "R2", "R2-returned"]


@pytest.mark.parametrize("fen", [0, -5, 9901])
def test_nothing_and_more_than_was_paid_are_refused(shop, sold, fen):
    with pytest.raises(settlement.TooMuch):
        give(shop, sold, fen)


def test_more_than_what_is_left_is_refused_also_while_it_is_only_asked_for(shop, sold):
    settlement.request(sold, wish(6000), now=shop.world.now)
    with pytest.raises(settlement.TooMuch) as refused:
        give(shop, sold, 3901)
    assert refused.value.detail["left_fen"] == 3900


def test_an_order_that_was_not_delivered_is_refunded_another_way(shop):
    with pytest.raises(settlement.NotRefundable):
        give(shop, shop.place(), 1)


def test_a_channel_gives_back_for_as_long_as_it_does(shop, world, sold):
    world.now = sold.paid_at + 365 * clock.DAY
    give(shop, sold, 1)
    world.now += 1
    with pytest.raises(settlement.NotRefundable) as refused:
        give(shop, sold, 1)
    assert refused.value.detail["field"] == "days"


def test_an_order_is_not_refunded_for_ever(shop, sold, monkeypatch):
    monkeypatch.setattr(aftersales, "MOST", 1)
    give(shop, sold, 1)
    with pytest.raises(settlement.NotRefundable):
        give(shop, sold, 1)


# What a balance paid.


@pytest.fixture
def mixed(shop, world):
    """99.00 yuan, 80.00 of them from a member's balance of 100.00."""
    shop.fund(10_000)
    order = shop.place_from(8000, quantity=2)
    shop.pay(order)
    world.run("fulfil", "settle")
    return shop.order(order.number)


def test_each_tender_gets_its_part_back(shop, world, mixed):
    give(shop, mixed, 3000)
    refund(shop, mixed)
    assert (world.channel.refunds, shop.wallet()) == ({f"{mixed.number}01R2": 576}, (4424, 0))
    give(shop, mixed, 6900)
    order = refund(shop, mixed)
    refund(shop, mixed)
    assert (order.status, shop.wallet()) == ("refunded", (10_000, 0))
    assert sum(world.channel.refunds.values()) == 1900
    left = sums(shop, mixed)
    assert set(left) == {"channel_fee_expense", "fee_accrued:wechat"}


def test_a_balance_has_nothing_back_before_the_channel_gave_its_part(shop, world, mixed):
    world.channel.refund_state = "processing"
    give(shop, mixed, 9900)
    refund(shop, mixed)
    assert shop.wallet() == (2000, 0)
    settled = sums(shop, mixed)
    assert settled["refund_clearing:wechat"] == -1900


def test_what_only_a_balance_paid_needs_no_channel(shop, world):
    shop.fund(10_000)
    order = shop.place_from(4950)
    world.run("fulfil", "settle")
    world.channel.down = True
    world.now += 400 * clock.DAY
    give(shop, order, 4950)
    assert refund(shop, order).status == "refunded"
    assert (shop.wallet(), sums(shop, order)) == ((10_000, 0), {})


# At the same time, and again.


def test_of_two_who_refund_from_the_same_page_one_is_told_to_look_again(shop, sold):
    settlement.give(sold, wish(6000), by=OWNER, seen=0, now=shop.world.now)
    with pytest.raises(errors.Conflict):
        settlement.give(sold, wish(6000), by=ANN, seen=0, now=shop.world.now)
    with pytest.raises(errors.Conflict):
        settlement.give(shop.order(sold.number), wish(3000), by=ANN, seen=0, now=shop.world.now)
    assert shop.order(sold.number).refunded_fen == 6000


def test_a_shopper_who_asks_twice_has_asked_once(shop, sold):
    first = settlement.request(sold, wish(pieces=1), now=shop.world.now)
    again = settlement.request(shop.order(sold.number), wish(pieces=2), now=shop.world.now)
    assert (first.state, again) == ("requested", first)
    with pytest.raises(errors.Conflict):
        settlement.request(sold, wish(pieces=1), now=shop.world.now)


def test_messages_that_come_again_move_nothing_twice(shop, world, sold):
    give(shop, sold, 3000)
    give(shop, sold, 2000)
    for _ in range(3):
        refund(shop, sold)
    assert world.channel.refunds == {f"{sold.number}01R2": 3000, f"{sold.number}01R3": 2000}
    assert events(shop, sold).count("R2") == 1
    assert sums(shop, sold)["clearing:wechat"] == 4900


def test_a_run_that_died_before_its_last_line_is_ended_by_the_next(shop, world, sold, monkeypatch):
    give(shop, sold, 9900)
    with monkeypatch.context() as patches:
        patches.setattr(books, "post_returned", lambda *_asked, **_more: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            refund(shop, sold)
    assert (shop.order(sold.number).status, events(shop, sold)) == ("refunding", ["sale", "R2"])
    assert refund(shop, sold).status == "refunded"
    assert events(shop, sold) == ["sale", "R2", "R2-returned"]
    assert orders.todos_of(shop.site, sold.number) == []


def test_of_two_runs_that_hear_of_a_success_one_writes_it(shop, world, sold, monkeypatch):
    give(shop, sold, 3000)
    real = aftersales.succeed

    def overtaken(*asked, **more):
        monkeypatch.setattr(aftersales, "succeed", real)
        refund(shop, sold)
        return real(*asked, **more)

    monkeypatch.setattr(aftersales, "succeed", overtaken)
    with pytest.raises(errors.Conflict):
        refund(shop, sold)
    assert (states(shop, sold), events(shop, sold)) == (["success"], ["sale", "R2", "R2-returned"])


def test_of_two_runs_that_hear_nothing_one_asks_for_the_next_try(shop, world, sold, monkeypatch):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    refund(shop, sold)
    real, sent = orders.delay_todo, len(world.sent_to("refund"))

    def overtaken(*asked, **more):
        monkeypatch.setattr(orders, "delay_todo", real)
        refund(shop, sold)
        return real(*asked, **more)

    monkeypatch.setattr(orders, "delay_todo", overtaken)
    refund(shop, sold)
    assert len(world.sent_to("refund")) == sent + 1
    assert orders.todos_of(shop.site, sold.number)[0].tries == 2


def test_a_note_of_a_refund_that_delivery_was_faster_than_moves_nothing_when_all_goes_back(shop, world):
    order = shop.place()
    shop.pay(order)
    orders.add_todo(shop.site, order.number, "refund", due=world.now)
    world.run("fulfil", "settle")
    give(shop, order, 4950)
    world.channel.refund_state = "processing"
    refund(shop, order)
    world.channel.refund_state = "success"
    world.now += 900
    assert refund(shop, order).status == "refunded"
    assert (list(world.channel.refunds), orders.todos_of(shop.site, order.number)) == (
        [f"{order.number}01R2"],
        [],
    )


def test_such_a_note_is_closed_although_the_run_that_hid_the_codes_died(shop, world, monkeypatch):
    order = shop.place()
    shop.pay(order)
    orders.add_todo(shop.site, order.number, "refund", due=world.now)
    world.run("fulfil", "settle")
    give(shop, order, 4950)
    with monkeypatch.context() as patches:
        patches.setattr(make.Merchant, "refund", lambda *_asked, **_more: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            refund(shop, order)
    assert shop.order(order.number).status == "refunding"
    assert refund(shop, order).status == "refunded"
    assert (list(world.channel.refunds), orders.todos_of(shop.site, order.number)) == (
        [f"{order.number}01R2"],
        [],
    )


def test_a_refund_that_never_was_is_not_found(shop, sold):
    for decide in (settlement.agree, settlement.ask_again):
        with pytest.raises(errors.NotFound):
            decide(sold, 9, by=OWNER, now=shop.world.now)


def test_who_was_refused_may_ask_again(shop, world, sold):
    asked = settlement.request(sold, wish(1000), now=world.now)
    settlement.reject(shop.order(sold.number), asked.seq, "no", by=OWNER, now=world.now)
    again = settlement.request(shop.order(sold.number), wish(2000), now=world.now)
    assert (again.seq, again.state) == (asked.seq + 1, "requested")


def test_what_is_decided_beside_a_refund_says_who_bears_it(shop, world, sold):
    one = settlement.draft(sold, wish(9900), by=OWNER, now=world.now)
    shares = settlement.shared(sold, one)
    assert (shares.channel_fen, shares.balance_fen) == (9900, 0)
    assert (shares.site_fen, shares.main_fen, shares.agents_fen, shares.fee_fen) == (SHARE, 8380, 0, 0)


def test_a_shop_s_refunds_are_listed_newest_first_with_those_that_are_over(shop, world, sold):
    give(shop, sold, 1000)
    refund(shop, sold)
    world.now += 60
    give(shop, sold, 2000)
    assert {(one.name, one.state) for one in settlement.refunds_at(shop.site)} == {
        ("R02", "success"),
        ("R03", "submitted"),
    }


# Who may.


def test_a_shopper_asks_and_the_shop_decides(shop, world, sold):
    asked = settlement.request(sold, wish(pieces=1), now=world.now)
    assert refund(shop, sold).refunded_fen == 4950
    assert world.channel.refunds == {}
    agreed = settlement.agree(shop.order(sold.number), asked.seq, by=OWNER, now=world.now + 60)
    assert (agreed.state, agreed.accepted_at) == ("submitted", world.now + 60)
    world.now += 60
    refund(shop, sold)
    assert states(shop, sold) == ["success"]


def test_a_refusal_says_why_and_frees_what_was_asked_for(shop, world, sold):
    asked = settlement.request(sold, wish(9900), now=world.now)
    no = settlement.reject(shop.order(sold.number), asked.seq, "redeemed", by=OWNER, now=world.now)
    assert (no.state, no.word) == ("rejected", "redeemed")
    assert shop.order(sold.number).refunded_fen == 0
    assert orders.todos_of(shop.site, sold.number) == []
    with pytest.raises(settlement.NotRefundable):
        settlement.agree(shop.order(sold.number), asked.seq, by=OWNER, now=world.now)
    with pytest.raises(settlement.NotRefundable):
        settlement.reject(shop.order(sold.number), asked.seq, "again", by=OWNER, now=world.now)
    assert give(shop, sold, 9900).seq == asked.seq + 1


def test_beyond_the_limit_two_different_people_of_main_must_agree(shop, world, sold):
    settlement.set_limit(5000)
    one = give(shop, sold, 5001)
    assert (one.state, stuck()) == ("review", [("refund_review", "R2")])
    order = shop.order(sold.number)
    with pytest.raises(settlement.Twice):
        settlement.agree(order, one.seq, by="demo:second", now=world.now)
    assert settlement.agree(order, one.seq, by=ANN, now=world.now).state == "review"
    with pytest.raises(settlement.Twice):
        settlement.agree(order, one.seq, by=ANN, now=world.now)
    assert settlement.agree(order, one.seq, by=BEN, now=world.now).state == "submitted"
    assert stuck() == []
    refund(shop, sold)
    assert settlement.refunds_of(shop.order(sold.number))[0].agreed == (OWNER, ANN, BEN)


def test_a_refund_is_not_kept_below_the_limit_by_being_cut_up(shop, sold):
    settlement.set_limit(5000)
    assert give(shop, sold, 5000, by=ANN).state == "submitted"
    assert give(shop, sold, 1, by=ANN).state == "review"


def test_the_limit_is_what_main_says_last(shop):
    assert settlement.limit() == 50_000
    settlement.set_limit(0)
    assert settlement.limit() == 0


def test_a_request_beyond_the_limit_goes_on_to_main(shop, world, sold):
    settlement.set_limit(0)
    asked = settlement.request(sold, wish(1), now=world.now)
    assert settlement.agree(shop.order(sold.number), asked.seq, by=OWNER, now=world.now).state == "review"
    settlement.reject(shop.order(sold.number), asked.seq, "no", by=ANN, now=world.now)
    assert stuck() == []


# What the channel says.


@pytest.mark.parametrize("state", ["abnormal", "closed"])
def test_a_channel_that_tells_what_it_could_not_do_is_heard_at_once(shop, world, sold, state):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    refund(shop, sold)
    world.channel.refund_state = state
    for _ in range(2):
        settlement.refund(shop.site, sold.number, now=world.now, told="R2")
    assert (states(shop, sold), stuck()) == ([state], [("refund", "R2")])
    assert shop.order(sold.number).refunded_fen == {"abnormal": 3000, "closed": 0}[state]
    assert orders.todos_of(shop.site, sold.number) == []


def test_a_refund_in_progress_is_looked_at_for_days_and_then_by_a_person(shop, world, sold):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    for _ in range(rules.MOST_TRIES):
        refund(shop, sold)
        world.now += 900
    assert (states(shop, sold), stuck()) == (["processing"], [])
    refund(shop, sold)
    assert orders.todos_of(shop.site, sold.number)[0].due == world.now + rules.SELDOM
    world.now += rules.LONGEST_REFUND
    refund(shop, sold)
    assert (states(shop, sold), stuck()) == (["abnormal"], [("refund", "R2")])
    assert world.channel.refunds_asked == {(f"{sold.number}01R2", make.NOON)}


@pytest.mark.parametrize(
    "trouble", [outbound.NotSent("x"), outbound.Unknown("x"), gateways.Declined("A", "b")]
)
def test_silence_is_borne_for_ten_tries(shop, world, sold, monkeypatch, trouble):
    def silent(*_asked, **_fields):
        raise trouble

    monkeypatch.setattr(make.Merchant, "refund", silent)
    give(shop, sold, 3000)
    for _ in range(rules.MOST_TRIES):
        refund(shop, sold)
        assert states(shop, sold) == ["submitted"]
        world.now += 900
    refund(shop, sold)
    assert (states(shop, sold), stuck()) == (["abnormal"], [("refund", "R2")])
    assert settlement.refunds_of(shop.order(sold.number))[0].word == "no answer"


def test_one_in_progress_that_the_channel_does_not_know_is_asked_for_again(shop, world, sold, monkeypatch):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    refund(shop, sold)
    world.channel.refunds.clear()
    unknown = gateways.Refund("", "unknown")
    monkeypatch.setattr(make.Merchant, "query_refund", lambda *_asked, **_fields: unknown)
    world.channel.refund_state = "success"
    world.now += 60
    refund(shop, sold)
    assert (states(shop, sold), world.channel.refunds) == (["success"], {f"{sold.number}01R2": 3000})


def test_what_a_channel_closed_never_was(shop, world, sold):
    before = sums(shop, sold)
    world.channel.refund_state = "closed"
    give(shop, sold, 9900)
    order = refund(shop, sold)
    assert (order.status, order.delivered_at, order.refunding_at) == ("delivered", sold.delivered_at, None)
    assert (order.refunded_fen, order.refunds, states(shop, sold)) == (0, 1, ["closed"])
    assert len(fulfilment.codes_of(order)) == 2
    assert (sums(shop, sold), stuck()) == (before, [("refund", "R2")])
    world.channel.refund_state = "success"
    give(shop, sold, 9900)
    assert refund(shop, sold).status == "refunded"
    assert list(world.channel.refunds) == [f"{sold.number}01R3"]


@pytest.fixture
def failed(shop, world, sold):
    """A refund of 30.00 yuan that the channel could not do."""
    world.channel.refund_state = "abnormal"
    give(shop, sold, 3000)
    order = refund(shop, sold)
    assert (states(shop, sold), stuck()) == (["abnormal"], [("refund", "R2")])
    assert orders.todos_of(shop.site, sold.number) == []
    return order


def test_a_person_asks_again_under_the_same_number(shop, world, failed):
    settlement.ask_again(failed, 2, by=ANN, now=world.now)
    assert stuck() == []
    refund(shop, failed)
    assert (states(shop, failed), len(stuck())) == (["abnormal"], 1), "again, and again a case"
    world.channel.refund_state = "success"
    world.now += clock.DAY
    settlement.ask_again(failed, 2, by=ANN, now=world.now)
    refund(shop, failed)
    assert (states(shop, failed), list(world.channel.refunds)) == (["success"], [f"{failed.number}01R2"])
    assert events(shop, failed) == ["sale", "R2", "R2-returned"]
    with pytest.raises(settlement.NotRefundable):
        settlement.ask_again(failed, 2, by=ANN, now=world.now)


def test_a_person_pays_another_way_and_says_how(shop, world, failed):
    paid = settlement.paid_by_hand(failed, 2, "bank slip 77", by=ANN, now=world.now)
    assert (paid.state, paid.word) == ("success", "by hand: bank slip 77")
    assert stuck() == []
    assert (sums(shop, failed)["bank:main"], sums(shop, failed)["clearing:wechat"]) == (-3000, 9900)
    with pytest.raises(settlement.NotRefundable):
        settlement.paid_by_hand(failed, 2, "again", by=ANN, now=world.now)


def test_of_what_a_person_paid_the_channel_keeps_its_fee(shop, world, failed, monkeypatch):
    monkeypatch.setattr(
        make.Merchant,
        "capabilities",
        gateways.Capabilities(3000, 60, 365, frozenset(), returns_with_refund=False, fee_returned=True),
    )
    settlement.give(failed, wish(2000), by=OWNER, seen=1, now=world.now)
    refund(shop, failed)
    settlement.paid_by_hand(failed, 3, "bank slip 78", by=ANN, now=world.now)
    after = sums(shop, failed)
    assert (after["fee_accrued:wechat"], after["channel_fee_expense"]) == (-59, 59)
    assert after["bank:main"] == -2000


def test_nobody_who_decides_on_a_refund_reads_the_secrets_of_a_merchant(shop, world, sold, monkeypatch):
    give(shop, sold, 1000)
    payments.forget()
    monkeypatch.setattr(parameters, "read", None)
    give(shop, sold, 1000)
    again = settlement.request(shop.order(sold.number), wish(1000), now=world.now)
    settlement.agree(shop.order(sold.number), again.seq, by=ANN, now=world.now)
    assert settlement.shared(shop.order(sold.number), again).channel_fen == 1000
    with pytest.raises(TypeError):
        refund(shop, sold)


# What the channel tells on its own.


def tell(shop, order, name, state="success", trade=""):
    trade = trade or f"{order.number}01"
    settlement.hear(gateways.RefundNotice("wechat", "mwechat", trade, gateways.Refund(name, state), "e1"))


def test_a_notice_makes_the_shop_ask_before_its_time(shop, world, sold):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    for _ in range(4):
        refund(shop, sold)
        world.now += 30
    world.messages("refund")
    world.channel.refund_state = "success"
    refund(shop, sold)
    tell(shop, sold, f"{sold.number}01R2")
    world.run("refund")
    assert states(shop, sold) == ["success"]


def test_a_notice_that_comes_again_after_the_end_changes_nothing(shop, world, sold):
    give(shop, sold, 3000)
    refund(shop, sold)
    before = events(shop, sold)
    tell(shop, sold, f"{sold.number}01R2")
    assert world.run("refund") == []
    assert (states(shop, sold), events(shop, sold)) == (["success"], before)


def test_a_notice_is_no_proof(shop, world, sold):
    world.channel.refund_state = "processing"
    give(shop, sold, 3000)
    refund(shop, sold)
    tell(shop, sold, f"{sold.number}01R2", "success")
    tell(shop, sold, f"{sold.number}01R9", "success")
    world.run("refund")
    assert states(shop, sold) == ["processing"]


def test_one_that_was_given_up_ends_when_the_channel_has_done_it_after_all(shop, world, failed):
    world.channel.refund_state = "success"
    tell(shop, failed, f"{failed.number}01R2")
    world.run("refund")
    assert states(shop, failed) == ["success"]
    assert sums(shop, failed)["clearing:wechat"] == 6900


def test_one_whose_end_was_heard_by_a_run_that_died_is_ended_by_the_notice_that_comes_again(
    shop, world, failed, monkeypatch
):
    world.channel.refund_state = "success"
    tell(shop, failed, f"{failed.number}01R2")
    with monkeypatch.context() as patches:
        patches.setattr(books, "post_returned", lambda *_asked, **_more: 1 // 0)
        assert world.run("refund") == [{"site": shop.site, "order": failed.number, "told": "R2"}]
    assert (states(shop, failed), events(shop, failed)) == (["success"], ["sale", "R2"])
    tell(shop, failed, f"{failed.number}01R2")
    assert world.run("refund") == []
    assert (events(shop, failed), stuck()) == (["sale", "R2", "R2-returned"], [])


def test_one_paid_by_hand_is_in_the_books_although_the_process_died(shop, world, failed, monkeypatch):
    with monkeypatch.context() as patches:
        patches.setattr(books, "post_returned", lambda *_asked, **_more: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            settlement.paid_by_hand(failed, 2, "bank slip 77", by=ANN, now=world.now)
    assert events(shop, failed) == ["sale", "R2"]
    refund(shop, failed)
    assert events(shop, failed) == ["sale", "R2", "R2-returned"]
    assert orders.todos_of(shop.site, failed.number) == []


def test_a_notice_of_a_refund_before_delivery_drives_that_one(shop, world):
    order = shop.place()
    shop.pay(order)
    world.channel.refund_state = "processing"
    fulfilment.refund_instead(shop.site, order.number, reason="gone", staff="an", now=world.now)
    for _ in range(3):
        refund(shop, order)
        world.now += 30
    refund(shop, order)
    world.messages("refund")
    world.channel.refund_state = "success"
    assert refund(shop, order).status == "refunding"
    tell(shop, order, f"{order.number}01R1")
    world.run("refund")
    assert shop.order(order.number).status == "refunded"


@pytest.mark.parametrize("trade", ["", "no number", f"{'Z' * 28}01"])
def test_a_notice_of_nobodys_refund_is_not_found(shop, sold, trade):
    with tenant.acting_for(tenant.MAIN), pytest.raises(errors.NotFound):
        tell(shop, sold, "R1", trade=trade or "x")


# The windows of the books.


def closed_through(shop, days):
    """Midnight comes that many times."""
    for _ in range(days):
        shop.world.now = clock.day_start(clock.day_of(shop.world.now)) + clock.DAY + 1800
        settlement.close_windows(shop.site, now=shop.world.now)
    return ledger.balances(shop.site).available


SHARE = 1520  # of the site, of 99.00 yuan


def test_what_goes_back_before_the_release_is_never_released(shop, sold):
    give(shop, sold, 9900)
    refund(shop, sold)
    assert closed_through(shop, 1) == 0


def test_what_goes_back_after_the_release_is_taken_from_what_may_be_withdrawn(shop, sold):
    assert closed_through(shop, 1) == SHARE
    shop.world.now += 3600
    give(shop, sold, 4950)
    refund(shop, sold)
    assert ledger.balances(shop.site).available == SHARE
    assert closed_through(shop, 1) == SHARE // 2
    assert closed_through(shop, 2) == SHARE // 2


def test_what_goes_back_after_the_payout_is_owed_to_main(shop, sold):
    closed_through(shop, 1)
    with make.table.Together(tenant.MAIN, "") as write:
        ledger.change_account(write, shop.site, available=-SHARE)
    give(shop, sold, 9900)
    refund(shop, sold)
    assert closed_through(shop, 1) == -SHARE


def test_an_order_of_before_midnight_and_its_refund_after_it_stand_in_two_windows(shop, sold):
    shop.world.now += clock.DAY
    give(shop, sold, 9900)
    refund(shop, sold)
    day, next_day = (clock.day_of(make.NOON + n * clock.DAY) for n in range(2))
    assert [one.event for one in ledger.journals(shop.site, day)] == ["sale"]
    assert sorted(one.event for one in ledger.journals(shop.site, next_day)) == ["R2", "R2-returned"]
