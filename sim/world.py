"""One world of one seed: a day of trade in which things fail, then peace, then a week in which all must come right."""

from collections.abc import Collection, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

from chalicelib.checkout import worker as checkout_worker
from chalicelib.kit import clock, tenant
from chalicelib.lifecycle import worker as lifecycle_worker
from chalicelib.payouts import worker as payouts_worker
from chalicelib.reconciliation import worker as reconciliation_worker
from chalicelib.settlement import rules as settlement_rules
from chalicelib.settlement import worker as settlement_worker
from chalicelib.web.hooks import payments as hooks
from chalicelib.web.visit import Visit

from . import faults as faults_
from . import reconciled, treasury
from .bank import Bank
from .channel import Channel
from .clockwork import Clockwork, Process
from .cloud import Cloud, Network
from .crowd import HOUR, LIVENESS, TRADE, Crowd
from .dynamo.database import Database
from .faults import Point
from .functions import Functions
from .instance import Instance
from .invariants import Rest, days_of
from .keys import Keys
from .mutants.next_release import SHAPE
from .queues import Queues
from .releases import Releases
from .stage import BEGIN, CHANNELS, Stage
from .trace import Trace
from .watch import Watch
from .weather import Weather

_BILLS = 6 * HOUR  # between two questions for bills; the shop asks every hour, of which most change nothing
AFTERMATH = 8 * clock.DAY  # until the audit has judged every night of trade
_SWEEP = 12 * HOUR  # between two looks for rows whose time to live is over
_LONGEST_DEAD = 48 * HOUR  # for which such a row may stay
_TOGETHER = (
    "SKU#",
    "BACK#",
    "STMT#",
    "ACC#",
    "BATCH#",
    "WENT#",
    "PAYOUT",
)  # what the shop writes in transactions
_TTL: Mapping[str, Any] = {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}}
_EVENT = dict.fromkeys(
    ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources"), ""
)


