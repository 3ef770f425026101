# ruff: noqa: T201  a terminal programme prints
"""The drill: a table is lost on a busy day, restored to some moment before, and what happened since is not forgotten.

A sub-site's table, the main site's, or both are gone all at once. A role's deny keeps everybody away until they stand
as they did some time ago, each at a moment of its own, and until an operator's call of `recovery.recover` has returned,
begun again as often as it died. Then the day goes on, with all that fails as in any world. At the end all must be true
as ever; besides, what anybody was ever shown is never shown to another, an order that was delivered has the same codes,
a bank and a channel paid nothing twice, and money for an order that is gone has a case.

`python -m sim.drill --seeds 50` plays it; `--forget` shows what comes of it where nobody recovers.
"""

import argparse
import sys
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import clock, tenant
from chalicelib.recovery import service as recovery

from . import stage
from .clockwork import Violation
from .cloud import OPERATOR
from .crowd import HOUR
from .faults import Point
from .instance import Instance
from .mutants import MUTANTS
from .stage import Stage
from .world import World

BUGS = [name for name, one in MUTANTS.items() if one.drilled]
_LOST = ("site", "main", "both")
_EACH = 300  # seconds between the moments that can be restored
_BACK = (1, 36)  # so many of them lie between the moment restored and the loss
_TAKES = (1200, 5400)  # seconds until restored tables are there
_MARGIN = 3  # moments before the restored one from which on the log is read
_LATEST = 19 * HOUR  # after the beginning, of a loss
_WHEN = (4, 30)  # so many orders have been placed by then
_LATER = 4.8  # the loss comes up to ten to the power of this many seconds later, when money went back and was paid out
_UNDONE: Mapping[str, float] = {"restock": 0, "replan": 0}  # what people typed is theirs to type again


@dataclass(frozen=True)
class Moment:
    """What tables held, and how many lines the log had by then."""

    rows: Mapping[str, Mapping[Any, Any]]
    lines: int


@dataclass
class Loss:
    """What is lost, and how long before each of its tables was restored to, in moments.

    `begun` says how often recovering was, `calls` and `seconds` what it took, `lines` how many it read of the log.
    """

    owners: Mapping[str, int]
    happened: bool = False
    begun: int = 0
    calls: int = 0
    seconds: float = 0.0
    lines: int = 0
    report: recovery.Report | None = None


