"""One world of one seed: a day of trade in which things fail, then peace, then a week in which all must come right."""

from collections import defaultdict
from collections.abc import Collection
from functools import partial
from typing import Any

from chalicelib.checkout import service as checkout
from chalicelib.checkout import worker as checkout_worker
from chalicelib.kit import clock, tenant
from chalicelib.payments import service as payments
from chalicelib.settlement import rules as settlement_rules
from chalicelib.settlement import worker as settlement_worker

from . import faults as faults_
from .channel import Channel
from .clockwork import Act, Clockwork, Process
from .cloud import Cloud, Network
from .dynamo.database import Database
from .faults import Point
from .instance import Instance
from .invariants import Rest, Watch, days_of
from .keys import Keys
from .lineage import Lineage
from .people import PLANS, Shopper, Staff
from .queues import Queues
from .stage import BEGIN, CHANNELS, Stage
from .trace import Trace

SHOPPERS = 55  # some come too late for the last codes; about 40 orders stand
HOUR = 3600
_WANTED = (3, 1, 3)  # how often at most, against 3 of plenty: scarce, a site's own, by hand
TRADE = 24 * HOUR  # of trade with faults
LIVENESS = 6 * HOUR  # within which every order is final once faults have stopped
AFTERMATH = 8 * clock.DAY  # until the audit has judged every night of trade
_SKEW = 300  # seconds a clock may be wrong
_EVENT = dict.fromkeys(
    ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources"), ""
)


