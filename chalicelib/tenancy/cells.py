"""How full the cells are, and which of them a new site goes to.

CELL#all / name counts the sites whose tables stand in an account, including those that moved away and are still kept
there. It is counted together with the row that needs the place, so that no account is promised twice.
"""

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.kit import cells, config, errors, table, tenant

from . import rules
from .model import CELLS, SITES, CellRow, SiteRow

_TRIES = 8  # others may take the last places meanwhile


class NoRoom(errors.Conflict):
    """Every cell is full."""

    code = "no_room"
    sentence = "No cell has room for another site; a further account has to be added."


def rooms() -> list[rules.Room]:
    """The cells, and how many sites each has; none where all sites are in the one account."""
    if not cells.several():
        return []
    counted = {row.sk: int(row.used) for row in CellRow.of(tenant.MAIN).under(CELLS, consistent=True)}
    return [rules.Room(name, cell.takes, counted.get(name, 0)) for name, cell in config.load().cells.items()]


def add_site(row: SiteRow) -> SiteRow:
    """Write the row of a new site, in the cell with most room. Raises table.Refused with a row that stands, NoRoom."""
    if not cells.several():
        return row.insert()
    for _ in range(_TRIES):
        row.cell = rules.place(rooms())
        if not row.cell:
            raise NoRoom
        try:
            with table.Together(tenant.MAIN, "") as write:
                write.save(row, condition=SiteRow.pk.does_not_exist())
                take(write, row.cell)
        except table.Refused:
            stood = SiteRow.of(tenant.MAIN).read(SITES, row.sk)
            if stood:
                raise table.Refused(stood) from None
        else:
            return row
    raise NoRoom


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
