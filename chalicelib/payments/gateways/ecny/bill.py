"""The institution's bill of a day: CSV in UTF-8, the number of rows and the net sums at its end."""

import csv
import hashlib
from datetime import datetime

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

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
_KINDS = {"支付": "payment", "退款": "refund"}
_SUM = "合计"
_TIME = "%Y-%m-%d %H:%M:%S"


def parse(content: str, digest: str, day: str) -> gateways.Bill:
    """`content` is base64, `digest` the SHA-256 that the signed answer announces. Raises Damaged."""
    try:
        packed = wire.unbase64(content)
        if hashlib.sha256(packed).hexdigest() != digest:
            raise ValueError("not the file that was announced")
        rows = _rows(packed.decode("utf-8-sig"))
    except (ValueError, KeyError, IndexError, csv.Error) as error:
        raise gateways.Damaged(f"e-CNY's bill of {day}: {error}") from None
    return gateways.Bill(day, digest, rows)


def _rows(text: str) -> tuple[gateways.BillRow, ...]:
    if not text.endswith("\r\n"):
        raise ValueError("the last line is not whole")
    header, *lines, total = csv.reader(text.splitlines())
    if header != _COLUMNS or total[0] != _SUM:
        raise ValueError("other columns, or no sum at the end")
    rows = tuple(_row(cells) for cells in lines)
    net = sum(row.amount_fen if row.kind == "payment" else -row.amount_fen for row in rows)
    fees = sum(row.fee_fen for row in rows)
    if [int(cell) for cell in total[1:]] != [len(rows), net, fees]:
        raise ValueError("the sums do not fit the rows")
    return rows


def _row(cells: list[str]) -> gateways.BillRow:
    kind, merchant, trade, transaction, refund, amount, fee, at = cells
    moment = datetime.strptime(at, _TIME).replace(tzinfo=clock.BEIJING)
    return gateways.BillRow(
        kind=_KINDS[kind],
        merchant=merchant,
        out_trade_no=trade,
        transaction_id=transaction,
        amount_fen=int(amount),
        fee_fen=int(fee),
        at=int(moment.timestamp()),
        out_refund_no=refund,
    )
