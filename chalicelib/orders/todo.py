"""What is left to do for an order after the walk of recent days has passed it: refunds, reviews, disputes."""

import contextlib
from dataclasses import dataclass

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import table

from .model import TodoRow

_KEEP = 90 * 86_400
_PARTITION = "TODO"
WATCH = "watch"
_FIRST_LOOK = 900  # seconds that whoever has an order watched has for what it is about to do


@dataclass(frozen=True)
class Todo:
    """One open matter."""

    number: str
    what: str
    due: int
    tries: int
    detail: str
    noted_at: int
    done_at: int | None = None


def add_todo(site: str, number: str, what: str, *, due: int, detail: str = "", again: bool = True) -> None:
    """Note a matter, or open it again unless it is one for once; noting an open one changes nothing.

    It was noted when it first was.
    """
    rows = TodoRow.of(site)
    actions = [
        rows.due.set(due),
        rows.noted_at.set(rows.noted_at | due),
        rows.what.set(what),
        rows.detail.set(detail),
        rows.tries.set(0),
        rows.done_at.remove(),
        rows.ttl.remove(),
    ]
    closed = rows.pk.does_not_exist() | rows.done_at.exists() if again else rows.pk.does_not_exist()
    try:
        rows.change(_PARTITION, f"{number}#{what}", actions, closed)
    except table.Refused:
        return


def note_within(write: TransactWrite, site: str, number: str, what: str, *, due: int, now: int) -> None:
    """Within a transaction, whose other conditions guard it: note a matter, or set its time anew."""
    rows = TodoRow.of(site)
    actions: list[Action] = [
        rows.due.set(due),
        rows.noted_at.set(rows.noted_at | now),
        rows.what.set(what),
        rows.tries.set(0),
        rows.done_at.remove(),
        rows.ttl.remove(),
    ]
    write.update(rows(_PARTITION, f"{number}#{what}"), actions)


def watch(site: str, number: str, *, now: int) -> None:
    """Have an order that the walk does not reach any more driven on, from a quarter of an hour on, until all is done.

    To be noted before the order moves. Noting it again begins another quarter.
    """
    rows = TodoRow.of(site)
    actions = [
        rows.due.set(now + _FIRST_LOOK),
        rows.noted_at.set(now),
        rows.what.set(WATCH),
        rows.tries.set(0),
        rows.done_at.remove(),
        rows.ttl.remove(),
    ]
    rows.change(_PARTITION, f"{number}#{WATCH}", actions, None)  # whoever noted it last needs it longest


def unwatch(site: str, number: str, *, now: int) -> None:
    """All is done; left open where somebody has the order watched anew at this moment."""
    rows = TodoRow.of(site)
    due = rows.done_at.does_not_exist() & (rows.due <= now)
    actions = [rows.done_at.set(now), rows.ttl.set(now + _KEEP)]
    with contextlib.suppress(table.Refused):
        rows.change(_PARTITION, f"{number}#{WATCH}", actions, due)


def watched(site: str, *, since: int) -> list[str]:
    """Numbers of the orders that were watched since then, the last ninety days'."""
    return [todo.number for todo in todos_named(site, WATCH, closed=True) if todo.noted_at >= since]


def delay_todo(site: str, todo: Todo, *, due: int) -> bool:
    """Look at the matter again later; counts the try. False where another run has counted it already."""
    rows = TodoRow.of(site)
    actions = [rows.due.set(due), rows.tries.set(todo.tries + 1)]
    try:
        rows.change(_PARTITION, f"{todo.number}#{todo.what}", actions, rows.tries == todo.tries)
    except table.Refused:
        return False
    return True


def close_todo(site: str, number: str, what: str, *, now: int, keep: int = _KEEP) -> None:
    """The matter is settled; the row stays for ninety days, or for as many seconds: every walk reads it until then."""
    rows = TodoRow.of(site)
    try:
        rows.change(
            _PARTITION,
            f"{number}#{what}",
            [rows.done_at.set(now), rows.ttl.set(now + keep)],
            rows.done_at.does_not_exist() & rows.pk.exists(),
        )
    except table.Refused:
        return


def due_todos(site: str, *, now: int) -> list[Todo]:
    """Open matters whose time has come."""
    rows = TodoRow.of(site)
    open_ = rows.done_at.does_not_exist() & (rows.due <= now)
    return [_todo(row) for row in rows.under(_PARTITION, only=open_, consistent=True)]


def todos_of(site: str, number: str) -> list[Todo]:
    """An order's open matters."""
    rows = TodoRow.of(site)
    where = rows.sk.startswith(f"{number}#")
    open_ = rows.done_at.does_not_exist()
    return [_todo(row) for row in rows.under(_PARTITION, where=where, only=open_, consistent=True)]


def todos_named(site: str, first: str, *, closed: bool) -> list[Todo]:
    """Matters of all orders whose name begins so, newest first: open ones, or those of the last ninety days."""
    rows = TodoRow.of(site)
    named = rows.what.startswith(first)
    only = named if closed else named & rows.done_at.does_not_exist()
    found = [_todo(row) for row in rows.under(_PARTITION, only=only, consistent=True)]
    return sorted(found, key=lambda todo: todo.noted_at, reverse=True)


def _todo(row: TodoRow) -> Todo:
    number, what = row.sk.split("#", 1)
    return Todo(number, what, row.due, row.tries, row.detail, row.noted_at, row.done_at)
