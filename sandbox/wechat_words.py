"""What every verb of WeChat's side says: numbers, moments, refusals."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from .exchange import Refused, Request

BEIJING = timezone(timedelta(hours=8))
NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}", re.ASCII)
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)


def content(request: Request) -> dict[str, Any]:
    """The body. Raises Refused."""
    try:
        return request.json()
    except Refused:
        raise Refused(400, "PARAM_ERROR", "请求体不是JSON对象") from None


def part(ask: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside, empty if there is none."""
    found = ask.get(name)
    return found if isinstance(found, dict) else {}


def need(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raises Refused unless it holds."""
    if not holds:
        raise Refused(400, "PARAM_ERROR", sentence)


def moment(at: int) -> str:
    """As the channel writes times."""
    return datetime.fromtimestamp(at, BEIJING).isoformat()
