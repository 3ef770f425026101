"""WeChat Pay's fund bill (account_type BASIC) as it is downloaded: what each trade moved, and its fee."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from .bills import BEIJING, Entry
from .wechat_bill import line, yuan

_NAMES = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,"
    "备注,业务凭证号"
)
_SUMS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def write(entries: Sequence[Entry]) -> bytes:
    """Rows with the balance after each, and sums."""
    moves = [move for entry in entries for move in _moves(entry)]
    lines, balance = [_NAMES], 0
    for number, (entry, kind, fen) in enumerate(moves, 1):
        balance += fen
        lines.append(line(_cells(entry, kind, fen, balance, f"{entry.at}{number:08d}")))
    gains, losses = ([fen for *_, fen in moves if (fen > 0) == gain] for gain in (True, False))
    sums = [str(len(moves)), str(len(gains)), yuan(sum(gains)), str(len(losses)), yuan(-sum(losses))]
    return "".join(f"{each}\r\n" for each in [*lines, _SUMS, line(sums)]).encode("utf-8-sig")


def _moves(entry: Entry) -> Iterator[tuple[Entry, str, int]]:
    refund = entry.kind == "refund"
    yield entry, "退款" if refund else "交易", -entry.amount_fen if refund else entry.amount_fen
    if entry.fee_fen:
        yield entry, "扣除交易手续费" if entry.fee_fen > 0 else "退款", -entry.fee_fen


def _cells(entry: Entry, kind: str, fen: int, balance: int, flow: str) -> list[str]:
    moment = datetime.fromtimestamp(entry.at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    way = "收入" if fen > 0 else "支出"
    named = [moment, entry.transaction_id, flow, kind, kind, way]
    return [*named, yuan(abs(fen)), yuan(balance), "system", "", entry.out_refund_no or entry.out_trade_no]
