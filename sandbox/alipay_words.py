"""What every verb of Alipay's side says: amounts, moments, refusals."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from .exchange import Refused

BEIJING = timezone(timedelta(hours=8))
TIME = "%Y-%m-%d %H:%M:%S"

_YUAN = re.compile(r"\d{1,9}(\.\d{1,2})?", re.ASCII)


def need(holds: bool, name: str) -> None:  # noqa: FBT001
    """Raises Refused unless it holds."""
    if not holds:
        raise Refused(40004, "ACQ.INVALID_PARAMETER", f"参数无效：{name}")


def fen(text: object, name: str) -> int:
    """Raises Refused."""
    need(isinstance(text, str) and bool(_YUAN.fullmatch(text)) and Decimal(text) > 0, name)
    return int(Decimal(str(text)) * 100)


def yuan(fen: int) -> str:
    """As the channel writes amounts."""
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))


def clock(at: int) -> str:
    """As the channel writes times."""
    return datetime.fromtimestamp(at, BEIJING).strftime(TIME)
