"""Whatever is not final is looked at again: by its timer within minutes, by the walk every quarter of an hour.

A site of whose orders the main site's list has none is spared most of it: its orders are looked for every six hours,
should their first timer have died before it listed them. What is due for older orders is never spared.
A pending order's channel is asked before anything else, so a lost notification heals itself and nobody who paid
is expired.
"""

import zlib

from chalicelib.kit import clock, errors, log, outbound, queue
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from . import accepting, returning, rules, tender

# Whose a matter is, and how the message says so; any other one is a refund.
_GOES_TO = {"split": ("refund", {"split": True}), orders.WATCH: ("timer", {"watched": True})}
_RESEND = 30  # seconds after which a message counts as lost
_QUARTER = 900  # seconds from walk to walk
_ROUND = 24  # walks, of which a site without listed orders gets a whole one


def drive(site: str, number: str, *, now: int, first: bool = False) -> bool:
    """Look at one order and take its next step; False when no such order was ever put.

    The first look comes too early to ask the channel; it only keeps the timer going.
    """
    try:
        order = orders.order(site, number)
    except errors.NotFound:
        return False
    if order.status == "pending" and first:
        _look_again(order, now)
    elif order.status == "pending":
        _drive_pending(order, now)
    elif order.status == "expired":
        returning.give_back(order)
    elif order.status == "paid" and (order.paid_at or 0) + _RESEND <= now:
        queue.send("fulfil", site=site, order=number)
    elif order.status == "refunding":
        queue.send("refund", site=site, order=number)
    return True


def walk(site: str, *, now: int, whole: bool = True) -> int:
    """Send every order of yesterday and today that is not final to be driven on, and what is due for any; how many.

    Only what is due, where the walk is not a whole one. Reads only, but for orders that are about to leave these days
    without being final.
    """
    found = _walk_days(site, now) if whole else 0
    for todo in orders.due_todos(site, now=now):
        to, what = _GOES_TO.get(todo.what, ("refund", {}))
        queue.send(to, site=site, order=todo.number, **what)
        found += 1
    return found


def look_after(site: str, number: str, *, now: int) -> None:
    """Drive an order on that the walk does not reach any more, until it is final and in the books."""
    known = drive(site, number, now=now)
    order = orders.order(site, number) if known else None
    if order and order.status == "delivered" and not _is_booked(order):
        queue.send("fulfil", site=site, order=number)  # which has delivered orders settled
    elif order is None or order.status in orders.FINAL:
        orders.unwatch(site, number, now=now)


def walk_all(*, now: int) -> int:
    """Ask for a walk of every live site, a whole one where orders may be; how many sites."""
    selling = orders.sites_listed(now=now)

    def walk_of(site: str) -> dict[str, object]:
        whole = selling is None or site in selling or _in_turn(site, now)
        return {"site": site, "walk": True if whole else "due"}

    return queue.send_all("timer", (walk_of(one.site) for one in tenancy.each_site() if one.stands))


def _in_turn(site: str, now: int) -> bool:
    """Whether a site is walked as if it had orders: every six hours, at two walks in a row, as one may be skipped."""
    return (now // _QUARTER - zlib.crc32(site.encode())) % _ROUND < 2


def _walk_days(site: str, now: int) -> int:
    found = 0
    for day in (clock.day_of(now - clock.DAY), clock.day_of(now)):
        for order in orders.on_day(site, day, states=orders.OPEN):
            if order.placed_at + _RESEND <= now:
                _walk_on(order, now)
                found += 1
    return found


def _walk_on(order: orders.Order, now: int) -> None:
    if rules.outlives_walk(orders.time_of(order.number), now):
        orders.watch(order.site, order.number, now=now)
    queue.send("timer", site=order.site, order=order.number)


def _is_booked(order: orders.Order) -> bool:
    day = clock.day_of(order.delivered_at or 0)
    return any(one.event == "sale" for one in ledger.journals_of(order.site, day, order.number))


def _drive_pending(order: orders.Order, now: int) -> None:
    try:
        paid = _ask(order, now)
        closed = paid is None and now >= order.expires_at and _close(order, now)
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        log.event("checkout.channel_silent", site=order.site, order=order.number, why=str(error)[:100])
        # A channel that stays silent must not keep the stock for ever; money that comes later is accepted late.
        paid, closed = None, now >= order.expires_at + rules.PATIENCE
    if paid:
        accepting.accept_payment(paid, now=now)
    elif closed:
        expire(order, now)
    else:
        _look_again(order, now)


def _ask(order: orders.Order, now: int) -> payments.Payment | None:
    for attempt in order.attempts:
        gateway = payments.gateway(attempt.channel, attempt.merchant)
        paid = gateway.query(attempt.out_trade_no(order.number), now=now)
        if paid:
            return paid
    return None


def _close(order: orders.Order, now: int) -> bool:
    """Close every attempt at its channel; False when one was paid meanwhile."""
    return all(
        payments.gateway(one.channel, one.merchant).close(one.out_trade_no(order.number), now=now)
        for one in order.attempts
    )


def expire(order: orders.Order, now: int) -> None:
    """End a pending order nobody can pay any more; what it held goes back. An order elsewhere is left alone."""
    try:
        expired = _end(order, now)
    except orders.WrongState as stood:
        # Our own write may have been repeated below us; any other state has its own way on.
        if stood.order is None or stood.order.status != "expired":
            return
        expired = stood.order
    returning.give_back(expired)


def _end(order: orders.Order, now: int) -> orders.Order:
    if order.balance_fen:
        return tender.release(order, now=now)
    return orders.move(order.site, order.number, "expired", now=now)


def _look_again(order: orders.Order, now: int) -> None:
    delay = rules.next_look(order.placed_at, order.expires_at, now)
    queue.send("timer", site=order.site, order=order.number, delay=delay if now < order.expires_at else 60)
