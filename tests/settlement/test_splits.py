"""Splits at the channel, through the real gateways and against the channel's own books."""

import contextlib
from dataclasses import dataclass

import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, outbound, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.orders.model import TodoRow
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from chalicelib.settlement import splits
from chalicelib.tenancy import service as tenancy
from sandbox import keys
from tests import make
from tests.dying import Died, Killer

LICENCE = "91350100M000100Y43"
MAIN, FIRST, SECOND, SITE = (
    "1900000109",
    "oFirst0000000000000000000001",
    "oSecond000000000000000000001",
    "1900000777",
)
GIVEN = {MAIN: 1300, FIRST: 500, SECOND: 200}  # of the worked example, at the channel
SPLIT = {"main:commission": -1300, "bank:main": 1300}  # and what is left of it in our books
FIRST_ALIPAY, SECOND_ALIPAY, SITE_ALIPAY = "2088000000000001", "2088000000000002", "2088000000000777"


@pytest.fixture
def terms():
    """The worked example: own goods for 100.00, main takes 20 %, of which 5 % and 2 % go to distributors."""
    return {"own": True, "codes": 80, "wholesale_fen": 0, "floor_fen": 0, "suggest_fen": 10_000}


@dataclass
class Split:
    """A shop whose payments are split, and its distributors, nearest first."""

    shop: make.Shop
    channels: object
    agents: tuple[str, ...]

    @property
    def world(self):
        return self.shop.world

    def sell(self, channel="wechat", **asked):
        """An order, paid and delivered, in the books."""
        order = self.shop.place(channel=channel, **asked)
        with tenant.acting_for(self.shop.site):
            checkout.pay_link(self.shop.site, order, now=self.world.now)
            transaction = self.channels.pay(order)
        paid = payments.Payment(
            channel,
            order.attempts[0].merchant,
            "",
            order.out_trade_no,
            transaction,
            order.amount_fen,
            "CNY",
            self.world.now,
            "e",
        )
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(paid, now=self.world.now)
        assert self.world.run("fulfil", "settle") == []
        return self.shop.order(order.number)

    def pass_(self, seconds):
        """Time passes, and the walk walks."""
        self.world.now += seconds
        with tenant.acting_for(self.shop.site):
            checkout.walk(self.shop.site, now=self.world.now)
        assert self.world.run("refund") == []

    def state(self, order):
        with tenant.acting_for(self.shop.site):
            return settlement.split_of(self.shop.site, order.number)

    def balance(self, order):
        with tenant.acting_for(self.shop.site):
            stands = self.shop.order(order.number)
            legs = [one.legs for one in settlement.journals_of(stands)]
        return {account: fen for account, fen in ledger.totals(legs).items() if fen}

    def todos(self, order):
        with tenant.acting_for(self.shop.site):
            return [one for one in orders.todos_of(self.shop.site, order.number) if one.what == "split"]


def put_receivers(agents, *, of=("main", "first", "second")):
    merchants = {"main": ("main", payments.Receiver("merchant", MAIN, "主站数码有限公司"))}
    people = {
        "first": (f"dist:{agents[0]}", payments.Receiver("person", FIRST)),
        "second": (f"dist:{agents[1]}", payments.Receiver("person", SECOND)),
    }
    for name in of:
        party, receiver = (merchants | people)[name]
        payments.put_receiver(party, "wechat", receiver)


def bring_two(shop):
    above = tenancy.add_agent("上级", ["above@example.com"], parent="", key="1", now=make.NOON)
    below = tenancy.add_agent("合伙人", ["below@example.com"], parent=above.agent, key="2", now=make.NOON)
    tenancy.bring(shop.site, below.agent)
    return below.agent, above.agent


@pytest.fixture
def plan(world):
    with tenant.acting_for(tenant.MAIN):
        yield ledger.put_plan(
            ledger.Plan("standard", 0, 2000, 2000, "site", l1_bps=500, l2_bps=200, second_level=True),
            now=make.NOON,
        )


