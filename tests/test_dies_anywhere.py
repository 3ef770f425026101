"""One purchase after another, killed at every single effect it has; afterwards the world goes on as it does.

An effect is a write, a message or a call to the channel. Dying at a read, or right before an effect, equals dying after
the effect before it; before the first, nothing has happened.
Shoppers and channels ask again, messages come again, time passes, the walk walks, windows close. Then everything
must add up: money, codes, positions, books.
"""

import copy
import itertools
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import botocore.client
import pytest
from moto.dynamodb.models import dynamodb_backends

from chalicelib.checkout import placing, returning
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, log, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.stock import claims, model
from chalicelib.stock import service as stock
from chalicelib.wallet import service as wallet
from tests import make
from tests.dying import Died

pytestmark = pytest.mark.slow

EFFECTS = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
SENDS = ("SendMessage", "SendMessageBatch")
CODES = 8
QUANTITY = 2
QUARTER = 900  # seconds from walk to walk, and until an unpaid order expires
VISIBILITY = 60
MEMBER, SECRET = "m1", "135790"
WHOLE, SHARE = 9900, 4000  # fen that a balance pays of two pieces
DAYS = [clock.day_of(make.NOON + n * clock.DAY) for n in range(4)]


class NotYet(Exception):
    """What a person wanted to do has to wait."""


PART, REST = settlement.Wish("one of two", fen=1000), settlement.Wish("the other", fen=8900)
FAULTS = ("dies", "comes_twice")


class Channel(make.Channel):
    """A payment channel whose calls are effects too."""

    def as_(self, settings):
        return Merchant(self, settings["channel"], f"m{settings['channel']}")


class Merchant(make.Merchant):
    def create(self, charge, *, now):
        return self.books.stage.effect(lambda: super(Merchant, self).create(charge, now=now))

    def close(self, out_trade_no, *, now):
        return self.books.stage.effect(lambda: super(Merchant, self).close(out_trade_no, now=now))

    def refund(self, trade_no, **asked):
        return self.books.stage.effect(lambda: super(Merchant, self).refund(trade_no, **asked))


@dataclass
class Letter:
    due: int
    queue: str
    body: dict


