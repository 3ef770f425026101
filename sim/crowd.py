"""Who comes to a world, and when: shoppers in crowds, staff and owners by the hour, and those who change things."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.kit import clock

from . import regrets, treasury
from .desk import CHANGES, Accountant, Operator, Staff
from .people import JOINS, LOOKS, PLANS, QUANTITIES, SAVES, Shopper

if TYPE_CHECKING:
    from .world import World

HOUR = 3600
TRADE = 24 * HOUR  # of trade with faults
LIVENESS = 6 * HOUR  # within which every order is final once faults have stopped
SHOPPERS = 55  # some come too late for the last codes; about 40 orders stand
LICENSED = 8  # shoppers more, at the licensed site
_CHANGES = 3  # of each kind that a day may see
_WANTED = (3, 1, 3)  # how often at most, against 3 of plenty: scarce, a site's own, by hand
_WITHDRAWALS = 3 * clock.DAY  # for which owners ask for money


class Crowd:
    """The people of a world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._time = world.time
        self._faults = world.faults
        self._invoke = world.functions.invoke
        self._shown: dict[str, str] = {}

    def expect_shoppers(self, cast: Collection[str] | None) -> None:
        """They come in crowds, because a sale begins or a message went round: within moments, or within hours.

        Of all, only those come whom `cast` names.
        """
        draw, stage = self._time.random, self._world.stage
        crowds = [draw.uniform(0, TRADE - 3 * HOUR) for _ in range(draw.randint(2, 12))]
        apart = 10 ** draw.uniform(-2, 3.8)
        wanted = [3.0, *(draw.uniform(0, most) for most in _WANTED)]
        moods = [draw.random() for _ in PLANS]
        drawn_to = {site: draw.random() ** 3 for site in stage.sites}  # one site may be hot
        for _ in range(SHOPPERS):
            who = self._time.who.child("shopper")
            draw = who.random
            (goods,), (plan,) = draw.choices(stage.goods, wanted), draw.choices(PLANS, moods)
            (site,) = draw.choices(goods.sites, [drawn_to[site] for site in goods.sites])
            quantity, joins, looks = draw.choice(QUANTITIES), draw.random() < JOINS, draw.random() < LOOKS
            shopper = self.shopper(site, goods, plan, quantity, joins, looks, draw.choice(SAVES))
            delay = draw.choice(crowds) + draw.uniform(0, apart)
            regretted = regrets.moments(who, self._faults, self._world.start)
            if cast is None or who.name in cast:
                self._time.spawn(who, partial(self._shop, shopper, regretted), delay=delay)
        if self._world.licensed:
            self._expect_at_the_licensed(cast)

    def _expect_at_the_licensed(self, cast: Collection[str] | None) -> None:
        """A few come to the licensed site, and regret more often."""
        world = self._world
        for _ in range(LICENSED):
            who = self._time.who.child("patron")
            draw = who.random
            plan = (world.stage.fourth_goods, draw.choice(PLANS), draw.choice(QUANTITIES))
            shopper = replace(self.shopper(world.stage.fourth.site, *plan), channels=world.own)
            draws = (regrets.moments(who, self._faults, world.start, soon=True) for _ in range(2))
            regretted = next(filter(None, draws), ())
            if cast is None or who.name in cast:
                self._time.spawn(
                    who, partial(self._shop, shopper, regretted), delay=draw.uniform(0, 12 * HOUR)
                )

    def _shop(self, shopper: Shopper, regretted: Sequence[float]) -> None:
        """Come, and come back for the money, at these times."""
        shopper.shop()
        if regretted and shopper.number:
            regret = regrets.Regret(self._time, self._invoke, shopper.site, shopper.number, regretted)
            self._time.spawn("regret", regret.come)

    def shopper(self, *plan: Any) -> Shopper:
        """Somebody with a plan: where, what, how, and the rest as Shopper has it."""
        world = self._world
        return Shopper(self._time, self._invoke, world.channels, world.watch.pools.least, self._shown, *plan)

    def send_all(self) -> None:
        """From now on everybody comes by the hour who works here."""
        for site in self._world.sites:
            self._send_staff(site)
        self._send_treasury()
        self._send_accountant()
        self._expect_changes()
        self._send_clerks()

    def send_two(self, site: str) -> None:
        """Two people look after a site, not knowing of each other."""
        for _ in range(2):
            self._time.spawn("staff", Staff(self._time, self._invoke, self._faults, site).look)

    def _expect_changes(self) -> None:
        """Now and then somebody changes what is sold, for how much, and where."""
        stage = self._world.stage
        operator = Operator(self._time, self._invoke, stage.sites, stage.goods, self._world.codes)
        for change in CHANGES:
            for _ in range(_CHANGES):
                who = self._time.who.child(change.__name__)
                if self._faults.strikes(change.__name__, who):
                    self._time.spawn(who, partial(change, operator), delay=who.random.uniform(0, TRADE))

    def _send_staff(self, site: str) -> None:
        """Every two hours, while there may be work."""
        if self._faults.on or "review" in self._world.watch.states.values():
            self.send_two(site)
        self._time.at(self._time.now + 2 * HOUR, partial(self._send_staff, site))

    def _send_clerks(self) -> None:
        """Every hour whoever decides on refunds, while there is one to decide on."""
        world = self._world
        if regrets.anything_waits(world.database, world.watch):
            for look in regrets.clerks(self._time, self._invoke, world.sites, world.lines):
                self._time.spawn("clerk", look)
        self._time.at(self._time.now + HOUR, self._send_clerks)

    def _send_accountant(self) -> None:
        """Once a day somebody looks at the channels' own pages."""
        who = Accountant(self._time, self._invoke, self._world.lines)
        self._time.spawn("accountant", who.look, delay=self._time.random.uniform(0, HOUR))
        self._time.at(self._time.now + clock.DAY, self._send_accountant)

    def _send_treasury(self) -> None:
        """Owners ask for money for some days; staff looks at what waits."""
        selling = self._time.now < self._world.start + _WITHDRAWALS
        again = (3 if self._faults.on else 12) * HOUR
        for look in treasury.people(self._time, self._invoke, self._world.stage.sites if selling else ()):
            self._time.spawn("treasury", look, delay=self._time.random.uniform(0, again))
        self._time.at(self._time.now + again, self._send_treasury)
