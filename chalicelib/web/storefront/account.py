"""Sign-up, login and logout of a shop's members."""

import msgspec
from chalice.app import Response

from chalicelib.kit import errors
from chalicelib.membership import service as membership
from chalicelib.web.face import Face, cookie, go, open_purse
from chalicelib.web.visit import Visit

from . import look

_MONTH = 30 * 86_400

face = Face("account", error_page=look.error_page, enter=open_purse)


class Credentials(msgspec.Struct):
    """What a member types."""

    login: str
    password: str
    next: str = "/orders"


@face.get("/signup")
def signup_page(visit: Visit) -> Response:
    """The sign-up form."""
    return _form(visit, "signup")


@face.post("/signup")
def signup(visit: Visit) -> Response:
    """Become a member of this shop."""
    return _enter(visit, "signup")


@face.get("/login")
def login_page(visit: Visit) -> Response:
    """The login form."""
    return _form(visit, "login")


@face.post("/login")
def login(visit: Visit) -> Response:
    """Come in as a member."""
    return _enter(visit, "login")


@face.post("/logout")
def logout(visit: Visit) -> Response:
    """Leave. Raises Forbidden for a form of another page."""
    site, token = visit.shop.site, visit.cookies.get("member", "")
    membership.check_form(site, token, visit.form.get("form_token", ""))
    membership.log_out(site, token)
    return go("/", cookie("member", "", seconds=0))


def _enter(visit: Visit, action: str) -> Response:
    site = _members_of(visit)
    verb = membership.sign_up if action == "signup" else membership.log_in
    try:
        given = visit.fields(Credentials)
        token = verb(site, given.login, given.password, address=visit.address, now=visit.now)
    except errors.ShopError as refusal:
        return _form(visit, action, refusal)
    return go(_inside(given.next), cookie("member", token, seconds=_MONTH))


def _form(visit: Visit, action: str, refusal: errors.ShopError | None = None) -> Response:
    _members_of(visit)
    return look.page(
        visit,
        "account.html",
        status=refusal.status if refusal else 200,
        action=action,
        login=visit.form.get("login", "") if refusal else "",
        place=_inside((visit.form if refusal else visit.query).get("next", "")),
        reason=look.reason(visit, refusal) if refusal else "",
    )


def _members_of(visit: Visit) -> str:
    """The shop's code. Raises NotFound where the shop has no members."""
    if "members" not in visit.shop.blocks:
        raise errors.NotFound
    return visit.shop.site


def _inside(place: str) -> str:
    """A path of this shop; anything else becomes the member's orders."""
    safe = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if safe else "/orders"
