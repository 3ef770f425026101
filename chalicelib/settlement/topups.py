"""A top-up goes back: what a member paid in and has not spent, within seven days and without a reason.

Source: 法释〔2025〕4号. It is an after-sales refund of the whole to which nobody has to agree. The balance gives the
money up in the transaction that puts the refund down, and has it again should the channel close that.
"""

from typing import Any

from chalicelib.kit import queue
from chalicelib.orders import service as orders
from chalicelib.wallet import service as wallet

from . import aftersales, asking
from .aftersales import AfterSale

REASON = "七天无理由退回充值"


def may_take_back(order: orders.Order, *, now: int) -> bool:
    """Whether the member may have this top-up back now; one that is on its way back may not go again."""
    if order.way != "wallet" or order.status != "delivered" or order.refunded_fen or order.member is None:
        return False
    filled = wallet.Entry(what="topup", fen=order.amount_fen, at=order.delivered_at or 0)
    return wallet.may_take_back(filled, wallet.newest(order.site, order.member), now)


def take_back(order: orders.Order, *, now: int) -> AfterSale:
    """Give an unspent top-up back. Raises NotRefundable, Short, Conflict."""
    if not may_take_back(order, now=now):
        raise asking.NotRefundable
    asking.check_time(order, now)

    def give_up(write: Any) -> None:
        member, fen = order.member or "", order.amount_fen
        wallet.enter(write, order.site, member, "takeback", fen, about=order.number, now=now)

    put = aftersales.put(order, _whole(order, now), now=now, beside=give_up)
    queue.send("refund", site=order.site, order=order.number)
    return put


def _whole(order: orders.Order, now: int) -> AfterSale:
    return AfterSale(
        number=order.number,
        seq=aftersales.FIRST + order.refunds,
        state="submitted",
        fen=order.amount_fen,
        pieces=0,
        slices=((0, order.amount_fen),),
        channel_fen=order.amount_fen,
        balance_fen=0,
        reason=REASON,
        asked_by=asking.SHOPPER,
        agreed=(asking.SHOPPER,),
        asked_at=now,
        accepted_at=now,
        done_at=None,
        word="",
    )
