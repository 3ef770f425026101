"""Who may see an order: the browser that placed or looked it up, and the member it belongs to."""

from chalicelib.kit import errors
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.web.face import cookie
from chalicelib.web.visit import Visit

DEVICE = "payer"  # the cookie that wallet.agree gives
_COOKIE = "receipts"
_MONTH = 30 * 86_400


def order_for(visit: Visit, number: str) -> orders.Order:
    """The order, for those who may see it. Raises NotFound."""
    if number in here(visit):
        return orders.order(visit.shop.site, number)
    member = member_of(visit)
    order = orders.order(visit.shop.site, number) if member else None
    if order is None or member is None or order.member != member.member:
        raise errors.NotFound
    return order


def here(visit: Visit) -> tuple[str, ...]:
    """Numbers of the orders that this browser placed or looked up."""
    return orders.receipts(visit.shop.site, visit.cookies.get(_COOKIE, ""), now=visit.now)


def remember(visit: Visit, number: str) -> str:
    """The Set-Cookie value after which this browser may see the order."""
    old = visit.cookies.get(_COOKIE, "")
    value = orders.receipt_cookie(visit.shop.site, old, number, now=visit.now)
    return cookie(_COOKIE, value, seconds=_MONTH)


def payer_of(visit: Visit, member: membership.Member) -> str:
    """The device on which the member agreed to pay without the password; empty on any other."""
    from chalicelib.wallet import service as wallet

    return wallet.device_of(visit.shop.site, member.member, visit.cookies.get(DEVICE, ""))


def member_of(visit: Visit) -> membership.Member | None:
    """The member signed in here, if any."""
    token = visit.cookies.get("member", "")
    return membership.member_of(visit.shop.site, token, now=visit.now) if token else None