class Drill(World):
    """A world in which tables are lost. Without `recovers` they are restored and nothing else."""

    recovers = True

    def __init__(self, opened: Stage, seed: int, **options: Any) -> None:
        options["rates"] = {**(options.get("rates") or {}), **_UNDONE}
        super().__init__(opened, seed, **options)
        self._whose = self.time.who.child("loss")
        draw = self._whose.random
        what, site = draw.choice(_LOST), draw.choice(self.sites)
        owners = {"site": [site], "main": [tenant.MAIN], "both": [tenant.MAIN, site]}[what]
        self.loss = Loss({owner: int(_BACK[0] * (_BACK[1] / _BACK[0]) ** draw.random()) for owner in owners})
        self._orders = draw.randint(*_WHEN)
        self._expected, self._lost_at = False, 0.0
        self._lines: list[dict[str, Any]] = []
        self._moments: deque[Moment] = deque(maxlen=_BACK[1] + _MARGIN)

    def _play(self) -> None:
        self.stage.logger.lines = self._lines
        self.time.at(self.start, self._remember, who=self._whose)
        try:
            super()._play()
        finally:
            self.stage.logger.lines = None

    def _remember(self) -> None:
        """Another moment that can be restored, until the loss, which comes once enough was sold for it to hurt."""
        rows = {_table(owner): dict(self.database.tables[_table(owner)].rows) for owner in self.loss.owners}
        self._moments.append(Moment(rows, len(self._lines)))
        enough = len(self._moments) == self._moments.maxlen and len(self.watch.states) >= self._orders
        if not self._expected and (enough or self.time.now > self.start + _LATEST):
            self._expected = True
            later = 10 ** self._whose.random.uniform(0, _LATER)
            self.time.at(self.time.now + later, self._lose, who=self._whose)
        if not self.loss.happened:
            self.time.at(self.time.now + _EACH, self._remember, who=self._whose)

    def _lose(self) -> None:
        self.loss.happened, self._lost_at = True, self.time.now
        self.faults.struck.append(Point(self._whose.name, 0, "loss"))  # nothing keeps its pace from here on
        self.cloud.fenced |= {_table(owner) for owner in self.loss.owners}
        self.time.at(self.time.now + self._whose.random.uniform(*_TAKES), self._restore, who=self._whose)

    def _restore(self) -> None:
        for owner, back in self.loss.owners.items():
            self.database.tables[_table(owner)].restore(self._moments[-back].rows[_table(owner)])
        self.gone = self.watch.look_anew()
        self.time.spawn(self._whose.child("operator"), self._recover)

    def _recover(self) -> None:
        """Until it returns, whatever befalls it; then everybody may go on, on new instances."""
        calls, began = self.cloud.calls, self.time.now
        while self.recovers and self.loss.report is None:
            self.loss.begun += 1
            instance = Instance(OPERATOR, list(self.stage.places))
            process = self.time.spawn("recover", self._recover_once, instance=instance)
            while not self.time.wait(process, HOUR):
                if process.dead:
                    break
            self.loss.report = process.answer if process.ended and process.error is None else None
            self.time.pause(60)
        self._leave_to_bills()
        self.loss.calls, self.loss.seconds = self.cloud.calls - calls, self.time.now - began
        self.cloud.fenced.clear()
        self.functions.release()

    def _leave_to_bills(self) -> None:
        """A channel was silent for longer than the shop is patient, so after one more question only a bill may tell."""
        for channel in self.lines.values():
            paid = {number: trade.payment for number, trade in channel.trades.items() if trade.payment}
            channel.untold |= {number for number, each in paid.items() if each.paid_at >= self._lost_at}

    def _recover_once(self) -> recovery.Report:
        earliest = max(self.loss.owners.values()) + _MARGIN
        lines = self._lines[self._moments[-min(earliest, len(self._moments))].lines :]
        self.loss.lines, since = len(lines), int(self.time.now) - _EACH * earliest - _TAKES[1]
        with tenant.acting_for(tenant.MAIN):
            return recovery.recover(self.loss.owners.keys(), lines, since=since, now=clock.now())


class Forgotten(Drill):
    """Restored, and nobody recovers."""

    recovers = False


def _table(owner: str) -> str:
    return "cardmesh-main" if owner == tenant.MAIN else f"cardmesh-site-{owner}"


def play(opened: Stage, seed: int, *, kind: type[Drill] = Drill, **options: Any) -> tuple[Drill, str]:
    """One drill: its world, and what was broken in it or ""."""
    world = kind(opened, seed, **options)
    try:
        world.play()
    except Violation as violation:
        return world, str(violation)
    return world, ""


def main() -> int:
    """The command line; 1 when something was broken."""
    options = argparse.ArgumentParser(prog="python -m sim.drill", description=__doc__)
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--seed", type=int, default=0, help="the first one")
    options.add_argument("--forget", action="store_true", help="restore, and recover nothing")
    options.add_argument("--mutant", choices=BUGS, metavar="NAME", help="with this bug")
    options.add_argument("--trace", action="store_true", help="print everything that happens in the first")
    asked = options.parse_args()
    kind = Forgotten if asked.forget else Drill
    told: Counter[str] = Counter()
    bug = MUTANTS[asked.mutant].applied() if asked.mutant else nullcontext()
    with stage.opened() as opened, bug:
        for seed in range(asked.seed, asked.seed + asked.seeds):
            world, broken = play(opened, seed, kind=kind, keep_trace=asked.trace)
            if asked.trace:
                print("\n".join(map(str, world.trace.lines)))
            told["broken"] += bool(broken)
            print(_line(seed, world.loss, len(world.gone), broken), flush=True)
    print(f"{asked.seeds} drills, {told['broken']} broken")
    return 1 if told["broken"] else 0


def _line(seed: int, loss: Loss, gone: int, broken: str) -> str:
    lost = ", ".join(f"{owner} {back * _EACH // 60} min" for owner, back in loss.owners.items())
    took = f"{loss.seconds / 60:.1f} min, {loss.calls} calls, begun {loss.begun} times, {loss.lines} lines"
    return f"seed {seed}: {lost}; {gone} orders gone; recovered in {took}: {broken or loss.report}"


if __name__ == "__main__":
    sys.exit(main())
