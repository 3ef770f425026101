"""Refunds that wait for the main site's staff, as cases: those two people must agree to, and those a channel cannot do.

A case is opened before or after its refund says so, and settled when the refund moves on. A process that dies between
leaves a case too much, which says where to look, never one too few.
"""

from chalicelib.cases import service as cases
from chalicelib.kit import errors
from chalicelib.orders import service as orders

from .aftersales import AfterSale

REVIEW, STUCK = "refund_review", "refund"
SYSTEM = "系统"  # who settles a case that the channel made groundless
_WHY = {
    "abnormal": "渠道无法把这笔退款退给顾客。",
    "closed": "渠道关闭了这笔退款，钱没有退出。",
}
_ACTION = {
    "abnormal": "打开订单：请顾客确认收款账户后再次向渠道申请；仍不行就用其他方式退给顾客，并登记凭证。",
    "closed": "打开订单，弄清原因后重新退款。",
}
_TOO_LATE = "已过渠道的退款期限，渠道不再退这笔充值。"
_BY_HAND = "请会员提供本人的收款账户，用其他方式退还本金；打开订单，登记付款凭证。"
_TOPUP_CLOSED = "这笔充值已回到会员的余额；弄清原因后，请会员在余额页再次退回。"


def ask_main(order: orders.Order, refund: AfterSale, *, now: int) -> None:
    """Show main's staff a refund that two of them must agree to, or one of them to what is left of a top-up."""
    beyond = "退款超过一人可以决定的金额，需要主站两个人同意。"
    why = "会员要退回没有用完的充值，需要主站的人同意。" if order.way == "wallet" else beyond
    _open(REVIEW, order, refund, why, "打开订单，核对原因和金额，同意或者拒绝。", now)


def agreed(refund: AfterSale, *, by: str, now: int) -> None:
    """Nobody of main has to look any more, since it was decided."""
    _settle(REVIEW, refund, by, "已经决定", now)


def report(order: orders.Order, refund: AfterSale, *, late: bool, now: int) -> None:
    """Show main's staff a refund that a channel could not do, closed, or is too `late` to be asked for."""
    why, action = _WHY[refund.state], _ACTION[refund.state]
    if order.way == "wallet" and refund.state == "closed":
        action = _TOPUP_CLOSED
    if late:
        why, action = _TOO_LATE, _BY_HAND
    _open(STUCK, order, refund, why, action, now)


def resumed(refund: AfterSale, note: str, *, by: str, now: int) -> None:
    """What a channel could not do is set going again, or done."""
    _settle(STUCK, refund, by, note, now)


def _open(kind: str, order: orders.Order, refund: AfterSale, why: str, action: str, now: int) -> None:
    facts = {
        "site": order.site,
        "order": order.number,
        "refund": refund.event,
        "channel": order.channel,
        "amount_fen": str(refund.fen),
        "reason": refund.reason,
    }
    cases.open(kind, _key(refund), why=why, facts=facts, action=action, now=now)


def _settle(kind: str, refund: AfterSale, by: str, note: str, now: int) -> None:
    try:
        cases.settle(kind, _key(refund), staff=by, note=note, now=now)
    except errors.NotFound:
        return  # nobody was asked


def _key(refund: AfterSale) -> str:
    return f"{refund.number}{refund.event}#{refund.asks}"
