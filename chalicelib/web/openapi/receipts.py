"""Reading an order through the contract: contact and query password open it."""

from chalice.app import Response

from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock
from chalicelib.orders import service as orders
from chalicelib.web.face import Face, answer
from chalicelib.web.visit import Visit

from . import shapes

face = Face("openapi_receipts")


@face.get("/api/v1/orders/{order_no}")
def order(visit: Visit, order_no: str) -> Response:
    """How far the order is, and its codes. Unknown, foreign and wrong password are the same NotFound."""
    found = orders.may_read(
        visit.shop.site,
        order_no,
        _typed(visit.header("x-contact")),
        _typed(visit.header("x-query-password")),
        address=visit.address,
        now=visit.now,
    )
    return answer(shapes.plain(_view(found)))


def _view(found: orders.Order) -> shapes.OrderView:
    steps = [shapes.Step(clock.iso(step.at), step.what) for step in found.progress]
    refunds = _refunds(found) if found.refunds else []
    return shapes.OrderView(found.status, found.amount_fen, steps, fulfilment.codes_of(found), refunds)


def _refunds(found: orders.Order) -> list[shapes.Refund]:
    from chalicelib.settlement import service as settlement

    return [
        shapes.Refund(clock.iso(one.asked_at), one.fen, one.state, one.reason)
        for one in settlement.refunds_of(found)
    ]


def _typed(value: str) -> str:
    """A header as the shopper typed it: gateways hand UTF-8 on as one character per byte."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
