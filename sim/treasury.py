"""Money that leaves: owners who ask for it, main's staff who agrees or does not, and what must be true: I15."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.kit import clock, errors, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts

from .bank import Bank
from .clockwork import Act, Clockwork
from .dynamo.database import Database
from .people import GaveUp, Invoke, Person
from .stage import LEAST
from .watch import insist

_REFUSES = 0.15


def people(time: Clockwork, invoke: Invoke, sites: Sequence[str]) -> Iterator[Act]:
    """What everybody does who has to do with payouts: owners first while `sites` are named, then staff."""
    for site in sites:
        yield Owner(time, invoke, site).look
    for staff in ("a", "b"):
        yield Treasurer(time, invoke, staff).look


def anything_due(database: Database, now: float) -> bool:
    """Whether somebody has to look at a payout."""
    rows = database.tables["cardmesh-main"].under("PAYOUTS#open", consistent=True)
    return any("done_at" not in row and int(row["due"]["N"]) <= now for _, (row, _) in rows)


@dataclass
class Owner(Person):
    """Who has sold and wants the money: all of it, or some."""

    site: str

    def look(self) -> None:
        """Ask for what there is, and repeat the same form where nobody answers."""
        part, key = self.time.random.choice((1.0, 0.4)), f"{self.time.who.name}"
        try:
            had = self.ask("console", partial(_available, self.site))
            fen = int(had * part)
            if fen >= LEAST:
                self.ask("console", partial(_request, self.site, fen, key))
        except GaveUp:
            return


@dataclass
class Treasurer(Person):
    """Somebody of main's staff, who agrees to payouts."""

    staff: str

    def look(self) -> None:
        """Decide on whatever waits; what a colleague decided meanwhile is left alone."""
        try:
            waiting = self.ask("console", _waiting)
        except GaveUp:
            return
        for one in waiting:
            agrees = self.time.random.random() > _REFUSES
            try:
                self.ask("console", partial(_decide, one, self.staff, agrees=agrees))
            except GaveUp:
                continue


def check(bank: Bank, sites: Sequence[str], now: float) -> int:
    """I15: the bank's books have what ours say was paid, once each, and nothing is between; how many fen left.

    Raises Violation.
    """
    known = {one.id: one for site in sites for one in _of(site)}
    insist(bank.payments.keys() <= known.keys(), "I15: the bank paid what nobody asked for")
    for one in known.values():
        insist(one.state in ("rejected", "success", "failed", "returned"), f"I15: {one.id} is {one.state}")
        out = bank.payments[one.id].out_fen(now) if one.id in bank.payments else 0
        due = one.fen if one.state == "success" else 0
        insist(out == due, f"I15: {one.id} is {one.state}, and {out} fen of it left")
    for site in sites:
        with tenant.acting_for(tenant.MAIN):
            held = ledger.balances(site)
        insist(not held.transit, f"I15: {held.transit} fen of {site} are on their way for ever")
    return sum(paid.out_fen(now) for paid in bank.payments.values())


def gone_fen(site: str) -> int:
    """What a site has asked for that did not come back."""
    return sum(one.fen for one in _of(site) if one.state not in ("rejected", "failed", "returned"))


def _of(site: str) -> list[payouts.Payout]:
    with tenant.acting_for(tenant.MAIN):
        return payouts.of_party(site, limit=1000)


def _available(site: str) -> int:
    with tenant.acting_for(tenant.MAIN):
        return ledger.available(site)


def _request(site: str, fen: int, key: str) -> None:
    with (
        tenant.acting_for(tenant.MAIN),
        contextlib.suppress(payouts.BadAmount),
    ):  # paid by the daily one meanwhile
        payouts.request(site, fen, key=key, by="owner", now=clock.now())


def _waiting() -> list[payouts.Payout]:
    with tenant.acting_for(tenant.MAIN):
        found = payouts.many([(one.party, one.id) for one in payouts.open_list()])
    return [one for one in found if one.state == "requested"]


def _decide(one: payouts.Payout, staff: str, *, agrees: bool) -> None:
    with tenant.acting_for(tenant.MAIN), contextlib.suppress(errors.Conflict, payouts.SamePerson):
        try:
            if agrees:
                payouts.approve(one.party, one.id, by=staff, now=clock.now())
        except payouts.BadAmount:  # a refund has left the party owing
            agrees = False
        if not agrees:
            payouts.reject(one.party, one.id, by=staff, why="not now", now=clock.now())
