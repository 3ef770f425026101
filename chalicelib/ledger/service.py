"""Post journals, read windows, close them into statements and accounts.

Plans and accounts have modules of their own.
"""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import clock, table, tenant

from .accounts import Balances, available, balances, change_account
from .flows import Flow, added_to, flows_since, move, parts_of, sum_of
from .model import JournalRow, StatementRow
from .planning import forget, plan_in_force, plan_of, plans, plans_in_force, put_plan
from .postings import (
    Leg,
    Unbalanced,
    balanced,
    due_of,
    of_members,
    recovered_legs,
    refund_legs,
    returned_legs,
    sale_legs,
    taken_legs,
    topup_back_legs,
    topup_legs,
    totals,
)
from .rules import (
    BASES,
    BEARERS,
    LEAST_BPS,
    MOST_BPS,
    RELEASES,
    Earned,
    Loss,
    OutOfBounds,
    Plan,
    Sale,
    Shares,
    check_margin,
    check_plan,
    earned,
    shares,
)

__all__ = [
    "BASES",
    "BEARERS",
    "LEAST_BPS",
    "MOST_BPS",
    "RELEASES",
    "Balances",
    "Earned",
    "Flow",
    "Leg",
    "Loss",
    "OutOfBounds",
    "Plan",
    "Sale",
    "Shares",
    "Unbalanced",
    "available",
    "balances",
    "check_margin",
    "check_plan",
    "earned",
    "flows_since",
    "forget",
    "move",
    "of_members",
    "plan_in_force",
    "plan_of",
    "plans",
    "plans_in_force",
    "put_plan",
    "refund_legs",
    "returned_legs",
    "sale_legs",
    "shares",
    "sum_of",
    "taken_legs",
    "topup_back_legs",
    "topup_legs",
    "totals",
]

BUCKETS = 8
_TOGETHER = 45  # parties whose accounts change in one transaction: two writes each of the 100 DynamoDB takes


@dataclass(frozen=True)
class Journal:
    """One event's legs."""

    number: str
    event: str
    legs: tuple[Leg, ...]
    at: int
    about: str


@dataclass(frozen=True)
class Posted:
    """A window's totals by account, what each party has had of them, in fen, and when that was last revised."""

    totals: dict[str, int]
    released: dict[str, int]
    at: int


def post(
    owner: str, window: str, number: str, event: str, legs: Iterable[Leg], *, at: int, about: str = ""
) -> bool:
    """Write an event's journal once, in a site's table or in main's; False when it stands already. Raises Unbalanced.

    The window is the Beijing day of the event's own stored time, never of the writer's clock.
    """
    row = JournalRow.of(owner)(_window(window, number), f"{number}#{event}", at=at, about=about)
    row.legs = balanced(legs)
    try:
        row.insert()
    except table.Refused:
        return False
    return True


def post_within(
    write: TransactWrite,
    owner: str,
    window: str,
    number: str,
    event: str,
    legs: Iterable[Leg],
    *,
    at: int,
    about: str = "",
) -> None:
    """`post` as part of a transaction of the owner's table, refused where the journal stands. Raises Unbalanced."""
    rows = JournalRow.of(owner)
    row = rows(_window(window, number), f"{number}#{event}", at=at, about=about, legs=balanced(legs))
    write.save(row, condition=rows.pk.does_not_exist())


def journals(owner: str, window: str, *, touching: Iterable[str] = ()) -> list[Journal]:
    """All journals of a window, or those that touch one of these accounts; strongly read."""
    rows, found = JournalRow.of(owner), [JournalRow.legs.contains(account) for account in touching]
    only = reduce(or_, found) if found else None
    return [
        _journal(row)
        for bucket in range(BUCKETS)
        for row in rows.under(f"J#{window}#{bucket}", only=only, consistent=True)
    ]


def journals_of(owner: str, window: str, number: str) -> list[Journal]:
    """The journals of one order."""
    rows = JournalRow.of(owner)
    found = rows.under(_window(window, number), where=rows.sk.startswith(f"{number}#"), consistent=True)
    return [_journal(row) for row in found]


