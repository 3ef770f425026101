"""What happened, in order: a digest that two equal runs share, and the lines for whoever wants to read them."""

import hashlib
from typing import NamedTuple


class Line(NamedTuple):
    """One thing that happened: when in seconds since 1970 UTC, to whom, what, and the fault that struck it."""

    now: float
    who: str
    what: str
    fault: str

    def __str__(self) -> str:
        """The whole of it, as it is in the digest."""
        return f"{self.now:.6f} {self.who} {self.what}{f'  !{self.fault}' if self.fault else ''}"


class Trace:
    """Lines as they come; kept only when asked to."""

    def __init__(self, *, keep: bool) -> None:
        self.lines: list[Line] = []
        self._keep = keep
        self._digest = hashlib.sha256()

    def line(self, now: float, who: str, what: str, fault: str = "") -> None:
        """One thing that happened, and the fault that struck it."""
        line = Line(now, who, what, fault)
        self._digest.update(f"{line}\n".encode())
        if self._keep:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """SHA-256 over everything so far."""
        return self._digest.hexdigest()
