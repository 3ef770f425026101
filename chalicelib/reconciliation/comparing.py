"""A site's part of a book: compared, healed where the channel confirms, told as cases where it does not.

Everything it does may be done again: payments are accepted once, fees are adjusted once, cases are opened once, and
the result is written whole, over the one that stood before it.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from chalicelib.checkout import service as checkout
from chalicelib.kit import log, queue, table, tenant, worker
from chalicelib.payments.service import BillRow

from . import asking, bills, nobodys, ours, rules, telling
from .model import ResultRow
from .ours import Account, Ours
from .rules import Clearing, Line

_MOST_HEALED = 100  # payments accepted in one run
_MOST_DOUBTED = 50  # rows the channel does not confirm, after which a run asks no more
_MOST_KEPT = 5000  # lines of a result


def compare(site: str, name: str, digest: str, *, now: int) -> list[Line]:
    """Compare a site's part of a book; main's is what is nobody's. Raises TryLater where more is to be healed."""
    book = bills.find(name)
    if book is None or book.digest != digest:
        return []  # another bill came, and its own messages
    account = (book.channel, book.merchant)
    rows = list(bills.rows_of(name, digest, site))
    gather = nobodys.gather if site == tenant.MAIN else ours.gather
    found = gather(site, book.day, account, rows)
    healed = _heal(account, rows, found, now)
    if healed:
        found = gather(site, book.day, account, rows)
    before = _before(name, site)
    healed |= {line.key for line in before.lines if line.healed}
    lines = rules.compare(rows, found.claims, found.expected, _elsewhere(name, site, rows, found))
    first = {rules.key_of(row): row for row in reversed(rows)}
    lines = [_judged(line, first, account, healed) for line in lines]
    lines = rules.waiting(lines, last=rules.is_last(book.day, now))
    patient = rules.is_patient(book.day, now)
    lines = asking.answered(account, lines, found.claims, before.lines, patient=patient, now=now)
    adjusted = _adjust(site, book.day, lines, found)
    nobodys.follow_fees(site, book, rows, found.claims)
    clearing = rules.clearing(lines, found.claims, found.posted)
    _drive_on(site, lines)
    told = telling.told(site, book, lines)
    ended = (before.ended | telling.told(site, book, before.lines).keys()) - told.keys()
    _keep(site, book, lines, clearing, adjusted, before.rev, ended, now)
    telling.tell(told.values(), ended, now=now)
    return lines


def results(name: str) -> dict[str, ResultRow]:
    """What was kept of a book so far, by site."""
    return {row.sk: row for row in ResultRow.of(tenant.MAIN).under(f"COMPARED#{name}", consistent=True)}


def lines_of(row: ResultRow) -> list[Line]:
    """The lines of a result that did not simply match."""
    return msgspec.json.decode(zlib.decompress(row.lines), type=list[Line])


@dataclass(frozen=True)
class Before:
    """A site's part as it was kept so far. `ended`: keys of cases that an earlier run found groundless."""

    rev: int = 0
    lines: list[Line] = field(default_factory=list)
    ended: frozenset[str] = frozenset()


def _before(name: str, site: str) -> Before:
    row = ResultRow.of(tenant.MAIN).read(f"COMPARED#{name}", site)
    return Before(row.rev, lines_of(row), frozenset(row.ended or ())) if row else Before()


def _heal(account: Account, rows: Sequence[BillRow], found: Ours, now: int) -> set[str]:
    """Accept every payment that only the bill has and the channel confirms; their keys."""
    healed: set[str] = set()
    doubted = 0
    for row in rows:
        key = rules.key_of(row)
        known = row.kind == "refund" or key in found.claims or key in healed
        if known or doubted >= _MOST_DOUBTED or nobodys.in_suspense(account, row):
            continue
        if len(healed) >= _MOST_HEALED:
            raise worker.TryLater("more is to be healed")
        paid = asking.confirmed(account, row, now)
        if paid is None:
            doubted += 1
            continue
        checkout.accept_payment(paid, now=now)
        log.event("reconciliation.healed", channel=account[0], amount_fen=row.amount_fen)
        healed.add(key)
    return healed


def _elsewhere(name: str, site: str, rows: Sequence[BillRow], found: Ours) -> set[str]:
    """Keys in the bills of the days around, read only where something is missing."""
    if found.expected <= {rules.key_of(row) for row in rows}:
        return set()
    days = rules.neighbours(bills.parse_name(name)[0])
    return {rules.key_of(row) for row in bills.rows_of_days(name, site, days)}


def _judged(line: Line, rows: Mapping[str, BillRow], account: Account, healed: set[str]) -> Line:
    """Healed is what was accepted, unless the bill says something else of it now, and what waits in suspense."""
    own_case = line.name == rules.LONG and nobodys.in_suspense(account, rows[line.key])
    return replace(line, healed=own_case or (line.key in healed and line.name in rules.HEALABLE))


def _adjust(site: str, day: str, lines: Iterable[Line], found: Ours) -> int:
    """Have the books follow the bill's fees, also where an earlier bill said otherwise; by how many fen in all."""
    known = (rules.MATCHED, rules.FEE, rules.AMOUNT, rules.STATE)
    wanted = {line.key: line.fee_fen for line in lines if line.name in known}
    for claim in found.claims.values():
        if claim.fee_from == claim.fee_to:
            continue
        before = found.fees.get((claim.number, claim.fee_event), ours.Adjusted())
        if wanted.get(claim.key, 0) != before.fen:
            ours.adjust(site, day, claim, wanted.get(claim.key, 0), before)
    return sum(wanted.values())


def _drive_on(site: str, lines: Iterable[Line]) -> None:
    """A refund the channel has finished is asked for once more, so that we hear of it."""
    for number in sorted({line.number for line in lines if line.name == rules.STATE and line.waits}):
        queue.send("refund", site=site, order=number)


def _keep(
    site: str,
    book: bills.Book,
    lines: Sequence[Line],
    clearing: Clearing,
    adjusted: int,
    rev: int,
    ended: Iterable[str],
    now: int,
) -> None:
    """Write a result over the one before, `rev`. Raises TryLater where another run did so meanwhile."""
    rows = ResultRow.of(tenant.MAIN)
    odd = [line for line in lines if line.name != rules.MATCHED or line.healed][:_MOST_KEPT]
    actions = [
        rows.digest.set(book.digest),
        rows.rev.set(rev + 1),
        rows.counts.set(rules.counts(lines)),
        rows.clearing.set(msgspec.to_builtins(clearing)),
        rows.lines.set(zlib.compress(msgspec.json.encode(odd))),
        rows.waits.set(sum(line.waits for line in lines)),
        rows.healed.set(sum(line.healed for line in lines)),
        rows.fee_fen.set(sum(line.fee_fen for line in lines)),
        rows.adjusted_fen.set(adjusted),
        rows.ended.set(sorted(ended)),
        rows.at.set(now),
    ]
    try:
        rows.change(
            f"COMPARED#{book.name}", site, actions, rows.rev == rev if rev else rows.pk.does_not_exist()
        )
    except table.Refused:
        raise worker.TryLater("another run was faster") from None