@dataclass
class Stage:
    """A shop whose every effect is counted, and may be the last of its process."""

    world: make.World
    shops: dict = field(default_factory=dict)
    letters: list = field(default_factory=list)
    payments: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    count: int = 0
    at: int = 0
    fault: str = ""
    struck: bool = False
    offstage: bool = False

    def effect(self, act):
        if self.offstage:
            return act()
        self.count += 1
        if self.count != self.at:
            return act()
        self.struck = True
        act()
        if self.fault == "comes_twice":
            return act()
        raise Died

    def call(self, client, operation, parameters):
        """Stands in for botocore; queues are kept here, so that messages arrive by the world's clock."""
        if operation in SENDS:
            return self.effect(lambda: self.post(parameters))
        if operation not in EFFECTS:
            return self.real(client, operation, parameters)
        if operation == "TransactWriteItems" and self.fault == "comes_twice":
            return self.real(
                client, operation, parameters
            )  # its token makes a repeat inside the SDK harmless
        return self.effect(lambda: self.real(client, operation, parameters))

    def post(self, parameters):
        name = parameters["QueueUrl"].rsplit("cardmesh-", 1)[-1]
        for one in parameters.get("Entries", (parameters,)):
            body = make.json.loads(one["MessageBody"])
            self.letters.append(Letter(self.world.now + one["DelaySeconds"], name, body))
        return {}

    def until_answered(self, act):
        """Shoppers, channels and staff ask again until somebody answers."""
        while True:
            try:
                return act()
            except Died:
                self.lose_memory()
            except NotYet:
                self.world.now += 1

    def lose_memory(self):
        self.world.now += 1
        placing._seen.clear()
        returning._folds._levels.clear()
        wallet._tries._levels.clear()
        stock.forget()

    def work(self):
        """Workers get every message whose time has come; what failed, or died with its batch, comes again."""
        while due := [one for one in self.letters if one.due <= self.world.now]:
            batch = [one for one in due if one.queue == due[0].queue][:10]
            for one in batch:
                one.due = self.world.now + VISIBILITY
            try:
                failed = make.work(batch[0].queue, [one.body for one in batch])
            except Died:
                self.lose_memory()
                continue
            self.letters = [one for one in self.letters if one not in batch or one.body in failed]

    def wait(self, seconds):
        until = self.world.now + seconds
        while due := [one.due for one in self.letters if one.due <= until]:
            self.world.now = max(self.world.now, min(due))
            self.work()
        self.world.now = max(self.world.now, until)

    def calm(self):
        """Time passes and the walk walks until nothing is left to do."""
        for _ in range(30):
            self.wait(QUARTER)
            self.until_answered(partial(checkout.walk_all, now=self.world.now))
            self.work()
            if not self.letters:
                return
        raise AssertionError(f"never at rest: {self.letters}")

    def midnight(self):
        """The window of the day closes."""
        self.world.now = clock.day_start(clock.day_of(self.world.now)) + clock.DAY + 3600
        self.until_answered(settlement.close_all)
        self.wait(QUARTER)

    # What people do.

    def shop(self, name):
        return self.shops[name]

    def place(self, name, **changes):
        shop = self.shop(name)
        ask = shop.ask(**{"quantity": QUANTITY, **changes})
        asked = {key: getattr(ask, key) for key in ("key", "key_time", "goods_id", "quantity", "balance")}
        member = MEMBER if ask.balance or ask.goods_id == "topup" else None
        order = self.until_answered(lambda: shop.place(member=member, **asked))
        if order.status == "pending":
            self.until_answered(lambda: self.open_pay_page(order))
        return order

    def fill(self, yuan):
        """A member pays in, and has a pay password."""
        self.pay("cards", self.place("cards", goods_id="topup", quantity=yuan))
        self.wait(60)
        self.offstage = True
        with tenant.acting_for(self.shop("cards").site):
            wallet.set_password(self.shop("cards").site, MEMBER, SECRET)
        self.offstage = False

    def place_from(self, name, fen):
        return self.place(name, balance=checkout.FromBalance(fen, SECRET))

    def open_pay_page(self, order):
        with tenant.acting_for(order.site):
            return checkout.pay_link(order.site, order, now=self.world.now)

    def place_once(self, name):
        """A shopper who does not ask again."""
        try:
            self.shop(name).place(quantity=QUANTITY)
        except Died:
            self.lose_memory()

    def pay(self, name, order, *, told=True, **changes):
        payment = self.shop(name).payment(order, **changes)
        self.payments.append(payment)
        if told:
            self.until_answered(lambda: self.tell(payment))
            self.until_answered(lambda: self.tell(payment))

    def tell(self, payment):
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(payment, now=self.world.now)

    def take_all(self, name):
        """Somebody else takes what is left; what happens to them is another story."""
        shop = self.shop(name)
        self.offstage = True
        with tenant.acting_for(shop.site):
            free = stock.level(shop.owner, shop.goods_id)
            taken = stock.claim(shop.owner, shop.goods_id, free, now=self.world.now)
            self.taken += claims.resolve(shop.owner, taken)
        self.offstage = False

    def after_sales(self, order, act, *, refunds=0, decides=0):
        """Somebody looks at an order and acts, until they see that it is done."""

        def once():
            with tenant.acting_for(order.site):
                seen = orders.order(order.site, order.number)
                decided = [one.seq for one in settlement.refunds_of(seen) if one.accepted_at]
                if seen.refunds < refunds or (decides and decides not in decided):
                    act(seen, now=self.world.now)

        self.until_answered(once)

    def by_hand(self, order, act):
        def once():
            with tenant.acting_for(order.site):
                try:
                    act(order.site, order.number)
                except orders.WrongState as stood:
                    if stood.order.status == "paid":
                        raise NotYet from None

        self.until_answered(once)


def a_sale(stage):
    order = stage.place("cards")
    stage.pay("cards", order)


def a_sale_with_its_callback_lost(stage):
    order = stage.place("cards")
    stage.pay("cards", order, told=False)


