"""When a schedule fires next, for the expressions EventBridge knows and this project uses.

`rate(15 minutes)` counts from the start; `cron(30 19 * * ? *)` is minute and hour in UTC, every day.
Source: EventBridge user guide, "Schedule types".
"""

import re
from datetime import UTC, datetime, timedelta

_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\d+) (\d+|\*) \* \* \? \*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def next_after(expression: str, at: int) -> int:
    """The first moment after `at` (seconds, UTC) at which it fires. Raises ValueError for other shapes."""
    if rate := _RATE.fullmatch(expression):
        return at + int(rate[1]) * _SECONDS[rate[2]]
    if cron := _CRON.fullmatch(expression):
        return _at_minute(int(cron[1]), None if cron[2] == "*" else int(cron[2]), at)
    raise ValueError(f"a schedule of this shape is not known here: {expression}")


def _at_minute(minute: int, hour: int | None, at: int) -> int:
    moment = datetime.fromtimestamp(at, UTC)
    first = moment.replace(hour=moment.hour if hour is None else hour, minute=minute, second=0)
    step = timedelta(hours=1) if hour is None else timedelta(days=1)
    return int((first if first > moment else first + step).timestamp())
