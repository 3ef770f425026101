"""The book of payouts: each is a row that moves along the table of states, its money with it.

A step is one transaction: the payout's state, the party's account, the journal in main's books, the statement's line
and the list of what is open. So a step happens whole or not at all, and once, whoever repeats it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import clock, errors, log, table, tenant
from chalicelib.ledger import service as ledger

from . import rules
from .model import OPEN, OpenRow, PayeeRow, PayoutRow

_KEEP = 3 * clock.DAY  # seconds a finished payout stays in the list of open ones


@dataclass(frozen=True)
class Payout:
    """A payout as it stands. `times` says when it came into which state."""

    party: str
    id: str
    state: str
    source: str
    fen: int
    payee: int
    masked: str
    asked_by: str
    agreed: tuple[str, ...]
    via: str
    note: str
    bank_no: str
    times: Mapping[str, int]
    tries: int

    @property
    def asked_at(self) -> int:
        return self.times["requested"]


@dataclass(frozen=True)
class Open:
    """An entry of the list of what is not finished."""

    party: str
    id: str
    due: int


def begin(payout: Payout, *, now: int) -> Payout:
    """Take the money and write the payout down; the one that stands where it was asked for before.

    Raises BadAmount where the party has not that much, NotPayable where the account is not verified, Conflict where
    the same form asked for something else.
    """
    party, rows = payout.party, PayoutRow.of(tenant.MAIN)
    row = rows(f"PAYOUT#{party}", payout.id, state="requested", source=payout.source, fen=payout.fen)
    row.payee, row.masked, row.asked_by = payout.payee, payout.masked, payout.asked_by
    row.times = {"requested": now}
    opened = OpenRow.of(tenant.MAIN)(OPEN, payout.id, party=party, due=now)
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.save(row, condition=rows.pk.does_not_exist())
            write.save(opened, condition=OpenRow.of(tenant.MAIN).pk.does_not_exist())
            _ask_verified(write, party, payout.payee)
            _move_money(write, payout, "requested", now)
    except table.Refused:
        return _stood_before(payout)
    log.event("payouts.requested", **told_of(payout))
    return _payout(row)


def move(
    payout: Payout,
    state: str,
    *,
    now: int,
    due: int | None = None,
    verified: bool = False,
    **changes: Any,
) -> Payout:
    """Take a payout into its next state, its money with it. Raises Conflict where it is somewhere else by now.

    `due`: when to look at it again, None: it is finished. `verified`: only while its account still is.
    """
    if state not in rules.MOVES.get(payout.state, ()):
        raise errors.Conflict
    times = dict(payout.times) | ({state: now} if state != payout.state else {})
    actions = _settings(changes | {"state": state, "times": times, "tries": 0})
    rows = PayoutRow.of(tenant.MAIN)
    still = (rows.state == payout.state) & (rows.agreed == list(payout.agreed))
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.update(rows(f"PAYOUT#{payout.party}", payout.id), actions, condition=still)
            write.update(*_open_change(payout.id, due, now))
            if verified:
                _ask_verified(write, payout.party, payout.payee)
            if state != payout.state:
                _move_money(write, payout, state, now)
    except table.Refused:
        raise errors.Conflict from None
    log.event("payouts.moved", **told_of(payout), state=state, via=changes.get("via", payout.via))
    return get(payout.party, payout.id)


def told_of(payout: Payout) -> dict[str, object]:
    """What the log says of a payout: enough to write it down again, should the table lose it."""
    kept = {"fen": payout.fen, "source": payout.source, "payee": payout.payee}
    return {"party": payout.party, "payout": payout.id, **kept}


def later(payout: Payout, *, due: int) -> bool:
    """Look at a payout again later and count the try; False where another run has counted it already."""
    rows, opened = PayoutRow.of(tenant.MAIN), OpenRow.of(tenant.MAIN)
    same = (rows.state == payout.state) & (rows.tries == payout.tries)
    try:
        rows.change(f"PAYOUT#{payout.party}", payout.id, [rows.tries.set(payout.tries + 1)], same)
        opened.change(OPEN, payout.id, [opened.due.set(due)], opened.done_at.does_not_exist())
    except table.Refused:
        return False
    return True


def finish(payout: Payout, *, now: int) -> None:
    """Nobody has to look at a payout any more."""
    row, actions = _open_change(payout.id, None, now)
    try:
        OpenRow.of(tenant.MAIN).change(OPEN, row.sk, actions, OpenRow.done_at.does_not_exist())
    except table.Refused:
        return


def get(party: str, name: str) -> Payout:
    """A payout. Raises NotFound."""
    row = PayoutRow.of(tenant.MAIN).read(f"PAYOUT#{party}", name) if rules.is_payout_id(name) else None
    if row is None:
        raise errors.NotFound
    return _payout(row)


def of_party(party: str, *, limit: int = 200) -> list[Payout]:
    """A party's payouts, newest first."""
    found = [_payout(row) for row in PayoutRow.of(tenant.MAIN).under(f"PAYOUT#{party}", consistent=True)]
    return sorted(found, key=lambda payout: payout.asked_at, reverse=True)[:limit]


