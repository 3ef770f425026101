"""A day of a shop between the real gateways and the sandbox's channels, all in one process and in virtual time.

Shoppers come every few seconds; each gets one of the fates below. The shop's rows live in the simulation's DynamoDB,
the channels' in the sandbox's books, which never look at each other but through the channels' real protocols.
"""

import contextlib
import heapq
import json
from collections import Counter
from random import Random
from unittest import mock
from urllib.parse import urlencode, urlsplit

from bench import shop as shops
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, outbound, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from chalicelib.settlement import worker as settlement_worker
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from sandbox import keys
from sandbox.alipay import Alipay
from sandbox.bills import entries
from sandbox.books import Books
from sandbox.ecny import ECny
from sandbox.exchange import Request
from sandbox.faults import Faults, Plan
from sandbox.notify import Notice
from sandbox.unionpay import UnionPay
from sandbox.wechat import WeChat

DAY = "20261124"
START = clock.day_start(DAY)
URL = "http://channels.test"
GATEWAYS = dict(gateways.GATEWAYS)  # the real ones, which the stage replaces
PATHS = {
    "/v3/": "wechat",
    "/gateway/api/": "unionpay",
    "/filedownload/": "unionpay",
    "/ecny/": "ecny",
    "/": "alipay",
}
# fate → how many of a hundred shoppers meet it
FATES = {
    "plain": 54,
    "told_twice": 5,
    "told_late": 4,
    "told_wrongly": 3,
    "never_told": 6,
    "lost_and_expired": 3,
    "paid_twice": 3,
    "paid_twice_unheard": 3,
    "refunded": 4,
    "refund_unheard": 2,
    "partly_refunded": 4,
    "walks_away": 9,
}
NONE = frozenset()
WRONG = ({"bad_signature": True}, {"wrong_amount": 1}, {"wrong_merchant": True})


