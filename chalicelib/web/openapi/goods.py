"""What is on sale, whether it can be sold, and the description of the contract itself."""

from bisect import bisect_right

from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.kit import tenant
from chalicelib.web import counter
from chalicelib.web.face import Face, answer, open_shop
from chalicelib.web.visit import Visit

from . import document, shapes

PER_PAGE = 100

face = Face("openapi_goods")


@face.get("/api/v1/goods")
def goods(visit: Visit) -> Response:
    """A page of goods in the order of their ids, so that no change of prices makes a reader skip one."""
    open_shop(visit)
    offers = sorted(catalog.shelf(visit.shop.site).offers, key=lambda offer: offer.goods_id)
    first = bisect_right([offer.goods_id for offer in offers], visit.query.get("cursor", ""))
    some = offers[first : first + PER_PAGE]
    more = len(offers) > first + PER_PAGE
    page = shapes.GoodsPage(_goods(some, now=visit.now), some[-1].goods_id if more else None)
    return answer(shapes.plain(page))


@face.get("/api/v1/openapi.json")
def description(visit: Visit) -> Response:
    """The contract as an OpenAPI 3.1 document."""
    return answer(document.describe(visit.shop.brand.name))


@face.get("/healthz")
def health(visit: Visit) -> Response:
    """200 when everything needed to sell here is up, on the main host too. Raises NotReady."""
    from chalicelib.checkout import service as checkout

    checkout.health(visit.site.site if visit.site else tenant.MAIN)
    return answer({"status": "ok"})


def _goods(offers: list[catalog.Offer], *, now: int) -> list[shapes.Goods]:
    shown = {ticket.offer.goods_id: ticket for ticket in counter.tickets(offers, now=now)}
    return [
        shapes.Goods(
            goods_id=offer.goods_id,
            name=offer.name,
            category=offer.category,
            price_fen=shown[offer.goods_id].unit_fen,
            stock=shown[offer.goods_id].left,
            return_waiver=offer.waiver or None,
        )
        for offer in offers
    ]
