"""How full the cells are, and which of them a new site goes to.

CELL#all / name counts the sites whose tables stand in an account, including those that moved away and are still kept
there. It is counted together with the word in the site's row that says where it lives, so that no place is given twice.
"""

import contextlib

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import cells, config, table, tenant

from . import registry, rules
from .model import CELLS, SITES, CellRow, SiteRow

_TRIES = 8  # others may take the last places meanwhile, or hold the row


class Crowded(Exception):
    """Too many are placed at this moment; there may well be room."""


def rooms() -> list[rules.Room]:
    """The cells, and how many sites each has; none where all sites are in the one account."""
    if not cells.several():
        return []
    counted = {row.sk: int(row.used) for row in CellRow.of(tenant.MAIN).under(CELLS, consistent=True)}
    return [rules.Room(name, cell.takes, counted.get(name, 0)) for name, cell in config.load().cells.items()]


def assign(code: str) -> bool:
    """Give a site that is to be made its place, in a cell with most room; False where every cell is full.

    Raises Crowded where others took or counted a place at the same moment, each time.
    """
    if not cells.several():
        return True
    for _ in range(_TRIES):
        row = SiteRow.of(tenant.MAIN).read(SITES, code)
        if row is None or row.cell:
            return True
        cell = rules.place(rooms(), code)
        if not cell:
            return False
        with contextlib.suppress(table.Refused):
            _settle(code, cell)
            return True
    raise Crowded


def elsewhere(code: str) -> str:
    """The cell for a site whose own turned out to be full: one that did not, or nothing."""
    row = SiteRow.of(tenant.MAIN).read(SITES, code) if cells.several() else None
    if row is None or not row.cell:
        return ""
    full = {row.cell, *row.note.split()}
    return rules.place((room for room in rooms() if room.cell not in full), code)


def change(code: str, cell: str) -> None:
    """Let a site that is to be made go to another cell; its note keeps which were full.

    Who comes second finds it there or, where the place was taken meanwhile, still where it was.
    """
    rows = SiteRow.of(tenant.MAIN)
    row = rows.read(SITES, code)
    if row is None or not row.cell or row.cell == cell:
        return
    moved: list[Action] = [rows.cell.set(cell), rows.note.set(f"{row.note} {row.cell}".strip())]
    with contextlib.suppress(table.Refused), table.Together(tenant.MAIN, "") as write:
        write.update(rows(SITES, code), actions=moved, condition=rows.cell == row.cell)
        give(write, row.cell)
        take(write, cell)
    registry.forget()


def _settle(code: str, cell: str) -> None:
    """Raises table.Refused where the cell is full by now, or somebody settled the site."""
    rows = SiteRow.of(tenant.MAIN)
    with table.Together(tenant.MAIN, "") as write:
        write.update(rows(SITES, code), actions=[rows.cell.set(cell)], condition=rows.cell.does_not_exist())
        take(write, cell)
    registry.forget()


def take(write: TransactWrite, cell: str) -> None:
    """Take a place of a cell, if there is one, together with what needs it."""
    room = CellRow.used.does_not_exist() | (CellRow.used < config.load().cells[cell].takes)
    _count(write, cell, 1, room)


def give(write: TransactWrite, cell: str) -> None:
    """Give a place back, together with whoever leaves it."""
    _count(write, cell, -1, CellRow.used > 0)


def _count(write: TransactWrite, cell: str, sites: int, condition: Condition) -> None:
    row = CellRow.of(tenant.MAIN)(CELLS, cell)
    write.update(row, actions=[CellRow.used.add(sites)], condition=condition)
