"""A top-up goes back: what a member paid in and has not spent, within seven days and without a reason.

Source: 法释〔2025〕4号. It is an after-sales refund of the whole to which nobody has to agree. What is left of one
later, or of one that was spent in part, goes back when the member asks and a person of main agrees: two beyond the
limit that holds for every refund. The balance gives the money up in the transaction that puts the refund down, and
has it again should somebody refuse or the channel close that.
"""

from dataclasses import replace
from typing import Any

from chalicelib.kit import queue
from chalicelib.orders import service as orders
from chalicelib.wallet import service as wallet

from . import aftersales, asking, parts
from .aftersales import AfterSale

REASON = "七天无理由退回充值"
PRINCIPAL = "退回没有用完的充值本金"


def may_take_back(order: orders.Order, *, now: int) -> bool:
    """Whether the member may have this top-up back now; one that is on its way back may not go again."""
    if order.way != "wallet" or order.status != "delivered" or order.refunded_fen or order.member is None:
        return False
    filled = wallet.Entry(what="topup", fen=order.amount_fen, at=order.delivered_at or 0)
    return wallet.may_take_back(filled, wallet.newest(order.site, order.member), now)


def left_of(order: orders.Order) -> int:
    """What is left of a top-up that the member may ask for, in fen: not more than the balance has."""
    if order.way != "wallet" or order.status != "delivered" or order.member is None:
        return 0
    unspent = wallet.newest(order.site, order.member).available
    return min(order.amount_fen - order.refunded_fen, unspent)


def take_back(order: orders.Order, *, now: int) -> AfterSale:
    """Give an unspent top-up back. Raises NotRefundable, Short, Conflict."""
    if not may_take_back(order, now=now):
        raise asking.NotRefundable
    whole = replace(_of(order, order.amount_fen, REASON, now), state="submitted", accepted_at=now)
    return _put(order, replace(whole, agreed=(asking.SHOPPER,)), now)


def ask_back(order: orders.Order, *, now: int) -> AfterSale:
    """Ask for what is left of a top-up. What was asked for before and waits is the answer.

    What the channel no longer pays back a person pays another way. Raises NotRefundable where nothing is left, Short,
    Conflict.
    """
    for one in aftersales.of_order(order):
        if one.state in aftersales.WAITING:
            return one
    fen = left_of(order)
    if fen <= 0 or order.refunds >= aftersales.MOST:
        raise asking.NotRefundable
    asked = _of(order, fen, PRINCIPAL, now)
    return _put(order, asked, now)


def _put(order: orders.Order, refund: AfterSale, now: int) -> AfterSale:
    """Put it down while the balance gives the money up, and have it paid, or whoever has to agree told."""

    def give_up(write: Any) -> None:
        member = order.member or ""
        wallet.enter(write, order.site, member, "takeback", refund.fen, about=order.number, now=now)

    put = aftersales.put(order, refund, now=now, beside=give_up, unseen=True)
    queue.send("refund", site=order.site, order=order.number)
    return put


def _of(order: orders.Order, fen: int, reason: str, now: int) -> AfterSale:
    """A refund that somebody of main has to look at."""
    taken = [each for one in aftersales.of_order(order) if one.counts for each in one.slices]
    return AfterSale(
        number=order.number,
        seq=aftersales.FIRST + order.refunds,
        state="review",
        fen=fen,
        pieces=0,
        slices=parts.take(order.amount_fen, taken, fen),
        channel_fen=fen,
        balance_fen=0,
        reason=reason,
        asked_by=asking.SHOPPER,
        agreed=(),
        asked_at=now,
        accepted_at=None,
        done_at=None,
        word="",
    )