class World:
    """Everything there is in one seed.

    `rates` makes some faults more or less frequent than the seed would; with a `script` the faults of its points
    strike and no others; of shoppers, only those come whom `cast` names.
    """

    def __init__(
        self,
        stage: Stage,
        seed: int,
        *,
        keep_trace: bool = False,
        rates: dict[str, float] | None = None,
        script: Collection[Point] | None = None,
        cast: Collection[str] | None = None,
    ) -> None:
        self.seed = seed
        self.stage = stage
        self.time = Clockwork(seed, BEGIN)
        self._world = self.time.who
        self.start = self.time.now = BEGIN + self.time.random.randrange(clock.DAY)
        self.trace = Trace(keep=keep_trace)
        self.faults = faults_.draw(self.time)
        self.faults.rates.update(rates or {})
        self.faults.script = script
        self.cast = cast
        network = Network(self.time, self.faults, self.trace)
        self.database = Database(clock=lambda: self.time.now, staleness=self._staleness)
        stage.tables(self.database)
        self.watch = Watch(self.database)
        self.queues = Queues(self.time, self.faults, self.invoke)
        keys = Keys(self.draw, lambda: self.time.now).with_keys_of(stage.keys)
        self.cloud = Cloud(network, self.database, self.queues, keys, self.watch.after)
        self.channels = {name: Channel(name, network, self._tell) for name in CHANNELS}
        self._warm: defaultdict[str, list[Instance]] = defaultdict(list)

    # What the shop's edges ask for.

    def clock(self) -> float:
        """The time on the clock of whoever asks."""
        running = self.time.running
        return self.time.now + (running.instance.skew if running and running.instance else 0)

    def draw(self, size: int) -> bytes:
        """Random bytes of whoever asks."""
        return self.time.random.randbytes(size)

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """A call to AWS; of those who check the world, at no cost."""
        if self.time.running is None:
            service = client.meta.service_model.service_name
            answers = {"dynamodb": self.database.call, "kms": self.cloud.keys.call}
            return answers[service](operation, given)
        return self.cloud.call(client, operation, given)

    def invoke(self, function: str, act: Act) -> Process:
        """Start a function on an instance that is warm, or on a new one."""
        who, warm = self.time.who.child(function), self._warm[function]
        cold = not warm or self.faults.strikes("cold", who)
        instance = self._instance(function, who) if cold else warm.pop(who.random.randrange(len(warm)))
        process = self.time.spawn(who, act, delay=0.3 if cold else 0.0, instance=instance)
        process.waiters.append(lambda: None if process.dead else warm.append(instance))
        return process

    # The story.

    def play(self) -> None:
        """Let the whole time of this world pass. Raises Violation."""
        self.stage.world = self
        try:
            self._play()
        finally:
            self.time.close()

    def _play(self) -> None:
        self._expect_shoppers()
        for channel in self.channels.values():
            channel.expect_outage(self.start + self.time.random.uniform(0, TRADE - 3 * HOUR))
        self._tick("walk_sites", checkout_worker.walk_sites, every=900, offset=0)
        self._tick("close_windows", settlement_worker.close_windows, every=HOUR, offset=1800)
        self._tick("audit_pools", checkout_worker.audit_pools, every=clock.DAY, offset=19 * HOUR + 1800)
        for site in self.stage.sites:
            self._send_staff(site)
        quiet = self.start + TRADE
        self.time.run(quiet)
        self.faults.on = False
        self.time.run(quiet + LIVENESS)
        self._rest().check_orders()
        self.time.run(quiet + AFTERMATH)
        rest = self._rest()
        rest.check_orders()
        rest.check_codes(self.stage.goods)
        rest.check_stock(self.stage.goods)
        rest.check_books()

    def _rest(self) -> Rest:
        Instance("", list(self.stage.places)).recall()
        return Rest(self.database, self.channels, self.stage.sites, days_of(self.start, self.time.now))

    def _expect_shoppers(self) -> None:
        """They come in crowds, because a sale begins or a message went round: within moments, or within hours."""
        draw = self.time.random
        crowds = [draw.uniform(0, TRADE - 3 * HOUR) for _ in range(draw.randint(2, 12))]
        apart = 10 ** draw.uniform(-2, 3.8)
        wanted = [3.0, *(draw.uniform(0, most) for most in _WANTED)]
        moods = [draw.random() for _ in PLANS]
        for _ in range(SHOPPERS):
            who = self.time.who.child("shopper")
            draw = who.random
            (goods,), (plan,) = draw.choices(self.stage.goods, wanted), draw.choices(PLANS, moods)
            shopper = Shopper(self.time, self.invoke, self.channels, draw.choice(goods.sites), goods, plan)
            delay = draw.choice(crowds) + draw.uniform(0, apart)
            if self.cast is None or who.name in self.cast:
                self.time.spawn(who, shopper.shop, delay=delay)

    def _send_staff(self, site: str) -> None:
        """Two people look after a site every two hours, not knowing of each other, while there may be work."""
        for _ in range(2):
            self.time.spawn("staff", Staff(self.time, self.invoke, site).look)
        if self.time.now < self.start + TRADE + LIVENESS:
            self.time.at(self.time.now + 2 * HOUR, partial(self._send_staff, site))

    def _tick(self, function: str, act: Any, *, every: int, offset: int) -> None:
        """A schedule: it fires after so many seconds, now and then not at all or twice."""
        due = (self.time.now - offset) // every * every + offset + every
        who = self._world.named(f"{function}@{(due - self.start) // 60:.0f}")
        self.time.at(due, partial(self._fire, function, act, every, offset), who=who)

    def _fire(self, function: str, act: Any, every: int, offset: int) -> None:
        self._tick(function, act, every=every, offset=offset)
        if self._idle(function) or self.faults.strikes("tick_skipped"):
            return
        for _ in range(2 if self.faults.strikes("tick_twice") else 1):
            self.invoke(function, partial(act, _EVENT, None))

    def _idle(self, function: str) -> bool:
        """Whether a schedule would find nothing to do: it is spared, since a week has many ticks."""
        now = int(self.time.now)
        at_peace = now > self.start + TRADE + LIVENESS
        no_window = function == "close_windows" and not settlement_rules.windows_to_close(now)
        return at_peace and (no_window or (function == "walk_sites" and now % (12 * HOUR) >= 900))

    def _tell(self, payment: payments.Payment) -> Process:
        """A notification reaches the function that takes them."""

        def act() -> None:
            with tenant.acting_for(tenant.MAIN):
                payments.gateway(payment.channel, payment.merchant)
                checkout.accept_payment(payment, now=clock.now())

        return self.invoke("hooks", act)

    def _instance(self, function: str, who: Lineage) -> Instance:
        skew = who.random.randint(-_SKEW, _SKEW) if self.faults.strikes("skew", who) else 0
        return Instance(function, list(self.stage.places), skew=skew)

    def _staleness(self, _table: str, _index: str, _key: Any) -> int:
        return self.time.random.randint(1, 3) if self.time.running and self.faults.strikes("stale") else 0