def a_sale_paid_twice(stage):
    order = stage.place("cards")
    stage.pay("cards", order)
    stage.pay("cards", order, transaction_id="another")


def an_order_nobody_pays(stage):
    stage.place_once("cards")
    stage.calm()
    order = stage.place("cards")
    stage.pay("cards", order)


def a_late_payment(stage):
    order = stage.place("cards")
    stage.wait(3 * QUARTER)
    stage.pay("cards", order)


def a_late_payment_that_only_a_bill_tells_of(stage):
    """Whoever compares a bill asks once more only where the order does not have the payment."""
    order = stage.place("cards")
    stage.wait(2 * clock.DAY)
    stage.pay("cards", order, told=False)
    (payment,) = stage.payments

    def heal():
        if stage.shop("cards").order(order.number).transaction != payment.transaction_id:
            stage.tell(payment)

    stage.until_answered(heal)


def a_late_payment_when_all_is_sold(stage):
    order = stage.place("cards")
    stage.wait(3 * QUARTER)
    stage.take_all("cards")
    stage.world.channel.refund_state = "processing"
    stage.pay("cards", order)
    stage.wait(20)
    stage.world.channel.refund_state = "success"


def a_delivery_by_hand(stage):
    order = stage.place("hands")
    stage.pay("hands", order)
    stage.wait(3 * QUARTER)
    stage.by_hand(
        order,
        lambda site, number: fulfilment.deliver_by_hand(
            site, number, "CODE-HAND", staff="a", now=stage.world.now
        ),
    )


def a_refund_by_hand(stage):
    order = stage.place("hands")
    stage.pay("hands", order)
    stage.wait(3 * QUARTER)
    stage.by_hand(
        order,
        lambda site, number: fulfilment.refund_instead(
            site, number, reason="gone", staff="a", now=stage.world.now
        ),
    )


def a_sale_given_back_in_parts(stage):
    """The owner gives a part back, then the shopper asks for the rest and gets it."""
    order = stage.place("cards")
    stage.pay("cards", order)
    stage.wait(60)
    stage.world.channel.refund_state = "processing"
    stage.after_sales(order, refunds=1, act=partial(settlement.give, wish=PART, by="demo:owner", seen=0))
    stage.wait(20)
    stage.world.channel.refund_state = "success"
    stage.wait(60)
    stage.after_sales(order, refunds=2, act=partial(settlement.request, wish=REST))
    stage.after_sales(order, decides=3, act=partial(settlement.agree, seq=3, by="demo:owner"))


def a_refund_that_the_channel_closes(stage):
    order = stage.place("cards")
    stage.pay("cards", order)
    stage.wait(60)
    stage.world.channel.refund_state = "closed"
    whole = settlement.Wish("wrong", fen=order.amount_fen)
    stage.after_sales(order, refunds=1, act=partial(settlement.give, wish=whole, by="demo:owner", seen=0))


def a_sale_from_the_balance(stage):
    stage.fill(100)
    stage.place_from("cards", WHOLE)


def a_sale_in_part_from_the_balance(stage):
    stage.fill(100)
    stage.pay("cards", stage.place_from("cards", SHARE))


def a_part_that_is_reserved_in_vain(stage):
    stage.fill(100)
    stage.place_from("cards", SHARE)


def a_part_that_is_paid_too_late(stage):
    stage.fill(100)
    order = stage.place_from("cards", SHARE)
    stage.wait(3 * QUARTER)
    stage.pay("cards", order)


def a_part_that_is_paid_when_the_balance_is_spent(stage):
    stage.fill(100)
    order = stage.place_from("cards", SHARE)
    stage.calm()  # what was reserved is there again
    stage.place_from("cards", WHOLE)
    stage.pay("cards", order)


def a_sale_from_both_given_back_in_part(stage):
    stage.fill(100)
    order = stage.place_from("cards", SHARE)
    stage.pay("cards", order)
    stage.wait(60)
    stage.after_sales(order, refunds=1, act=partial(settlement.give, wish=PART, by="demo:owner", seen=0))


