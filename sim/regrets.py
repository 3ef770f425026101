"""Money back for what was delivered: who wants it, the shop that gives it, main's people who look at cases.

A refund is asked for whole, in part, or by piece, by the shopper or by staff at once; before the day's money is
released, after it, and after it was paid out. What more people have to agree to, what a channel cannot do and what it
closed are looked at where the shop shows them: in a site's list and among the cases.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, tenant
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement

from .channel import Channel
from .clockwork import Act, Clockwork
from .dynamo.database import Database
from .faults import Faults
from .lineage import Lineage
from .people import GaveUp, Invoke, Person
from .watch import Watch

_HOURS = (
    (0, 24),
    (30, 100),
)  # from the beginning, in which somebody has a regret: never while all comes to rest
_SOON = ((0, 16), (6, 24), (6, 24), (30, 100))
_KINDS = ("refund_review", "refund")
_REFUSES = 0.15
_STALE = 3 * 3600  # seconds after which a case that leads nowhere is of somebody who died
_MOVING = ("submitted", "processing")


def moments(who: Lineage, faults: Faults, start: float, *, soon: bool = False) -> tuple[float, ...]:
    """When a shopper will want money back, mostly never; `soon`, mostly while things fail."""
    if not faults.strikes("regrets", who):
        return ()
    draw = who.named("regrets").random
    hours = [draw.uniform(*draw.choice(_SOON if soon else _HOURS)) for _ in range(draw.choice((1, 1, 2, 4)))]
    return tuple(start + 3600 * hour for hour in sorted(hours))


def anything_waits(database: Database, watch: Watch) -> bool:
    """Whether anybody has to decide on a refund."""
    places = database.tables["cardmesh-main"].under("CASE#open", consistent=True)
    listed = any("ttl" not in row and row["kind"]["S"] in _KINDS for _, (row, _) in places)
    return listed or "requested" in watch.refunds.values()


def clerks(
    time: Clockwork, invoke: Invoke, sites: Sequence[str], channels: Mapping[str, Channel]
) -> Iterator[Act]:
    """What everybody does who decides on refunds."""
    for site in sites:
        yield Keeper(time, invoke, site).look
    for staff in ("main:a", "main:b"):
        yield Clerk(time, invoke, staff, channels).look


@dataclass
class Regret(Person):
    """Somebody who wants money back for an order, more than once perhaps."""

    site: str
    number: str
    moments: Sequence[float]

    def come(self) -> None:
        """Wait, and ask."""
        for moment in self.moments:
            self.time.pause(max(60.0, moment - self.time.now))
            with contextlib.suppress(GaveUp):
                self._want()

    def _want(self) -> None:
        draw = self.time.random
        how, part, by = draw.choice(("whole", "part", "pieces")), draw.random(), draw.random()
        order = self.ask("receipts", partial(_order, self.site, self.number))
        left = order.amount_fen - order.refunded_fen
        fen = left if how == "whole" else 1 + int(part * left)
        pieces = 1 + int(part * order.quantity) if how == "pieces" else 0
        wish = settlement.Wish("regret", fen=0 if pieces else fen, pieces=pieces)
        if by < 1 / 2:
            self.ask("receipts", partial(_request, order, wish))
        else:
            staff = "main:a" if by < 3 / 4 else f"{self.site}:owner"
            self.ask("console", partial(_give, order, wish, staff))


@dataclass
class Keeper(Person):
    """Somebody at a site who decides on what its shoppers ask for."""

    site: str

    def look(self) -> None:
        """Agree, or refuse."""
        with contextlib.suppress(GaveUp):
            for one in self.ask("console", partial(_requested, self.site)):
                agrees = self.time.random.random() > _REFUSES
                decide = partial(_decide, self.site, one.number, one.seq, f"{self.site}:owner", agrees)
                self.ask("console", decide)


@dataclass
class Clerk(Person):
    """Somebody of main's staff who works through the cases of refunds."""

    staff: str
    channels: Mapping[str, Channel]

    def look(self) -> None:
        """Take each case on; what is left of it tomorrow is taken on tomorrow."""
        try:
            found = self.ask("console", _open_cases)
        except GaveUp:
            return
        for case in found:
            with contextlib.suppress(GaveUp):
                self._take_on(case)

    def _take_on(self, case: cases.Case) -> None:
        refund = self.ask("console", partial(_refund_of, case))
        mood = self.time.random.random()
        if case.kind == "refund_review" and refund and refund.state in ("requested", "review"):
            site = case.facts["site"]
            self.ask(
                "console", partial(_decide, site, refund.number, refund.seq, self.staff, mood > _REFUSES)
            )
        elif case.kind == "refund" and refund and refund.state == "abnormal":
            self.ask(
                "console", partial(_resume, case, refund, self.staff, by_hand=self._given_up(case, mood))
            )
        elif refund is None or refund.state not in _MOVING:
            self._settle(case, refund, again=mood < 1 / 2)

    def _given_up(self, case: cases.Case, mood: float) -> bool:
        """Whether the channel will never do it: somebody said so on its own page."""
        number, event = case.facts["order"], case.facts["refund"]
        return any(one.gives_up(number, event, for_good=mood < 1 / 2) for one in self.channels.values())

    def _settle(self, case: cases.Case, refund: settlement.AfterSale | None, *, again: bool) -> None:
        """A case that leads nowhere is of somebody who died; what a channel closed is given once more, or left."""
        if refund and refund.state == "closed" and again:
            order = self.ask("console", partial(_order, case.facts["site"], refund.number))
            wish = settlement.Wish("again", fen=refund.fen)
            self.ask("console", partial(_give, order, wish, self.staff))
        if (refund and refund.state == "closed") or case.at + _STALE < self.time.now:
            self.ask("console", partial(_close, case, self.staff))


