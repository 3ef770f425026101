"""Time: whole seconds since 1970 in UTC inside, Beijing time on pages, days and windows of settlement.

Only the edges (a face, a worker) read the clock; everything below receives `now` as an argument.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

_AHEAD = 8 * 3600  # seconds by which Beijing is ahead of UTC, all year
BEIJING = timezone(timedelta(seconds=_AHEAD))
DAY = 86_400

source: Callable[[], float] = time.time


def now() -> int:
    """Seconds since 1970, UTC."""
    return int(source())


def beijing(at: int) -> datetime:
    """The same moment on a Beijing wall clock."""
    return datetime.fromtimestamp(at, BEIJING)


def day_of(at: int) -> str:
    """The Beijing day of a moment, as YYYYMMDD."""
    return _name_of((at + _AHEAD) // DAY)


def day_start(day: str) -> int:
    """The first second of a Beijing day given as YYYYMMDD. Raises ValueError for anything else."""
    start = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=BEIJING).timestamp())
    if day_of(start) != day:
        raise ValueError("a day has eight digits")  # strptime takes fewer, and digits of other scripts
    return start


def iso(at: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> int:
    """Seconds of an RFC 3339 moment with an offset. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset")
    return int(moment.timestamp())


@lru_cache(maxsize=1024)
def _name_of(days: int) -> str:
    """A day by how many passed since 1970; every look at an order asks for one."""
    return (date(1970, 1, 1) + timedelta(days=days)).strftime("%Y%m%d")
