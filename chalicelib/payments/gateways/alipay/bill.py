"""The trade bill: a zip of CSV in GBK, comments behind #, cells ended by a tab, sums behind the end mark.

Refunds stand there as negative amounts; the service fee is negative where it is taken. The file brings no digest:
the zip's own checks and the sums must do. Source: opendocs.alipay.com, alipay.data.dataservice.bill.downloadurl.query.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways import archives, wire

_ACCOUNT = re.compile(r"#账号：\[(\d{16})\d*\]")  # the seller and four digits of its account
_SUMS = {
    "payment": re.compile(r"#交易合计：(\d+)笔，商家实收共(-?[\d.]+)元.*"),
    "refund": re.compile(r"#退款合计：(\d+)笔，商家实收退款共(-?[\d.]+)元.*"),
}
_KINDS = {"交易": "payment", "退款": "refund"}
_PAID, _FEE, _NUMBER = "订单金额（元）", "服务费（元）", "退款批次号/请求号"


def parse(content: bytes, day: str) -> gateways.Bill:
    """Raises Damaged."""
    try:
        text = archives.unzip(content, is_wanted=lambda name: name.endswith("业务明细.csv"))
        rows = tuple(_rows(text.decode("gbk").split("\r\n")))
    except (ValueError, KeyError, IndexError) as error:
        raise gateways.Damaged(f"Alipay's bill of {day}: {error}") from None
    return gateways.Bill(day, hashlib.sha256(content).hexdigest(), rows)


def _rows(lines: Sequence[str]) -> Iterator[gateways.BillRow]:
    account = _account(lines)
    first, last = _marked(lines, "业务明细列表"), _marked(lines, "业务明细列表结束")
    names = lines[first + 1].split(",")
    cells = [_cells(line, names) for line in lines[first + 2 : last]]
    for kind, word in (("payment", "交易"), ("refund", "退款")):
        _check([row for row in cells if row["业务类型"] == word], _SUMS[kind], lines[last:])
    return (_row(row, account) for row in cells)


def _account(lines: Sequence[str]) -> str:
    found = [account for line in lines[:5] if (account := _ACCOUNT.fullmatch(line))]
    if not found:
        raise ValueError("no account")
    return found[0][1]


def _marked(lines: Sequence[str], words: str) -> int:
    found = [
        number for number, line in enumerate(lines) if line.startswith("#") and line.strip("#-") == words
    ]
    if len(found) != 1:
        raise ValueError(f"no line {words}")
    return found[0]


def _cells(line: str, names: Sequence[str]) -> dict[str, str]:
    """A product's name may have commas; a tab ends each cell."""
    if not line.endswith("\t"):
        raise ValueError("a line without its end")
    cells = line[:-1].split("\t,")
    if len(cells) != len(names):
        raise ValueError("a line of another length")
    return dict(zip(names, (cell.strip() for cell in cells), strict=True))


def _check(rows: Sequence[dict[str, str]], sums: re.Pattern[str], lines: Sequence[str]) -> None:
    said = next((found for line in lines if (found := sums.fullmatch(line))), None)
    total = sum(wire.billed_fen(row["商家实收（元）"]) for row in rows)
    if said is None or int(said[1]) != len(rows) or wire.billed_fen(said[2]) != total:
        raise ValueError("the sums are not those of the rows")


def _row(row: dict[str, str], account: str) -> gateways.BillRow:
    kind = _KINDS[row["业务类型"]]
    amount = wire.billed_fen(row[_PAID])
    if (amount < 0) != (kind == "refund"):
        raise ValueError("an amount of the wrong sign")
    at = datetime.strptime(row["完成时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING)
    return gateways.BillRow(
        kind=kind,
        merchant=account,
        out_trade_no=row["商户订单号"],
        transaction_id=row["支付宝交易号"],
        amount_fen=abs(amount),
        fee_fen=-wire.billed_fen(row[_FEE]),
        at=int(at.timestamp()),
        out_refund_no=row[_NUMBER] if kind == "refund" else "",
    )
