"""What a check of the books says of what does not fit."""

from dataclasses import dataclass

AT_REST = 1800  # seconds after a delivery or a refund by which its journal is there


@dataclass(frozen=True)
class Finding:
    """What does not fit, and whether it passes by itself: with a later close of its window, or once an order ends."""

    site: str
    day: str
    what: str
    about: str
    passes: bool = False
