"""Open a case once, list what is open, set something going, settle it with a note that stays for ever.

`why` and `action` are shown to main's staff as they are, so they are plain Chinese sentences; `facts` are short texts
by name, and names ending in `_fen` and `_at` are amounts and times.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pynamodb.expressions.update import Action

from chalicelib.kit import errors, log, table, tenant

from .model import OPEN, SETTLED, CaseRow, PlaceRow

PAGE = 50
LONGEST_NOTE = 500  # letters
_AFTERWARDS = 86_400  # seconds for which the list of open ones still has the place of a settled one
_LONGEST_FACT = 300  # letters
_CURSOR = re.compile(r"\d{10}#[0-9a-f]{20}", re.ASCII)


@dataclass(frozen=True)
class Case:
    """A case as stored. `begun` names what a person set going, `settled_at` is None while it is open."""

    case_id: str
    kind: str
    key: str
    why: str
    action: str
    facts: Mapping[str, str]
    at: int
    begun: str
    begun_by: str
    begun_at: int | None
    settled_at: int | None
    staff: str
    note: str

    @property
    def cursor(self) -> str:
        """Where this case stands in the list it is in."""
        return _place(self.settled_at or self.at, self.case_id)


class BadNote(errors.ShopError):
    """A settlement nobody will understand later."""

    status = 422
    code = "bad_note"
    sentence = "Say in a few words how this was settled."


def id_of(kind: str, key: str) -> str:
    """The id of the case of this kind and key."""
    return hashlib.sha256(f"{kind}#{key}".encode()).hexdigest()[:20]


def open(  # noqa: A001  called as cases.open
    kind: str, key: str, *, why: str, facts: Mapping[str, str], action: str, now: int, urgent: bool = True
) -> bool:
    """Open a case and raise the alarm, once for ever per kind and key; False where it was open or settled already.

    What is not `urgent` is work as usual, which nobody is woken for.
    """
    case_id = id_of(kind, key)
    row = CaseRow.of(tenant.MAIN)(f"CASE#{case_id}", ".", kind=kind, key=key[:200], why=why, at=now)
    row.action, row.facts = action, {name: str(text)[:_LONGEST_FACT] for name, text in facts.items()}
    try:
        row.insert()
    except table.Refused as stood:
        # Whoever opened it may have died before it was listed.
        return stood.row.settled_at is None and _list(stood.row, urgent=urgent)
    return _list(row, urgent=urgent)


def find(kind: str, key: str) -> Case | None:
    """The case of this kind and key, None where there never was one."""
    row = CaseRow.of(tenant.MAIN).read(f"CASE#{id_of(kind, key)}", ".")
    return _case(row) if row else None


def case(case_id: str) -> Case:
    """A case by its id. Raises NotFound."""
    known = len(case_id) == len(id_of("", "")) and case_id.isalnum()
    row = CaseRow.of(tenant.MAIN).read(f"CASE#{case_id}", ".") if known else None
    if row is None:
        raise errors.NotFound
    return _case(row)


def open_ones(*, kind: str = "", before: str = "", limit: int = PAGE) -> list[Case]:
    """Open cases, newest first, of all kinds or of one, from below the cursor `before`."""
    found = (one for one in _listed(OPEN, kind, before) if one.settled_at is None)
    return list(islice(found, limit))


def settled_ones(*, kind: str = "", before: str = "", limit: int = PAGE) -> list[Case]:
    """Settled cases, the one settled last first, from below the cursor `before`."""
    return list(islice(_listed(SETTLED, kind, before), limit))


def count_open() -> dict[str, int]:
    """How many cases are open, by kind."""
    rows = PlaceRow.of(tenant.MAIN)
    counts: dict[str, int] = {}
    for place in rows.under(OPEN, only=rows.ttl.does_not_exist()):
        counts[place.kind] = counts.get(place.kind, 0) + 1
    return counts


def begin(case_id: str, what: str, *, staff: str, now: int) -> Case:
    """Record that a person set something going, before it goes. Raises Conflict where something went, NotFound."""
    rows = CaseRow.of(tenant.MAIN)
    actions = [rows.begun.set(what), rows.begun_by.set(staff), rows.begun_at.set(now)]
    still = rows.pk.exists() & rows.settled_at.does_not_exist() & rows.begun.does_not_exist()
    try:
        return _case(rows.change(f"CASE#{case_id}", ".", actions, still))
    except table.Refused as stood:
        raise errors.Conflict if stood.row else errors.NotFound from None


def stop(case_id: str, what: str, *, why: str = "") -> None:
    """Record that what a person set going came to nothing, so that something else may go. Raises Conflict, NotFound.

    `why` becomes the fact "stopped".
    """
    rows = CaseRow.of(tenant.MAIN)
    actions: list[Action] = [rows.begun.remove(), rows.begun_by.remove(), rows.begun_at.remove()]
    if why:
        actions.append(rows.facts.set({**case(case_id).facts, "stopped": why}))
    try:
        rows.change(f"CASE#{case_id}", ".", actions, (rows.begun == what) & rows.settled_at.does_not_exist())
    except table.Refused as stood:
        raise errors.Conflict if stood.row else errors.NotFound from None


def settle(kind: str, key: str, *, staff: str, note: str, now: int) -> bool:
    """Close a case for ever, with how and by whom; False where it was closed before.

    Raises BadNote, NotFound, and Conflict where somebody changes it at this moment.
    """
    if not note.strip() or len(note) > LONGEST_NOTE:
        raise BadNote(field="note")
    case_id = id_of(kind, key)
    before = case(case_id)
    if before.settled_at is None:
        try:
            _close(before, staff, note.strip(), now)
        except table.Refused:
            raise errors.Conflict from None
        log.event("cases.settled", kind=kind, key=key, staff=staff)
    return before.settled_at is None


def _list(row: CaseRow, *, urgent: bool) -> bool:
    """Give a case its place among the open ones, and raise the alarm; False where it has one."""
    # Before anybody sees it: a table that is restored to before now would have lost it.
    all_of_it = {"why": row.why, "action": row.action, "facts": dict(row.facts)}
    log.event("cases.opening", kind=row.kind, key=row.key, **all_of_it)
    place = PlaceRow.of(tenant.MAIN)(OPEN, _place(row.at, row.pk[5:]), kind=row.kind)
    try:
        place.insert()
    except table.Refused:
        return False
    tell = log.alarm if urgent else log.event
    tell("cases.opened", kind=row.kind, key=row.key, **_named(row.facts))
    return True


def _close(one: Case, staff: str, note: str, now: int) -> None:
    rows, places = CaseRow.of(tenant.MAIN), PlaceRow.of(tenant.MAIN)
    told: list[Action] = [rows.settled_at.set(now), rows.staff.set(staff), rows.note.set(note)]
    unsettled = rows.pk.exists() & rows.settled_at.does_not_exist()
    unsettled &= (rows.begun == one.begun) if one.begun else rows.begun.does_not_exist()
    forget: list[Action] = [places.kind.set(one.kind), places.ttl.set(now + _AFTERWARDS)]
    with table.Together(tenant.MAIN, "") as write:
        write.update(rows(f"CASE#{one.case_id}", "."), told, condition=unsettled)
        write.update(places(OPEN, _place(one.at, one.case_id)), forget)  # guarded by the case above
        write.save(places(SETTLED, _place(now, one.case_id), kind=one.kind))


def _listed(which: str, kind: str, before: str) -> Iterator[Case]:
    """The cases of a list, read a page at a time."""
    rows = PlaceRow.of(tenant.MAIN)
    still = rows.ttl.does_not_exist()
    places = rows.under(
        which,
        where=(rows.sk < before) if _CURSOR.fullmatch(before) else None,
        only=(still & (rows.kind == kind)) if kind else still,
        newest_first=True,
    )
    while page := list(islice(places, PAGE)):
        keys = [(f"CASE#{place.sk.split('#', 1)[1]}", ".") for place in page]
        found = {row.pk: row for row in CaseRow.of(tenant.MAIN).read_many(keys, consistent=False)}
        yield from (_case(found[pk]) for pk, _ in keys if pk in found)


def _place(at: int, case_id: str) -> str:
    return f"{at:010}#{case_id}"


def _named(facts: Mapping[str, str]) -> dict[str, str]:
    """What a log line tells of a case: whose and how much."""
    return {name: facts[name] for name in ("site", "order", "channel", "amount_fen") if name in facts}


def _case(row: Any) -> Case:
    return Case(
        case_id=row.pk[5:],
        kind=row.kind,
        key=row.key,
        why=row.why,
        action=row.action,
        facts=dict(row.facts),
        at=row.at,
        begun=row.begun or "",
        begun_by=row.begun_by or "",
        begun_at=row.begun_at,
        settled_at=row.settled_at,
        staff=row.staff or "",
        note=row.note or "",
    )
