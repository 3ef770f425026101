from dataclasses import replace

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.checkout import placing
from chalicelib.checkout import service as checkout
from chalicelib.kit import cells, config, errors, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.stock import service as stock
from chalicelib.tenancy import registry
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SiteRow
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

KEY = make.uuid7(make.NOON, salt=7)


def place(shop, **changes):
    return shop.place_whole(**{"key": KEY, **changes})


def free_again(shop):
    """What is free once what came back was folded, as its message asks for."""
    stock.fold(shop.owner, shop.goods_id, now=make.NOON)
    return shop.free()


def link(shop, placed):
    """Where the order is paid."""
    with tenant.acting_for(shop.site):
        return checkout.pay_link(shop.site, placed.order, now=shop.world.now)


def configure(monkeypatch, **settings):
    changed = replace(config.load(), **settings)
    monkeypatch.setattr(config, "load", lambda: changed)


def suspend(shop):
    with tenant.acting_for(tenant.MAIN):
        tenancy.suspend(shop.site, "Closed for now.", by="staff", now=shop.world.now)


def test_an_order_holds_its_codes_and_says_where_to_pay(shop, world):
    placed = place(shop, quantity=2)
    assert (placed.order.status, placed.order.amount_fen, placed.order.cost_fen) == ("pending", 9900, 8000)
    assert (link(shop, placed).kind, placed.replayed) == ("qr", False)
    assert placed.order.expires_at == make.NOON + 900
    assert placed.order.plan == "standard@1"
    assert sum(one.count for one in placed.order.ranges) == 2
    (timer,) = world.sent_to("timer")
    assert timer == {"site": shop.site, "order": placed.order.number, "first": True, "delay": 3}


@pytest.mark.parametrize("waiver", [0, 2, -1])
def test_digital_goods_are_not_ordered_without_the_words_in_force_confirmed(shop, world, waiver):
    before = shop.free()
    with pytest.raises(checkout.NotConfirmed):
        place(shop, waiver=waiver)
    assert (shop.free(), world.sent_to("timer")) == (before, [])
    placed = place(shop)
    assert (placed.order.waiver, orders.order(shop.site, placed.order.number).waiver) == (1, 1)


def test_what_may_be_returned_needs_no_words_and_remembers_none(shop):
    with tenant.acting_for(tenant.MAIN):
        service = make.make_goods(name="远程装机", kind="service", way="manual")
    catalog.publish(shop.site, now=make.NOON)
    assert place(shop, goods_id=service.goods_id, waiver=0).order.waiver == 0


def test_the_same_key_and_body_find_the_same_order(shop):
    first, again = place(shop), place(shop)
    assert (again.order, again.replayed) == (first.order, True)
    assert link(shop, again) == link(shop, first)
    assert shop.free() == 9


def test_a_repeat_on_another_instance_gives_its_claim_back(shop):
    first = place(shop, quantity=3)
    placing._seen.clear()
    again = place(shop, quantity=3)
    assert (again.order, again.replayed) == (first.order, True)
    assert free_again(shop) == 7


def test_a_repeat_when_all_is_sold_finds_the_order_that_took_the_last(shop):
    first = place(shop, quantity=10)
    placing._seen.clear()
    again = place(shop, quantity=10)
    assert (again.order, again.replayed) == (first.order, True)
    with pytest.raises(stock.SoldOut):
        place(shop, key=make.uuid7(make.NOON))


@pytest.mark.parametrize("forget", [True, False])
@pytest.mark.parametrize(
    "change",
    [{"quantity": 2}, {"contact": "other@example.com"}, {"query_password": "another"}, {"channel": "alipay"}],
)
def test_the_same_key_with_another_body_is_refused_and_holds_nothing(shop, change, forget):
    place(shop)
    if forget:
        placing._seen.clear()
    with pytest.raises(checkout.KeyReused):
        place(shop, **change)
    assert free_again(shop) == 9


def test_the_same_key_of_another_member_is_another_order(shop):
    assert place(shop).order.number != place(shop, member="member-1").order.number


def test_an_answer_lost_below_us_is_not_taken_for_a_repeat(shop, monkeypatch):
    def open_twice(*named, **fields):
        really(*named, **dict(fields))
        return really(*named, **fields)

    really = orders.open_order
    monkeypatch.setattr(orders, "open_order", open_twice)
    placed = place(shop, quantity=2)
    assert not placed.replayed
    assert shop.free() == 8


