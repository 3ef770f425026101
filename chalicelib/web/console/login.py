"""Signing in to the console and out of it."""

import msgspec
from chalice.app import Response

from chalicelib.kit import errors
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_login", error_page=desk.error_page)

STAY = 12 * 3600  # seconds the browser keeps the cookie; the session itself ends by its own clock


class Credentials(msgspec.Struct):
    """What is typed into the sign-in form."""

    login: str = ""
    password: str = ""


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
    )


@face.post("/console/login")
def sign_in(visit: Visit) -> Response:
    """Open a session and go where the visitor wanted to be."""
    given = visit.fields(Credentials)
    try:
        _, token = tenancy.sign_in(
            desk.scope_of(visit), given.login, given.password, address=visit.address, now=visit.now
        )
    except errors.ShopError as refusal:
        return form(visit, refusal)
    return faces.go(_place(visit), faces.cookie(desk.COOKIE, token, seconds=STAY))


@face.post("/console/logout")
def sign_out(visit: Visit) -> Response:
    """End the session."""
    desk.enter(visit)
    tenancy.sign_out(desk.scope_of(visit), visit.account.token)
    return faces.go(f"{desk.HOME}/login", faces.cookie(desk.COOKIE, "", seconds=0))


def _place(visit: Visit) -> str:
    """A page of this console to go on to; never another site's."""
    place = visit.form.get("next", "") if visit.request.method == "POST" else visit.query.get("next", "")
    safe = place == desk.HOME or place.startswith((f"{desk.HOME}/", f"{desk.HOME}?"))
    return place if safe and place.isprintable() and "\\" not in place else desk.HOME
