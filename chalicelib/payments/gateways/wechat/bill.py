"""The trade bill: every cell behind a backtick, yuan, and two lines of sums at the end, which must fit the rows.

Source: pay.weixin.qq.com/doc/v3/merchant, 申请交易账单 (bill_type ALL) and 下载账单.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

_NEEDED = {
    *("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "应结订单金额"),
    *("商户退款单号", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额"),
}
_SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
_COUNT = "总交易单数"
_KINDS = {"SUCCESS": "payment", "REFUND": "refund"}


def parse(content: bytes, day: str) -> gateways.Bill:
    """Raises Damaged."""
    try:
        rows, sums = read(content, _NEEDED, {_COUNT, *_SUMS})
        _check(rows, sums)
        known = tuple(_row(row) for row in rows)
    except (ValueError, KeyError, IndexError) as error:
        raise gateways.Damaged(f"WeChat's bill of {day}: {error}") from None
    return gateways.Bill(day, hashlib.sha256(content).hexdigest(), known)


def read(content: bytes, needed: set[str], summed: set[str]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Rows and sums by the names of their columns. Raises ValueError, IndexError for what is not whole."""
    *lines, rest = content.decode("utf-8-sig").split("\r\n")
    names, summary = lines[0].split(","), lines[-2].split(",")
    if rest or needed - set(names) or summed - set(summary):
        raise ValueError("the end or a column is missing")
    return [_cells(line, names) for line in lines[1:-2]], _cells(lines[-1], summary)


def _cells(line: str, names: Sequence[str]) -> dict[str, str]:
    """A product's name may have commas; backticks part cells."""
    if not line.startswith("`"):
        raise ValueError("a line without a backtick")
    cells = line[1:].split(",`")
    if len(cells) != len(names):
        raise ValueError("a line of another length")
    return dict(zip(names, cells, strict=True))


def _check(rows: Sequence[dict[str, str]], sums: dict[str, str]) -> None:
    if sums[_COUNT] != str(len(rows)):
        raise ValueError(f"{sums[_COUNT]} rows are announced, {len(rows)} came")
    for name, column in _SUMS.items():
        if wire.billed_fen(sums[name]) != sum(wire.billed_fen(row[column]) for row in rows):
            raise ValueError(f"{name} is not the sum of the rows")


def _row(row: dict[str, str]) -> gateways.BillRow:
    kind = _KINDS[row["交易状态"]]
    return gateways.BillRow(
        kind=kind,
        merchant=row["商户号"],
        out_trade_no=row["商户订单号"],
        transaction_id=row["微信订单号"],
        amount_fen=wire.billed_fen(row["订单金额" if kind == "payment" else "申请退款金额"]),
        fee_fen=wire.billed_fen(row["手续费"]),
        at=int(
            datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING).timestamp()
        ),
        out_refund_no=row["商户退款单号"] if kind == "refund" else "",
    )
