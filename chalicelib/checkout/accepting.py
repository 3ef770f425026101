"""A channel says that somebody paid: by notification or because we asked. Both ways end here.

The conditional move is the inbox: a repeat finds the order moved. Whatever fits no order is kept in suspense;
whatever was paid twice is given back; nothing is dropped.
"""

import hashlib
import json

from chalicelib.kit import errors, log, queue, tenant
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

from . import rules, tender
from .returning import give_back


def accept_payment(payment: payments.Payment, *, now: int) -> None:
    """Drive the order a payment is for. Returns once the payment is recorded; safe to repeat for ever.

    Raises TryLater-like errors only when recording failed, so that the channel sends it again.
    """
    try:
        number, index = orders.split_trade_no(payment.out_trade_no)
        found = tenancy.site(orders.site_of(number))
    except errors.NotFound:
        payments.suspend(payment, "no such order number", now=now)
        return
    if not found.stands:
        payments.suspend(payment, "the shop has closed", now=now)
        return
    receipt = orders.Receipt(
        index, payment.channel, payment.merchant, payment.amount_fen, payment.transaction_id
    )
    with tenant.acting_for(found.site):
        _accept(found.site, number, payment, receipt, now)


def _accept(site: str, number: str, payment: payments.Payment, receipt: orders.Receipt, now: int) -> None:
    if payment.currency != "CNY":
        payments.suspend(payment, "another currency", now=now)
        return
    if rules.outlives_walk(orders.time_of(number), now):
        orders.watch(site, number, now=now)
    try:
        orders.pay(site, number, receipt, now=now)
    except orders.WrongState as stood:
        _settle_difference(stood.order, payment, receipt, now)
        return
    log.measure("checkout.paid", {"OrdersPaid": 1}, channel=payment.channel, site=site, order=number)
    queue.send("fulfil", site=site, order=number)


def _settle_difference(
    order: orders.Order | None, payment: payments.Payment, receipt: orders.Receipt, now: int
) -> None:
    """The order was not pending, or the payment is not what it asked for."""
    if order is None:
        payments.suspend(payment, "unknown order", now=now)
    elif order.transaction == receipt.transaction:
        _again(order, payment, now)
    elif not receipt.fits(order.channel_fen, order.attempts):
        payments.suspend(payment, "amount or merchant differs from the order", now=now)
    elif order.status == "expired":
        _accept_late(order, payment, receipt, now)
    elif order.status == "pending" and order.balance_fen:
        tender.capture(order, receipt, now=now)
        _go_on(order, payment)
    elif order.status == "pending":
        raise errors.Conflict  # it moved between our two looks; the channel's repeat finds it at rest
    else:
        _return_duplicate(order, payment, now)


def _again(order: orders.Order, payment: payments.Payment, now: int) -> None:
    """A repeat: make sure that the order goes on, or its money back, in case the first message was lost."""
    if order.status == "paid":
        queue.send("fulfil", site=order.site, order=order.number)
    elif order.status == "expired":
        _return_duplicate(order, payment, now)


def _accept_late(order: orders.Order, payment: payments.Payment, receipt: orders.Receipt, now: int) -> None:
    """Money after expiry: the old hold goes back first, then a new claim is fulfilment's to try.

    Where the member's balance no longer has its part, the channel's goes back, whatever is paid in later.
    """
    give_back(order)
    if order.transaction:
        _return_duplicate(order, payment, now)
        return
    try:
        (tender.revive if order.balance_fen else orders.revive)(order, receipt, now=now)
    except wallet.Short:
        _return_duplicate(orders.decline(order, receipt), payment, now)
        return
    except orders.WrongState as stood:
        if stood.order is None or stood.order.transaction != receipt.transaction:
            raise
    _go_on(order, payment)


def _go_on(order: orders.Order, payment: payments.Payment) -> None:
    """As for an order that was paid at once: what is delivered is measured against this count."""
    log.measure(
        "checkout.paid", {"OrdersPaid": 1}, channel=payment.channel, site=order.site, order=order.number
    )
    queue.send("fulfil", site=order.site, order=order.number)


def _return_duplicate(order: orders.Order, payment: payments.Payment, now: int) -> None:
    """A second payment for the same order goes back to the payer, once: a repeat leaves standing when it did."""
    # Behind the order's number it makes 40 characters, the most a channel takes.
    what = "D" + hashlib.sha256(payment.transaction_id.encode()).hexdigest()[:11]
    detail = json.dumps(
        {
            "channel": payment.channel,
            "merchant": payment.merchant,
            "out_trade_no": payment.out_trade_no,
            "transaction": payment.transaction_id,
            "amount_fen": payment.amount_fen,
            "paid_at": payment.paid_at,
        }
    )
    orders.add_todo(order.site, order.number, what, due=now, detail=detail, again=False)
    log.event("checkout.paid_twice", site=order.site, order=order.number)
    queue.send("refund", site=order.site, order=order.number)
