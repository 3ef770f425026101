"""An after-sales refund on its way: into the books, to the channel under one number, and to its end.

Each step asks how the refund and its order stand and may run any number of times. The books have it from the moment
it was decided: everybody gives back in proportion what they had of the sale, and the payer is owed it. The codes of
an order all of which goes back are shown no more; they were seen, so they never go back to sale.
"""

import contextlib
from collections.abc import Iterator

from chalicelib.kit import clock, log, outbound, queue
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments

from . import aftersales, books, parts, rules, stuck, takeback
from .aftersales import AfterSale
from .takeback import BY_HAND


def drive(order: orders.Order, todo: orders.Todo, *, now: int) -> None:
    """Take one after-sales refund one step further."""
    refund = aftersales.find(order.site, order.number, int(todo.what[1:]))
    if refund.state in aftersales.WAITING:
        stuck.ask_main(order, refund, now=now)
        orders.delay_todo(order.site, todo, due=aftersales.NEVER)
        return
    if refund.state in aftersales.MOVING:
        order = _begin(order, refund)
        refund = _hear(order, refund, _ask(order, refund, now), now)
    if refund.state in aftersales.MOVING:
        _try_later(order, refund, todo, now)
    else:
        _end(order, refund, now)


def look(order: orders.Order, event: str, *, now: int) -> None:
    """The channel says that something happened to a refund ("R2"): ask how it stands, also one it gave up.

    One that is over is ended once more, since whoever heard of its end may have died before the last line.
    """
    for refund in aftersales.of_order(order):
        if refund.event == event and refund.state not in aftersales.UNDECIDED:
            _look(order, refund, now)


def paid_by_hand(order: orders.Order, refund: AfterSale, proof: str, *, now: int) -> AfterSale:
    """What the channel could not do, a person did, and says how it can be proved. Raises Conflict."""
    # Noted before: should this process die between the lines, the walk has the rest done.
    orders.add_todo(order.site, order.number, refund.name, due=now)
    paid = aftersales.succeed(order, refund, f"{BY_HAND}{proof}", now=now)
    _end(order, paid, now)
    return paid


def refund_no(order: orders.Order, refund: AfterSale) -> str:
    """The one number of a refund at the channel."""
    return f"{_trade(order)}{refund.event}"


def too_late(order: orders.Order, now: int) -> bool:
    """Whether the channel no longer gives the payment back."""
    if not order.channel_fen:
        return False
    days = payments.capabilities(order.attempt.channel, order.attempt.merchant).refund_days
    return (order.paid_at or 0) + days * clock.DAY < now


def fee_back(order: orders.Order) -> bool:
    """Whether the channel gives its fee back with a refund."""
    paid = order.attempt
    return order.channel_fen > 0 and payments.capabilities(paid.channel, paid.merchant).fee_returned


def fee_of(order: orders.Order, refund: AfterSale) -> int:
    """What the books have of the channel's fee for a refund, in fen: negative where it comes back."""
    legs = ledger.totals([books.refund_legs(order, refund.slices, fee_back=fee_back(order))])
    return -legs.get(f"fee_accrued:{order.channel}", 0)


def paid_elsewhere(refund: AfterSale) -> bool:
    """Whether a person paid it, so that no bill of the channel has it."""
    return refund.word.startswith(BY_HAND)


def _look(order: orders.Order, refund: AfterSale, now: int) -> None:
    if refund.state in aftersales.MOVING or refund.state == "abnormal":
        order = _begin(order, refund)
        before, refund = refund, _hear(order, refund, _query(order, refund, now), now)
        if refund.state in (before.state, *aftersales.MOVING):
            return
    _end(order, refund, now)
    if refund.state == "success":
        stuck.resumed(refund, "渠道后来完成了这笔退款", by=stuck.SYSTEM, now=now)


def _begin(order: orders.Order, refund: AfterSale) -> orders.Order:
    """Before anything leaves: the sale and its part that goes back stand in the books, the codes are out of sight."""
    books.post_sale(order)
    books.post_refund(order, refund, fee_back=fee_back(order))
    if order.status == "delivered" and _all_goes_back(order):
        at = refund.accepted_at or 0
        return orders.move(order.site, order.number, "refunding", now=at, start=("delivered",))
    return order


