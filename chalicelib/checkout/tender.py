"""The member's balance as a tender: alone, or together with a channel that collects the rest.

Every step is one transaction of the order's move and the wallet's entry: reserved with the order put down, captured
with the move to paid, given back with the move to expired. An order that the balance pays whole is put down paid;
where it holds its codes already, delivered.
"""

from typing import Any

from chalicelib.catalog import service as catalog
from chalicelib.kit import queue, tenant
from chalicelib.orders import service as orders
from chalicelib.wallet import service as wallet

from .rules import NotFromBalance

CHANNEL = "balance"  # the channel of an attempt that no channel collects


def fits(offer: catalog.Offer) -> bool:
    """Whether the balance may pay: main sells the goods, and collects for them everywhere; and they are no top-up."""
    return offer.owner == tenant.MAIN and offer.way != "wallet"


def check(offer: catalog.Offer, member: str | None) -> None:
    """Raise NotFromBalance unless a member asks for what the balance may pay."""
    if member is None or not fits(offer):
        raise NotFromBalance


def attempt(device: str) -> orders.Attempt:
    """The attempt of an order that the balance pays whole."""
    return orders.Attempt(1, CHANNEL, tenant.MAIN, device)


def put(site: str, number: str, fen: int, *, unasked: bool, **fields: Any) -> orders.Order:
    """Put an order down whose part `fen` the balance pays. Raises Exists, Short, PasswordNeeded, Conflict."""
    now, member = fields["placed_at"], fields["member"]
    whole = fen == fields["amount"]

    def take(write: Any) -> None:
        what = "spend" if whole else "reserve"
        wallet.enter(write, site, member, what, fen, about=number, now=now, unasked=unasked)

    done = _paid(fields, now) if whole else {}
    return orders.open_with(site, number, take, balance=fen, **fields, **done)


def go_on(order: orders.Order) -> None:
    """Have an order that the balance paid delivered, or settled where it was put down delivered."""
    if order.status == "delivered":
        queue.send("settle", site=order.site, order=order.number)
    elif order.status == "paid":
        queue.send("fulfil", site=order.site, order=order.number)


def capture(order: orders.Order, receipt: orders.Receipt, *, now: int) -> orders.Order:
    """The channel has its part, the balance gives the reserved one. Raises WrongState, Conflict."""
    return orders.move_with(order, "paid", _enter(order, "capture", now), now=now, **receipt.record)


def release(order: orders.Order, *, now: int) -> orders.Order:
    """The order expires, what was reserved is available again. Raises WrongState, Conflict."""
    return orders.move_with(order, "expired", _enter(order, "void", now), now=now)


def revive(order: orders.Order, receipt: orders.Receipt, *, now: int) -> orders.Order:
    """The channel's part came after expiry: the balance pays its part again. Raises Short, WrongState, Conflict."""
    late = {**receipt.record, "late": True, "ranges": None}
    return orders.move_with(order, "paid", _enter(order, "spend", now), now=now, **late)


def _enter(order: orders.Order, what: str, now: int) -> orders.Beside:
    def enter(write: Any) -> None:
        member = order.member or ""
        wallet.enter(write, order.site, member, what, order.balance_fen, about=order.number, now=now)

    return enter


def _paid(fields: dict[str, Any], now: int) -> dict[str, Any]:
    """The fields of an order put down paid; its claim is its delivery where it has one."""
    paid = {"status": "paid", "paid_at": now, "paid_attempt": 1}
    return {**paid, "status": "delivered", "delivered_at": now} if fields["ranges"] else paid
