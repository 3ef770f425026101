"""Receipts: the order as it fills in, its codes, and the ways back to it.

Few orders have refunds, so what settles them is imported where one has or asks for one.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors, throttle
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.web.face import Face, answer, go
from chalicelib.web.visit import Visit

from . import look, rights

NUMBER = 28  # characters; a payer's bill shows the attempt's two digits behind them
PER_PAGE = 50  # of a member's orders, as orders.of_member answers
SHOWN_HERE = 10  # of the orders this browser placed

PIECES = 6  # digits of a number of pieces

_asks = throttle.Bucket(size=5, seconds=3600)  # requests for a refund, per order

face = Face("receipts", error_page=look.error_page)


class Lookup(msgspec.Struct):
    """What a guest knows of an order."""

    number: str
    contact: str
    query_password: str


class RefundRequest(msgspec.Struct):
    """What a shopper asks back, and why; no pieces: all of it."""

    reason: str = ""
    pieces: str = ""


@face.get("/orders")
def history(visit: Visit) -> Response:
    """A member's orders, those of this browser, and the lookup form."""
    return _orders(visit)


@face.post("/orders")
def look_up(visit: Visit) -> Response:
    """Find an order by number, contact and query password; the browser then may see it."""
    try:
        order = _found(visit, visit.fields(Lookup))
    except errors.ShopError as refusal:
        return _orders(visit, refusal)
    return go(f"/orders/{order.number}", rights.remember(visit, order.number))


@face.get("/orders/{order_no}")
def receipt(visit: Visit, order_no: str) -> Response:
    """The receipt: what happened when, then the codes. Others get the lookup form."""
    try:
        order = rights.order_for(visit, order_no)
    except errors.NotFound as refusal:
        return _orders(visit, refusal, number=order_no)
    return _receipt(visit, order)


@face.post("/orders/{order_no}")
def come_back(_visit: Visit, order_no: str) -> Response:
    """Some channels send the browser back with a form. What it tells is the notification's to prove."""
    return go(f"/orders/{quote(order_no, safe='')}")


@face.get("/orders/{order_no}/state")
def state(visit: Visit, order_no: str) -> Response:
    """How far the order is, for a page that waits."""
    order = rights.order_for(visit, order_no)
    progress = [{"at": clock.iso(step.at), "what": step.what} for step in order.progress]
    return answer({"status": order.status, "progress": progress, "version": _version(order)})


@face.get("/orders/{order_no}/codes")
def codes(visit: Visit, order_no: str) -> Response:
    """All codes as a text file, one a line. Raises NotFound before delivery."""
    order = rights.order_for(visit, order_no)
    found = fulfilment.codes_of(order)
    if not found:
        raise errors.NotFound
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{order.number}.txt"',
    }
    return Response("\n".join(found) + "\n", headers)


@face.post("/orders/{order_no}/refunds")
def ask_refund(visit: Visit, order_no: str) -> Response:
    """Ask the shop for money back; it decides, and the receipt says how."""
    order = rights.order_for(visit, order_no)
    try:
        _asks.take(f"{order.site}|{order.number}")
        _request(visit, order)
    except errors.ShopError as refusal:
        return _receipt(visit, orders.order(order.site, order.number), refusal)
    return go(f"/orders/{order.number}#refunds")


def _request(visit: Visit, order: orders.Order) -> None:
    """Pieces where there are several, else all that is left. Raises Invalid, and what the shop refuses."""
    from chalicelib.settlement import service as settlement

    form = visit.fields(RefundRequest)
    reason, pieces = form.reason.strip(), form.pieces.strip()
    if not reason or len(pieces) > PIECES or not (pieces or "0").isdecimal():
        raise errors.Invalid
    left = order.amount_fen - order.refunded_fen
    wish = settlement.Wish(reason, pieces=int(pieces)) if pieces else settlement.Wish(reason, fen=left)
    settlement.request(order, wish, now=visit.now)


def _found(visit: Visit, asked: Lookup) -> orders.Order:
    return orders.may_read(
        visit.shop.site,
        "".join(asked.number.split())[:NUMBER],
        asked.contact,
        asked.query_password,
        address=visit.address,
        now=visit.now,
    )


def _receipt(visit: Visit, order: orders.Order, refusal: errors.ShopError | None = None) -> Response:
    return look.page(
        visit,
        "receipt.html",
        status=refusal.status if refusal else 200,
        refused=look.reason(visit, refusal) if refusal else "",
        wish=visit.fields(RefundRequest) if refusal else RefundRequest(),
        refunds=_refunds(order) if order.refunds else (),
        order=order,
        codes=fulfilment.codes_of(order),
        notes=_notes(order),
        ahead=_ahead(order),
        version=_version(order),
    )


def _refunds(order: orders.Order) -> Sequence[object]:
    from chalicelib.settlement import service as settlement

    return settlement.refunds_of(order)


def _orders(visit: Visit, refusal: errors.ShopError | None = None, *, number: str = "") -> Response:
    site, member = visit.shop.site, rights.member_of(visit)
    before = visit.query.get("before", "")
    mine = orders.of_member(site, member.member, before=before) if member else []
    return look.page(
        visit,
        "orders.html",
        status=refusal.status if refusal else 200,
        member=member,
        form_token=membership.form_token(site, visit.cookies["member"]) if member else "",
        mine=mine,
        older=min(order.number for order in mine) if len(mine) >= PER_PAGE else "",
        here=[] if member else _placed_here(visit),
        asked=number or visit.form.get("number", ""),
        contact=visit.form.get("contact", ""),
        reason=_reason(visit, refusal, number) if refusal else "",
    )


def _reason(visit: Visit, refusal: errors.ShopError, number: str) -> str:
    if not isinstance(refusal, errors.NotFound):
        return look.reason(visit, refusal)
    return look.text(visit, "error.unseen" if number else "error.lookup")


def _placed_here(visit: Visit) -> list[orders.Order]:
    found = orders.orders(visit.shop.site, rights.here(visit)[:SHOWN_HERE])
    return sorted(found.values(), key=lambda order: order.placed_at, reverse=True)


def _notes(order: orders.Order) -> str:
    """Usage notes as the counter shows them; none once the goods are gone from it."""
    try:
        return catalog.shelf(order.site).find(order.goods_id).notes
    except errors.NotFound:
        return ""


def _ahead(order: orders.Order) -> list[str]:
    """The steps still to come, so that the timeline shows where it leads."""
    if order.status not in ("pending", "paid"):
        return []
    done = {step.what for step in order.progress}
    return [what for what in ("placed", "paid", "delivering", "delivered") if what not in done]


def _version(order: orders.Order) -> str:
    return f"{order.status}-{len(order.progress)}-{order.refunds}-{order.refunded_fen}"
