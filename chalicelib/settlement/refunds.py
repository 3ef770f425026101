"""Money goes back to whoever paid it, under one number per refund for ever.

The state says that it goes; only then is the channel asked, and asking again under the same number moves nothing
twice. What the channel does not confirm is asked again, and after ten tries a person looks.
"""

import json
from typing import Any

from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, log, outbound, queue
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

from . import repaying, rules

BEFORE_DELIVERY = "R1"  # how the number of the refund of an order ends that was never delivered


def refund(site: str, number: str, *, now: int, told: str = "") -> None:
    """Take every open refund of an order one step further; nothing when there is none.

    One whose time has not come is left alone, since each message that went on would bring another one for ever,
    unless the channel has just `told` of it: "R1", "R2", "D…".
    """
    order = orders.order(site, number)
    if told.startswith("R") and told != BEFORE_DELIVERY:
        repaying.look(order, told, now=now)
        return
    for todo in _open_matters(order, now):
        if todo.due > now + rules.EARLY and todo.what != {BEFORE_DELIVERY: "refund"}.get(told, told):
            continue
        if todo.what == "refund":
            _refund_order(order, todo, now)
        elif todo.what.startswith("R"):
            repaying.drive(orders.order(site, number), todo, now=now)
        elif todo.what.startswith("D"):
            _refund_duplicate(order, todo, now)


def hear(notice: payments.RefundNotice) -> None:
    """Have a refund looked at of which a channel tells: that is a hint, the channel is asked. Raises NotFound."""
    number, _ = orders.split_trade_no(notice.out_trade_no)
    site = tenancy.site(orders.site_of(number)).site
    name = notice.refund.out_refund_no.removeprefix(notice.out_trade_no).removeprefix(number)
    queue.send("refund", site=site, order=number, told=name)


def _open_matters(order: orders.Order, now: int) -> list[orders.Todo]:
    """What goes back; an order on its way back notes it again where a run that had given up closed it too late."""
    found = [todo for todo in orders.todos_of(order.site, order.number) if todo.what != "split"]
    if order.status != "refunding" or order.delivered_at or any(todo.what == "refund" for todo in found):
        return found
    orders.add_todo(order.site, order.number, "refund", due=order.refunding_at or now)
    return orders.todos_of(order.site, order.number)


def _refund_order(order: orders.Order, todo: orders.Todo, now: int) -> None:
    """Of an order that was never delivered; one that was has its after-sales refunds instead."""
    if order.delivered_at and order.status != "delivered":
        orders.close_todo(order.site, order.number, todo.what, now=now)
        return
    if order.status == "refunding":
        checkout.give_back(order)
        state = _ask_for(order, todo, now)
        if state != "success":
            _try_later(order, todo, state, now)
            return
        order = _returned(order, now)
    if order.status == "refunded":
        _post_refund(order)
    if order.status in orders.FINAL:
        orders.close_todo(order.site, order.number, todo.what, now=now)


def _returned(order: orders.Order, now: int) -> orders.Order:
    """What a balance paid is on it again with the move that says so."""
    if not order.balance_fen:
        return orders.move(order.site, order.number, "refunded", now=now)

    def credit(write: Any) -> None:
        member = order.member or ""
        wallet.credit_within(write, order.site, member, order.balance_fen, about=order.number, now=now)

    return orders.move_with(order, "refunded", credit, now=now)


def _ask_for(order: orders.Order, todo: orders.Todo, now: int) -> str:
    if not order.channel_fen:
        return "success"
    attempt = order.attempts[order.paid_attempt - 1]
    trade = attempt.out_trade_no(order.number)
    paid: dict[str, Any] = {"channel": attempt.channel, "merchant": attempt.merchant, "out_trade_no": trade}
    paid |= {"transaction": order.transaction, "paid_at": order.paid_at or 0}
    return _ask(order, todo, paid | {"amount_fen": order.channel_fen}, f"{trade}R1", now)


def _post_refund(order: orders.Order) -> None:
    """Both journals stand by the order's stored time: a refund given up and asked for again is in the books once."""
    at, channel, fen = order.refunded_at or 0, order.channel, order.channel_fen
    if not fen:
        return
    _post(order, "taken", ledger.taken_legs(channel, fen), at)
    _post(order, "returned", ledger.returned_legs(channel, fen), at)


def _refund_duplicate(order: orders.Order, todo: orders.Todo, now: int) -> None:
    """A second payment of an order; the order itself stays as it is."""
    paid = json.loads(todo.detail)
    channel, fen, at = paid["channel"], int(paid["amount_fen"]), int(paid["paid_at"])
    _post(order, f"{todo.what}-taken", ledger.taken_legs(channel, fen), at)
    name = f"{order.number}{todo.what}"
    state = _ask(order, todo, paid, name, now)
    if state == "success":
        _post(order, f"{todo.what}-returned", ledger.returned_legs(channel, fen), at)
        orders.close_todo(order.site, order.number, todo.what, now=now)
    else:
        _try_later(order, todo, state, now)


def _ask(order: orders.Order, todo: orders.Todo, paid: dict[str, Any], refund_no: str, now: int) -> str:
    """The state at the channel of the refund of what was paid; "unknown" where it cannot be told."""
    event = BEFORE_DELIVERY if todo.what == "refund" else todo.what
    log.event("settlement.refund_asking", site=order.site, order=order.number, refund=event, **paid)
    try:
        found = payments.gateway(paid["channel"], paid["merchant"]).refund(
            paid["out_trade_no"],
            out_refund_no=refund_no,
            amount_fen=int(paid["amount_fen"]),
            total_fen=int(paid["amount_fen"]),
            reason=order.why or "refund",
            asked_at=todo.noted_at,
            now=now,
        )
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        log.event("settlement.refund_unclear", site=order.site, order=order.number, why=str(error)[:100])
        return "unknown"
    return found.state


def _try_later(order: orders.Order, todo: orders.Todo, state: str, now: int) -> None:
    hopeless = state in ("abnormal", "closed") or todo.tries >= rules.MOST_TRIES
    if hopeless:
        log.alarm("settlement.refund_stuck", site=order.site, order=order.number, state=state)
    if hopeless and todo.what == "refund":
        orders.move(order.site, order.number, "review", now=now, start=("refunding",), why=f"refund {state}")
        orders.close_todo(order.site, order.number, todo.what, now=now)
        return
    delay = 900 if hopeless else rules.retry_delay(todo.tries)
    if orders.delay_todo(order.site, todo, due=now + delay):
        queue.send("refund", site=order.site, order=order.number, delay=delay)


def _post(order: orders.Order, event: str, legs: list[ledger.Leg], at: int) -> None:
    window = clock.day_of(at)
    ledger.post(order.site, window, order.number, event, legs, at=at, about=order.goods_name)