def _order(site: str, number: str) -> orders.Order:
    with tenant.acting_for(site):
        return orders.order(site, number)


def _request(order: orders.Order, wish: settlement.Wish) -> None:
    with tenant.acting_for(order.site), _as_it_stands():
        settlement.request(order, wish, now=clock.now())


def _give(order: orders.Order, wish: settlement.Wish, by: str) -> None:
    """Give what the page said; who sends it again where nobody answered is told that others refunded."""
    with tenant.acting_for(order.site), _as_it_stands():
        settlement.give(order, wish, by=by, seen=order.refunds, now=clock.now())


def _requested(site: str) -> list[settlement.AfterSale]:
    with tenant.acting_for(site):
        return [one for one in settlement.refunds_at(site) if one.state == "requested"]


def _decide(site: str, number: str, seq: int, by: str, agrees: bool) -> None:  # noqa: FBT001  by partial
    with tenant.acting_for(site), _as_it_stands():
        order = orders.order(site, number)
        if agrees:
            settlement.agree(order, seq, by=by, now=clock.now())
        else:
            settlement.reject(order, seq, "not now", by=by, now=clock.now())


def _resume(case: cases.Case, refund: settlement.AfterSale, by: str, *, by_hand: bool) -> None:
    with tenant.acting_for(case.facts["site"]), _as_it_stands():
        order = orders.order(case.facts["site"], refund.number)
        if by_hand:
            settlement.paid_by_hand(order, refund.seq, "slip 1", by=by, now=clock.now())
        else:
            settlement.ask_again(order, refund.seq, by=by, now=clock.now())


def _open_cases() -> list[cases.Case]:
    with tenant.acting_for(tenant.MAIN):
        return [one for kind in _KINDS for one in cases.open_ones(kind=kind, limit=100)]


def _refund_of(case: cases.Case) -> settlement.AfterSale | None:
    """The refund that a case is about, if it was ever put down."""
    site = case.facts["site"]
    with tenant.acting_for(site):
        order = orders.order(site, case.facts["order"])
        return next((one for one in settlement.refunds_of(order) if one.event == case.facts["refund"]), None)


def _close(case: cases.Case, by: str) -> None:
    with tenant.acting_for(tenant.MAIN), _as_it_stands():
        cases.settle(case.kind, case.key, staff=by, note="seen to", now=clock.now())


@contextlib.contextmanager
def _as_it_stands() -> Iterator[None]:
    """A colleague was faster, or there is nothing to give back any more."""
    with contextlib.suppress(errors.Conflict, settlement.TooMuch):
        yield
