"""What belongs together across functions: one name, from a request to the last message that it led to.

It stands in every line of the log (kit/log.py) and travels in messages (kit/queue.py); nothing is decided by it, and a
message of an older release has none.
"""

import contextlib
import re
from collections.abc import Iterator
from contextvars import ContextVar

_NAME = re.compile(r"(?!0{32})[0-9a-f]{32}", re.ASCII)  # a trace id of W3C Trace Context
_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)

_followed: ContextVar[str] = ContextVar("followed", default="")


@contextlib.contextmanager
def following(*candidates: object) -> Iterator[None]:
    """Follow the first of these that is a trace's name until the block ends; a UUID is one without its dashes."""
    before = _followed.set(next(filter(None, map(_read, candidates)), ""))
    try:
        yield
    finally:
        _followed.reset(before)


def name() -> str:
    """What is followed: 32 hexadecimal digits, or nothing."""
    return _followed.get()


def of_parent(header: str) -> str:
    """The trace in a `traceparent` header of whoever calls us; empty for any other text."""
    found = _PARENT.fullmatch(header)
    return found[1] if found else ""


def _read(candidate: object) -> str:
    text = str(candidate).replace("-", "")
    return text if _NAME.fullmatch(text) else ""
