"""Who works at the consoles: staff that delivers by hand, an accountant, and those who run the shop as it sells."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from chalicelib.cases import service as cases
from chalicelib.catalog import service as catalog
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.reconciliation import service as reconciliation
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.web.console import shelves

from . import bills
from .channel import Channel
from .clockwork import Act
from .ears import PRIVATE, SECRET
from .faults import Faults
from .people import GaveUp, Person
from .stage import Goods

_LATER = 1800  # seconds after which somebody who gave up tries again
_AWAY = (60, 3600)  # seconds for which a site sells nothing, or goods are not on sale
_LONG_AGO = 5  # days for which an order may wait until a bill tells that it was paid
_LOT = 12  # codes of one import


@dataclass
class Staff(Person):
    """A person at a site who looks after what waits for a person."""

    faults: Faults
    site: str

    def look(self) -> None:
        """Deliver, or give the money back; what was being refunded is refunded."""
        now, back = int(self.time.now), 1 if self.faults.on else _LONG_AGO
        for day in (clock.day_of(now - n * clock.DAY) for n in range(back, -1, -1)):
            for order in self._quietly(partial(self._waiting, day)) or ():
                decide = partial(self._decide, order, self.time.random.random())
                if self.faults.strikes("double_click"):
                    self.time.spawn("click", partial(self._quietly, decide))
                self._quietly(decide)

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
                text = f"{PRIVATE} by hand"
                fulfilment.deliver_by_hand(self.site, order.number, text, staff="a", now=now)


@dataclass
class Accountant(Person):
    """A person at the main site who holds the books kept of bills against the channels' own pages, and asks again."""

    channels: Mapping[str, Channel]

    def look(self) -> None:
        """Have every bill done again that is not the right one, or has differences."""
        with contextlib.suppress(GaveUp):  # tomorrow is another day
            wrong = set(self.ask("console", self._different))
            for _, channel in sorted(self.channels.items()):
                for day in bills.days(channel.trades.values(), self.time.now):
                    book = self.ask("console", partial(_find, f"{day}#{channel.name}#{channel.merchant}"))
                    if book and book.digest != bills.right(day, channel.trades.values()).digest:
                        wrong.add(book.name)
            for each in sorted(wrong):
                self.ask("console", partial(_ask_again, each))

    def _different(self) -> list[str]:
        with tenant.acting_for(tenant.MAIN):
            return [
                "#".join(one.key.split("#")[:3]) for one in cases.open_ones(kind="difference", limit=1000)
            ]


def _find(name: str) -> reconciliation.Book | None:
    with tenant.acting_for(tenant.MAIN):
        return reconciliation.find(name)


def _ask_again(name: str) -> None:
    with tenant.acting_for(tenant.MAIN):
        reconciliation.ask_again(name)


@dataclass
class Operator(Person):
    """A person who changes things while they are in use. `codes` has all that were imported, by goods."""

    sites: Sequence[str]
    goods: Sequence[Goods]
    codes: dict[str, list[str]]

    def reprice(self) -> None:
        """A site asks for another price from now on."""
        site, goods, fen = self._any_site(), self._shared(), self.time.random.randint(4500, 9000)

        def act() -> None:
            with tenant.acting_for(site):
                catalog.set_listing(site, catalog.Listing(goods.goods_id, price_fen=fen))
                shelves.bring(site, now=clock.now())

        self._until_done(act)

    def replan(self) -> None:
        """The plan that sites follow gets its next version."""
        draw = self.time.random
        main, own = (draw.randint(1000, 3000) for _ in range(2))
        bearer, release = draw.choice(("main", "site")), draw.choice(ledger.RELEASES)
        cap = draw.randint(1, 5000) if release == "T+0" else 0
        plan = ledger.Plan("standard", 0, main, own, bearer, release=release, t0_cap_fen=cap)

        def act() -> None:
            with tenant.acting_for(tenant.MAIN):
                ledger.put_plan(plan, now=clock.now())

        self._until_done(act)

    def close_for_a_while(self) -> None:
        """A site sells nothing for a while; what was sold goes its way."""
        site = self._any_site()
        for state in ("suspended", "active"):
            self._until_done(partial(self._set_state, site, state))
            self.chance(*_AWAY)

    def withdraw(self) -> None:
        """Goods of the main site are off all shelves for a while."""
        goods = self._shared()
        for on in (False, True):
            self._until_done(partial(self._revise, goods, on=on))
            self.chance(*_AWAY)

    def restock(self) -> None:
        """Import more codes, again and again until the shop says that they are in."""
        goods = self.time.random.choice([one for one in self.goods if one.codes])
        known = self.codes[goods.goods_id]
        lot = [f"{SECRET}{goods.goods_id[-4:]}-{len(known) + i:05}" for i in range(_LOT)]
        known += lot

        def act() -> None:
            with tenant.acting_for(goods.owner):
                stock.import_codes(goods.owner, goods.goods_id, "\n".join(lot), note="more", now=clock.now())

        self._until_done(act)

    def _until_done(self, act: Act) -> None:
        while True:
            try:
                self.ask("console", act)
                return
            except GaveUp:
                self.time.pause(_LATER)

    def _any_site(self) -> str:
        return self.time.random.choice(self.sites)

    def _shared(self) -> Goods:
        return self.time.random.choice([one for one in self.goods if one.owner == tenant.MAIN])

    def _set_state(self, site: str, state: str) -> None:
        with tenant.acting_for(tenant.MAIN):
            if tenancy.site(site, fresh=True).state == state:
                return  # whoever did it died before saying so
            if state == "suspended":
                tenancy.suspend(site, "盘点", by="staff", now=clock.now())
            else:
                tenancy.resume(site, by="staff", now=clock.now())

    def _revise(self, goods: Goods, *, on: bool) -> None:
        with tenant.acting_for(tenant.MAIN):
            now = catalog.goods(tenant.MAIN, goods.goods_id)
            terms = {each.name: getattr(now, each.name) for each in fields(catalog.GoodsDraft)}
            catalog.put_goods(tenant.MAIN, catalog.GoodsDraft(**{**terms, "on": on}), goods_id=goods.goods_id)
            shelves.bring(tenant.MAIN, now=clock.now())


CHANGES = (Operator.reprice, Operator.replan, Operator.close_for_a_while, Operator.withdraw, Operator.restock)