@pytest.fixture
def licensed(shop, plan, channels):
    """A licensed shop whose own merchant collects; nobody brought it."""
    tenancy.license_site(shop.site, LICENCE, by="admin", now=make.NOON)
    assert payments.put_channel("wechat", channels.settings["wechat"], owner=shop.site) == keys.MCHID
    return Split(shop, channels, ())


@pytest.fixture
def own(licensed):
    """The same, brought by two distributors who have accounts at the channel, as main has."""
    agents = bring_two(licensed.shop)
    put_receivers(agents)
    return make.replace(licensed, agents=agents)


def test_a_sale_of_the_sites_own_merchant_is_split_a_day_after_delivery(own):
    order = own.sell()
    first, second = own.agents
    assert own.balance(order) == {
        "clearing:wechat": 10_000,
        f"subsite:{order.site}:frozen": -7940,
        "main:commission": -1300,
        f"dist:{first}:frozen": -500,
        f"dist:{second}:frozen": -200,
        "fee_accrued:wechat": -60,
    }
    own.pass_(86_399 - 30)
    assert (own.state(order).state, own.channels.given(order)) == ("planned", {})
    own.pass_(31)
    own.pass_(30)
    assert own.state(order).state == "unfrozen"
    assert own.channels.given(order) == GIVEN
    assert not own.channels.is_frozen(order)
    assert own.balance(order) == SPLIT
    assert own.todos(order) == []


def test_what_is_split_never_reaches_the_sites_account(own):
    own.sell()
    own.pass_(90_000)
    own.pass_(60)
    for hour in range(49):
        own.world.now = make.NOON + 3600 * hour
        with tenant.acting_for(own.shop.site):
            settlement.close_windows(own.shop.site, now=own.world.now)
    with tenant.acting_for(tenant.MAIN):
        assert [ledger.available(party) for party in (own.shop.site, f"dist:{own.agents[0]}")] == [0, 0]


@pytest.fixture
def killer(own, monkeypatch):
    """Of whatever happens at this shop."""
    with Killer().watching(monkeypatch) as found:
        yield found


def drive_to_the_end(own, order):
    """As the queue would, whoever dies on the way."""
    for _ in range(12):
        try:
            with tenant.acting_for(order.site):
                settlement.drive_split(order.site, order.number, now=own.world.now)
        except Died:
            payments.forget()
        own.world.now += 3600


@pytest.mark.slow
def test_a_split_ends_the_same_wherever_its_process_dies(own, killer):
    for after in (False, True):
        for at in range(1, 40):
            order = own.sell()
            own.world.now += 90_000
            killer.count, killer.at, killer.after = 0, at, after
            drive_to_the_end(own, order)
            killer.at = 0
            if killer.count < at:
                assert at > 10
                break
            assert own.channels.given(order) == GIVEN, (at, after)
            assert not own.channels.is_frozen(order), (at, after)
            assert own.balance(order) == SPLIT, (at, after)
            assert own.todos(order) == [], (at, after)


def test_lost_answers_and_repeats_split_nothing_twice(own):
    order = own.sell()
    own.world.now += 90_000
    own.channels.lost = 2
    drive_to_the_end(own, order)
    drive_to_the_end(own, order)
    assert own.channels.given(order) == GIVEN
    assert len(own.channels.trade(order).splits) == 2
    assert own.balance(order) == SPLIT


def test_of_two_runs_at_once_one_takes_each_step(own, monkeypatch):
    order = own.sell()
    own.world.now += 90_000
    real, racing = splits._step, []

    def together(split, to, **fields):
        """Another run takes the same step first."""
        if not racing:
            racing.append(to)
            settlement.drive_split(order.site, order.number, now=own.world.now)
            racing.clear()
        return real(split, to, **fields)

    monkeypatch.setattr(splits, "_step", together)
    drive_to_the_end(own, order)
    assert own.balance(order) == SPLIT
    assert own.channels.given(order) == GIVEN


