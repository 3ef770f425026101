"""An order is placed: claim, then the timer message, then the order with its ranges, then the pay link.

Dying after the claim burns positions until the nightly audit returns them; dying after the message costs nothing;
repeating after the order stands finds it and gives back what the repeat claimed.
"""

import hmac
from dataclasses import dataclass
from typing import Any

from chalicelib.catalog import service as catalog
from chalicelib.kit import cells, config, errors, ids, log, password, queue, throttle, vault
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.pricing import service as pricing
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

from . import collecting, rules, tender, terms
from .returning import return_ranges
from .rules import Ask, BadChannel, KeyInvalid, KeyReused

_REMEMBERED = 10_000

_holds: dict[str, throttle.Bucket] = {}
_seen: dict[str, None] = {}  # numbers placed here; a repeat of theirs is read before anything is claimed


@dataclass(frozen=True)
class Placed:
    """An order, and whether it stood before; `pay_link` says where to pay for it."""

    order: orders.Order
    replayed: bool


@dataclass(frozen=True)
class _Draft:
    """A checked ask with everything its order is made of."""

    site: str
    ask: Ask
    offer: catalog.Offer
    amount_fen: int
    number: str
    fingerprint: bytes
    contact: str
    member: str | None
    attempt: orders.Attempt
    plan: str
    agents: tuple[str, ...]
    balance_fen: int = 0


def quote(site: str, goods_id: str, quantity: int, *, now: int) -> pricing.Quote:
    """What a quantity costs and why. Raises NotFound, BadQuantity."""
    offer = catalog.shelf(site).find(goods_id)
    rules.check_quantity(quantity, offer.most)
    return pricing.quote(offer, quantity, now)


def new_key(site: str, *, now: int) -> str:
    """A signed key for a checkout form: posting the form twice places one order."""
    body = f"{ids.number32(now, 7)}{ids.token(10)}"
    return body + _signature(site, body)


def read_key(site: str, key: str, *, now: int) -> tuple[str, int]:
    """The key of a form and the second it was made in. Raises KeyInvalid."""
    body, signature = key[:17], key[17:]
    if not hmac.compare_digest(_signature(site, body).encode(), signature.encode()):
        raise KeyInvalid
    made = ids.from32(body[:7])
    rules.check_key_time(made, now)
    return key, made


def place(site: str, ask: Ask, *, member: str | None, address: str, device: str, now: int) -> Placed:
    """Place an order, or find the one that the same key and body placed.

    Raises NotFound, NotConfirmed, BadQuantity, BadContact, BadChannel, KeyInvalid, KeyReused, NotForSale, SoldOut,
    TooMany, ChannelDown where no merchant is set up, Suspended where the shop is closed, NotFromBalance and the
    wallet's refusals.
    """
    draft = _draft(site, ask, member, device, now)
    if draft.offer.way == "pool":
        _hold(site, draft.contact, address, ask.quantity)
    order, replayed = _put_or_find(draft, now)
    if not hmac.compare_digest(order.fingerprint, draft.fingerprint):
        raise KeyReused
    if draft.balance_fen:
        tender.go_on(order)
    if order.attempts and not replayed:
        first = order.attempts[0]
        named = {"merchant": first.merchant, "site": site, "order": order.number}
        log.measure("checkout.placed", {"OrdersPlaced": 1}, channel=first.channel, **named)
    return Placed(order, replayed)


def pay_link(site: str, order: orders.Order, *, now: int, address: str = "") -> payments.PayLink:
    """Where to pay for a pending order; the same place each time. `address` is the shopper's. Raises ChannelDown."""
    attempt = order.attempts[-1]
    host = tenancy.site(site).host
    charge = payments.Charge(
        out_trade_no=attempt.out_trade_no(order.number),
        amount_fen=order.channel_fen,
        subject=order.goods_name,
        expires_at=order.expires_at,
        notify_url=payments.notify_url(attempt.channel, attempt.merchant),
        device=attempt.device,
        client_ip=address or "127.0.0.1",
        return_url=config.load().url_of(host, f"/orders/{order.number}"),
        splits=attempt.splits,
    )
    return payments.start(attempt.channel, attempt.merchant, charge, now=now)


