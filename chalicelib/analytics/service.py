"""Boards and lists over all sites.

A site's figures are counted from its own orders when somebody looks and the last count is older than a minute;
days that are over keep their last count. No write happens on a shopper's way. A site whose table cannot be read,
as while it is restored, is shown as such beside all others.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

import msgspec

from chalicelib.kit import aws, clock, config, log, table, tenant
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
    """One site's day, or all sites'; `at` is when it was counted, and `unreadable` that it could not be just now."""

    site: str = ""
    name: str = ""
    at: int = 0
    unreadable: bool = False


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


def board(sites: Collection[tenancy.Site], day: str, *, now: int) -> Board:
    """A day of all live ones among these sites, best first."""
    rows = _rows(sites, _counts(day), day, now)
    week_before = clock.day_of(clock.day_start(day) - 7 * clock.DAY)
    best_first = sorted(rows, key=lambda row: (-row.gmv_fen, row.name))
    then = _rows(sites, _counts(week_before), week_before, now)
    return Board(day, tuple(best_first), _sum(rows), _sum(then))


def days(sites: Collection[tenancy.Site], day: str, *, now: int) -> dict[str, BoardRow]:
    """A day of some sites, up to 100, by code; one that was never counted has no row yet."""
    counts = CountRow.of(tenant.MAIN).read_many((f"BOARD#{day}", one.site) for one in sites)
    return {row.site: row for row in _rows(sites, {one.sk: one for one in counts}, day, now)}


def site_board(site: str, day: str, *, now: int) -> BoardRow:
    """A day of one site, counted now."""
    return _board_row(tenancy.site(site), count(orders.on_day(site, day)), now)


def all_orders(*, before: str = "", now: int) -> tuple[list[orders.Order], str]:
    """Orders of all sites, newest first, and the cursor of the next page (empty at the end).

    Those of a site whose table cannot be read are left out.
    """
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


def _counts(day: str) -> dict[str, CountRow]:
    return {row.sk: row for row in CountRow.of(tenant.MAIN).under(f"BOARD#{day}")}


def _rows(sites: Iterable[tenancy.Site], known: Mapping[str, CountRow], day: str, now: int) -> list[BoardRow]:
    left = _COUNT_AT_ONCE
    rows = []
    for site in (one for one in sites if one.stands):
        row, unreadable = known.get(site.site), False
        if left and _stale(row, day, now):
            left -= 1
            counted = _count(site.site, day, now)
            row, unreadable = counted or row, counted is None
        if row or unreadable:
            figures = msgspec.convert(row.figures, Figures) if row else Figures()
            rows.append(_board_row(site, figures, int(row.at) if row else now, unreadable=unreadable))
    return rows


def _stale(row: CountRow | None, day: str, now: int) -> bool:
    if row is None:
        return clock.day_start(day) <= now
    return int(row.at) < min(now - _FRESH, clock.day_start(day) + _SETTLED)


def _count(site: str, day: str, now: int) -> CountRow | None:
    """None where the site's table cannot be read."""
    try:
        with tenant.acting_for(site):
            figures = count(orders.on_day(site, day))
    except table.UNREADABLE as error:
        log.event("analytics.unreadable", site=site, why=type(error).__name__)
        return None
    rows = CountRow.of(tenant.MAIN)
    actions = [rows.figures.set(asdict(figures)), rows.at.set(now)]
    # A count replaces the count before it whole; two counts at once are both right.
    return rows.change(f"BOARD#{day}", site, actions, None)


def _board_row(site: tenancy.Site, figures: Figures, at: int, *, unreadable: bool = False) -> BoardRow:
    return BoardRow(**asdict(figures), site=site.site, name=site.brand.name, at=at, unreadable=unreadable)


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
        try:
            with tenant.acting_for(site):
                found += orders.orders(site, wanted).values()
        except table.UNREADABLE as error:
            log.event("analytics.unreadable", site=site, why=type(error).__name__)
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
