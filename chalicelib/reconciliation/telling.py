"""What people are told of a part's differences: cases, a few of a kind each by itself, many of a kind as one."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.cases import service as cases
from chalicelib.kit import errors

from . import rules
from .bills import Book, name_of
from .rules import Line

KIND = "difference"  # of its cases
SYSTEM = "系统"  # who settles a case that a later comparison made groundless
_ENDED = "再次对账后，不再是这种差异。"
_MANY = "同类差异很多：先看账单是不是完整，再下载清单逐笔核对；每一笔都查清了才结案，说明里写清单存在哪里。"
_SAID = {
    rules.LONG: ("账单多出一笔，本平台没有", "在渠道后台查这笔交易；不是我们的，退回或请渠道更正账单。"),
    rules.SHORT: ("本平台有一笔，账单里没有", "在渠道后台按商户订单号查询；确实没有到账的，联系渠道。"),
    f"{rules.SHORT}-{rules.UNSAID}": (
        "本平台有一笔，账单里没有，渠道也答复不了",
        "在渠道后台按商户订单号查询；确实没有到账的，联系渠道。",
    ),
    f"{rules.SHORT}-{rules.PAID}": (
        "渠道已收款，账单里没有",
        "渠道确认这笔已付，只是没有出账：联系渠道补账，再在对账页点「重新对账」。",
    ),
    f"{rules.SHORT}-{rules.UNPAID}": (
        "渠道没有收到这笔款，订单却已按付款处理",
        "可能没有到账就发了货：先不要给商家结算或打款，马上联系渠道核实，并查看这笔订单怎样入的账。",
    ),
    f"{rules.SHORT}-{rules.OTHER}": (
        "渠道收的是另一笔款，与订单记的不一致",
        "渠道的流水号或金额与订单不同：以渠道后台的交易详情为准，查明原因后由财务调整。",
    ),
    rules.AMOUNT: ("金额与账单不一致", "以渠道后台的交易详情为准，查明原因后由财务调整。"),
    rules.STATE: ("渠道已退款，本平台没有记上", "打开订单看退款进度，核对后再结案。"),
    rules.DUPLICATE: ("同一笔在账单里出现两次", "联系渠道确认；等更正后的账单再对一次。"),
}


@dataclass(frozen=True)
class Told:
    """A case as it is to be opened."""

    key: str
    why: str
    action: str
    facts: Mapping[str, str]


def told(site: str, book: Book, lines: Iterable[Line]) -> dict[str, Told]:
    """The cases of a part, by key: one for each difference that nothing else will settle, or for each kind."""
    wrong: dict[str, list[Line]] = {}
    for line in lines:
        if line.story in _SAID and not line.healed and not line.waits:
            wrong.setdefault(line.story, []).append(line)
    found = []
    for story, each in wrong.items():
        few = len(each) <= rules.MOST_CASES
        found += [_one(site, book, line) for line in each] if few else [_many(site, book, story, each)]
    return {one.key: one for one in found}


def tell(told: Iterable[Told], ended: Iterable[str], *, now: int) -> None:
    """Open the cases that are not open, and settle what is none any more; to be repeated at will."""
    for key in ended:
        with contextlib.suppress(errors.NotFound):  # whoever found it died before it was opened
            cases.settle(KIND, key, staff=SYSTEM, note=_ENDED, now=now)
    for one in told:
        cases.open(KIND, one.key, why=one.why, facts=one.facts, action=one.action, now=now)


def list_of(case: cases.Case) -> tuple[str, str, str] | None:
    """Book, site and story of the lines that a case of many is about; None for any other case."""
    if case.kind != KIND or "count" not in case.facts:
        return None
    day, channel, merchant, story, site = case.key.split("#")[:5]
    return name_of(day, channel, merchant), site, story


def _one(site: str, book: Book, line: Line) -> Told:
    why, action = _SAID[line.story]
    facts = {
        "channel": book.channel,
        "merchant": book.merchant,
        "day": book.day,
        "out_trade_no": line.out_trade_no,
        "transaction" if line.kind == "payment" else "out_refund_no": line.key.split(":", 1)[1],
        "amount_fen": str(line.bill_fen or line.our_fen),
    }
    if line.number:
        facts |= {"site": site, "order": line.number, "ours_fen": str(line.our_fen)}
    return Told(f"{book.name}#{line.story}#{line.key}", why, action, facts)


def _many(site: str, book: Book, story: str, lines: Sequence[Line]) -> Told:
    """Hundreds of cases help nobody: the book has the list. Settling it settles these lines and no others.

    Its key names them all, so that another comparison with others among them ends this case and opens a new one.
    """
    which = hashlib.sha256("\n".join(sorted(one.key for one in lines)).encode()).hexdigest()[:12]
    facts = {"channel": book.channel, "merchant": book.merchant, "day": book.day, "site": site}
    facts |= {"count": str(len(lines)), "amount_fen": str(sum(one.bill_fen or one.our_fen for one in lines))}
    why = f"{_SAID[story][0]}（共 {len(lines)} 笔）"
    return Told(f"{book.name}#{story}#{site}#{which}", why, _MANY, facts)
