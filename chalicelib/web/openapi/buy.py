"""Placing an order through the contract: the caller's UUIDv7 makes it one order, however often it is sent."""

from chalice.app import Response

from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, ids
from chalicelib.orders import service as orders
from chalicelib.web.face import Face, answer, open_shop
from chalicelib.web.visit import Visit

from . import shapes

NO_KEY = "The Idempotency-Key must be a UUIDv7 of the last 24 hours."

face = Face("openapi_buy", enter=open_shop)


class NotJson(errors.ShopError):
    """The body is declared as something else."""

    status = 415
    code = "unsupported_media_type"
    sentence = "The body must be application/json."


class KeyRequired(errors.ShopError):
    """No Idempotency-Key."""

    code = "idempotency_key_required"
    sentence = "Send an Idempotency-Key header: a UUIDv7 made for this order."


@face.post("/api/v1/orders")
def place(visit: Visit) -> Response:
    """Place an order, or answer with the one placed under this key."""
    if visit.header("content-type").partition(";")[0].strip().lower() != "application/json":
        raise NotJson
    key, key_time = _key(visit)
    placed = _place(visit, visit.json(shapes.OrderRequest), key, key_time)
    replayed = {"Idempotent_Replayed": "true"} if placed.replayed else {}
    return answer(shapes.plain(_shape(visit, placed)), 201, **replayed)


def _key(visit: Visit) -> tuple[str, int]:
    """The caller's key and the second it was made. Raises KeyRequired, KeyInvalid; its age is checkout's matter."""
    key = visit.header("idempotency-key").strip().lower()
    if not key:
        raise KeyRequired
    try:
        made = ids.uuid7_seconds(key)
    except ValueError:
        raise checkout.KeyInvalid(NO_KEY) from None
    return key, made


def _place(visit: Visit, wanted: shapes.OrderRequest, key: str, key_time: int) -> checkout.Placed:
    ask = checkout.Ask(
        goods_id=wanted.goods_id,
        quantity=wanted.quantity,
        contact=wanted.contact,
        query_password=wanted.query_password,
        channel=wanted.channel,
        key=key,
        key_time=key_time,
        waiver=wanted.return_waiver,
    )
    return checkout.place(
        visit.shop.site, ask, member=None, address=visit.address, device=visit.device, now=visit.now
    )


def _shape(visit: Visit, placed: checkout.Placed) -> shapes.OrderPlaced:
    order = placed.order
    payment = _payment(visit, order) if order.status == "pending" else None
    return shapes.OrderPlaced(order.number, order.amount_fen, order.status, payment)


def _payment(visit: Visit, order: orders.Order) -> shapes.Payment:
    """Where to pay. A channel that is down leaves the order, which the same key finds again."""
    link = checkout.pay_link(order.site, order, now=visit.now, address=visit.address)
    return shapes.Payment(link.kind, link.payload, dict(link.fields), clock.iso(order.expires_at))