def a_top_up_that_is_taken_back(stage):
    stage.fill(100)
    with tenant.acting_for(stage.shop("cards").site):
        (order,) = orders.on_day(stage.shop("cards").site, DAYS[0])
    stage.after_sales(order, refunds=1, act=settlement.take_back)


def a_part_that_is_refunded_by_hand(stage):
    stage.fill(100)
    order = stage.place_from("hands", SHARE)
    stage.pay("hands", order)
    stage.wait(3 * QUARTER)
    stage.by_hand(
        order,
        lambda site, number: fulfilment.refund_instead(
            site, number, reason="gone", staff="a", now=stage.world.now
        ),
    )


STORIES = (
    a_sale,
    a_sale_with_its_callback_lost,
    a_sale_paid_twice,
    an_order_nobody_pays,
    a_late_payment,
    a_late_payment_that_only_a_bill_tells_of,
    a_late_payment_when_all_is_sold,
    a_delivery_by_hand,
    a_refund_by_hand,
    a_sale_given_back_in_parts,
    a_refund_that_the_channel_closes,
    a_sale_from_the_balance,
    a_sale_in_part_from_the_balance,
    a_part_that_is_reserved_in_vain,
    a_part_that_is_paid_too_late,
    a_part_that_is_paid_when_the_balance_is_spent,
    a_sale_from_both_given_back_in_part,
    a_top_up_that_is_taken_back,
    a_part_that_is_refunded_by_hand,
)


