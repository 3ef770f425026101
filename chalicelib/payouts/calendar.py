"""Business days of banks in China, from holidays.json: each year stands there with the notice it is taken from.

The State Council names next year's holidays every autumn. A year that is not in the file has weekends only, which
`is_known` tells, so that whoever looks at a date of payment knows how sure it is.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.kit import clock

OPENS, CLOSES = 9, 17  # hours in Beijing between which banks take payments
_FILE = Path(__file__).parent / "holidays.json"


def is_known(day: str) -> bool:
    """Whether the holidays of a day's year are in the file."""
    return day[:4] in _years()


def is_business(day: str) -> bool:
    """Whether banks pay on a Beijing day (YYYYMMDD)."""
    off, worked = _special(day[:4])
    weekday = clock.beijing(clock.day_start(day)).weekday()
    return day in worked or (weekday < 5 and not any(first <= day <= last for first, last in off))


def next_opening(at: int) -> int:
    """The moment from which a bank takes a payment that is ready now: at once, or the next opening."""
    moment = clock.beijing(at)
    day = clock.day_of(at)
    if is_business(day) and moment.hour < CLOSES:
        return max(at, _opening(day))
    later = clock.day_start(day) + clock.DAY
    while not is_business(clock.day_of(later)):
        later += clock.DAY
    return _opening(clock.day_of(later))


def _opening(day: str) -> int:
    return clock.day_start(day) + OPENS * 3600


@cache
def _special(year: str) -> tuple[list[list[str]], frozenset[str]]:
    found = _years().get(year)
    return (found["off"], frozenset(found["worked"])) if found else ([], frozenset())


@cache
def _years() -> dict[str, Any]:
    years: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))["years"]
    return years