def opened(order):
    with tenant.acting_for(tenant.MAIN):
        return [
            (one.kind, one.facts) for one in cases.open_ones() if order.number in one.facts.get("order", "")
        ]


def test_a_part_that_the_channel_closed_is_owed_by_the_site_and_paid_out(own):
    own.channels.faults.set({"split": "closed"})
    order = own.sell()
    own.world.now += 90_000
    drive_to_the_end(own, order)
    lost = own.state(order).closed
    assert [(share.party, share.word) for share in lost] == [("main", "ACCOUNT_ABNORMAL")]
    assert own.channels.given(order) == {FIRST: 500, SECOND: 200}
    assert own.balance(order) == {"main:commission": -1300, f"subsite:{order.site}:pending": 1300}
    ((kind, facts),) = opened(order)
    assert (kind, facts["主站（ACCOUNT_ABNORMAL）_fen"]) == ("split", "1300")


def test_a_distributor_without_an_account_is_paid_out_by_main(own, shop):
    other = tenancy.add_agent("新人", ["new@example.com"], parent="", key="3", now=make.NOON)
    tenancy.bring(shop.site, other.agent)
    order = own.sell()
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.channels.given(order) == {MAIN: 2000}
    assert own.balance(order) == {
        "main:commission": -1500,
        f"dist:{other.agent}:pending": -500,
        "bank:main": 2000,
    }


def test_a_channel_that_knows_of_no_split_for_three_days_has_made_none(own, monkeypatch):
    own.channels.faults.set({"split": "processing"})
    order = own.sell()
    trade = own.channels.trade(order)
    trade.splitting = False  # the channel unfroze it
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.state(order).state == "submitted"
    own.world.now += 3 * clock.DAY
    drive_to_the_end(own, order)
    split = own.state(order)
    assert {share.word for share in split.shares} == {"REFUSED"}
    assert own.balance(order)["main:commission"] == -1300
    assert own.state(order).state == "finished"
    own.world.now += 3 * clock.DAY
    drive_to_the_end(own, order)
    trade.splitting = True
    drive_to_the_end(own, order)
    first, second = own.agents
    assert own.balance(order) == {
        "main:commission": -1300,
        f"subsite:{order.site}:pending": 2000,
        f"dist:{first}:pending": -500,
        f"dist:{second}:pending": -200,
    }
    assert len(opened(order)) == 2


def test_an_orders_split_is_planned_once_however_often_it_is_settled(own):
    order = own.sell()
    own.world.now += 90_000
    drive_to_the_end(own, order)
    with tenant.acting_for(order.site):
        settlement.settle(order.site, order.number, now=own.world.now)
        (row,) = TodoRow.of(order.site).under("TODO")
    assert own.todos(order) == []
    assert row.ttl == row.done_at, "walks read what stays, and each order has a split"


def test_what_belongs_to_others_must_fit_what_the_channel_splits(own, monkeypatch):
    ledger.put_plan(ledger.Plan("standard", 0, 3000, 3000), now=make.NOON)
    assert own.shop.place().plan == "standard@3"
    line = payments.gateway("wechat", keys.MCHID)
    monkeypatch.setattr(line, "capabilities", make.replace(line.capabilities, split_cap_bps=2900))
    with pytest.raises(checkout.BeyondSplit):
        own.shop.place()


def give(own, order, fen):
    """A refund decided by the shop."""
    with tenant.acting_for(order.site):
        stands = own.shop.order(order.number)
        wish = settlement.Wish("坏码", fen=fen)
        settlement.give(stands, wish, by="main:an", seen=stands.refunds, now=own.world.now)


def give_back(own, order, fen):
    """The same, taken as far as it goes."""
    give(own, order, fen)
    for _ in range(6):
        own.world.run("refund")
        own.world.now += 1200
        with tenant.acting_for(order.site):
            checkout.walk(order.site, now=own.world.now)
    with tenant.acting_for(order.site):
        return settlement.refunds_of(own.shop.order(order.number))[-1]