@pytest.fixture(scope="module")
def theatre():
    """One cloud for all plays; each begins with the rows and the clock of the first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENANT_ROLE", "")
        patch.setattr(
            order_rules, "BUCKETS", 1
        )  # fewer partitions to walk; that there are several is tested elsewhere
        patch.setattr(ledger, "BUCKETS", 1)
        world = make.World(patch)
        world.channel = Channel()
        with world:
            cards = make.make_shop(world, codes=CODES)
            with tenant.acting_for(cards.site):
                hands = make.make_goods(way="manual", kind="service")
                make.catalog.publish(cards.site, now=world.now)
                make.catalog.forget()
            shops = {"cards": cards, "hands": make.Shop(world, cards.site, hands.goods_id)}
            real = botocore.client.BaseClient._make_api_call
            log.logger.setLevel("CRITICAL")
            yield patch, world, shops, real, _rows()
            log.logger.setLevel("WARNING")


def _rows():
    tables = dynamodb_backends["123456789012"]["us-east-1"].tables
    return {name: copy.deepcopy(table.items) for name, table in tables.items()}


def play(theatre, story, fault="", at=0):
    """Perform a story with one fault at its n-th effect, and let the world come to rest."""
    patch, world, shops, real, rows = theatre
    for name, table in dynamodb_backends["123456789012"]["us-east-1"].tables.items():
        table.items = copy.deepcopy(rows[name])
    world.database.forget()
    world.now = make.NOON
    channel = world.channel
    channel.trades.clear()
    channel.refunds.clear()
    channel.refund_state = "success"
    placing._holds.clear()
    stage = channel.stage = Stage(world, shops, at=at, fault=fault)
    stage.real = real
    stage.lose_memory()

    def called(*call):
        return stage.call(*call)

    patch.setattr(botocore.client.BaseClient, "_make_api_call", called)
    try:
        story(stage)
        stage.calm()
        stage.midnight()
    finally:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", real)
    return stage


def check(stage):
    """Everything adds up. Positions may be burnt only where a process ended."""
    site = stage.shop("cards").site
    with tenant.acting_for(site):
        found = [order for day in DAYS for order in orders.on_day(site, day)]
        check_money(stage, found)
        check_balance(site, found)
        check_codes(found)
        check_positions(stage, found)
        check_books(site, found)


def check_money(stage, found):
    assert {order.status for order in found} <= orders.FINAL
    paid, back = Counter(), Counter()
    for payment in stage.payments:
        paid[payment.out_trade_no[:28]] += payment.amount_fen
    for number, fen in stage.world.channel.refunds.items():
        back[number[:28]] += fen
    assert set(paid) <= {order.number for order in found}
    for order in found:
        kept = order.channel_fen - returned(order)[0] if order.status == "delivered" else 0
        assert paid[order.number] - back[order.number] == kept, order
        assert bool(order.transaction) == bool(paid[order.number])


def returned(order):
    """Fen of after-sales refunds that the channel, and the balance, gave back."""
    done = [one for one in settlement.refunds_of(order) if one.state == "success"]
    return sum(one.channel_fen for one in done), sum(one.balance_fen for one in done)


def check_balance(site, found):
    entries = wallet.all_entries(site, MEMBER)
    assert wallet.sound(entries)
    done = [order for order in found if order.status == "delivered"]
    due = sum(one.amount_fen if one.way == "wallet" else returned(one)[1] - one.balance_fen for one in done)
    last = wallet.newest(site, MEMBER)
    assert (last.available, last.reserved) == (due, 0)


def check_codes(found):
    codes = [code for order in found for code in fulfilment.codes_of(order)]
    assert len(codes) == len(set(codes))
    for order in found:
        bought = order.status == "delivered" and order.way == "pool"
        assert len(order_codes(order)) == (QUANTITY if bought else 0)


def order_codes(order):
    return fulfilment.codes_of(order) if order.way == "pool" else []


def check_positions(stage, found):
    shop = stage.shop("cards")
    live = [one for order in found if order.delivered_at for one in order.ranges]
    backs = model.BackRow.of(shop.owner).under(f"BACK#{shop.goods_id}", consistent=True)
    held = [stock.Range(row.seg, int(row.start), int(row.size)) for row in backs if not row.folded]
    places = [*_positions(shop.owner, live), *_positions(shop.owner, held), *_free(shop), *_each(stage.taken)]
    assert len(places) == len(set(places)), "a position is in two places"
    burnt = CODES - len(places)
    may_burn = QUANTITY if stage.fault == "dies" else 0
    assert 0 <= burnt <= may_burn


def _free(shop):
    rows = model.PointerRow.of(shop.owner)
    everything = dynamodb_backends["123456789012"]["us-east-1"].tables["cardmesh-main"].items.rows
    segs = [pk.removeprefix("PTR#") for pk, sk in everything if pk.startswith("PTR#") and sk == "."]
    pointers = [(seg, rows.read(f"PTR#{seg}", ".")) for seg in segs]
    free = [
        stock.Range(seg, int(row.next), int(row.free)) for seg, row in pointers if row.sku == shop.goods_id
    ]
    return _positions(shop.owner, free)


def _positions(owner, ranges):
    return _each(claims.resolve(owner, ranges))


def _each(ranges):
    return [(one.seg, n) for one in ranges for n in range(one.start, one.end)]


def check_books(site, found):
    journals = {day: ledger.journals(site, day) for day in DAYS}
    posted = [journal for day in DAYS for journal in journals[day]]
    assert all(sum(fen for _, fen in journal.legs) == 0 for journal in posted)
    sales = Counter(journal.number for journal in posted if journal.event == "sale")
    delivered = {one.number: one.channel_fen - returned(one)[0] for one in found if one.delivered_at}
    assert sales == dict.fromkeys(delivered, 1)
    sums = ledger.totals(journal.legs for journal in posted)
    clearing = sum(fen for account, fen in sums.items() if account.startswith("clearing:"))
    assert clearing == sum(delivered.values())
    assert sum(fen for account, fen in sums.items() if account.startswith("refund_clearing:")) == 0
    for day in DAYS:
        assert (ledger.statement(site, day) or {}) == ledger.totals(one.legs for one in journals[day])
    assert ledger.available(site) == -sums.get(f"subsite:{site}:pending", 0)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_lost_where_nothing_goes_wrong(theatre, story):
    stage = play(theatre, story)
    check(stage)
    assert stage.count > 5


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_lost_wherever_it_goes_wrong(theatre, story, fault):
    for at in itertools.count(1):
        stage = play(theatre, story, fault, at)
        if not stage.struck:
            return
        try:
            check(stage)
        except Exception as error:
            raise AssertionError(f"{fault} at effect {at}") from error
