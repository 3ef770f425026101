"""UnionPay's ZM file as it is downloaded: fixed columns, zipped, deflated, in base64."""

import base64
import io
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime

from . import keys
from .bills import BEIJING, Entry

# Width of each column, and where we write what; the numbers are those of the channel's specification.
_WIDTHS = [3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15]
_WIDTHS += [1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98]


def write(entries: Sequence[Entry], day: str) -> bytes:
    """Deflated, before it is put into base64."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        named = zipfile.ZipInfo(f"INN{day[2:]}88ZM_{keys.MER_ID}")
        archive.writestr(named, zm(entries), zipfile.ZIP_DEFLATED)
    return zlib.compress(packed.getvalue())


def zm(entries: Sequence[Entry]) -> bytes:
    """The file itself."""
    return b"".join(_line(entry) + b"\r\n" for entry in entries)


def content(packed: bytes) -> str:
    """As the answer has it."""
    return base64.b64encode(packed).decode()


def _line(entry: Entry) -> bytes:
    refund = entry.kind == "refund"
    net = (-entry.amount_fen if refund else entry.amount_fen) - entry.fee_fen
    cells = {
        1: "S30" if refund else "S22",
        2: "00010000",
        5: datetime.fromtimestamp(entry.at, BEIJING).strftime("%m%d%H%M%S"),
        7: f"{entry.amount_fen:012d}",
        10: f"{entry.at:021d}" if refund else entry.transaction_id,
        12: entry.out_refund_no if refund else entry.out_trade_no,
        16: _signed(-entry.fee_fen),
        17: _signed(net),
        20: "04" if refund else "01",
        22: "000201",
        27: entry.transaction_id if refund else "",
        28: entry.merchant,
        31: entry.subject,
        41: entry.out_trade_no if refund else "",
    }
    return b" ".join(_cell(cells.get(number, ""), width) for number, width in enumerate(_WIDTHS, 1))


def _cell(text: str, width: int) -> bytes:
    """Whole characters, filled up with blanks."""
    cut = text.encode("gbk", errors="replace")[:width].decode("gbk", errors="ignore")
    return cut.encode("gbk").ljust(width)


def _signed(fen: int) -> str:
    return f"{'C' if fen >= 0 else 'D'}{abs(fen):012d}"
