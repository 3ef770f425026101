"""Who comes to shop: people with plans, patience, and things to keep to themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, tenant
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

from .channel import Channel
from .clockwork import Act, Clockwork, Process
from .ears import PRIVATE
from .stage import Goods
from .watch import insist

_ADDRESS = "192.0.2.1"
PATIENCE = 29.0  # seconds a gateway in front of a function waits
MOMENTS = {"pays late": (600, 7200), "pays at the end": (890, 930)}  # seconds from the order to the payment
PLANS = ("pays", "abandons", "pays late", "pays at the end", "pays twice", "asks twice")
_HOPELESS = (
    stock.SoldOut,
    checkout.KeyInvalid,
    orders.WrongState,
    errors.NotFound,
    tenancy.Suspended,
    wallet.Refusal,
)
_TRIES = 6
QUANTITIES = (1, 1, 2, 3)
_REMEMBERED = 2.0  # seconds for which a pool may be called sold out that no longer is
JOINS = 0.3  # the share of shoppers who make an account
SAVES = (0, 0, 20, 60, 200)  # yuan that a member pays in before buying, where that pays
_SECRET = f"{PRIVATE} pays"
LOOKS = 0.5  # the share of those who come back for their codes

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
    """One order, wanted at a site, paid as the plan says.

    `least_left` tells how many codes of a SKU there were at least since a time; `shown` has the order in which anybody
    saw a code.
    """

    channels: dict[str, Channel]
    least_left: Callable[[str, float], int]
    shown: dict[str, str]
    site: str
    goods: Goods
    plan: str
    quantity: int = 1
    joins: bool = False
    looks: bool = False
    saves: int = 0
    number: str = ""
    balance_fen: int = 0
    filled: str = ""  # the order of a top-up
    contact: str = field(init=False)
    member: str | None = None

    def shop(self) -> None:
        """Come, order, pay or not, look, and leave."""
        self.contact = f"{self.time.who.name}-{PRIVATE}@example.com"
        self._quietly(self._shop)

    def _shop(self) -> None:
        if self.joins:
            self.member = self._join()
        if self.member and self.saves and self.goods.owner == tenant.MAIN:
            self._save()
        ask = self._ask()
        if self.plan == "asks twice":
            self.time.spawn("impatience", lambda: self._quietly(partial(self._place, ask)))
        order = self._place(ask)
        insist(order.member == self.member, f"I9: {order.number} is not its member's")
        if order.status == "pending":
            self._pay_as_planned(order)
        if self.looks:
            self.chance(0, 3600)
            self._look(order)

    def _pay_as_planned(self, order: orders.Order) -> None:
        self._open_page(order)
        if self.plan != "abandons":
            self.chance(*MOMENTS.get(self.plan, (2, 900)))
            if self.plan == "pays twice":
                self._pay_elsewhere(order)
            self._pay(order)

    def _quietly(self, act: Act) -> None:
        try:
            act()
        except GaveUp:
            return

    def _join(self) -> str:
        """Make an account, and be known by it."""

        def sign_up() -> str:
            with tenant.acting_for(self.site):
                return membership.sign_up(
                    self.site, self.contact, f"{PRIVATE} password", address=_ADDRESS, now=clock.now()
                )

        def who() -> membership.Member | None:
            with tenant.acting_for(self.site):
                return membership.member_of(self.site, token, now=clock.now())

        token = self.ask("storefront", sign_up)
        member = self.ask("receipts", who)
        insist(member is not None and member.login == self.contact, f"I9: {self.contact} is somebody else")
        return str(member.member)

    def _save(self) -> None:
        """Fill the balance through a channel, and wait for it."""

        def set_password() -> None:
            with tenant.acting_for(self.site):
                wallet.set_password(self.site, self.member or "", _SECRET)

        def look() -> int:
            with tenant.acting_for(self.site):
                return wallet.newest(self.site, self.member or "").available

        self.ask("checkout", set_password)
        ask = replace(self._ask(), goods_id=catalog.TOP_UP.goods_id, quantity=self.saves)
        filled = self._placed(ask)
        self.filled = filled.number
        self._open_page(filled)
        self._pay(filled)
        self.chance(10, 600)
        self.balance_fen = self.ask("checkout", look)

    def _ask(self) -> checkout.Ask:
        draw, now = self.time.random, int(self.time.now)
        key = UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | draw.getrandbits(62))
        channel = draw.choice(sorted(self.channels))
        balance = checkout.FromBalance(self.balance_fen, _SECRET) if self.balance_fen else None
        what = (self.goods.goods_id, self.quantity, self.contact, f"{PRIVATE} sesame", channel)
        return checkout.Ask(*what, str(key), now, balance, waiver=catalog.WAIVER)

    def _place(self, ask: checkout.Ask) -> orders.Order:
        order = self._placed(ask)
        self.number = self.number or order.number
        insist(order.number == self.number, f"I8: {order.number} and {self.number} are one order")
        return order

    def _placed(self, ask: checkout.Ask) -> orders.Order:
        def act() -> orders.Order:
            recently = self.time.now - _REMEMBERED
            try:
                with tenant.acting_for(self.site):
                    return checkout.place(
                        self.site, ask, member=self.member, address=_ADDRESS, device="pc", now=clock.now()
                    ).order
            except stock.SoldOut:
                left = self.least_left(ask.goods_id, recently)
                insist(left < ask.quantity, f"I3: {left} of {ask.goods_id} are there, and sold out")
                raise

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

    def _look(self, order: orders.Order) -> None:
        """See what was bought, as a guest does who knows number, contact and password."""

        def act() -> list[str]:
            with tenant.acting_for(self.site):
                found = orders.may_read(
                    self.site,
                    order.number,
                    self.contact,
                    f"{PRIVATE} sesame",
                    address=_ADDRESS,
                    now=clock.now(),
                )
                return fulfilment.codes_of(found) if found.way == "pool" else []

        for code in self.ask("receipts", act):
            holder = self.shown.setdefault(code, order.number)
            insist(holder == order.number, f"I2: {order.number} was shown a code of {holder}")
        if self.member:
            listed = self.ask("receipts", self._list)
            insist(
                listed <= {order.number, self.filled},
                f"I9: {self.contact} is shown {listed} besides {order.number}",
            )

    def _list(self) -> set[str]:
        """A member's own orders, as far as the index has them."""
        with tenant.acting_for(self.site):
            return {one.number for one in orders.of_member(self.site, self.member or "")}
