"""Boards and lists over all sites.

A site's figures are counted from its own orders when somebody looks and the last count is older than a minute;
days that are over keep their last count. No write happens on a shopper's way.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import msgspec

from chalicelib.kit import aws, clock, config, tenant
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

from .journey import Stop, cases_of, journey
from .model import CountRow
from .rules import Figures, add, count

__all__ = ["Figures", "Stop", "cases_of", "journey"]

_FRESH = 60  # seconds a count of a running day is shown
_SETTLED = 2 * clock.DAY  # after which a day's count is final
_PAGE = 50
_COUNT_AT_ONCE = 25  # sites counted anew for one view; the others show their last count


@dataclass(frozen=True)
class BoardRow(Figures):
    """One site's day, or all sites'; `at` is when it was counted."""

    site: str = ""
    name: str = ""
    at: int = 0


@dataclass(frozen=True)
class Board:
    """A day of all sites, and the same weekday a week before."""

    day: str
    rows: tuple[BoardRow, ...]
    totals: BoardRow
    last_week: BoardRow

    @property
    def hours(self) -> tuple[int, ...]:
        """Fen paid in each Beijing hour."""
        return self.totals.hours


@dataclass(frozen=True)
class Health:
    """One thing that must run: whether it does, and what is wrong."""

    what: str
    ok: bool
    note: str


def board(day: str, *, now: int) -> Board:
    """A day of all live sites, best first."""
    rows = _rows(day, now)
    week_before = clock.day_of(clock.day_start(day) - 7 * clock.DAY)
    best_first = sorted(rows, key=lambda row: (-row.gmv_fen, row.name))
    return Board(day, tuple(best_first), _sum(rows), _sum(_rows(week_before, now)))


def site_board(site: str, day: str, *, now: int) -> BoardRow:
    """A day of one site, counted now."""
    return _board_row(tenancy.site(site), count(orders.on_day(site, day)), now)


def all_orders(*, before: str = "", now: int) -> tuple[list[orders.Order], str]:
    """Orders of all sites, newest first, and the cursor of the next page (empty at the end)."""
    numbers: dict[str, None] = {}
    cursor = ""
    for row, number in orders.newest(before, now=now):
        if len(numbers) >= _PAGE and row != cursor:
            return _read(numbers), cursor
        cursor = row
        numbers[number] = None
    return _read(numbers), ""


def find_order(number: str) -> orders.Order:
    """An order of any site by its number. Raises NotFound."""
    found = orders.parse_number(number)
    site = tenancy.site(orders.site_of(found)).site
    with tenant.acting_for(site):
        return orders.order(site, found)


def health() -> list[Health]:
    """Whether the queues move: messages that failed for good, and messages that wait."""
    return [_queue_health(name, url) for name, url in config.load().queues.items()]


def _rows(day: str, now: int) -> list[BoardRow]:
    known = {row.sk: row for row in CountRow.of(tenant.MAIN).under(f"BOARD#{day}")}
    left = _COUNT_AT_ONCE
    rows = []
    for site in tenancy.sites():
        if not site.stands:
            continue
        row = known.get(site.site)
        if left and _stale(row, day, now):
            left -= 1
            row = _count(site.site, day, now)
        if row:
            rows.append(_board_row(site, msgspec.convert(row.figures, Figures), int(row.at)))
    return rows


def _stale(row: CountRow | None, day: str, now: int) -> bool:
    if row is None:
        return clock.day_start(day) <= now
    return int(row.at) < min(now - _FRESH, clock.day_start(day) + _SETTLED)


def _count(site: str, day: str, now: int) -> CountRow:
    with tenant.acting_for(site):
        figures = count(orders.on_day(site, day))
    rows = CountRow.of(tenant.MAIN)
    actions = [rows.figures.set(asdict(figures)), rows.at.set(now)]
    # A count replaces the count before it whole; two counts at once are both right.
    return rows.change(f"BOARD#{day}", site, actions, None)


def _board_row(site: tenancy.Site, figures: Figures, at: int) -> BoardRow:
    return BoardRow(**asdict(figures), site=site.site, name=site.brand.name, at=at)


def _sum(rows: Iterable[BoardRow]) -> BoardRow:
    total = Figures()
    for row in rows:
        total = add(total, row)
    return BoardRow(**asdict(total))


def _read(numbers: Iterable[str]) -> list[orders.Order]:
    by_site: dict[str, list[str]] = {}
    for number in numbers:
        by_site.setdefault(orders.site_of(number), []).append(number)
    found: list[orders.Order] = []
    for site, wanted in by_site.items():
        with tenant.acting_for(site):
            found += orders.orders(site, wanted).values()
    return sorted(found, key=lambda order: (order.placed_at, order.number), reverse=True)


def _queue_health(name: str, url: str) -> Health:
    sqs = aws.client("sqs")
    try:
        waiting = _depth(sqs, url)
        dead = _depth(sqs, f"{url}-dead")
    except Exception as error:  # noqa: BLE001  a board must show what is down, not fall with it
        return Health(name, ok=False, note=type(error).__name__)
    note = f"{dead} dead" if dead else f"{waiting} waiting"
    return Health(name, dead == 0, note)


def _depth(sqs: object, url: str) -> int:
    names = ["ApproximateNumberOfMessages"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[attr-defined]
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