def switch_channel(site: str, number: str, channel: str, *, device: str) -> orders.Order:
    """Let a pending order be paid through another channel. Raises BadChannel, WrongState, Conflict."""
    order = orders.order(site, number)
    shop = tenancy.site(site)
    if channel not in shop.channels:
        raise BadChannel
    last = order.attempts[-1]
    if (last.channel, last.device) == (channel, device):
        return order
    of = collecting.Collected(order.goods_owner, order.way, order.balance_fen)
    attempt = collecting.attempt_of(shop, of, last.index + 1, channel, device)
    collecting.check_room(shop, attempt, order.amount_fen, order.plan)
    return orders.add_attempt(order, attempt)


def _open_shop(site: str, *, fresh: bool = False) -> tenancy.Site:
    shop = tenancy.site(site, fresh=fresh)
    if shop.state != "active":
        raise tenancy.Suspended
    if shop.moving:
        raise cells.Moving(retry_after=60)
    return shop


def _draft(site: str, ask: Ask, member: str | None, device: str, now: int) -> _Draft:
    """Everything an order needs, checked, before anything is written."""
    shop = _open_shop(site)
    rules.check_key_time(ask.key_time, now)
    offer = _offer(site, ask, member)
    rules.check_waiver(offer.waiver, ask.waiver)
    rules.check_quantity(ask.quantity, offer.most)
    orders.query_password(ask.query_password)
    if ask.channel not in shop.channels:
        raise BadChannel
    price = pricing.quote(offer, ask.quantity, now)
    contact = orders.contact(ask.contact)
    if price.total_fen >= rules.CLOSE_LOOK_FEN:
        _open_shop(site, fresh=True)
    balance_fen = min(ask.balance.fen, price.total_fen) if ask.balance else 0
    if balance_fen:
        tender.check(offer, member)
    earners = shop.earners(contact)
    plan = terms.plan_ref(shop, offer, ask.quantity, price.total_fen, earners)
    attempt = _attempt(shop, offer, ask.channel, device, price.total_fen, balance_fen)
    collecting.check_room(shop, attempt, price.total_fen, plan)
    return _Draft(
        site=site,
        ask=ask,
        offer=offer,
        amount_fen=price.total_fen,
        number=_number(site, ask, member),
        fingerprint=vault.mac(site, "fingerprint", ask.canonical(member))[:16],
        contact=contact,
        member=member,
        attempt=attempt,
        plan=plan,
        agents=earners,
        balance_fen=balance_fen,
    )


def _offer(site: str, ask: Ask, member: str | None) -> catalog.Offer:
    """What is asked for: on the shelf, or a member's top-up. Raises NotFound, OverCap."""
    if member is None or ask.goods_id != catalog.TOP_UP.goods_id:
        return catalog.shelf(site).find(ask.goods_id)
    wallet.check_room(site, member, catalog.TOP_UP.price_fen * ask.quantity)
    return catalog.TOP_UP


def _attempt(
    shop: tenancy.Site, offer: catalog.Offer, channel: str, device: str, fen: int, balance_fen: int
) -> orders.Attempt:
    """Who collects `fen` less what the balance pays."""
    if balance_fen == fen:
        return tender.attempt(device)
    of = collecting.Collected(offer.owner, offer.way, balance_fen)
    return collecting.attempt_of(shop, of, 1, channel, device)


def _number(site: str, ask: Ask, member: str | None) -> str:
    digest = vault.mac(site, "number", f"{member or 'guest'}|{ask.key}|{ask.key_time}")
    return orders.make_number(site, digest, ask.key_time)


