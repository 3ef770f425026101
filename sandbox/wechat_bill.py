"""WeChat Pay's trade bill (bill_type ALL) as it is downloaded."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from .bills import BEIJING, Entry

_NAMES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
_SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def write(entries: Sequence[Entry]) -> bytes:
    """Rows, sums; every cell behind a backtick, lines ended as in DOS, three bytes of a mark in front."""
    paid = sum(entry.amount_fen for entry in entries if entry.kind == "payment")
    back = sum(entry.amount_fen for entry in entries if entry.kind == "refund")
    fees = sum(entry.fee_fen for entry in entries)
    sums = [str(len(entries)), yuan(paid), yuan(back), "0.00", _fee(fees), yuan(paid), yuan(back)]
    lines = [_NAMES, *(line(_cells(entry)) for entry in entries), _SUMS, line(sums)]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig")


def _cells(entry: Entry) -> list[str]:
    refund = entry.kind == "refund"
    amount, none = yuan(entry.amount_fen), yuan(0)
    moment = datetime.fromtimestamp(entry.at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return [
        *(moment, entry.app, entry.merchant, "0", "", entry.transaction_id, entry.out_trade_no),
        *("oSandboxShopper000000000001", "NATIVE", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY"),
        *(none if refund else amount, none),
        *(
            f"5030{entry.at:012d}" if refund else "0",
            entry.out_refund_no or "0",
            amount if refund else none,
            none,
        ),
        *("ORIGINAL" if refund else "", "SUCCESS" if refund else ""),
        *(entry.subject.replace("`", "'"), "", _fee(entry.fee_fen), "0.60%"),
        *(none if refund else amount, amount if refund else none, ""),
    ]


def line(cells: Sequence[str]) -> str:
    """Every cell behind a backtick."""
    return ",".join(f"`{cell}" for cell in cells)


def yuan(fen: int) -> str:
    """As the channel writes amounts."""
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))


def _fee(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.00001")))
