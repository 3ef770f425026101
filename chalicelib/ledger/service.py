"""Post journals, read windows, close them into statements and accounts, keep split plans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pynamodb.expressions.update import Action

from chalicelib.kit import clock, errors, ids, table, tenant

from .model import PLANS, AccountRow, JournalRow, PlanRow, StatementRow
from .rules import (
    BEARERS,
    LEAST_BPS,
    MOST_BPS,
    Leg,
    OutOfBounds,
    Plan,
    Sale,
    Shares,
    balanced,
    check_plan,
    owed,
    returned_legs,
    sale_legs,
    shares,
    taken_legs,
    totals,
)

__all__ = [
    "BEARERS",
    "LEAST_BPS",
    "MOST_BPS",
    "Leg",
    "OutOfBounds",
    "Plan",
    "Sale",
    "Shares",
    "returned_legs",
    "sale_legs",
    "shares",
    "taken_legs",
    "totals",
]

BUCKETS = 8
_FRESH = 30  # seconds for which plans are remembered

_plans: dict[str, tuple[int, list[Plan]]] = {}


@dataclass(frozen=True)
class Journal:
    """One event's legs."""

    number: str
    event: str
    legs: tuple[Leg, ...]
    at: int
    about: str


def post(
    site: str, window: str, number: str, event: str, legs: Iterable[Leg], *, at: int, about: str = ""
) -> bool:
    """Write an event's journal once; False when it stands already. Raises Unbalanced."""
    row = JournalRow.of(site)(_window(window, number), f"{number}#{event}", at=at, about=about)
    row.legs = balanced(legs)
    try:
        row.insert()
    except table.Refused:
        return False
    return True


def journals(site: str, window: str) -> list[Journal]:
    """All journals of a window, strongly read."""
    return [
        _journal(row)
        for bucket in range(BUCKETS)
        for row in JournalRow.of(site).under(f"J#{window}#{bucket}", consistent=True)
    ]


def journals_of(site: str, window: str, number: str) -> list[Journal]:
    """The journals of one order."""
    rows = JournalRow.of(site)
    found = rows.under(_window(window, number), where=rows.sk.startswith(f"{number}#"), consistent=True)
    return [_journal(row) for row in found]


def close(site: str, window: str, *, now: int) -> int:
    """Post what a window's journals add up to; only the difference to the last close reaches the account.

    Returns that difference in fen. Closing again changes nothing; a race is refused and done again by the caller's
    queue. Raises table.Refused.
    """
    sums = totals(journal.legs for journal in journals(site, window))
    before = StatementRow.of(tenant.MAIN).read(f"STMT#{site}", window)
    posted = dict(before.totals) if before else {}
    if posted == sums:
        return 0
    difference = owed(sums, site) - owed(posted, site)
    _post_window(site, window, sums, before, difference, now)
    return difference


def statement(site: str, window: str) -> dict[str, int] | None:
    """The posted totals of a window by account, None before its first close."""
    row = StatementRow.of(tenant.MAIN).read(f"STMT#{site}", window)
    return dict(row.totals) if row else None


def available(site: str) -> int:
    """What the site may withdraw, in fen."""
    row = AccountRow.of(tenant.MAIN).read(f"ACC#{site}", ".")
    return int(row.available) if row else 0


def put_plan(plan: Plan, *, now: int) -> Plan:
    """Add the next version of a plan; orders placed from now on follow it. Raises OutOfBounds, Conflict."""
    check_plan(plan)
    _plans.clear()  # another instance may have added the version that is remembered as the next
    versions = [known.version for known in plans() if known.name == plan.name]
    new = replace(plan, version=max(versions, default=0) + 1, since=now)
    row = PlanRow.of(tenant.MAIN)(PLANS, f"{new.name}#{new.version:06}", since=now, fee_bps=new.fee_bps)
    row.main_bps, row.own_bps, row.fee_bearer = new.main_bps, new.own_bps, new.fee_bearer
    try:
        row.insert()
    except table.Refused:
        raise errors.Conflict from None
    _plans.clear()
    return new


def plans() -> list[Plan]:
    """All versions of all plans, remembered for half a minute."""
    now = clock.now()
    held = _plans.get(PLANS)
    if held is None or held[0] <= now - _FRESH:
        held = _plans[PLANS] = (now, [_plan(row) for row in PlanRow.of(tenant.MAIN).under(PLANS)])
    return held[1]


def plan_in_force(name: str) -> Plan:
    """The newest version of a plan. Raises NotFound."""
    found = [plan for plan in plans() if plan.name == name]
    if not found:
        raise errors.NotFound("No such split plan.")
    return max(found, key=lambda plan: plan.version)


def plan_of(ref: str) -> Plan:
    """The very version an order keeps. Raises NotFound."""
    for fresh in (False, True):
        if fresh:
            _plans.clear()
        for plan in plans():
            if plan.ref == ref:
                return plan
    raise errors.NotFound("No such split plan.")


def forget() -> None:
    """Drop what this instance remembers."""
    _plans.clear()


def _window(window: str, number: str) -> str:
    return f"J#{window}#{ids.from32(number[-1]) % BUCKETS}"


def _post_window(
    site: str, window: str, sums: dict[str, int], before: StatementRow | None, difference: int, now: int
) -> None:
    statements, accounts = StatementRow.of(tenant.MAIN), AccountRow.of(tenant.MAIN)
    rev = int(before.rev) if before else 0
    expected = statements.rev == rev if before else statements.pk.does_not_exist()
    actions: Sequence[Action] = [
        statements.totals.set(sums),
        statements.rev.set(rev + 1),
        statements.at.set(now),
    ]
    with table.Together(tenant.MAIN, "") as write:
        write.update(statements(f"STMT#{site}", window), list(actions), condition=expected)
        if difference:
            # The condition that guards this sum is the statement's revision above.
            write.update(accounts(f"ACC#{site}", "."), [accounts.available.add(difference)])


def _journal(row: JournalRow) -> Journal:
    number, event = row.sk.split("#", 1)
    return Journal(number, event, tuple((a, int(f)) for a, f in row.legs), int(row.at), row.about)


def _plan(row: PlanRow) -> Plan:
    name, version = row.sk.rsplit("#", 1)
    return Plan(
        name,
        int(version),
        int(row.main_bps),
        int(row.own_bps),
        row.fee_bearer,
        int(row.fee_bps),
        int(row.since),
    )
