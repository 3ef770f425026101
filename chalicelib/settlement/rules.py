"""Which windows are closed when, and how long a refund is tried. Pure."""

from dataclasses import dataclass

from chalicelib.kit import clock

MOST_TRIES = 10  # of a refund, then a person looks
EARLY = 30  # seconds by which a refund may be tried before its time, since clocks differ
CLOSE_AGAIN = (1, 2, 7, 31)  # days after a window's first close at which late journals are looked for


@dataclass(frozen=True)
class StatementRow:
    """One line of a statement; site + main + fee = paid, the fee taken from its bearer's share."""

    number: str
    event: str
    at: int
    goods_name: str
    paid_fen: int
    site_fen: int
    main_fen: int
    fee_fen: int


@dataclass(frozen=True)
class Totals:
    """What the lines of a statement add up to."""

    paid_fen: int
    site_fen: int
    main_fen: int
    fee_fen: int


@dataclass(frozen=True)
class Statement:
    """A day of a site, from its journals alone."""

    day: str
    closed: bool
    rows: tuple[StatementRow, ...]
    totals: Totals
    available_fen: int


def windows_to_close(now: int) -> list[str]:
    """The Beijing days to close in this hour.

    After midnight yesterday and, for journals that came late, older days; an hour later yesterday again.
    """
    due = {0: CLOSE_AGAIN, 1: CLOSE_AGAIN[:1]}.get(clock.beijing(now).hour, ())
    return [clock.day_of(now - days * clock.DAY) for days in due]


def retry_delay(tries: int) -> int:
    """Seconds until a refund is tried again: 15 s doubling to 15 minutes."""
    return int(min(900, 15 * 2**tries))


def row_of(site: str, number: str, event: str, at: int, about: str, legs: dict[str, int]) -> StatementRow:
    """A journal as a line: what came in, and who it belongs to."""
    paid = sum(fen for account, fen in legs.items() if account.startswith(("clearing:", "user:")))
    owed = -legs.get(f"subsite:{site}:pending", 0)
    fee = -sum(fen for account, fen in legs.items() if account.startswith("fee_accrued:"))
    main = -legs.get("main:sales", 0) - legs.get("main:commission", 0)
    main -= legs.get("channel_fee_expense", 0)
    return StatementRow(number, event, at, about, paid, owed, main, fee)


def totals(rows: tuple[StatementRow, ...]) -> Totals:
    """The sums of a statement's lines."""
    return Totals(
        sum(row.paid_fen for row in rows),
        sum(row.site_fen for row in rows),
        sum(row.main_fen for row in rows),
        sum(row.fee_fen for row in rows),
    )
