"""The main site's list of all orders: names only, a row per batch of messages; states are read where they live."""

import hashlib
from collections.abc import Iterator, Sequence

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.kit import clock, log, table, tenant

from . import rules

_DAYS_BACK = 31
_MOST = 20_000  # rows, some seven megabytes


class FeedRow(table.Row):
    """FEED#{Beijing day} / {second}#{digest}: numbers of orders seen in one batch."""

    numbers = UnicodeAttribute()
    at = table.IntegerAttribute()


def add_to_feed(numbers: Sequence[str], *, now: int) -> None:
    """List orders; the same batch in the same second is listed once, later repeats are left out by readers.

    Their line stands in the log before the row: `chalicelib.recovery` lists them again.
    """
    if not numbers:
        return
    text = " ".join(numbers)
    log.event("orders.listed", numbers=text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    key = (f"FEED#{clock.day_of(now)}", f"{now:010}#{digest}")
    row = FeedRow.of(tenant.MAIN)(*key, numbers=text, at=now)
    try:
        row.insert()
    except table.Refused:
        return


def sites_listed(*, now: int) -> set[str] | None:
    """The sites of which orders were listed yesterday or today; None where the lists are too long to read."""
    found: set[str] = set()
    days = (f"FEED#{clock.day_of(at)}" for at in (now - clock.DAY, now))
    rows = (row for day in days for row in FeedRow.of(tenant.MAIN).under(day))
    for read, row in enumerate(rows):
        if read == _MOST:
            return None
        found.update(rules.site_of(number) for number in row.numbers.split())
    return found


def newest(before: str, *, now: int) -> Iterator[tuple[str, str]]:
    """(cursor, number) of all orders, newest first, from below the cursor `before`; at most a month back."""
    start = int(before[:10]) if before[:10].isdecimal() else now
    for back in range(_DAYS_BACK):
        rows = FeedRow.of(tenant.MAIN)
        where: Condition | None = (FeedRow.sk < before) if before and back == 0 else None
        day = clock.day_of(start - back * clock.DAY)
        for row in rows.under(f"FEED#{day}", where=where, newest_first=True):
            for number in reversed(row.numbers.split()):
                yield row.sk, number
