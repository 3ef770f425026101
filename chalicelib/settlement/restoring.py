"""A refund of a delivered order that a channel was asked for, and that our table has lost: put down again as it was.

Its number at the channel is made of its place among the order's refunds, so whatever was refused before it gets a
place too. From there on it is driven like any other: the channel moves nothing twice under one number.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.kit import errors, queue
from chalicelib.orders import service as orders

from . import aftersales, asking, parts
from .aftersales import AfterSale

BY = "restore"  # who asked for and agreed to it, as far as the table still knows


def refunded(order: orders.Order, told: Mapping[str, Any], *, now: int) -> None:
    """Have a refund (fen, pieces, slices, tenders, as the log has it) again. Raises NotRefundable, Conflict."""
    seq = int(told["refund"][1:])
    order = _used_up(order, seq, now)
    if aftersales.FIRST + order.refunds == seq:
        aftersales.put(order, _as_it_was(order, told, now), now=now)
    else:
        _go_on(order.site, aftersales.find(order.site, order.number, seq), now)
    queue.send("refund", site=order.site, order=order.number)


def known(order: orders.Order, seq: int, word: str, *, now: int) -> None:
    """Give no other refund the name of one that people or cases know of, and have it decided by the `word` it was."""
    try:
        order = _used_up(order, seq + 1, now)
    except asking.NotRefundable:
        return  # nothing is left to refund under any name
    refund = aftersales.find(order.site, order.number, seq)
    if refund.state not in aftersales.WAITING:
        return
    if word == "rejected":
        _reject(order, refund, now)
    elif word == "accepted":
        aftersales.accept(order.site, refund, (*refund.agreed, BY), now=now)
        queue.send("refund", site=order.site, order=order.number)


def _used_up(order: orders.Order, seq: int, now: int) -> orders.Order:
    while aftersales.FIRST + order.refunds < seq:
        _refuse(order, now)
        order = orders.order(order.site, order.number)
    return order


def _as_it_was(order: orders.Order, told: Mapping[str, Any], now: int) -> AfterSale:
    wish = asking.Wish("restored", fen=told["fen"])
    drawn = asking.draft(order, wish, by=BY, now=now)
    tenders = {"channel_fen": told["channel_fen"], "balance_fen": told["balance_fen"]}
    slices = parts.read(told["slices"])
    what = {"state": "submitted", "agreed": (BY,), "accepted_at": now, "pieces": told["pieces"]}
    return replace(drawn, slices=slices, **tenders, **what)


def _go_on(site: str, refund: AfterSale, now: int) -> None:
    """It was put down before the restored moment: decided, unless it stands so."""
    if refund.state in aftersales.UNDECIDED:
        if refund.state == "rejected":
            raise errors.Conflict
        aftersales.accept(site, refund, (*refund.agreed, BY), now=now)


def _refuse(order: orders.Order, now: int) -> None:
    """Take up a place that another refund had, which no channel has heard of."""
    drawn = asking.draft(order, asking.Wish("restored", fen=1), by=BY, now=now)
    put = aftersales.put(order, drawn, now=now)
    _reject(orders.order(order.site, order.number), put, now)


def _reject(order: orders.Order, refund: AfterSale, now: int) -> None:
    aftersales.void(order, refund, "rejected", "restored", now=now)
    orders.close_todo(order.site, order.number, refund.name, now=now)
