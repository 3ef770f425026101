"""The fund bill: every movement of the merchant's account, fees and withdrawals too, with the balance after each.

Cells and sums are written as in the trade bill. Source: pay.weixin.qq.com/doc/v3/merchant, 申请资金账单 (account_type
BASIC) and 下载账单.
"""

import hashlib
from datetime import datetime

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

from . import bill

_NEEDED = {
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务类型", "收支类型"),
    *("收支金额（元）", "账户结余（元）", "业务凭证号"),
}
_DIRECTIONS = {"收入": 1, "支出": -1}
_SUMS = {"收入笔数": "收入", "支出笔数": "支出"}
_TOTALS = {"收入金额": "收入", "支出金额": "支出"}
_COUNT = "资金流水总笔数"


def parse(content: bytes, day: str) -> gateways.FundBill:
    """Raises Damaged."""
    try:
        rows, sums = bill.read(content, _NEEDED, {_COUNT, *_SUMS, *_TOTALS})
        _check(rows, sums)
        moves = tuple(_row(row) for row in rows)
    except (ValueError, KeyError, IndexError) as error:
        raise gateways.Damaged(f"WeChat's fund bill of {day}: {error}") from None
    return gateways.FundBill(day, hashlib.sha256(content).hexdigest(), moves)


def _check(rows: list[dict[str, str]], sums: dict[str, str]) -> None:
    if sums[_COUNT] != str(len(rows)):
        raise ValueError(f"{sums[_COUNT]} rows are announced, {len(rows)} came")
    for name, kind in _SUMS.items():
        if sums[name] != str(sum(row["收支类型"] == kind for row in rows)):
            raise ValueError(f"{name} is not the number of the rows")
    for name, kind in _TOTALS.items():
        moved = sum(wire.billed_fen(row["收支金额（元）"]) for row in rows if row["收支类型"] == kind)
        if wire.billed_fen(sums[name]) != moved:
            raise ValueError(f"{name} is not the sum of the rows")


def _row(row: dict[str, str]) -> gateways.FundRow:
    at = datetime.strptime(row["记账时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING)
    return gateways.FundRow(
        kind=row["业务类型"],
        flow_id=row["资金流水单号"],
        transaction_id=row["微信支付业务单号"],
        voucher=row["业务凭证号"],
        amount_fen=_DIRECTIONS[row["收支类型"]] * wire.billed_fen(row["收支金额（元）"]),
        balance_fen=wire.billed_fen(row["账户结余（元）"]),
        at=int(at.timestamp()),
    )