def split_now(own, order):
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.state(order).state == "unfrozen"


def after_3000(own, order):
    """What is left in the books once 30.00 went back, of which main alone gave its part."""
    first, second = own.agents
    return {
        "main:commission": -910,
        "bank:main": 910,
        f"dist:{first}:pending": 150,
        f"dist:{second}:pending": 60,
        f"subsite:{order.site}:pending": -210,
    }


def test_a_refund_before_the_split_leaves_less_to_split(own):
    order = own.sell()
    assert give_back(own, order, 3000).state == "success"
    split_now(own, order)
    assert own.channels.given(order) == {MAIN: 910, FIRST: 350, SECOND: 140}
    assert own.balance(order) == {"main:commission": -910, "bank:main": 910}
    assert own.channels.trade(order).refunded_fen == 3000


def test_of_an_order_all_of_which_went_back_nothing_is_split(own):
    order = own.sell()
    assert give_back(own, order, 10_000).state == "success"
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.state(order).state == "void"
    assert own.channels.given(order) == {}
    assert own.balance(order) == {}
    assert own.todos(order) == []


def test_the_fee_of_an_order_all_of_which_went_back_was_paid_by_the_site_s_merchant(own, monkeypatch):
    able = make.replace(payments.capabilities("wechat", keys.MCHID), fee_returned=False)
    monkeypatch.setattr(payments, "capabilities", lambda *_: able)
    order = own.sell()
    give_back(own, order, 10_000)
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.state(order).state == "void"
    assert own.balance(order) == {}


def test_a_refund_after_the_split_takes_main_s_part_back_and_leaves_persons_owing(own):
    order = own.sell()
    split_now(own, order)
    assert give_back(own, order, 3000).state == "success"
    first, second = own.agents
    assert own.channels.given(order) == {MAIN: 910, FIRST: 500, SECOND: 200}
    assert own.balance(order) == after_3000(own, order)
    assert give_back(own, order, 7000).state == "success"
    assert own.channels.given(order) == {MAIN: 0, FIRST: 500, SECOND: 200}
    assert own.balance(order) == {
        f"dist:{first}:pending": 500,
        f"dist:{second}:pending": 200,
        f"subsite:{order.site}:pending": -700,
    }


def test_whoever_refuses_to_give_back_owes_it_and_the_payer_does_not_wait(own):
    order = own.sell()
    split_now(own, order)
    own.channels.faults.set({"taking_back": "refused"})
    assert give_back(own, order, 3000).state == "success"
    assert own.channels.given(order)[MAIN] == 1300
    first, second = own.agents
    assert own.balance(order) == {
        "main:commission": -910,
        "bank:main": 1300,
        f"dist:{first}:pending": 150,
        f"dist:{second}:pending": 60,
        f"subsite:{order.site}:pending": -600,
    }


def test_a_split_waits_for_an_open_refund_and_a_refund_for_a_split_under_way(own):
    waiting, going = own.sell(), own.sell()
    with tenant.acting_for(waiting.site):
        settlement.request(
            own.shop.order(waiting.number), settlement.Wish("坏码", fen=100), now=own.world.now
        )
    own.world.now += 90_000
    own.channels.faults.set({"split": "processing"})
    for order in (waiting, going):
        drive_to_the_end(own, order)
    assert (own.state(waiting).state, own.state(going).state) == ("held", "submitted")
    assert give_back(own, going, 100).state == "processing"
    assert own.channels.trade(going).refunds == []
    own.channels.faults.set({})
    drive_to_the_end(own, going)
    own.pass_(30_000)
    assert own.channels.trade(going).refunded_fen == 100
    with tenant.acting_for(waiting.site):
        settlement.reject(own.shop.order(waiting.number), 2, "码是好的", by="main:an", now=own.world.now)
    drive_to_the_end(own, waiting)
    assert own.channels.given(waiting) == GIVEN
    own.world.now += 40 * clock.DAY