def _ask(order: orders.Order, refund: AfterSale, now: int) -> payments.Refund:
    """Have the channel give it back, or say how far it is; "unknown" where it cannot be told."""
    if not refund.channel_fen:
        return payments.Refund("", "success")  # all of it was paid from a balance
    if too_late(order, refund.accepted_at or 0):
        return payments.Refund(refund_no(order, refund), "abnormal")  # agreed to for a person to pay
    if refund.state == "processing" and (found := _query(order, refund, now)).state != "unknown":
        return found
    number = refund_no(order, refund)
    taken_back = takeback.first(order, refund, now=now)
    if taken_back is None:
        return payments.Refund(number, "processing")  # others have to give their parts back first
    _say(order, refund)
    with _unsure(order, number) as told:
        told.append(
            _gateway(order).refund(
                _trade(order),
                out_refund_no=number,
                amount_fen=refund.channel_fen,
                total_fen=order.channel_fen,
                reason=refund.reason,
                asked_at=refund.accepted_at or 0,
                now=now,
                taken_back=taken_back,
            )
        )
    return told[-1]


def _say(order: orders.Order, refund: AfterSale) -> None:
    """Before the channel hears of it: should the site's table be restored to before now, it is the same refund."""
    what = {"fen": refund.fen, "pieces": refund.pieces, "slices": parts.write(refund.slices)}
    tenders = {"channel_fen": refund.channel_fen, "balance_fen": refund.balance_fen}
    log.event(
        "settlement.refund_asking",
        site=order.site,
        order=order.number,
        refund=refund.event,
        **what,
        **tenders,
    )


def _query(order: orders.Order, refund: AfterSale, now: int) -> payments.Refund:
    number, asked_at = refund_no(order, refund), refund.accepted_at or 0
    with _unsure(order, number) as told:
        told.append(_gateway(order).query_refund(_trade(order), number, asked_at=asked_at, now=now))
    return told[-1]


@contextlib.contextmanager
def _unsure(order: orders.Order, number: str) -> Iterator[list[payments.Refund]]:
    """What a channel told last, which is "unknown" where it did not answer."""
    told = [payments.Refund(number, "unknown")]
    try:
        yield told
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        log.event("settlement.refund_unclear", site=order.site, order=order.number, why=str(error)[:100])


def _hear(order: orders.Order, refund: AfterSale, found: payments.Refund, now: int) -> AfterSale:
    """Keep what the channel says of a refund."""
    if found.state in ("unknown", refund.state):
        return refund
    if found.state == "closed":
        return aftersales.void(order, refund, "closed", "closed", now=now)
    if found.state == "success":
        return aftersales.succeed(order, refund, "success", now=now)
    return aftersales.change(order.site, refund, state=found.state, word=found.state)


def _try_later(order: orders.Order, refund: AfterSale, todo: orders.Todo, now: int) -> None:
    """Silence is borne for ten tries, a refund in progress for as long as banks take; then a person looks."""
    in_progress = refund.state == "processing"
    patience = now < (refund.accepted_at or 0) + rules.LONGEST_REFUND
    if not (in_progress and patience) and todo.tries >= rules.MOST_TRIES:
        _end(order, aftersales.change(order.site, refund, state="abnormal", word="no answer"), now)
        return
    delay = rules.retry_delay(todo.tries) if todo.tries < rules.MOST_TRIES else rules.SELDOM
    if orders.delay_todo(order.site, todo, due=now + delay):
        queue.send("refund", site=order.site, order=order.number, delay=delay)


def _end(order: orders.Order, refund: AfterSale, now: int) -> None:
    """Whatever follows from how a refund ended; said again when this process dies before the last line."""
    if refund.state == "success":
        books.post_returned(order, refund, by_hand=paid_elsewhere(refund), fee_back=fee_back(order))
        _close_order(order, now)
    elif refund.state == "closed":
        books.post_undone(order, refund, fee_back=fee_back(order))
    takeback.settle(order, refund)
    if refund.state in ("abnormal", "closed"):
        stuck.report(order, refund, late=too_late(order, refund.accepted_at or 0), now=now)
    orders.close_todo(order.site, order.number, refund.name, now=now)


def _close_order(order: orders.Order, now: int) -> None:
    """An order all of which came back is refunded."""
    back = sum(one.fen for one in aftersales.of_order(order) if one.state == "success")
    if back == order.amount_fen:
        with contextlib.suppress(orders.WrongState):  # another run was faster
            orders.move(order.site, order.number, "refunded", now=now, start=("refunding",))


def _all_goes_back(order: orders.Order) -> bool:
    decided = aftersales.MOVING | {"success", "abnormal"}
    found = [one.fen for one in aftersales.of_order(order) if one.state in decided]
    return sum(found) == order.amount_fen


def _gateway(order: orders.Order) -> payments.Gateway:
    return payments.gateway(order.attempt.channel, order.attempt.merchant)


def _trade(order: orders.Order) -> str:
    return order.attempt.out_trade_no(order.number)