@pytest.mark.parametrize("quantity", [0, -1, 101, 10**9])
def test_a_quantity_nobody_can_order_is_refused(shop, quantity):
    with pytest.raises(checkout.BadQuantity) as refused:
        place(shop, quantity=quantity)
    assert refused.value.detail == {"most": 100}
    with pytest.raises(checkout.BadQuantity):
        checkout.quote(shop.site, shop.goods_id, quantity, now=make.NOON)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"contact": "ab"}, orders.BadContact),
        ({"contact": "x" * 65}, orders.BadContact),
        ({"contact": "🀄" * 25}, orders.BadContact),
        ({"contact": "a\x00bcd"}, orders.BadContact),
        ({"query_password": "abc"}, orders.BadContact),
        ({"query_password": "x" * 65}, orders.BadContact),
        ({"channel": "cheque"}, checkout.BadChannel),
        ({"goods_id": "nothing"}, errors.NotFound),
        ({"key_time": make.NOON - 86_401}, checkout.KeyInvalid),
        ({"key_time": make.NOON + 301}, checkout.KeyInvalid),
    ],
)
def test_an_ask_that_cannot_be_met_is_refused_before_anything_is_held(shop, world, change, refusal):
    with pytest.raises(refusal):
        place(shop, **change)
    assert shop.free() == 10
    assert world.sent == []


def test_a_closed_shop_sells_nothing(shop):
    suspend(shop)
    with pytest.raises(tenancy.Suspended):
        place(shop)
    assert shop.free() == 10


def test_a_shop_that_moves_takes_nothing_new_and_claims_nothing(shop):
    registry.change(shop.site, [SiteRow.moving.set("closing")])
    with pytest.raises(cells.Moving, match="moving"):
        place(shop)
    assert shop.free() == 10


@pytest.mark.parametrize(("quantity", "placed"), [(10, True), (11, False)])
def test_a_large_amount_asks_the_registry_anew_whether_the_shop_is_open(shop, quantity, placed, monkeypatch):
    """49.50 each: ten cost 495.00, eleven 544.50."""
    make.make_codes(tenant.MAIN, shop.goods_id, 5, first=10)
    remembered = tenancy.site(shop.site)
    suspend(shop)
    monkeypatch.setattr(registry, "_cache", {f"site:{shop.site}": (make.NOON, remembered)})
    if placed:
        assert place(shop, quantity=quantity).order.status == "pending"
    else:
        with pytest.raises(tenancy.Suspended):
            place(shop, quantity=quantity)


def test_a_silent_channel_leaves_an_order_that_the_same_key_finds(shop, world):
    world.channel.down = True
    with pytest.raises(payments.ChannelDown):
        link(shop, place(shop))
    (left,) = orders.recent(shop.site, day=make.clock.day_of(make.NOON))
    assert (left.status, shop.free()) == ("pending", 9)
    world.channel.down = False
    placed = place(shop)
    assert (placed.order, placed.replayed, link(shop, placed).kind) == (left, True, "qr")


def test_a_channel_nobody_set_up_is_down(shop):
    make.aws.client("dynamodb").delete_item(
        TableName="cardmesh-main", Key={"pk": {"S": "CHANNEL#wechat"}, "sk": {"S": "current"}}
    )
    payments.forget()
    with pytest.raises(payments.ChannelDown):
        place(shop)
    assert shop.free() == 10


def test_a_repeat_finds_the_order_when_it_was_paid_meanwhile(shop):
    shop.pay(place(shop).order)
    again = place(shop)
    assert (again.order.status, again.replayed) == ("paid", True)


@pytest.mark.parametrize(
    ("capped", "spread"),
    [({}, {"address": "9.9.9.9"}), ({"contact": "someone@else.com"}, {"contact": "someone@else.com"})],
)
def test_one_contact_and_one_address_hold_only_so_much(shop, monkeypatch, capped, spread):
    limits = {"holds_per_contact": 3, "holds_per_address": 5}
    if capped:
        limits = {"holds_per_contact": 5, "holds_per_address": 3}
    configure(monkeypatch, **limits)
    shop.place(quantity=3)
    with pytest.raises(errors.TooMany) as refused:
        shop.place(**capped)
    assert refused.value.detail["retry_after"] > 0
    with pytest.raises(errors.TooMany):
        shop.place(**spread)
    assert shop.free() == 7
    shop.place(contact="third@party.com", address="8.8.8.8")


