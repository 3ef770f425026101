"""An operating institution's bill of a day. Its columns are named here as in the gateway: each proves the other."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from .bills import BEIJING, Entry

_COLUMNS = [
    "类型",
    "商户号",
    "商户订单号",
    "交易流水号",
    "商户退款单号",
    "金额（分）",
    "手续费（分）",
    "时间",
]


def write(entries: Sequence[Entry]) -> bytes:
    """The file."""
    made = io.StringIO()
    rows = csv.writer(made)
    rows.writerow(_COLUMNS)
    for entry in entries:
        rows.writerow(_cells(entry))
    net = sum(entry.amount_fen if entry.kind == "payment" else -entry.amount_fen for entry in entries)
    rows.writerow(["合计", len(entries), net, sum(entry.fee_fen for entry in entries)])
    return made.getvalue().encode("utf-8-sig")


def _cells(entry: Entry) -> list[object]:
    kind = "支付" if entry.kind == "payment" else "退款"
    at = datetime.fromtimestamp(entry.at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    named = [kind, entry.merchant, entry.out_trade_no, entry.transaction_id, entry.out_refund_no]
    return [*named, entry.amount_fen, entry.fee_fen, at]
