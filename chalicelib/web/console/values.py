"""What people type into the console's forms, as values: yuan, wholesale tiers, Beijing times, timed prices."""

import re
from datetime import datetime
from typing import Any

from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, money
from chalicelib.tenancy import service as tenancy

_TIER = re.compile(r"(\d{1,6})\s*[:：]\s*(\S+)", re.ASCII)
_DAY = re.compile(r"20\d{2}-?\d{2}-?\d{2}", re.ASCII)
_MINUTE = "%Y-%m-%dT%H:%M"  # what <input type="datetime-local"> sends


class BadValue(tenancy.BadField):
    """A field that cannot be read; the sentence says how it looks, `field` names it."""

    code = "bad_value"


def fen(text: str, *, field: str) -> int:
    """An amount typed in yuan. Raises BadValue."""
    try:
        return money.fen(text)
    except ValueError:
        raise BadValue("金额请写成 49.50 这样的形式。", field=field) from None


def tiers(text: str, *, field: str = "tiers") -> tuple[catalog.Tier, ...]:
    """Wholesale tiers, one a line as "10:45.00": from 10 pieces on 45.00 yuan each. Raises BadValue."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return tuple(_tier(line, field) for line in lines)


def tiers_text(given: tuple[catalog.Tier, ...]) -> str:
    """Tiers as they are typed."""
    return "\n".join(f"{tier.at}:{money.yuan(tier.fen)}" for tier in given)


def sale(price: str, start: str, end: str) -> catalog.Sale | None:
    """A timed price from its three fields; None where all are empty. Raises BadValue."""
    if not (price or start or end):
        return None
    from_, to = minute(start, field="sale_start"), minute(end, field="sale_end")
    if to <= from_:
        raise BadValue("限时价的结束时间要晚于开始时间。", field="sale_end")
    return catalog.Sale(fen(price, field="sale"), from_, to)


def minute(text: str, *, field: str) -> int:
    """A minute on Beijing's wall clock. Raises BadValue."""
    try:
        moment = datetime.strptime(text[:16], _MINUTE).replace(tzinfo=clock.BEIJING)
    except ValueError:
        moment = None
    if moment is None or not 2000 <= moment.year < 2100:
        raise BadValue("时间请写成 2026-11-11 00:00（北京时间）。", field=field)
    return int(moment.timestamp())


def minute_text(at: int | None) -> str:
    """A moment as <input type="datetime-local"> takes it; empty for none."""
    return clock.beijing(at).strftime(_MINUTE) if at else ""


def day(text: str, *, otherwise: str) -> str:
    """A Beijing day from a query, as YYYYMMDD; `otherwise` for anything that is no day."""
    if not _DAY.fullmatch(text):
        return otherwise
    compact = text.replace("-", "")
    try:
        clock.day_start(compact)
    except ValueError:
        return otherwise
    return compact


def end_of_day(text: str, *, field: str) -> int:
    """The second after a Beijing day as <input type="date"> sends it; 0 for none typed. Raises BadValue."""
    if not text:
        return 0
    compact = day(text, otherwise="")
    if not compact:
        raise BadValue("日期请写成 2027-12-31。", field=field)
    return clock.day_start(compact) + clock.DAY


def shown_day(compact: str) -> str:
    """A Beijing day as <input type="date"> takes it."""
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:]}"


def days_about(compact: str, today: str) -> dict[str, Any]:
    """A day's neighbours as pages that leaf through days need them; no day lies after today."""
    start = clock.day_start(compact)
    return {
        "shown": shown_day(compact),
        "today": shown_day(today),
        "before": shown_day(clock.day_of(start - 1)),
        "after": shown_day(clock.day_of(start + clock.DAY)) if compact < today else "",
    }


def _tier(line: str, field: str) -> catalog.Tier:
    found = _TIER.fullmatch(line)
    if not found:
        raise BadValue("批发价每行一档，写成 10:45.00（满 10 件，每件 45 元）。", field=field)
    return catalog.Tier(int(found[1]), fen(found[2], field=field))
