"""Deposits that were asked back and are not on their way when their days are over: cases, until they are.

The days are the deployment's own promise (`DEPOSIT_DAYS`), which shops are shown. Source: E-Commerce Law, article 21:
a deposit goes back in time, without unreasonable conditions. The shop sells on meanwhile: it is main that is late.
"""

from chalicelib.cases import service as cases

from . import book, deposits
from .book import Payout

KIND = "deposit"  # of its cases
SYSTEM = "系统"
_ENDED = {"success": "保证金已退到账。", "rejected": "这笔申请已撤回或退回，保证金还在账上。"}
_MOST = 1000  # open cases looked through in an hour
_WHY = "保证金超过约定期限还没有退"
_ACTION = "马上审核并付款；付不出的，联系分站重新登记收款账户。到账后自动结案。"


def look(*, now: int) -> int:
    """Open a case for each deposit that is late, settle those of deposits that went back; how many are late."""
    asked = book.many((each.party, each.id) for each in book.open_list())
    late = [each for each in asked if _is_late(each, now)]
    for payout in late:
        _open(payout, now)
    for case in cases.open_ones(kind=KIND, limit=_MOST):
        _end(case, now)
    return len(late)


def _is_late(payout: Payout, now: int) -> bool:
    waits = payout.source == "deposit" and payout.state in ("requested", "approved", "sent")
    return waits and now > deposits.deadline(payout)


def _open(payout: Payout, now: int) -> None:
    facts = {
        "site": payout.party,
        "payout": payout.id,
        "amount_fen": str(payout.fen),
        "asked_at": str(payout.asked_at),
        "due_at": str(deposits.deadline(payout)),
    }
    cases.open(KIND, payout.id, why=_WHY, facts=facts, action=_ACTION, now=now)


def _end(case: cases.Case, now: int) -> None:
    """A payout that failed leaves its case open: the deposit is still to be given back."""
    state = book.get(case.facts["site"], case.key).state
    if state in _ENDED:
        cases.settle(KIND, case.key, staff=SYSTEM, note=_ENDED[state], now=now)