def test_after_twenty_five_days_a_split_waits_for_no_refund(own):
    order = own.sell()
    with tenant.acting_for(order.site):
        settlement.request(own.shop.order(order.number), settlement.Wish("坏码", fen=100), now=own.world.now)
    own.world.now += 26 * clock.DAY
    drive_to_the_end(own, order)
    assert own.state(order).state == "unfrozen"
    assert own.channels.given(order) == GIVEN
    assert len(opened(order)) == 1
    with tenant.acting_for(order.site):
        settlement.agree(own.shop.order(order.number), 2, by="main:an", now=own.world.now)
    refund_to_the_end(own, order)
    assert own.channels.trade(order).refunded_fen == 100
    assert not [account for account in own.balance(order) if account.endswith(":frozen")]


@pytest.mark.parametrize("of", ["own", "shared"])
def test_a_refund_the_parts_were_reckoned_with_and_that_is_closed_after_all_leaves_nothing_frozen(
    shop, of, request
):
    sold = request.getfixturevalue(of)
    sold.channels.faults.set({"refund": "processing"})
    order = sold.sell()
    give(sold, order, 3000)
    refund_to_the_end(sold, order)
    sold.world.now += 26 * clock.DAY
    drive_to_the_end(sold, order)
    assert sold.state(order).covered == ("R2",)
    sold.channels.trade(order).refunds[0].state = "closed"
    with tenant.acting_for(order.site):
        settlement.refund(order.site, order.number, now=sold.world.now, told="R2")
        assert settlement.refunds_of(sold.shop.order(order.number))[0].state == "closed"
    books, first = sold.balance(order), sold.agents[0]
    assert not [account for account in books if account.endswith(":frozen")]
    assert (books["main:commission"], books[f"dist:{first}:pending"]) == (-1300, -150)
    if of == "shared":
        assert (books["clearing:wechat"], books["bank:main"]) == (
            10_000,
            -sum(sold.channels.given(order).values()),
        )
    else:
        assert books.get("clearing:wechat", 0) == 0


@pytest.fixture
def shared(shop, plan, channels):
    """A shop whose sales main collects, and which gets its share at the channel as far as that splits."""
    agents = bring_two(shop)
    for channel in ("wechat", "alipay"):
        payments.put_channel(channel, channels.settings[channel])
        accounts = ((FIRST, SECOND, SITE), (FIRST_ALIPAY, SECOND_ALIPAY, SITE_ALIPAY))[channel == "alipay"]
        for party, account in zip((*(f"dist:{agent}" for agent in agents), shop.site), accounts, strict=True):
            is_site = party == shop.site
            named = ("merchant", account, "分站公司") if is_site else ("person", account, "")
            payments.put_receiver(party, channel, payments.Receiver(*named))
    tenancy.set_splits(shop.site, ["wechat", "alipay"])
    return Split(shop, channels, agents)


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_what_main_collects_is_split_up_to_the_cap_and_the_rest_paid_out(shared, channel):
    order = shared.sell(channel)
    first, second = shared.agents
    assert shared.balance(order) == {
        f"clearing:{channel}": 10_000,
        f"subsite:{order.site}:pending": -5640,
        f"subsite:{order.site}:frozen": -2300,
        "main:commission": -1300,
        f"dist:{first}:frozen": -500,
        f"dist:{second}:frozen": -200,
        f"fee_accrued:{channel}": -60,
    }
    split_now(shared, order)
    assert sorted(shared.channels.given(order).values()) == [200, 500, 2300]
    assert not shared.channels.is_frozen(order)
    assert shared.balance(order) == {
        f"clearing:{channel}": 10_000,
        "bank:main": -3000,
        f"subsite:{order.site}:pending": -5640,
        "main:commission": -1300,
        f"fee_accrued:{channel}": -60,
    }


