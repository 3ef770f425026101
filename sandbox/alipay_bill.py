"""Alipay's trade bill: where it is, for half a minute, and the zip of two CSV in GBK that is there."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from . import alipay_words as words
from . import bills, keys
from .bills import Entry
from .books import Books
from .exchange import Answer, Refused, Request
from .faults import Faults

PATH = "/downloadBillFile.resource"

_NAMES = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_DASHES = "-" * 41


class AlipayBills:
    """One seller's bills."""

    def __init__(self, books: Books, faults: Faults) -> None:
        self._books = books
        self._faults = faults

    def address(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:
        """Where a day's bill is. Raises Refused."""
        day = str(ask.get("bill_date", "")).replace("-", "")
        words.need(day.isdecimal() and len(day) == 8 and ask.get("bill_type") == "trade", "bill_date")
        if not bills.is_ready(day, self._faults.bill("alipay"), now=now):
            raise Refused(40004, "isp.bill_not_exist", "账单不存在")
        return {"bill_download_url": f"http://{given['host']}{PATH}?bizDates={day}"}

    def file(self, request: Request) -> Answer:
        """The zip."""
        differences = self._faults.bill("alipay")
        day = request.query.get("bizDates", "")
        content = write(bills.entries(self._books, "alipay", day, differences), day)
        return Answer(200, bills.spoiled(content, differences), {"Content-Type": "application/zip"})


def write(entries: Sequence[Entry], day: str) -> bytes:
    """Rows and sums in one file, the sums alone in another. A bill is of one account: a foreign row makes it theirs."""
    account = entries[-1].merchant if entries else keys.SELLER_ID
    own = [entry for entry in entries if entry.merchant == keys.SELLER_ID]
    head = _head(day, account)
    packed = io.BytesIO()
    put_over: dict[str, bytes] = {}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in (("业务明细", _detail(own, day)), ("业务明细(汇总)", _summary(own))):
            text = "".join(f"{line}\r\n" for line in [*head, *lines])
            gbk = f"{account}0156_{day}_{name}.csv".encode("gbk")
            placeholder = str(len(put_over)) * len(gbk)
            put_over[placeholder] = gbk
            archive.writestr(
                zipfile.ZipInfo(placeholder), text.encode("gbk", errors="replace"), zipfile.ZIP_DEFLATED
            )
    content = packed.getvalue()
    for (
        placeholder,
        gbk,
    ) in put_over.items():  # zipfile writes names in ASCII or in marked UTF-8, the channel neither
        content = content.replace(placeholder.encode(), gbk)
    return content


def _detail(entries: Sequence[Entry], day: str) -> list[str]:
    return [
        f"#{_DASHES}业务明细列表{_DASHES}",
        _NAMES,
        *("".join(f"{cell}\t," for cell in _cells(entry))[:-1] for entry in entries),
        f"#{_DASHES}业务明细列表结束{_DASHES}",
        _sum(entries, "payment", "#交易合计：{}笔，商家实收共{}元，商家优惠共0.00元"),
        _sum(entries, "refund", "#退款合计：{}笔，商家实收退款共{}元，商家优惠退款共0.00元"),
        f"#导出时间：[{day[:4]}年{day[4:6]}月{day[6:]}日 09:00:00]",
    ]


def _summary(entries: Sequence[Entry]) -> list[str]:
    return [f"#{_DASHES}业务汇总列表{_DASHES}", _sum(entries, "payment", "合计\t,{}\t,{}\t")]


def _head(day: str, merchant: str) -> list[str]:
    date = f"{day[:4]}年{day[4:6]}月{day[6:]}日"
    account = f"#账号：[{merchant}0156]"
    return ["#支付宝业务明细查询", account, f"#起始日期：[{date} 00:00:00]   终止日期：[{date} 24:00:00]"]


def _sum(entries: Sequence[Entry], kind: str, form: str) -> str:
    amounts = [_signed(entry) for entry in entries if entry.kind == kind]
    return form.format(len(amounts), words.yuan(sum(amounts)))


def _cells(entry: Entry) -> list[str]:
    refund = entry.kind == "refund"
    amount = words.yuan(_signed(entry))
    return [
        *(entry.transaction_id, entry.out_trade_no, "退款" if refund else "交易", entry.subject),
        *(words.clock(entry.opened_at), words.clock(entry.at), "", "", "", "", "*鑫(san***@sandbox.cn)"),
        *(amount, amount, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00"),
        *(entry.out_refund_no, words.yuan(-entry.fee_fen), "0.00", ""),
    ]


def _signed(entry: Entry) -> int:
    return -entry.amount_fen if entry.kind == "refund" else entry.amount_fen
