"""The ZM file, a merchant's ordinary transactions of a settlement day: columns of fixed width, parted by a blank.

It comes inside a signed answer, base64 of deflate of a zip. Source: 全渠道平台接入接口规范 第3部分 文件接口, 6.1, and
the widths of the channel's own samples; a column's number there is its place here and one.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterator
from datetime import datetime

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways import archives

_WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98),
)
_LENGTH = sum(_WIDTHS) + len(_WIDTHS) - 1
_LARGEST = 512 << 20  # bytes of an unpacked file
_KINDS = {"01": "payment", "04": "refund"}


def parse(content: str, day: str) -> gateways.Bill:
    """`content` as the answer has it. Raises Damaged."""
    try:
        packed = base64.b64decode(content, validate=True)
        rows = tuple(_row(cells, day) for cells in _lines(_unpacked(packed)))
    except (ValueError, KeyError, zlib.error) as error:
        raise gateways.Damaged(f"UnionPay's bill of {day}: {error}") from None
    return gateways.Bill(day, hashlib.sha256(packed).hexdigest(), rows)


def _unpacked(packed: bytes) -> bytes:
    inflate = zlib.decompressobj()
    archive = inflate.decompress(packed, _LARGEST)
    if not inflate.eof or inflate.unused_data:
        raise ValueError("not the whole file")
    return archives.unzip(archive, is_wanted=lambda name: "ZM_" in name)


def _lines(text: bytes) -> Iterator[list[str]]:
    for line in text.splitlines():
        if len(line) != _LENGTH:
            raise ValueError("a line of another length")
        yield list(_cells(line))


def _cells(line: bytes) -> Iterator[str]:
    """Widths are bytes of GBK."""
    start = 0
    for width in _WIDTHS:
        yield line[start : start + width].decode("gbk").strip()
        start += width + 1


def _row(cells: list[str], day: str) -> gateways.BillRow:
    kind, amount, fee = _KINDS[cells[19]], int(cells[6]), -_signed(cells[15])
    if _signed(cells[16]) != (amount if kind == "payment" else -amount) - fee:
        raise ValueError("what is settled is not the amount without the fee")
    return gateways.BillRow(
        kind=kind,
        merchant=cells[27],
        out_trade_no=cells[11] if kind == "payment" else cells[40],
        transaction_id=cells[9] if kind == "payment" else cells[26],
        amount_fen=amount,
        fee_fen=fee,
        at=_moment(cells[4], day),
        out_refund_no=cells[11] if kind == "refund" else "",
    )


def _signed(text: str) -> int:
    """C: to the merchant; D: from it."""
    return {"C": 1, "D": -1}[text[:1]] * int(text[1:])


def _moment(text: str, day: str) -> int:
    """Of MMDDhhmmss, which names no year: on the settlement day, or the one before it."""
    year = int(day[:4]) - (text[:4] > day[4:])
    moment = datetime.strptime(f"{year}{text}", "%Y%m%d%H%M%S").replace(tzinfo=clock.BEIJING)
    return int(moment.timestamp())