def test_wechat_takes_back_from_merchants_and_alipay_from_persons_too(shared):
    sold = {channel: shared.sell(channel) for channel in ("wechat", "alipay")}
    first, second = shared.agents
    for order in sold.values():
        split_now(shared, order)
        assert give_back(shared, order, 3000).state == "success"
        books, given = shared.balance(order), shared.channels.given(order)
        assert not [account for account in books if account.endswith(":frozen")]
        assert books[f"clearing:{order.channel}"] == 7000
        assert books["bank:main"] == -sum(given.values())
        assert books["main:commission"] == -910
    wechat, alipay = (shared.channels.given(order) for order in sold.values())
    assert wechat == {SITE: 1610, FIRST: 500, SECOND: 200}
    assert alipay == {SITE_ALIPAY: 1610, FIRST_ALIPAY: 350, SECOND_ALIPAY: 140}
    owing = shared.balance(sold["wechat"])
    assert (owing[f"dist:{first}:pending"], owing[f"dist:{second}:pending"]) == (150, 60)
    assert not [account for account in shared.balance(sold["alipay"]) if account.startswith("dist:")]


def test_a_closed_part_of_what_main_collects_is_paid_out(shared):
    shared.channels.faults.set({"split": "closed"})
    order = shared.sell()
    split_now(shared, order)
    assert [share.party for share in shared.state(order).closed] == [order.site]
    assert shared.balance(order)[f"subsite:{order.site}:pending"] == -7940
    assert (shared.balance(order)["clearing:wechat"], shared.balance(order)["bank:main"]) == (10_000, -700)


def refund_to_the_end(own, order):
    for _ in range(8):
        try:
            with tenant.acting_for(order.site):
                settlement.refund(order.site, order.number, now=own.world.now)
        except Died:
            payments.forget()
        own.world.now += 1200


@pytest.mark.slow
def test_a_refund_after_the_split_ends_the_same_wherever_its_process_dies(own, killer):
    for after in (False, True):
        for at in range(1, 40):
            order = own.sell()
            split_now(own, order)
            give(own, order, 3000)
            own.world.messages("refund")
            killer.count, killer.at, killer.after = 0, at, after
            refund_to_the_end(own, order)
            killer.at = 0
            if killer.count < at:
                assert at > 8
                break
            assert own.channels.given(order) == {MAIN: 910, FIRST: 500, SECOND: 200}, (at, after)
            assert own.channels.trade(order).refunded_fen == 3000, (at, after)
            assert own.balance(order) == after_3000(own, order), (at, after)


def test_what_is_frozen_for_nobody_is_unfrozen_too(shop, plan, channels):
    payments.put_channel("wechat", channels.settings["wechat"])
    tenancy.set_splits(shop.site, ["wechat"])
    alone = Split(shop, channels, ())
    order = alone.sell()
    before = alone.balance(order)
    assert channels.is_frozen(order)
    split_now(alone, order)
    assert not channels.is_frozen(order)
    assert alone.balance(order) == before


def test_an_order_that_is_not_split_is_left_alone(shop, world):
    order = shop.place()
    shop.pay(order)
    world.run("fulfil", "settle")
    assert make.work("refund", [{"site": shop.site, "order": order.number, "split": True}]) == []
    with tenant.acting_for(shop.site):
        assert settlement.split_of(shop.site, order.number) is None


def test_a_main_site_without_an_account_is_owed_its_share_by_the_site(licensed):
    put_receivers(bring_two(licensed.shop), of=("first", "second"))
    order = licensed.sell()
    split_now(licensed, order)
    assert licensed.channels.given(order) == {FIRST: 500, SECOND: 200}
    assert licensed.balance(order) == {"main:commission": -1300, f"subsite:{order.site}:pending": 1300}
    ((_, facts),) = opened(order)
    assert facts["主站（NO_ACCOUNT）_fen"] == "1300"


