"""Pools of any size without an import: the rows that a claim touches, written by the shop's own models.

That is a SKU's row and the pointers of its segments; chunks are read only when codes are shown.
"""

from collections.abc import Sequence

from chalicelib.kit import tenant
from chalicelib.stock.model import PointerRow, SkuRow

SKU = "gbench"
_PARALLEL = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def lay(segments: Sequence[int], *, now: int) -> None:
    """Give the main site a pool of one import, whose parallel segments hold so many codes each."""
    _lay({f"cBATCH{_PARALLEL[i]}": length for i, length in enumerate(segments)}, now)


def lay_imports(lengths: Sequence[int], *, now: int) -> None:
    """Give the main site a pool of several imports of one segment each."""
    _lay({f"cBATCH{i:05}0": length for i, length in enumerate(lengths)}, now)


def _lay(lengths: dict[str, int], now: int) -> None:
    SkuRow.of(tenant.MAIN)(f"SKU#{SKU}", ".", segs=list(lengths), rev=len(lengths)).insert()
    for name, length in lengths.items():
        row = PointerRow.of(tenant.MAIN)(f"PTR#{name}", ".", next=0, free=length, len=length)
        row.sku, row.born = SKU, now
        row.insert()
