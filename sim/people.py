"""Who comes to a world: shoppers with plans of their own, and the staff that delivers by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, tenant
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock

from .channel import Channel
from .clockwork import Act, Clockwork, Process
from .stage import Goods

PATIENCE = 29.0  # seconds a gateway in front of a function waits
MOMENTS = {"pays late": (600, 7200), "pays at the end": (890, 930)}  # seconds from the order to the payment
PLANS = ("pays", "abandons", "pays late", "pays at the end", "pays twice", "asks twice")
_HOPELESS = (stock.SoldOut, checkout.KeyInvalid, orders.WrongState, errors.NotFound)
_TRIES = 6

Invoke = Callable[[str, Act], Process]


class GaveUp(Exception):
    """A person asked often enough."""


@dataclass
class Person:
    """Somebody who asks functions, and asks again when nobody answers."""

    time: Clockwork
    invoke: Invoke

    def ask(self, function: str, act: Act) -> Any:
        """The answer of a function. Raises GaveUp."""
        for _ in range(_TRIES):
            process = self.invoke(function, act)
            if self.time.wait(process, PATIENCE) and process.error is None:
                return process.answer
            if isinstance(process.error, _HOPELESS):
                break
            self.time.pause(self.time.random.uniform(1, 60))
        raise GaveUp

    def chance(self, least: float, most: float) -> None:
        """Wait for a while."""
        self.time.pause(self.time.random.uniform(least, most))


@dataclass
class Shopper(Person):
    """One order, wanted at a site, paid as the plan says."""

    channels: dict[str, Channel]
    site: str
    goods: Goods
    plan: str

    def shop(self) -> None:
        """Come, order, pay or not, and leave."""
        try:
            self._shop()
        except GaveUp:
            return

    def _shop(self) -> None:
        ask = self._ask()
        if self.plan == "asks twice":
            self.time.spawn("impatience", lambda: self._quietly(partial(self._place, ask)))
        order = self._place(ask)
        self._open_page(order)
        if self.plan == "abandons":
            return
        self.chance(*MOMENTS.get(self.plan, (2, 900)))
        if self.plan == "pays twice":
            self._pay_elsewhere(order)
        self._pay(order)

    def _quietly(self, act: Act) -> None:
        try:
            act()
        except GaveUp:
            return

    def _ask(self) -> checkout.Ask:
        draw, now = self.time.random, int(self.time.now)
        key = UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | draw.getrandbits(62))
        quantity = draw.choice((1, 1, 2, 3))
        channel = draw.choice(sorted(self.channels))
        return checkout.Ask(
            self.goods.goods_id, quantity, "a@example.com", "open sesame", channel, str(key), now
        )

    def _place(self, ask: checkout.Ask) -> orders.Order:
        def act() -> orders.Order:
            with tenant.acting_for(self.site):
                return checkout.place(
                    self.site, ask, member=None, address="192.0.2.1", device="pc", now=clock.now()
                ).order

        order: orders.Order = self.ask("checkout", act)
        return order

    def _open_page(self, order: orders.Order) -> None:
        def act() -> None:
            with tenant.acting_for(self.site):
                checkout.pay_link(self.site, order, now=clock.now())

        self.ask("checkout", act)

    def _pay_elsewhere(self, order: orders.Order) -> None:
        """Change the channel, and pay there too."""
        (other,) = set(self.channels) - {order.attempts[-1].channel}

        def act() -> orders.Order:
            with tenant.acting_for(self.site):
                return checkout.switch_channel(self.site, order.number, other, device="pc")

        switched: orders.Order = self.ask("checkout", act)
        self._open_page(switched)
        self._pay(switched)
        self.chance(0, 600)

    def _pay(self, order: orders.Order) -> None:
        attempt = order.attempts[-1]
        self.channels[attempt.channel].pay(attempt.out_trade_no(order.number), once=self.plan != "pays twice")


@dataclass
class Staff(Person):
    """A person at a site who looks after what waits for a person."""

    site: str

    def look(self) -> None:
        """Deliver, or give the money back; what was being refunded is refunded."""
        now = int(self.time.now)
        for day in (clock.day_of(now - clock.DAY), clock.day_of(now)):
            for order in self._quietly(partial(self._waiting, day)) or ():
                self._quietly(partial(self._decide, order, self.time.random.random()))

    def _quietly(self, act: Act) -> Any:
        """What a colleague was faster with is left alone."""
        try:
            return self.ask("console", act)
        except GaveUp:
            return None

    def _waiting(self, day: str) -> list[orders.Order]:
        with tenant.acting_for(self.site):
            return orders.recent(self.site, day=day, status="review")

    def _decide(self, order: orders.Order, mood: float) -> None:
        now = clock.now()
        with tenant.acting_for(self.site):
            if order.why.startswith("refund") or mood < 0.4:
                fulfilment.refund_instead(self.site, order.number, reason="refund", staff="a", now=now)
            else:
                fulfilment.deliver_by_hand(self.site, order.number, "HAND", staff="a", now=now)