def test_a_split_all_of_whose_parts_have_no_account_asks_the_channel_only_to_unfreeze(licensed):
    order = licensed.sell()
    split_now(licensed, order)
    assert (licensed.channels.given(order), licensed.channels.is_frozen(order)) == ({}, False)
    assert licensed.balance(order) == {"main:commission": -2000, f"subsite:{order.site}:pending": 2000}


def answering(monkeypatch, verb, answer):
    """The gateway's answer to one verb, made of the channel's."""
    line = payments.gateway("wechat", keys.MCHID)
    really = getattr(type(line), verb)
    monkeypatch.setattr(
        type(line), verb, lambda self, *asked, **more: answer(really(self, *asked, **more), asked, more)
    )


def test_a_part_the_channel_says_nothing_of_was_not_paid(own, monkeypatch):
    def without_persons(found, _asked, _more):
        return make.replace(found, parts=tuple(part for part in found.parts if part.account == MAIN))

    answering(monkeypatch, "query_split", without_persons)
    answering(monkeypatch, "split", without_persons)
    order = own.sell()
    split_now(own, order)
    assert {(share.fen, share.word) for share in own.state(order).closed} == {
        (500, "NOT_FOUND"),
        (200, "NOT_FOUND"),
    }
    first, second = own.agents
    owed = own.balance(order)
    assert (owed[f"dist:{first}:pending"], owed[f"dist:{second}:pending"]) == (-500, -200)


def test_what_the_channel_is_slow_to_unfreeze_is_the_merchants_after_a_month(own, monkeypatch):
    def slow(found, asked, more):
        thawing = (more.get("out_split_no") or asked[1]).endswith("U1")
        return make.replace(found, state="processing") if thawing and found.state == "finished" else found

    answering(monkeypatch, "query_split", slow)
    answering(monkeypatch, "unfreeze", slow)
    order = own.sell()
    own.world.now += 90_000
    drive_to_the_end(own, order)
    assert own.state(order).state == "finished"
    assert len(own.channels.trade(order).splits) == 2
    own.world.now = order.paid_at + 31 * clock.DAY + 3600
    drive_to_the_end(own, order)
    assert own.state(order).state == "unfrozen"
    assert own.balance(order) == SPLIT
    assert own.todos(order) == []


def test_a_refund_that_comes_while_parts_are_reckoned_has_them_reckoned_again(own, monkeypatch):
    order = own.sell()
    own.world.now += 90_000
    real = splits.submit

    def overtaken(*asked, **more):
        monkeypatch.setattr(splits, "submit", real)
        give(own, order, 3000)
        return real(*asked, **more)

    monkeypatch.setattr(splits, "submit", overtaken)
    drive_to_the_end(own, order)
    assert (own.state(order).state, own.channels.given(order)) == ("held", {})
    own.pass_(60)
    drive_to_the_end(own, order)
    assert own.channels.given(order) == {MAIN: 910, FIRST: 350, SECOND: 140}


# Parts that come back, by receivers who are slow, silent, or changed.


@pytest.fixture
def going_back(own):
    """30.00 of an order that was split are to go back; the message has not been read."""
    order = own.sell()
    split_now(own, order)
    give(own, order, 3000)
    own.world.messages("refund")
    return order


def refund_once(own, order):
    with tenant.acting_for(order.site):
        settlement.refund(order.site, order.number, now=own.world.now)
        return settlement.refunds_of(own.shop.order(order.number))[-1].state


def test_a_payer_waits_while_a_receiver_is_asked_and_the_answer_is_found_later(own, going_back):
    own.channels.dead = 1
    assert refund_once(own, going_back) == "processing"
    own.world.now += 60
    own.channels.lost = 2  # of the refund, and of the part that is to come back
    assert refund_once(own, going_back) == "processing"
    own.world.now += 60
    assert refund_once(own, going_back) == "success"
    assert own.channels.given(going_back)[MAIN] == 910
    assert own.channels.trade(going_back).refunded_fen == 3000