def _put_or_find(draft: _Draft, now: int) -> tuple[orders.Order, bool]:
    """The order that stands after this call, and whether it stood before."""
    stands = _standing(draft) if draft.number in _seen else None
    if stands:
        return stands, True
    try:
        leave = _leave(draft, now)
        return _put(draft, _claim(draft, now), leave, now)
    except (stock.SoldOut, wallet.Refusal):
        # The last code, or the balance, may have gone to this very order, asked for before.
        stands = _standing(draft)
        if stands is None:
            raise
        return stands, True


def _standing(draft: _Draft) -> orders.Order | None:
    return orders.orders(draft.site, [draft.number]).get(draft.number)


def _leave(draft: _Draft, now: int) -> wallet.Leave | None:
    """Leave to pay the balance's part; None where it pays none."""
    given = draft.ask.balance
    if given is None or not draft.balance_fen or draft.member is None:
        return None
    member, contact = draft.member, draft.contact
    proof = {"secret": given.secret, "device": given.device, "contact": contact}
    return wallet.allow(draft.site, member, draft.balance_fen, **proof, now=now)


def _claim(draft: _Draft, now: int) -> tuple[stock.Range, ...]:
    if draft.offer.way != "pool":
        return ()
    return stock.claim(draft.offer.owner, draft.offer.sku, draft.ask.quantity, now=now)


def _put(
    draft: _Draft, ranges: tuple[stock.Range, ...], leave: wallet.Leave | None, now: int
) -> tuple[orders.Order, bool]:
    pool = (draft.offer.owner, draft.offer.sku)
    expires_at = now + config.load().hold_seconds
    queue.send("timer", site=draft.site, order=draft.number, first=True, delay=rules.LISTED_AFTER)
    _remember(draft.number)
    try:
        if leave:
            fields = _fields(draft, ranges, now, expires_at) | {"unasked": leave.unasked}
            return tender.put(draft.site, draft.number, draft.balance_fen, **fields), False
        return orders.open_order(draft.site, draft.number, **_fields(draft, ranges, now, expires_at)), False
    except orders.Exists as before:
        surplus = [one for one in ranges if one not in before.order.ranges]
        return_ranges(draft.site, pool, surplus, why="repeat", at=now)
        # When nothing is surplus, the repeat was the SDK's own and the order is this call's.
        return before.order, len(surplus) == len(ranges)
    except (wallet.Refusal, errors.Conflict):
        return_ranges(draft.site, pool, ranges, why="short", at=now)
        raise


def _remember(number: str) -> None:
    _seen[number] = None
    if len(_seen) > _REMEMBERED:
        _seen.pop(next(iter(_seen)))


def _fields(draft: _Draft, ranges: tuple[stock.Range, ...], now: int, expires_at: int) -> dict[str, Any]:
    offer, ask = draft.offer, draft.ask
    return {
        "fingerprint": draft.fingerprint,
        "goods_id": offer.goods_id,
        "goods_owner": offer.owner,
        "goods_name": offer.name,
        "kind": offer.kind,
        "way": offer.way,
        "quantity": ask.quantity,
        "amount": draft.amount_fen,
        "cost": offer.wholesale_fen * ask.quantity,
        "plan": draft.plan,
        "goods_version": offer.version,
        "ranges": ranges,
        "attempt": draft.attempt,
        "agents": draft.agents,
        "contact": orders.seal_contact(draft.site, draft.number, draft.contact),
        "password": password.hashed(ask.query_password),
        "member": draft.member,
        "waiver": offer.waiver or None,
        "placed_at": now,
        "expires_at": expires_at,
    }


def _hold(site: str, contact: str, address: str, quantity: int) -> None:
    """Cap what one contact and one address may hold unpaid."""
    settings = config.load()
    for name, key, most in (
        ("contact", contact, settings.holds_per_contact),
        ("address", address, settings.holds_per_address),
    ):
        bucket = _holds.setdefault(name, throttle.Bucket(most, settings.hold_seconds))
        bucket.take(f"{site}|{key}", min(quantity, most))


def _signature(site: str, body: str) -> str:
    return ids.base32(vault.mac(site, "checkout", body), 16)
