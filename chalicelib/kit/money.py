"""Money: whole fen, rounded in this file and nowhere else."""

import re
from collections.abc import Sequence
from fractions import Fraction

_YUAN = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)
BPS = 10_000


def yuan(fen: int) -> str:
    """Fen as the channels and pages write yuan: 4950 is "49.50"."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fen(text: str) -> int:
    """Yuan as people and channels write it, without floats. Raises ValueError."""
    found = _YUAN.fullmatch(text.strip())
    if not found:
        raise ValueError("an amount looks like 49.50")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def share(total: int, bps: int) -> int:
    """A part of a total in basis points, half to even, so that no party gains by rounding."""
    whole, rest = divmod(total * bps, BPS)
    return whole + (rest * 2 > BPS or (rest * 2 == BPS and whole % 2 == 1))


def without_tax(total: int, bps: int) -> int:
    """What remains of a total that includes a tax of so many basis points of it, half to even."""
    return round(Fraction(total * BPS, BPS + bps))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a total by weights with the largest-remainder method; the parts add up to it.

    Ties go to the earlier party. Raises ValueError when no weight is positive or one is negative.
    """
    scale = sum(weights)
    if scale <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, and one must be positive")
    parts = [total * weight // scale for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % scale), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a part of what the weights add up to, so that no share falls when the total grows or exceeds its weight.

    Each party in turn takes its rounded share of what is left, half of a fen to the earlier; the shares add up to the
    total. Raises ValueError when the total is more than the weights, or one of them is negative.
    """
    left, scale = total, sum(weights)
    if not 0 <= total <= scale or min(weights, default=0) < 0:
        raise ValueError("the total must be within the weights, and no weight negative")
    parts = []
    for weight in weights:
        part = (2 * left * weight + scale) // (2 * scale) if scale else 0
        parts.append(part)
        left, scale = left - part, scale - weight
    return parts