def many(names: Iterable[tuple[str, str]]) -> list[Payout]:
    """Payouts by party and id, oldest first."""
    rows = PayoutRow.of(tenant.MAIN).read_many((f"PAYOUT#{party}", name) for party, name in names)
    return sorted(map(_payout, rows), key=lambda payout: (payout.asked_at, payout.id))


def open_list() -> list[Open]:
    """What is not finished."""
    rows = OpenRow.of(tenant.MAIN)
    found = rows.under(OPEN, only=rows.done_at.does_not_exist(), consistent=True)
    return [Open(row.party, row.sk, row.due) for row in found]


def party_of(name: str) -> str:
    """Whose payout an id names, while it is open or was a few days ago. Raises NotFound."""
    row = OpenRow.of(tenant.MAIN).read(OPEN, name) if rules.is_payout_id(name) else None
    if row is None:
        raise errors.NotFound
    return row.party


def _stood_before(payout: Payout) -> Payout:
    """Why a payout could not begin: it stands already, or something it needs does not."""
    try:
        found = get(payout.party, payout.id)
    except errors.NotFound:
        raise _reason(payout) from None
    if (found.fen, found.source) != (payout.fen, payout.source):
        raise errors.Conflict
    return found


def _reason(payout: Payout) -> errors.ShopError:
    held = ledger.balances(payout.party)
    has = held.deposit if payout.source == "deposit" else held.available
    if has < payout.fen:
        return rules.BadAmount("There is not as much.", field="amount")
    row = PayeeRow.of(tenant.MAIN).read(f"PAYEE#{payout.party}", f"{payout.payee:04}")
    return errors.NotReady() if row and row.state == "verified" else rules.NotPayable()


def _ask_verified(write: TransactWrite, party: str, rev: int) -> None:
    rows = PayeeRow.of(tenant.MAIN)
    write.condition_check(rows, f"PAYEE#{party}", f"{rev:04}", condition=rows.state == "verified")


def _move_money(write: TransactWrite, payout: Payout, state: str, now: int) -> None:
    """The account, its statement's line, and the journal in main's books."""
    legs = rules.legs(state, payout.party, payout.source, payout.fen)
    if not legs:
        return
    own, on_way = rules.flow(state, payout.fen)
    from_deposit = payout.source == "deposit"
    available, deposit = (0, own) if from_deposit else (own, 0)
    event = f"payout-{state}"
    flow = ledger.Flow(now, event, payout.id, available=available, transit=on_way, deposit=deposit)
    ledger.move(write, payout.party, flow)
    day = clock.day_of(now)
    ledger.post_within(write, tenant.MAIN, day, payout.id, event, legs, at=now, about=payout.party)


def _open_change(name: str, due: int | None, now: int) -> tuple[OpenRow, list[Action]]:
    rows = OpenRow.of(tenant.MAIN)
    if due is None:
        return rows(OPEN, name), [rows.done_at.set(now), rows.ttl.set(now + _KEEP)]
    return rows(OPEN, name), [rows.due.set(due)]


def _settings(changes: Mapping[str, Any]) -> list[Action]:
    rows = PayoutRow.of(tenant.MAIN)
    return [getattr(rows, name).set(value) for name, value in changes.items()]


def _payout(row: PayoutRow) -> Payout:
    return Payout(
        row.pk.partition("#")[2],
        row.sk,
        row.state,
        row.source,
        row.fen,
        row.payee,
        row.masked,
        row.asked_by,
        tuple(row.agreed),
        row.via,
        row.note,
        row.bank_no,
        {state: int(at) for state, at in row.times.items()},
        row.tries,
    )
