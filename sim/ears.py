"""Ears at every wall: what the shop logs, sends to its queues and answers to people must give nothing away.

Codes and what people tell the shop in confidence carry marks that occur nowhere else.
"""

import re
import traceback
from typing import Any

from .clockwork import Violation

SECRET = "CODE-"  # noqa: S105  how every code begins
PRIVATE = "canary"  # is in contacts, passwords and what is delivered by hand
_MARKS = re.compile(f"{SECRET}|{PRIVATE}", re.IGNORECASE)


def hear(where: str, text: str) -> None:
    """I10: raise Violation where a text gives something away."""
    if _MARKS.search(text):
        raise Violation(f"I10: {where} gives away {text[:300]}")


class Logger:
    """Stands where the shop's logger does; `lines` has what was logged while somebody wants to read it."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] | None = None

    def info(self, name: str, *, extra: dict[str, Any]) -> None:
        """Hear a line."""
        self._keep(name, extra)
        hear("a log line", f"{name} {extra}")

    def error(self, name: str, *, extra: dict[str, Any], exc_info: bool = False) -> None:
        """Hear a line, with the error that is being handled."""
        self._keep(name, extra)
        hear("a log line", f"{name} {extra} {traceback.format_exc() if exc_info else ''}")

    def _keep(self, name: str, extra: dict[str, Any]) -> None:
        if self.lines is not None:
            self.lines.append({**extra, "message": name})
