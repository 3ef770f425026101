"""What happened, in order: a digest that two equal runs share, and the lines for whoever wants to read them."""

import hashlib


class Trace:
    """Lines as they come; kept only when asked to."""

    def __init__(self, *, keep: bool) -> None:
        self.lines: list[str] = []
        self._keep = keep
        self._digest = hashlib.sha256()

    def line(self, now: float, who: str, what: str, fault: str = "") -> None:
        """One thing that happened, and the fault that struck it."""
        text = f"{now:.6f} {who} {what}{f'  !{fault}' if fault else ''}"
        self._digest.update(text.encode() + b"\n")
        if self._keep:
            self.lines.append(text)

    @property
    def digest(self) -> str:
        """SHA-256 over everything so far."""
        return self._digest.hexdigest()