def test_a_receiver_the_channel_is_not_reached_for_an_hour_owes_and_the_payer_has_it(own, going_back):
    line, silent = payments.gateway("wechat", keys.MCHID), outbound.NotSent("dead")

    def dead(*_asked, **_more):
        raise silent

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(type(line), "return_split", dead)
        assert refund_once(own, going_back) == "processing"
        own.world.now += 3601
        assert refund_once(own, going_back) == "success"
    assert own.channels.given(going_back)[MAIN] == 1300
    assert own.balance(going_back)["bank:main"] == 1300
    assert own.balance(going_back)[f"subsite:{going_back.site}:pending"] == -600


def test_a_part_comes_back_once_although_the_refund_itself_is_asked_for_again(own, going_back):
    own.channels.faults.set({"refund": "processing"})
    for _ in range(3):
        assert refund_once(own, going_back) == "processing"
        own.world.now += 1200
    own.channels.faults.set({})
    assert own.channels.given(going_back)[MAIN] == 910


@pytest.mark.parametrize("step", ["take_back", "answer"])
def test_of_two_runs_that_take_parts_back_each_is_noted_and_asked_once(own, going_back, monkeypatch, step):
    real = getattr(splits, step)

    def overtaken(*asked, **more):
        monkeypatch.setattr(splits, step, real)
        refund_once(own, going_back)
        return real(*asked, **more)

    monkeypatch.setattr(splits, step, overtaken)
    with contextlib.suppress(errors.Conflict):
        refund_once(own, going_back)
    for _ in range(3):
        own.world.now += 1200
        refund_once(own, going_back)
    assert refund_once(own, going_back) == "success"
    assert own.channels.given(going_back) == {MAIN: 910, FIRST: 500, SECOND: 200}
    assert own.channels.trade(going_back).refunded_fen == 3000
    assert own.balance(going_back)["bank:main"] == 910


def test_a_part_comes_back_once_although_the_refund_itself_did_not_leave(own, going_back):
    line, silent = payments.gateway("wechat", keys.MCHID), outbound.NotSent("dead")

    def dead(*_asked, **_more):
        raise silent

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(type(line), "refund", dead)
        assert refund_once(own, going_back) == "submitted"
    own.world.now += 60
    assert refund_once(own, going_back) == "success"
    asked = [call for call in own.channels.calls if call == ("POST", "/v3/profitsharing/return-orders")]
    assert (len(asked), own.channels.given(going_back)[MAIN]) == (1, 910)


def test_a_split_that_did_not_leave_goes_to_the_accounts_it_was_reckoned_with(own):
    order = own.sell()
    line, silent = payments.gateway("wechat", keys.MCHID), outbound.NotSent("dead")

    def dead(*_asked, **_more):
        raise silent

    own.world.now += 90_000
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(type(line), "split", dead)
        drive_to_the_end(own, order)
    assert (own.state(order).state, own.channels.given(order)) == ("submitted", {})
    payments.put_receiver("main", "wechat", payments.Receiver("merchant", "1900000999", "另一家公司"))
    drive_to_the_end(own, order)
    assert own.channels.given(order) == {MAIN: 1300, FIRST: 500, SECOND: 200}


def test_a_part_is_asked_of_the_account_that_got_it_also_when_its_party_has_another_now(own):
    order = own.sell()
    own.channels.faults.set({"split": "processing"})
    own.world.now += 90_000
    drive_to_the_end(own, order)
    payments.put_receiver("main", "wechat", payments.Receiver("merchant", "1900000999", "另一家公司"))
    own.channels.faults.set({})
    drive_to_the_end(own, order)
    assert give_back(own, order, 3000).state == "success"
    assert own.channels.given(order) == {MAIN: 910, FIRST: 500, SECOND: 200}
