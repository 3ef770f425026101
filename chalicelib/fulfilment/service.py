"""Deliver paid orders, and read what was delivered.

Delivering and refunding both ask for the same state in their condition, so one of them wins; the loser stops and
lets the order be driven again, and never goes on to an outside effect. Codes are readable only once an order says
delivered.

Most orders hold their codes and keep them, and receipts only read: what money going back and balances need is imported
where it comes to that.
"""

from chalicelib.kit import errors, log, queue
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock

PROMISED = 60  # seconds after the payment within which 99 of 100 orders have their codes
_REVIEW_WITHIN = 3600  # seconds within which a person looks
_SETTLED_BY = 60  # seconds after which a delivery by hand is settled although its process died


class EmptyDelivery(errors.ShopError):
    """A person tried to deliver nothing, or more than an order may hold."""

    status = 422
    code = "empty_delivery"
    sentence = "What is delivered by hand has 1 to 20,000 characters."


def deliver(site: str, number: str, *, now: int) -> None:
    """Take a paid order to its codes, to a person, or to a refund; any other state is left alone."""
    order = orders.order(site, number)
    if order.status == "delivered":
        queue.send("settle", site=site, order=number)  # the first message may have been lost
    elif order.status == "refunding":
        queue.send("refund", site=site, order=number)
    elif order.status == "paid" and order.way == "manual":
        _hand_over(order, now)
    elif order.status == "paid" and order.way == "wallet":
        _fill_wallet(order, now)
    elif order.status == "paid":
        _deliver_codes(order, now)


def codes_of(order: orders.Order) -> list[str]:
    """What a delivered order holds: its codes, or the lines a person wrote; empty in any other state."""
    if order.status != "delivered":
        return []
    if order.ranges:
        return stock.read_codes(order.goods_owner, order.ranges)
    return orders.delivery(order).splitlines()


def deliver_by_hand(site: str, number: str, text: str, *, staff: str, now: int) -> orders.Order:
    """Deliver an order in review with what a person writes. Raises EmptyDelivery, WrongState."""
    if not 1 <= len(text.strip()) <= 20_000:
        raise EmptyDelivery
    order = orders.order(site, number)
    if order.status != "review" or order.ranges or order.way == "wallet":
        raise orders.WrongState(order)
    ref = orders.keep_delivery(site, number, text.strip(), staff=staff, now=now)
    # Nobody repeats this call if it dies after the move, and the closing looks for recent orders only.
    queue.send("settle", site=site, order=number, delay=_SETTLED_BY)
    _say(order, "")
    delivered = orders.deliver(order, (), now=now, ref=ref)
    counted = {"DeliveredByHand": 1, "DeliveredByHandLate": int(_waited(order, now) > _REVIEW_WITHIN)}
    log.measure("fulfilment.delivered_by_hand", counted, site=site, order=number, staff=staff)
    queue.send("settle", site=site, order=number)
    return delivered


def agree_topup(case_id: str, evidence: str, *, by: str, now: int) -> bool:
    """Agree to a top-up that is held, by its case; True once two people did. Raises as `topups.agree`."""
    from . import topups

    return topups.agree(case_id, evidence, by=by, now=now)


def refund_instead(site: str, number: str, *, reason: str, staff: str, now: int) -> None:
    """Give the money of a paid or reviewed order back instead of delivering. Raises WrongState."""
    order = orders.order(site, number)
    if order.status not in ("paid", "review"):
        raise orders.WrongState(order)
    log.event("fulfilment.refund_asked", site=site, order=number, staff=staff)
    _refund(order, orders.short_reason(reason), now)


def _deliver_codes(order: orders.Order, now: int) -> None:
    if not order.ranges and _too_late(order, now):
        _refund(
            order, "too late", now
        )  # the nightly audit no longer looks this far back for holders of codes
        return
    try:
        ranges = order.ranges or stock.claim(order.goods_owner, order.goods_id, order.quantity, now=now)
    except stock.SoldOut:
        _refund(order, "sold out", now)
        return
    try:
        _say(order, " ".join(map(str, ranges)))
        orders.deliver(order, ranges, now=now)
    except orders.WrongState as stood:
        if stood.order is None or stood.order.ranges != ranges:
            _return_surplus(order, ranges, now)
            return
    queue.send("settle", site=order.site, order=order.number)
    _measure(order, now)


def _say(order: orders.Order, ranges: str) -> None:
    """Before anybody sees them: should the order's table be restored to before now, it is delivered the same again."""
    log.event("fulfilment.delivering", site=order.site, order=order.number, ranges=ranges)


def _too_late(order: orders.Order, now: int) -> bool:
    from chalicelib.checkout import service as checkout

    return now > order.placed_at + checkout.CLAIM_WITHIN


def _fill_wallet(order: orders.Order, now: int) -> None:
    """A top-up is delivered and on the balance, or neither; above what a member may hold it goes back."""
    from chalicelib.wallet import service as wallet

    from . import topups

    try:
        filled = topups.fill(order, now=now)
    except wallet.OverCap:
        _refund(order, "over the cap", now)
        return
    if filled:
        queue.send("settle", site=order.site, order=order.number)
        _measure(order, now)


def _measure(order: orders.Order, now: int) -> None:
    """How long the shopper waited."""
    waited = _waited(order, now)
    counted = {"Delivered": 1, "DeliveredLate": int(waited > PROMISED), "DeliverySeconds": waited}
    log.measure("fulfilment.delivered", counted, site=order.site, order=order.number)


def _waited(order: orders.Order, now: int) -> int:
    return max(0, now - (order.paid_at or now))


def _return_surplus(order: orders.Order, ranges: tuple[stock.Range, ...], now: int) -> None:
    """Another run was faster; what this one claimed goes back, what the order held is not ours to return."""
    from chalicelib.checkout import service as checkout

    if not order.ranges:
        pool = (order.goods_owner, order.goods_id)
        checkout.return_ranges(order.site, pool, ranges, why="raced", at=now)


def _hand_over(order: orders.Order, now: int) -> None:
    """Goods that a person delivers wait in review."""
    try:
        orders.move(order.site, order.number, "review", now=now, start=("paid",))
    except orders.WrongState:
        return
    named = {"site": order.site, "order": order.number}
    log.measure("fulfilment.review", {"HandedOver": 1}, **named, due=now + _REVIEW_WITHIN)


def _refund(order: orders.Order, why: str, now: int) -> None:
    from chalicelib.checkout import service as checkout

    orders.add_todo(order.site, order.number, "refund", due=now)
    refunding = orders.move(order.site, order.number, "refunding", now=now, start=(order.status,), why=why)
    log.measure("fulfilment.undelivered", {"Undelivered": 1}, site=order.site, order=order.number, why=why)
    checkout.give_back(refunding)
    queue.send("refund", site=order.site, order=order.number)
