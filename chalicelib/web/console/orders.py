"""Orders: of all sites for main's staff, of the own site for its owner; what a person may do to one."""

import msgspec
from chalice.app import Response

from chalicelib.analytics import service as analytics
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values
from .statement import named

face = faces.Face("console_orders", error_page=desk.error_page, enter=desk.enter)

PAGE = 50  # orders of the feed that one page shows at least, where there are so many
MOST_STEPS = 20  # pages of the feed read for one page shown
ACTIONABLE = ("paid", "review")


class ByHand(msgspec.Struct):
    """What a person delivers, or why they refund instead."""

    text: str = ""
    reason: str = ""


@face.get("/console/orders")
def index(visit: Visit) -> Response:
    """Orders, newest first, narrowed by site, day and state; a number in `q` opens that order."""
    number = visit.query.get("q", "").strip().upper()
    if number:
        return faces.go(f"/console/orders/{find(visit, number).number}")
    return _list(visit, today=clock.day_of(visit.now))


@face.get("/console/orders/{number}")
def one(visit: Visit, number: str) -> Response:
    """One order: its timeline, its amounts, how it was split, and what a person can do."""
    order = find(visit, number)
    site = visit.site or tenancy.site(order.site)
    with tenant.acting_for(order.site):
        return _one(visit, order, site)


@face.post("/console/orders/{number}/deliver")
@desk.or_again(one)
def deliver(visit: Visit, number: str) -> Response:
    """Deliver by hand: what is typed is what the shopper gets."""
    order, text = _open(visit, number), visit.fields(ByHand).text
    if not text:
        raise values.BadValue("写下要交付给顾客的内容。", field="text")
    with tenant.acting_for(order.site):
        fulfilment.deliver_by_hand(
            order.site, order.number, text, staff=visit.account.staff.login, now=visit.now
        )
    return desk.done(f"/console/orders/{order.number}", "delivered")


@face.post("/console/orders/{number}/refund")
@desk.or_again(one)
def refund(visit: Visit, number: str) -> Response:
    """Give the money back instead of delivering."""
    order, reason = _open(visit, number), visit.fields(ByHand).reason
    if not reason:
        raise values.BadValue("写一句退款原因，顾客和对账都会看到。", field="reason")
    with tenant.acting_for(order.site):
        fulfilment.refund_instead(
            order.site, order.number, reason=reason, staff=visit.account.staff.login, now=visit.now
        )
    return desk.done(f"/console/orders/{order.number}", "refunding")


def _one(visit: Visit, order: orders.Order, site: tenancy.Site) -> Response:
    return desk.page(
        visit,
        "order.html",
        order=order,
        site=site,
        journals=settlement.journals_of(order),
        contact=order.contact_masked,
        refunds=settlement.refunds_of(order),
        split=settlement.split_of(order.site, order.number) if order.attempt.splits else None,
        named=named,
    )


def _list(visit: Visit, *, today: str) -> Response:
    day = values.day(visit.query.get("day", ""), otherwise="" if visit.account.is_main else today)
    found, more = _found(visit, day or today if visit.query.get("site") else day)
    return desk.page(
        visit,
        "orders.html",
        orders=found,
        more=more,
        day=day,
        today=today,
        states=orders.STATES,
        chosen=_status(visit) or "",
        chosen_site=visit.query.get("site", ""),
        sites={s.site: s for s in tenancy.sites()} if visit.account.is_main else {},
        shown_day=values.shown_day,
    )


def find(visit: Visit, number: str) -> orders.Order:
    """An order that this desk may see. Raises NotFound."""
    seat: desk.Seat = visit.account
    return (
        analytics.find_order(number)
        if seat.is_main
        else orders.order(seat.scope, orders.parse_number(number))
    )


def _open(visit: Visit, number: str) -> orders.Order:
    """An order a person may still act on. Raises WrongState."""
    order = find(visit, number)
    if order.status not in ACTIONABLE:
        raise orders.WrongState(order)
    return order


def _status(visit: Visit) -> str | None:
    status = visit.query.get("status", "")
    return status if status in orders.STATES else None


def _found(visit: Visit, day: str) -> tuple[list[orders.Order], str]:
    """One site's orders of one day, or a page of the feed of all sites with the mark of the next."""
    if not visit.account.is_main:
        return orders.recent(visit.account.scope, day=day, status=_status(visit)), ""
    site = visit.query.get("site", "")
    if not site:
        return _feed(visit, day)
    tenancy.site(site)
    with tenant.acting_for(site):
        return orders.recent(site, day=day, status=_status(visit)), ""


def _feed(visit: Visit, day: str) -> tuple[list[orders.Order], str]:
    """Orders of all sites; reads on until the page is full, so that a rare state is found too."""
    found: list[orders.Order] = []
    before, status = visit.query.get("before", ""), _status(visit)
    for _ in range(MOST_STEPS):
        step, before = analytics.all_orders(before=before, now=visit.now)
        found += [o for o in step if _fits(o, day, status)]
        past = bool(day and step and clock.day_of(step[-1].placed_at) < day)
        if past or not before or len(found) >= PAGE:
            return found, "" if past else before
    return found, before


def _fits(order: orders.Order, day: str, status: str | None) -> bool:
    return (not day or clock.day_of(order.placed_at) == day) and (not status or order.status == status)
