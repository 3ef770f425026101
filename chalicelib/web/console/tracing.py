"""An order's whole journey on one page, and how its logs are found."""

from chalice.app import Response

from chalicelib.analytics import service as analytics
from chalicelib.kit import clock, tenant
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import cases, desk, insights
from .orders import find
from .statement import named

face = faces.Face("console_tracing", error_page=desk.error_page, enter=desk.enter)

AROUND = 600  # seconds of log before the order and after the last that happened to it


@face.get("/console/orders/{number}/journey")
def journey(visit: Visit, number: str) -> Response:
    """Everything that happened to an order, oldest first, and how its logs are found."""
    order = find(visit, number)
    with tenant.acting_for(order.site):
        stops = analytics.journey(order)
    return _page(visit, order, stops)


def _page(visit: Visit, order: orders.Order, stops: list[analytics.Stop]) -> Response:
    return desk.page(
        visit,
        "journey.html",
        order=order,
        site=visit.site or tenancy.site(order.site),
        days=_by_day(stops),
        named=named,
        kinds=cases.KINDS,
        for_staff=_for_staff(order, stops, visit.now) if visit.account.is_main else None,
    )


def _for_staff(order: orders.Order, stops: list[analytics.Stop], now: int) -> dict[str, object]:
    """What main alone may see: the cases, and the query over the logs with the way to its answer."""
    query = insights.find("an-order").about(order=order.number)
    last = max([now if order.status in orders.OPEN else 0, *(stop.at for stop in stops)])
    address = query.address(since=order.placed_at - AROUND, until=last + AROUND)
    return {"found": analytics.cases_of(order), "query": (query, address)}


def _by_day(stops: list[analytics.Stop]) -> list[tuple[int, list[analytics.Stop]]]:
    """The stops under the first moment of each Beijing day."""
    days: dict[str, list[analytics.Stop]] = {}
    for stop in stops:
        days.setdefault(clock.day_of(stop.at), []).append(stop)
    return [(clock.day_start(day), found) for day, found in days.items()]