class World:
    """Everything there is in one seed.

    `rates` makes some faults more or less frequent than the seed would; with a `script` the faults of its points
    strike and no others; of shoppers, only those come whom `cast` names.
    """

    plain: ClassVar = False  # without the licensed site

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
        self.functions = Functions(self.time, self.faults, stage.places, Releases(stage.coming))
        self.weather = Weather(self.time, self.faults, self.functions, self._stamp)
        network = Network(self.time, self.faults, self.trace, self.weather.turns_away)
        self.database = Database(
            clock=lambda: self.time.now, staleness=self._staleness, in_flight=self._in_flight
        )
        self.licensed = not self.plain and self.faults.strikes("licensed")
        self.sites = (*stage.sites, stage.fourth.site) if self.licensed else stage.sites
        self.goods = (*stage.goods, stage.fourth_goods) if self.licensed else stage.goods
        stage.tables(self.database, licensed=self.licensed)
        for name in self.database.tables:
            self.database.call("UpdateTimeToLive", {"TableName": name, **_TTL})
        self.channels = {name: Channel(name, network, self._tell) for name in CHANNELS}
        self.own = {
            name: Channel(name, network, self._tell, merchant=stage.fourth.merchant(name))
            for name in (CHANNELS if self.licensed else ())
        }
        self.lines = {one.merchant: one for one in (*self.channels.values(), *self.own.values())}
        self.bank = Bank(network)
        self.watch = Watch(self.database, self.lines, lambda: self.time.now)
        self.queues = Queues(self.time, self.faults, self.functions.invoke)
        keys = Keys(self.draw, lambda: self.time.now).with_keys_of(stage.keys)
        self.cloud = Cloud(network, self.database, self.queues, keys, self.watch.after)
        self.crowd = Crowd(self)
        self.codes = {one.goods_id: list(one.codes) for one in self.goods}
        self.gone: set[str] = set()  # orders that were lost with their table

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

    # The story.

    def play(self) -> None:
        """Let the whole time of this world pass. Raises Violation."""
        self.stage.world = self
        try:
            self._play()
        finally:
            self.time.close()
            self.functions.releases.withdraw()

    def _play(self) -> None:
        self.crowd.expect_shoppers(self.cast)
        self.weather.expect(self.start, self.start + TRADE)
        self.queues.expect_junk(self.start + TRADE)
        for channel in self.lines.values():
            channel.expect_outage(self.start + self.time.random.uniform(0, TRADE - 3 * HOUR))
        self._tick("walk_sites", checkout_worker.walk_sites, every=900, offset=0)
        self._tick("close_windows", settlement_worker.close_windows, every=HOUR, offset=1800)
        self._tick("audit_pools", checkout_worker.audit_pools, every=clock.DAY, offset=19 * HOUR + 1800)
        self._tick("ask_for_bills", reconciliation_worker.ask_for_bills, every=_BILLS, offset=2 * HOUR + 2400)
        self._tick("plan_payouts", payouts_worker.plan_payouts, every=HOUR, offset=2700)
        self._tick("tend_sites", lifecycle_worker.tend_sites, every=HOUR, offset=600)
        self.crowd.send_all()
        self._sweep(self.time.random.choice((0, _LONGEST_DEAD)))
        quiet = self.start + TRADE
        self.time.run(quiet)
        self.faults.on = False
        for hour in (0, HOUR):  # a message in work at the first time may die after it
            self.time.run(quiet + hour)
            self.queues.redrive()
        self.time.run(quiet + LIVENESS)
        self._rest().check_orders(but=self.untold())
        self.time.run(quiet + AFTERMATH)
        self._check()
        out_fen = treasury.check(self.bank, self.sites, self.time.now) + self._rest().check_refunds()
        out_fen -= self._rest().check_splits(self.own)
        now, gone = self.time.now, self.gone
        reconciled.check(self.lines, self.sites, self._days(), now, out_fen=out_fen, gone=gone)

    def _check(self) -> None:
        """All that must be true at rest. Raises Violation."""
        rest = self._rest()
        rest.check_orders()
        rest.check_list(self.time.now)
        rest.check_members()
        rest.check_codes(self.codes)
        rest.check_stock(self.goods, self.codes)
        rest.check_books()
        rest.check_wallets()
        rest.check_letters([one for one in self.queues.dead if not self._is_of_gone(one[1].body)])
        if not self.faults.struck:
            rest.check_pace()

    def _rest(self) -> Rest:
        Instance("", list(self.stage.places), codes=self.functions.releases.in_force()).recall()
        return Rest(self.database, self.lines, self.sites, self._days(), self.gone)

    def _is_of_gone(self, body: str) -> bool:
        return any(number in body for number in self.gone)

    def _days(self) -> list[str]:
        return days_of(self.start, self.time.now)

    def untold(self) -> set[str]:
        """The orders of which only a bill tells all that was paid."""
        return {trade[:28] for channel in self.lines.values() for trade in channel.untold}

    def _stamp(self) -> None:
        """A wave reaches all sites but the first."""
        for site in self.sites[1:]:
            row = {"pk": {"S": "SHAPE"}, "sk": {"S": "."}, "v": {"N": str(SHAPE)}}
            self.database.call("PutItem", {"TableName": f"cardmesh-site-{site}", "Item": row})

    def _sweep(self, late: int) -> None:
        """Rows go at the end of their time to live, or so many seconds later."""
        self.database.expire(self.time.now - late)
        self.time.at(self.time.now + _SWEEP, partial(self._sweep, late), who=self._world)

    def _tick(self, function: str, act: Any, *, every: int, offset: int) -> None:
        """A schedule: it fires after so many seconds, now and then not at all or twice."""
        due = (self.time.now - offset) // every * every + offset + every
        who = self._world.named(f"{function}@{(due - self.start) // 60:.0f}")
        self.time.at(due, partial(self._fire, function, act, every, offset), who=who)

    def _fire(self, function: str, act: Any, every: int, offset: int) -> None:
        self._tick(function, act, every=every, offset=offset)
        self._run(function, act)

    def _run(self, function: str, act: Any) -> None:
        if self._idle(function) or self.faults.strikes("tick_skipped"):
            return
        for _ in range(2 if self.faults.strikes("tick_twice") else 1):
            self.functions.invoke(function, partial(act, _EVENT, None))

    def _idle(self, function: str) -> bool:
        """Whether a schedule would find nothing to do: it is spared once nothing fails, since a week has many ticks."""
        now = int(self.time.now)
        if function == "close_windows":
            return now > self.start + TRADE + LIVENESS and not settlement_rules.windows_to_close(now)
        if function == "ask_for_bills":
            return not self.faults.on and not reconciled.unclosed(self.lines, self.time.now)
        if function == "plan_payouts":
            return not self.faults.on and not treasury.anything_due(self.database, now)
        if function == "tend_sites":
            return not self.faults.on
        return function == "walk_sites" and not self.faults.on and not self.watch.anything_open()

    def _tell(self, channel: str, merchant: str, headers: Mapping[str, str], body: bytes) -> Process:
        """A notification reaches the function that takes them; the answer is a status."""

        def act() -> int:
            with tenant.acting_for(tenant.MAIN):
                visit = Visit(SimpleNamespace(headers=headers, raw_body=body))  # type: ignore[arg-type]
                return int(hooks.arrived(visit, channel, merchant).status_code)

        return self.functions.invoke("hooks", act)

    def _in_flight(self, _table: str, key: Any) -> bool:
        """Whether an item seems to be part of somebody's transaction; only some ever are."""
        return key[0].startswith(_TOGETHER) and self.faults.strikes("transaction_met")

    def _staleness(self, _table: str, _index: str, _key: Any) -> int:
        return self.time.random.randint(1, 3) if self.time.running and self.faults.strikes("stale") else 0
