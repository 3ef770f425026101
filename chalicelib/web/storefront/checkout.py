"""From the ticket to the payment: one form, then the pay page."""

from dataclasses import dataclass

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.kit import config, errors
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet
from chalicelib.web import counter, qr
from chalicelib.web.face import Face, go, open_shop, posting_to
from chalicelib.web.visit import Visit

from . import look, rights

face = Face("checkout", error_page=look.error_page, enter=open_shop)

# After these the next try is an order of its own: it may well ask for another channel or quantity.
_SPENT = (checkout.KeyReused, checkout.KeyInvalid)


class Purchase(msgspec.Struct):
    """The checkout form. `key` is the server's token: sent twice, it is one order."""

    key: str
    quantity: int
    contact: str
    query_password: str
    channel: str
    balance_fen: int = 0
    pay_password: str = ""
    waiver: int = 0


@dataclass(frozen=True)
class Balance:
    """What a member's balance can do for an order. `ready`: on this device it may pay without the password."""

    available_fen: int
    use_fen: int
    has_password: bool
    ready: bool


class Switch(msgspec.Struct):
    """The choice of another channel."""

    channel: str


@face.get("/buy/{goods_id}")
def fill(visit: Visit, goods_id: str) -> Response:
    """The checkout form."""
    return _form(visit, goods_id)


@face.post("/buy/{goods_id}")
def buy(visit: Visit, goods_id: str) -> Response:
    """Place the order and go on to pay; a refusal comes back with the form as it was filled."""
    if "again" in visit.form:
        return _form(visit, goods_id)
    try:
        placed = _place(visit, goods_id, visit.fields(Purchase))
    except errors.ShopError as refusal:
        return _form(visit, goods_id, refusal)
    # What the balance paid whole is on its receipt already; the pay page goes on there.
    return go(f"/pay/{placed.order.number}", rights.remember(visit, placed.order.number))


@face.get("/pay/{order_no}")
def pay(visit: Visit, order_no: str) -> Response:
    """The way to pay: QR code or link, amount, time left. Paid orders go on to the receipt."""
    order = rights.order_for(visit, order_no)
    if order.status != "pending":
        return go(f"/orders/{order_no}")
    return _pay_page(visit, order)


@face.post("/pay/{order_no}")
def switch(visit: Visit, order_no: str) -> Response:
    """Pay through another channel."""
    order = rights.order_for(visit, order_no)
    if order.status == "pending":
        chosen = visit.fields(Switch).channel
        checkout.switch_channel(order.site, order_no, chosen, device=visit.device)
    return go(f"/pay/{order_no}")


def _place(visit: Visit, goods_id: str, form: Purchase) -> checkout.Placed:
    site, member = visit.shop.site, rights.member_of(visit)
    key, key_time = checkout.read_key(site, form.key, now=visit.now)
    ask = checkout.Ask(
        goods_id=goods_id,
        quantity=form.quantity,
        contact=form.contact,
        query_password=form.query_password,
        channel=form.channel,
        key=key,
        key_time=key_time,
        balance=_from_balance(visit, form, member),
        waiver=form.waiver,
    )
    return checkout.place(
        site,
        ask,
        member=member.member if member else None,
        address=visit.address,
        device=visit.device,
        now=visit.now,
    )


def _from_balance(
    visit: Visit, form: Purchase, member: membership.Member | None
) -> checkout.FromBalance | None:
    if member is None or form.balance_fen <= 0:
        return None
    return checkout.FromBalance(form.balance_fen, form.pay_password, rights.payer_of(visit, member))


def _balance(visit: Visit, offer: catalog.Offer, total_fen: int) -> Balance | None:
    """None for guests, for an empty balance, and for goods that it cannot pay."""
    site, member = visit.shop, rights.member_of(visit)
    if member is None or not checkout.balance_fits(offer):
        return None
    available = wallet.newest(site.site, member.member).available
    terms = wallet.terms(site.site, member.member)
    use = min(available, total_fen)
    device = rights.payer_of(visit, member) if terms.cap_fen else ""
    ready = bool(device) and device == terms.device and use <= (terms.cap_fen or 0)
    return Balance(available, use, terms.has_password, ready) if available else None


def _form(visit: Visit, goods_id: str, refusal: errors.ShopError | None = None) -> Response:
    """The form, blank or as it was filled."""
    site = visit.shop
    ticket = counter.ticket(catalog.shelf(site.site).find(goods_id), now=visit.now)
    quantity = _quantity(visit, ticket.most)
    quote = checkout.quote(site.site, goods_id, quantity, now=visit.now)
    return look.page(
        visit,
        "buy.html",
        status=refusal.status if refusal else 200,
        ticket=ticket,
        quote=quote,
        balance=_balance(visit, ticket.offer, quote.total_fen),
        channels=[name for name in tenancy.CHANNELS if name in site.channels],
        filled={"contact": "", "query_password": "", "channel": "", "balance_fen": "", **visit.form},
        key=_key(visit, refusal),
        reason=look.reason(visit, refusal) if refusal else "",
        wrong=refusal.detail.get("field", "") if refusal else "",
    )


def _key(visit: Visit, refusal: errors.ShopError | None) -> str:
    """The form's own token, so that trying again is the same order; a fresh one where it was used up."""
    kept = "" if isinstance(refusal, _SPENT) else visit.form.get("key", "")
    return kept or checkout.new_key(visit.shop.site, now=visit.now)


def _quantity(visit: Visit, most: int) -> int:
    asked = visit.form.get("quantity") or visit.query.get("quantity", "1")
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 6 else 1
    return min(max(wanted, 1), most)


def _pay_page(visit: Visit, order: orders.Order) -> Response:
    try:
        link = checkout.pay_link(order.site, order, now=visit.now, address=visit.address)
    except payments.ChannelDown:
        link = None
    shown = look.page(
        visit,
        "pay.html",
        order=order,
        link=link,
        code=qr.svg(link.payload) if link and link.kind == "qr" else "",
        others=[name for name in visit.shop.channels if name != order.channel],
        sandbox=bool(config.load().sandbox_url),
        left=max(0, order.expires_at - visit.now),
    )
    if link and link.origins:
        shown.headers.update(posting_to(link.origins))
    return shown