def test_a_hold_frees_its_place_as_time_passes(shop, world, monkeypatch):
    configure(monkeypatch, holds_per_contact=1)
    shop.place()
    with pytest.raises(errors.TooMany):
        shop.place()
    world.now += 901
    assert shop.place().status == "pending"


def test_goods_by_hand_hold_nothing_and_are_not_capped(shop, monkeypatch):
    configure(monkeypatch, holds_per_contact=1)
    hands = make.make_goods(way="manual", kind="service")
    catalog.publish(shop.site, now=make.NOON)
    catalog.forget()
    for _ in range(3):
        placed = shop.place(goods_id=hands.goods_id)
        assert (placed.ranges, placed.way) == ((), "manual")


def test_an_instance_remembers_its_newest_orders_only(shop, monkeypatch):
    monkeypatch.setattr(placing, "_REMEMBERED", 2)
    numbers = [shop.place().number for _ in range(3)]
    assert list(placing._seen) == numbers[1:]


def test_a_number_remembered_of_an_order_never_put_is_no_order(shop):
    ask = shop.ask(key=KEY)
    placing._seen[placing._number(shop.site, ask, None)] = None
    assert not place(shop).replayed


def test_a_quote_explains_the_price(shop):
    quote = checkout.quote(shop.site, shop.goods_id, 2, now=make.NOON)
    assert (quote.unit_fen, quote.total_fen) == (4950, 9900)
    with pytest.raises(errors.NotFound):
        checkout.quote(shop.site, "nothing", 1, now=make.NOON)


def test_a_forms_key_is_good_for_a_day_at_its_own_shop(shop):
    key = checkout.new_key(shop.site, now=make.NOON)
    assert checkout.read_key(shop.site, key, now=make.NOON + 86_400) == (key, make.NOON)
    with pytest.raises(checkout.KeyInvalid):
        checkout.read_key(shop.site, key, now=make.NOON + 86_401)
    for forged in (key[:-1] + "?", "0" + key[1:], key[:17], "", "🀄", key + "0"):
        with pytest.raises(checkout.KeyInvalid):
            checkout.read_key(shop.site, forged, now=make.NOON)


def test_another_channel_is_another_attempt_of_the_same_order(shop, world):
    order = shop.place()
    switched = checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
    assert [one.channel for one in switched.attempts] == ["wechat", "alipay"]
    assert checkout.switch_channel(shop.site, order.number, "alipay", device="pc") == switched
    phone = checkout.switch_channel(shop.site, order.number, "alipay", device="mobile")
    assert [one.device for one in phone.attempts] == ["pc", "pc", "mobile"]
    link = checkout.pay_link(shop.site, phone, now=make.NOON)
    assert link.payload.endswith(f"{order.number}03")
    assert checkout.pay_link(shop.site, phone, now=make.NOON) == link
    with pytest.raises(checkout.BadChannel):
        checkout.switch_channel(shop.site, order.number, "cheque", device="pc")


def test_the_service_is_ready_only_where_everything_answers(shop, monkeypatch):
    checkout.health(shop.site)
    checkout.health(tenant.MAIN)
    configure(monkeypatch, queues={})
    with pytest.raises(errors.NotReady):
        checkout.health(shop.site)


def test_an_order_keeps_who_earns_from_it_but_not_from_their_own_purchase(world, shop):
    agent = tenancy.add_agent("华东渠道", ["agent@example.com"], parent="", key="k", now=world.now)
    tenancy.bring(shop.site, agent.agent)
    assert shop.order(shop.place().number).agents == (agent.agent,)
    assert shop.place(contact="Agent@Example.com ").agents == ()
    tenancy.switch_agent(agent.agent, "stopped")
    assert shop.place().agents == ()


def test_goods_whose_price_would_cost_the_main_site_money_are_not_sold_and_hold_no_codes(shop, monkeypatch):
    dear = {"main_bps": 1000, "own_bps": 1000, "fee_bps": 500}  # 4.95 of fee on 0.95 of margin share
    ledger.put_plan(ledger.Plan("standard", 0, **dear), now=make.NOON)
    with pytest.raises(checkout.NotForSale):
        place(shop)
    assert shop.free() == 10


def test_a_plan_outside_the_house_rule_sells_nothing(shop, monkeypatch):
    greedy = replace(ledger.plan_in_force("standard"), main_bps=3001)
    monkeypatch.setattr(ledger, "plan_in_force", lambda name: greedy)
    with pytest.raises(checkout.NotForSale):
        place(shop)