class Day(shops.Shop):
    """The shop and its channels. `met` counts the fates."""

    def __init__(self, stage, folder):
        super().__init__(stage)
        self.random = Random(1)
        self.met = Counter()
        self.books, self.faults = Books(), Faults()
        own = keys.load(folder)
        account = (own, self.books, self.faults)
        cashier, silent = {"cashier": lambda _: f"{URL}/cashier"}, {"tell": lambda _: None}
        self.sides = {
            "wechat": WeChat(*account, **cashier, **silent),
            "alipay": Alipay(*account, **cashier, **silent),
            "unionpay": UnionPay(*account, **cashier),
            "ecny": ECny(*account, **cashier, **silent),
        }
        settings = keys.settings(folder, URL)
        self.channels = {name: build(settings[name]) for name, build in GATEWAYS.items()}
        self._later = []
        self._settings = settings

    def answer(self, method, url, *, headers, body=b"", **_limits):
        """A call of the shop's, as the channel's server gets it."""
        target = url.removeprefix(URL)
        side = next(name for path, name in PATHS.items() if urlsplit(target).path.startswith(path))
        request = Request(
            method, target, {"host": "channels.test", **{k.lower(): v for k, v in headers.items()}}, body
        )
        found = self.sides[side].answer(request, now=int(self.now))
        return outbound.Reply(found.status, {k.lower(): v for k, v in found.headers.items()}, found.body)

    # The day.

    def trade(self, count):
        """This many shoppers from the first second of the day to the last."""
        for number in range(count):
            at = START + number * (clock.DAY - 1) // (count - 1)
            self.pass_to(at)
            self.serve(self._fate())
        self.pass_to(START + clock.DAY)

    def pass_to(self, until):
        """Let everything happen that is due by then: people, and the shop's queues."""
        while self._later and self._later[0][0] <= until:
            at, _, act = heapq.heappop(self._later)
            self.go_on(at)
            act()
        self.go_on(until)

    def hourly(self, until, *schedules):
        """Fire schedules every hour until then."""
        while self.now < until:
            self.pass_to(min(self.now + 3600, until))
            for schedule in schedules:
                self.tick(schedule)
            self.go_on(self.now)

    def serve(self, fate):
        """One shopper."""
        self.met[fate] += 1
        site = self.random.choice(self.stage.sites)
        by_hand = fate in ("refunded", "refund_unheard")
        goods = self.stage.goods[3 if by_hand else 0]
        order = self.order(site, goods.goods_id, self.random.choice(list(self.channels)))
        getattr(self, fate)(order)

    # What may happen to a shopper.

    def plain(self, order):
        self.tell(self.take(order))

    def told_twice(self, order):
        trade = self.take(order)
        self.tell(trade)
        self.after(1, lambda: self.tell(trade))
        self.after(40_000, lambda: self.tell(trade))

    def told_late(self, order):
        """After the order expired; the shop has asked, or takes the money late."""
        self.after(3000, lambda: self.tell(self.take(order, closed=True)))

    def told_wrongly(self, order):
        trade = self.take(order)
        self.tell(trade, **self.random.choice(WRONG))
        self.after(15, lambda: self.tell(trade))

    def never_told(self, order):
        self.take(order)

    def lost_and_expired(self, order):
        """Paid after the shop closed the trade, and no notification arrives: only the bill has it."""
        self.after(3000, lambda: self.take(order, closed=True))

    def paid_twice(self, order):
        order = self.switch(order)
        self.tell(self.take(order))
        self.tell(self.take(order, index=2))

    def paid_twice_unheard(self, order):
        """The second payment's notifications are all lost, and nobody asks for it: only the bill has it."""
        order = self.switch(order)
        self.tell(self.take(order))
        self.take(order, index=2)

    def refunded(self, order):
        self.tell(self.take(order))
        self.after(120, lambda: self.refund(order))

    def refund_unheard(self, order):
        """The channel takes its time."""
        self.tell(self.take(order))
        self.after(120, lambda: self.refund(order, slow=True))

    def partly_refunded(self, order):
        """Some of the money goes back after delivery, in two steps; the second may come on the next day."""
        self.tell(self.take(order))
        for seconds in (300, 30_000):
            self.after(seconds, lambda: self.give(order, 1650))

    def walks_away(self, _order):
        """Nothing is paid."""

    # What people and channels do.

    def after(self, seconds, act):
        heapq.heappush(self._later, (self.now + seconds, next(self._count), act))

    def order(self, site, goods_id, channel):
        now, count = int(self.now), next(self._count)
        key = str(shops.UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | count))
        ask = checkout.Ask(goods_id, 1, f"{count}@example.com", "open sesame", channel, key, now, waiver=1)
        with tenant.acting_for(site):
            placed = checkout.place(site, ask, member=None, address="192.0.2.1", device="pc", now=now).order
            self._visit(checkout.pay_link(site, placed, now=now))
        return placed

    def switch(self, order):
        """The shopper opens the other channel's page, too."""
        other = self.random.choice([name for name in self.channels if name != order.attempts[0].channel])
        with tenant.acting_for(order.site):
            order = checkout.switch_channel(order.site, order.number, other, device="pc")
            self._visit(checkout.pay_link(order.site, order, now=int(self.now)))
        return order

    def _visit(self, link):
        """The browser takes a form to the channel, where the trade begins."""
        if link.kind == "form":
            body = urlencode(link.fields).encode()
            assert self.answer("POST", link.payload, headers={}, body=body).status == 302

    def take(self, order, *, index=1, closed=False):
        """The channel takes the money of an attempt."""
        attempt = order.attempts[index - 1]
        trade = self.books.find(attempt.channel, attempt.out_trade_no(order.number))
        self.books.pay(trade, now=int(self.now), even_closed=closed)
        return trade

    def tell(self, trade, **wrong):
        """A notification on its way through the real gateway."""
        now = int(self.now)
        told = trade
        plan = Plan(**wrong)
        headers, body = self.sides[trade.channel].compose(Notice(told), plan, now=now)
        headers = {name.lower(): text for name, text in headers.items()}
        try:
            heard = payments.hear(trade.channel, trade.merchant, headers, body, now=now)
        except payments.Forged:
            self.met["refused"] += 1
            return
        with tenant.acting_for(tenant.MAIN):
            checkout.accept_payment(heard, now=now)

    def refund(self, order, *, slow=False):
        """Main's staff give the money back instead of delivering by hand."""
        self.go_on(self.now)
        if slow:
            attempt = order.attempts[0]
            number = attempt.out_trade_no(order.number)
            self.faults.set({"refund": "processing", "order_no": number})
        with tenant.acting_for(order.site):
            fulfilment.refund_instead(
                order.site, order.number, reason="缺货", staff="admin", now=int(self.now)
            )
        self.go_on(self.now)
        self.faults.set({})
        if slow:
            self.after(3 * 3600, lambda: self._done_at_last(attempt.channel, number))

    def give(self, order, fen):
        """Staff give a part of a delivered order back."""
        self.go_on(self.now)
        with tenant.acting_for(order.site):
            held = orders.order(order.site, order.number)
            wish = settlement.Wish("少充了", fen=fen)
            settlement.give(held, wish, by="main:admin", seen=held.refunds, now=int(self.now))
        self.go_on(self.now)

    def staff_look(self):
        """Refunds that the channel did not confirm are asked for once more."""
        for site in self.stage.sites:
            with tenant.acting_for(site):
                for order in list(orders.on_day(site, DAY, states=("review",))):
                    fulfilment.refund_instead(
                        site, order.number, reason="缺货", staff="admin", now=int(self.now)
                    )
        self.go_on(self.now)

    # What the books say in the end.

    def received(self, channel):
        """Fen the channel took and gave back, in its own books."""
        total = self.books.view(now=int(self.now))["totals"][channel]
        return total["received_fen"], total["refunded_fen"]

    def fees(self):
        """Fen the channels kept, by the bills they write."""
        days = [clock.day_of(START + i * clock.DAY) for i in range(-1, 4)]
        found = (
            entry for name in self.channels for day in days for entry in entries(self.books, name, day, NONE)
        )
        return sum(entry.fee_fen for entry in found)

    def balances(self, days):
        """Every account of every journal of these days, sites and main."""
        found = Counter()
        for owner in (tenant.MAIN, *self.stage.sites):
            with tenant.acting_for(owner):
                for day in days:
                    found.update(ledger.totals(one.legs for one in ledger.journals(owner, day)))
        return found

    def states(self):
        """How many orders are in which state."""
        found = Counter()
        for site in self.stage.sites:
            with tenant.acting_for(site):
                for day in (DAY, clock.day_of(START + clock.DAY)):
                    found.update(order.status for order in orders.on_day(site, day))
        return found

    # How the shop's queues work here.

    def work(self, queue, bodies):
        """Messages that are too early come back, as they do from a queue."""
        try:
            super().work(queue, bodies)
        except RuntimeError:
            for body in bodies:
                self._put(queue, body, 60)

    def _send(self, given):
        queue = given["QueueUrl"].rsplit("-", 1)[-1]
        for one in given.get("Entries", (given,)):
            self._put(queue, one["MessageBody"], one.get("DelaySeconds", 0))
        return {"MessageId": "1"}

    def _put(self, queue, body, delay):
        kind = (
            queue
            if queue != "timer"
            else "-".join(sorted(set(json.loads(body)) - {"site", "order", "owner"}))
        )
        letter = {"queue": queue, "body": body}
        heapq.heappush(self._letters, (self.now + delay, next(self._count), kind, letter))

    def _done_at_last(self, channel, number):
        for refund in self.books.find(channel, number).refunds:
            self.books.settle(refund)

    def _fate(self):
        return self.random.choices(list(FATES), FATES.values())[0]

    def set_up(self):
        """The sandbox's merchants instead of the simulation's, and codes for everybody."""
        main = self.database.tables["cardmesh-main"]
        for key in [key for key in main.rows if str(key).find("CHANNEL#") >= 0]:
            del main.rows[key]
        with tenant.acting_for(tenant.MAIN):
            for channel in self.channels:
                payments.put_channel(channel, self._settings[channel])
            for site in self.stage.sites:
                tenancy.set_channels(site, self.channels)
            codes = "\n".join(f"LONG-DAY-{i:06}" for i in range(6000))
            stock.import_codes(
                tenant.MAIN, self.stage.goods[0].goods_id, codes, note="day", now=int(self.now)
            )


@contextlib.contextmanager
def opened(folder):
    """A shop before its day."""
    with shops.opened() as stage:
        day = Day(stage, folder)
        channels = {name: (lambda _settings, name=name: day.channels[name]) for name in day.channels}
        with (
            mock.patch.object(outbound, "call", day.answer),
            mock.patch.dict(gateways.GATEWAYS, channels),
        ):
            day.set_up()
            yield day


CLOSE = settlement_worker.close_windows
