"""Pools of any size without an import: the rows that a claim touches, written by the shop's own models.

That is a SKU's row and the pointers of its segments; chunks are read only when codes are shown.
"""

from collections.abc import Sequence

from chalicelib.kit import tenant
from chalicelib.stock.model import PointerRow, SkuRow

SKU = "gbench"


def lay(segments: Sequence[int], *, now: int) -> None:
    """Give the main site a pool whose segments, of one import, hold so many codes each."""
    names = [f"cBATCH{index}" for index in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[: len(segments)]]
    SkuRow.of(tenant.MAIN)(f"SKU#{SKU}", ".", segs=names, rev=1).insert()
    for name, length in zip(names, segments, strict=True):
        row = PointerRow.of(tenant.MAIN)(f"PTR#{name}", ".", next=0, free=length, len=length)
        row.sku, row.born = SKU, now
        row.insert()
