"""Which part of an order a refund gives back, and what that is of each tender. Pure.

What was paid is a line of fen from 0 to the whole. Every refund takes slices of it that no other has, the lowest
first. What a slice gives back of a share is the share of all fen up to its end less that of all fen up to its start:
whatever is refunded, closed and refunded again in whatever order, all of it is exactly the whole.
"""

from collections.abc import Iterable, Sequence

from chalicelib.kit import money
from chalicelib.kit.errors import ShopError

Slice = tuple[int, int]  # from, up to, in fen of what was paid


class TooMuch(ShopError):
    """More than is left of an order, or nothing; `left_fen` is what may still go back."""

    status = 422
    code = "refund_too_much"
    sentence = "A refund is more than nothing and at most what has not gone back yet."


def take(total_fen: int, taken: Iterable[Slice], fen: int) -> tuple[Slice, ...]:
    """The lowest slices of `total_fen` that add up to `fen` and are not taken yet. Raises TooMuch."""
    free = _free(total_fen, taken)
    left = sum(end - start for start, end in free)
    if not 0 < fen <= left:
        raise TooMuch(left_fen=left, field="amount_fen")
    found = []
    for start, end in free:
        size = min(fen, end - start)
        found += [(start, start + size)] if size else []
        fen -= size
    return tuple(found)


def fen_of_pieces(total_fen: int, quantity: int, given: int, pieces: int) -> int:
    """What `pieces` more of `quantity` cost, `given` having gone back: all of them are the whole. Raises TooMuch."""
    if not 0 < pieces <= quantity - given:
        raise TooMuch(field="pieces")
    return total_fen * (given + pieces) // quantity - total_fen * given // quantity


def of_tenders(tenders: Sequence[int], slices: Iterable[Slice]) -> list[int]:
    """How much of each of two tenders, whose sum was paid, the slices give back."""
    found = [0] * len(tenders)
    for start, end in slices:
        for i, (before, after) in enumerate(zip(_up_to(tenders, start), _up_to(tenders, end), strict=True)):
            found[i] += after - before
    return found


def read(text: str) -> tuple[Slice, ...]:
    """Slices out of their stored form."""
    pairs = [one.split("-") for one in text.split()]
    return tuple((int(start), int(end)) for start, end in pairs)


def write(slices: Iterable[Slice]) -> str:
    """Slices as they are stored."""
    return " ".join(f"{start}-{end}" for start, end in slices)


def _up_to(tenders: Sequence[int], fen: int) -> list[int]:
    return money.spread(fen, tenders)


def _free(total_fen: int, taken: Iterable[Slice]) -> list[Slice]:
    found, at = [], 0
    for start, end in sorted(taken):
        if at < start:
            found.append((at, start))
        at = max(at, end)
    return [*found, (at, total_fen)] if at < total_fen else found
