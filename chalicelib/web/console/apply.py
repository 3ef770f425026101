"""入驻申请: somebody without an account asks the main site for a sub-site, and follows how far that is.

Whoever has the link follows it; nothing but the application's own state is shown there.
"""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import config, errors, ids
from chalicelib.lifecycle import service as lifecycle
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_apply", error_page=desk.error_page, enter=desk.only_main)

PLACE = "/apply"
_BLANK = {"refused": "", "key": ""}


class Typed(msgspec.Struct):
    """The application as it is typed. `forever`: the licence has no end; `agreed`: the version that was ticked."""

    slug: str = ""
    name: str = ""
    company: str = ""
    licence: str = ""
    licence_until: str = ""
    forever: str = ""
    contact: str = ""
    phone: str = ""
    login: str = ""
    password: str = ""
    agreed: str = ""
    key: str = ""


@face.get(PLACE)
def form(visit: Visit, refusal: errors.ShopError | None = None) -> Response:
    """The form; after a refusal with what was typed."""
    shown = {"refused": desk.say(refusal), "key": visit.form.get("key", "")} if refusal else _BLANK
    wrong = str(refusal.detail.get("field", "")) if refusal else ""
    status, key = refusal.status if refusal else 200, shown["key"] or ids.token()
    terms = {"agreement": tenancy.AGREEMENT, "settings": config.load()}
    words = {"refused": shown["refused"], "wrong_field": wrong, "key": key}
    return desk.bare_page(visit, "apply.html", status=status, **words, **terms)


@face.post(PLACE)
def file(visit: Visit) -> Response:
    """Apply, and go where it can be followed."""
    try:
        asked, key = _form(visit.fields(Typed)), visit.form.get("key", "")
        reference = tenancy.file(asked, key=key, address=visit.address, now=visit.now)
    except errors.ShopError as refusal:
        return form(visit, refusal)
    return faces.go(f"{PLACE}/{reference}")


@face.get(f"{PLACE}/{{reference}}")
def progress(visit: Visit, reference: str) -> Response:
    """How far an application is, and what comes next."""
    one = tenancy.followed(reference)
    return desk.bare_page(visit, "progress.html", reference=reference, one=one, **_standing(one))


@face.get(f"{PLACE}/{{reference}}/state")
def state(_visit: Visit, reference: str) -> Response:
    """How far the site is, for the page that waits for it."""
    standing = _standing(tenancy.followed(reference))
    return faces.answer({"state": standing["state"]})


def _form(typed: Typed) -> tenancy.Form:
    until = values.end_of_day(typed.licence_until, field="licence_until")
    if not until and not typed.forever:
        raise values.BadValue("填营业执照的有效期，或勾选长期有效。", field="licence_until")
    return tenancy.Form(
        typed.slug,
        typed.name,
        typed.company,
        typed.licence,
        0 if typed.forever else until,
        tenancy.Contact(typed.contact, typed.phone),
        typed.login,
        typed.password,
        typed.agreed,
    )


def _standing(one: tenancy.Application) -> dict[str, Any]:
    """The state of the application, or, once it was admitted, of its site; what was paid, and where the shop is."""
    settings = config.load()
    if not one.site:
        return {"state": one.state, "note": "", "paid": 0, "address": "", "deposit_to": ""}
    site = tenancy.site(one.site, fresh=True)
    return {
        "state": site.state if one.state == "admitted" else one.state,
        "note": site.note,
        "paid": lifecycle.paid_for(one),
        "address": settings.url_of(site.host),
        "deposit_to": settings.deposit_to,
    }