def close(site: str, window: str, *, now: int, early_fen: int | None = None) -> int:
    """Post what a window's journals add up to; only what a party has not had of it yet reaches its account.

    While the day still runs, `early_fen` is the most of it that the site may have already; distributors wait. Returns
    what reached all accounts, in fen. Closing again changes nothing; a race is refused and done again by the caller's
    queue. Raises table.Refused.
    """
    found = journals(site, window)
    sums = totals(journal.legs for journal in found)
    before = StatementRow.of(tenant.MAIN).read(f"STMT#{site}", window)
    released = dict(before.released) if before else {}
    due = due_of(sums, released, site, early_fen)
    if (sums or before) and (due or before is None or before.totals != sums):
        parts = parts_of(((one.event, one.legs) for one in found), site)
        if early_fen is not None:
            parts = {"deferred": released.get(site, 0) + due.get(site, 0)}
        _post_window(site, window, sums, before, due, parts, now)
    return sum(due.values())


def posted(site: str, window: str) -> Posted | None:
    """What the last close of a window posted, None before the first."""
    row = StatementRow.of(tenant.MAIN).read(f"STMT#{site}", window)
    return Posted(dict(row.totals), dict(row.released), row.at) if row else None


def statement(site: str, window: str) -> dict[str, int] | None:
    """The posted totals of a window by account, None before its first close."""
    found = posted(site, window)
    return found.totals if found else None


def stored(site: str) -> int:
    """What members of a site hold as balance, in fen, by the windows that were posted."""
    return sum(owed(site).values())


def owed(site: str, *, but: Collection[str] = ()) -> dict[str, int]:
    """The same by member; without windows that the caller reads itself."""
    rows = StatementRow.of(tenant.MAIN).under(f"STMT#{site}", consistent=True)
    return of_members(totals(row.totals.items() for row in rows if row.sk not in but))


def recover(party: str, *, now: int) -> int:
    """Move as much of a party's deposit to its account as that is below zero, with a journal in main's books.

    Returns the fen moved. What the deposit does not cover stays below zero and is offset by what comes next. Two at
    once move it once: the second is refused. Raises table.Refused.
    """
    before = balances(party)
    fen = min(-before.available, before.deposit)
    if fen <= 0:
        return 0
    with table.Together(tenant.MAIN, "") as write:
        flow = Flow(now, "recover", clock.day_of(now), available=fen, deposit=-fen)
        move(write, party, flow, owing=True)
        legs = recovered_legs(party, fen)
        post_within(write, tenant.MAIN, clock.day_of(now), party, f"recovered#{now}", legs, at=now)
    return fen


def _window(window: str, number: str) -> str:
    return f"J#{window}#{zlib.crc32(number.encode()) % BUCKETS}"


def _post_window(
    site: str,
    window: str,
    sums: dict[str, int],
    before: StatementRow | None,
    due: dict[str, int],
    parts: dict[str, int],
    now: int,
) -> None:
    """In one transaction, or in several that each can be the last, where a day has more parties than one can hold."""
    rows, changes = StatementRow.of(tenant.MAIN), list(due.items())
    released, log = (dict(before.released), before.log) if before else ({}, [])
    rev = int(before.rev) if before else 0
    for start in range(0, len(changes) or 1, _TOGETHER):
        batch = changes[start : start + _TOGETHER]
        expected = rows.rev == rev if rev else rows.pk.does_not_exist()
        rev, released = rev + 1, released | {party: released.get(party, 0) + fen for party, fen in batch}
        log = added_to(log, dict(batch).get(site, 0), parts, now)
        posted = [rows.totals.set(sums), rows.released.set(released), rows.log.set(log), rows.rev.set(rev)]
        row, actions = rows(f"STMT#{site}", window), [*list[Action](posted), rows.at.set(now)]
        with table.Together(tenant.MAIN, "") as write:
            write.update(row, actions, condition=expected)
            for party, fen in batch:
                flow = Flow(now, "release", f"{site}@{window}#{rev}", fen)
                _release(write, party, flow, logged=party == site)


def _release(write: TransactWrite, party: str, flow: Flow, *, logged: bool) -> None:
    """The condition that guards these sums is the statement's revision, and its log has what its own site gets."""
    if logged:
        change_account(write, party, available=flow.available, floor=False)
    else:
        move(write, party, flow, floor=False)


def _journal(row: JournalRow) -> Journal:
    number, event = row.sk.split("#", 1)
    return Journal(number, event, tuple((a, int(f)) for a, f in row.legs), int(row.at), row.about)
