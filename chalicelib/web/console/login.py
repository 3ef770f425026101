"""Signing in to a desk and out of it: staff and owners below /console, distributors below /partner."""

import msgspec
from chalice.app import Response

from chalicelib.kit import errors
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_login", error_page=desk.error_page)

STAY = 12 * 3600  # seconds the browser keeps the cookie; the session itself ends by its own clock
_BLANK = {"refused": "", "typed": ""}


class Credentials(msgspec.Struct):
    """What is typed into the sign-in form."""

    login: str = ""
    password: str = ""


class Joining(Credentials):
    """What somebody types who was invited."""

    invite: str = ""


@face.get("/console/login")
def form(visit: Visit, refusal: errors.ShopError | None = None) -> Response:
    """The sign-in form."""
    return desk.bare_page(
        visit,
        "login.html",
        status=refusal.status if refusal else 200,
        refused=desk.say(refusal) if refusal else "",
        typed=visit.form.get("login", "") if refusal else "",
        place=_place(visit),
        home=desk.home_of(visit),
    )


@face.post("/console/login")
def sign_in(visit: Visit) -> Response:
    """Open a session and go where the visitor wanted to be."""
    given = visit.fields(Credentials)
    try:
        return _seated(visit, given)
    except errors.ShopError as refusal:
        return form(visit, refusal)


@face.post("/console/logout")
def sign_out(visit: Visit) -> Response:
    """End the session."""
    desk.enter(visit)
    return _left(visit)


@face.get("/partner/login")
def partner_form(visit: Visit) -> Response:
    """A distributor's sign-in form."""
    desk.only_main(visit)
    return form(visit)


@face.post("/partner/login")
def partner_sign_in(visit: Visit) -> Response:
    """Open a distributor's session."""
    desk.only_main(visit)
    return sign_in(visit)


@face.post("/partner/logout")
def partner_sign_out(visit: Visit) -> Response:
    """End a distributor's session."""
    desk.enter_partner(visit)
    return _left(visit)


@face.get("/partner/join")
def invitation(visit: Visit, refusal: errors.ShopError | None = None) -> Response:
    """The form for whoever was invited. Raises InvitationOver."""
    desk.only_main(visit)
    given = visit.form.get("invite", "") if refusal else visit.query.get("invite", "")
    words = {"refused": desk.say(refusal), "typed": visit.form.get("login", "")} if refusal else _BLANK
    agent = tenancy.invited(given, now=visit.now)
    status = refusal.status if refusal else 200
    return desk.bare_page(visit, "join.html", status=status, invite=given, agent=agent, **words)


@face.post("/partner/join")
def join(visit: Visit) -> Response:
    """Take the invitation, and sign in."""
    desk.only_main(visit)
    given = visit.fields(Joining)
    try:
        tenancy.join(given.invite, given.login, given.password, now=visit.now)
        return _seated(visit, given)
    except tenancy.InvitationOver:
        raise
    except errors.ShopError as refusal:
        return invitation(visit, refusal)


def _seated(visit: Visit, given: Credentials) -> Response:
    """Sign in at the desk whose address this is. Raises WrongLogin, TooMany."""
    scope, name, path = desk.door_of(visit)
    _, token = tenancy.sign_in(scope, given.login, given.password, address=visit.address, now=visit.now)
    if scope == tenancy.PARTNERS and tenancy.partner_of(token, now=visit.now) is None:
        raise tenancy.WrongLogin
    return faces.go(_place(visit), faces.cookie(name, token, seconds=STAY, path=path))


def _left(visit: Visit) -> Response:
    scope, name, path = desk.door_of(visit)
    tenancy.sign_out(scope, visit.account.token)
    return faces.go(f"{desk.home_of(visit)}/login", faces.cookie(name, "", seconds=0, path=path))


def _place(visit: Visit) -> str:
    """A page of this desk to go on to; never another site's."""
    home = desk.home_of(visit)
    place = visit.form.get("next", "") if visit.request.method == "POST" else visit.query.get("next", "")
    safe = place == home or place.startswith((f"{home}/", f"{home}?"))
    return place if safe and place.isprintable() and "\\" not in place else home
