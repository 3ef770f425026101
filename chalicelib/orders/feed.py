"""The main site's list of all orders: names only, a row per batch of messages; states are read where they live."""

import hashlib
from collections.abc import Iterator, Sequence

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.kit import clock, table, tenant

_DAYS_BACK = 31


class FeedRow(table.Row):
    """FEED#{Beijing day} / {second}#{digest}: numbers of orders seen in one batch."""

    numbers = UnicodeAttribute()
    at = table.IntegerAttribute()


def add_to_feed(numbers: Sequence[str], *, now: int) -> None:
    """List orders; the same batch in the same second is listed once, later repeats are left out by readers."""
    if not numbers:
        return
    text = " ".join(numbers)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    key = (f"FEED#{clock.day_of(now)}", f"{now:010}#{digest}")
    row = FeedRow.of(tenant.MAIN)(*key, numbers=text, at=now)
    try:
        row.insert()
    except table.Refused:
        return


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
