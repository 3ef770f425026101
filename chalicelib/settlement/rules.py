"""Which windows are closed when, and how long a refund is tried. Pure."""

from dataclasses import dataclass

from chalicelib.kit import clock

MOST_TRIES = 10  # of a refund, then a person looks
LONGEST_REFUND = 7 * clock.DAY  # in progress at a channel: to a bank card it may take days
SELDOM = 6 * 3600  # seconds between later looks at one
EARLY = 30  # seconds by which a refund may be tried before its time, since clocks differ
CLOSE_AGAIN = (1, 2, 7, 31)  # days after a window's first close at which late journals are looked for


@dataclass(frozen=True)
class StatementRow:
    """One line of a statement; site + main + agents + fee = paid, the fee taken from its bearer's share.

    A refund's line has amounts below zero; money that only waits at a channel to go back divides between nobody.
    """

    number: str
    event: str
    at: int
    goods_name: str
    paid_fen: int
    site_fen: int
    main_fen: int
    agents_fen: int
    fee_fen: int


@dataclass(frozen=True)
class Earned:
    """What an order's event was worth to a distributor, and what of it moved at the channel itself, in fen."""

    number: str
    event: str
    at: int
    goods_name: str
    fen: int
    direct_fen: int


@dataclass(frozen=True)
class Totals:
    """What the lines of a statement add up to."""

    paid_fen: int
    site_fen: int
    main_fen: int
    agents_fen: int
    fee_fen: int


@dataclass(frozen=True)
class Statement:
    """A day of a site, from its journals alone.

    `early_fen` is what the site had of the day before it was over; `available_fen` is below zero where it owes.
    """

    day: str
    closed: bool
    rows: tuple[StatementRow, ...]
    totals: Totals
    early_fen: int
    available_fen: int


def windows_to_close(now: int) -> list[str]:
    """The Beijing days to close in this hour.

    After midnight yesterday and, for journals that came late, older days; an hour later yesterday again.
    """
    due = {0: CLOSE_AGAIN, 1: CLOSE_AGAIN[:1]}.get(clock.beijing(now).hour, ())
    return [clock.day_of(now - days * clock.DAY) for days in due]


def is_over(day: str, now: int) -> bool:
    """Whether a Beijing day lies before this moment."""
    return clock.day_of(now) > day


def retry_delay(tries: int) -> int:
    """Seconds until a refund is tried again: 15 s doubling to 15 minutes."""
    return int(min(900, 15 * 2**tries))


def split_delay(tries: int) -> int:
    """Seconds until a channel is asked about a split again: 30 s doubling to an hour."""
    return int(min(3600, 30 * 2 ** min(tries, 10)))


def row_of(site: str, number: str, event: str, at: int, about: str, legs: dict[str, int]) -> StatementRow:
    """A journal as a line: what came in, and who it belongs to."""

    def of(*beginnings: str) -> int:
        return sum(fen for account, fen in legs.items() if account.startswith(beginnings))

    return StatementRow(
        number=number,
        event=event,
        at=at,
        goods_name=about,
        paid_fen=of("clearing:", "refund_clearing:", "user:", "bank:"),
        site_fen=-of(f"subsite:{site}:"),
        main_fen=-of("main:", "channel_fee_expense"),
        agents_fen=-of("dist:"),
        fee_fen=-of("fee_accrued:"),
    )


def earned_of(party: str, number: str, event: str, at: int, about: str, legs: dict[str, int]) -> Earned:
    """A journal as a distributor's line. A split pays at the channel what a sale earned, and a refund takes it back."""
    fen = -sum(each for account, each in legs.items() if account.startswith(f"{party}:"))
    direct = event.startswith("S") or event.endswith("-split")
    return Earned(number, event, at, about, 0 if direct else fen, -fen if direct else 0)


def totals(rows: tuple[StatementRow, ...]) -> Totals:
    """The sums of a statement's lines."""
    return Totals(
        sum(row.paid_fen for row in rows),
        sum(row.site_fen for row in rows),
        sum(row.main_fen for row in rows),
        sum(row.agents_fen for row in rows),
        sum(row.fee_fen for row in rows),
    )
