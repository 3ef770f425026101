"""域名: a shop's own domains — the record to set, how far each is, what to do where it did not work."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import config, errors
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_domains", error_page=desk.error_page, enter=desk.enter_owner)

PLACE = "/console/domains"
ACTS = {"bind": tenancy.bind, "look": tenancy.look, "unbind": tenancy.unbind}


class Wish(msgspec.Struct):
    """What is wanted of which domain: one of ACTS."""

    act: str = ""
    domain: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """The shop's domains, and the form that binds another."""
    site = tenancy.site(visit.shop.site, fresh=True)
    return desk.page(visit, "domains.html", site=site, **shown(visit, site))


@face.get(f"{PLACE}/state")
def state(visit: Visit) -> Response:
    """How far they are, for the page that waits for it."""
    return faces.answer({"state": mark(tenancy.site(visit.shop.site, fresh=True))})


@face.post(PLACE)
@desk.or_again(index)
def decide(visit: Visit) -> Response:
    """Bind a domain, have one looked at, let one go."""
    return desk.done(PLACE, act(visit, visit.shop.site))


def act(visit: Visit, site: str) -> str:
    """Do to a site's domain what a form says; the key of what was done. Raises Invalid and what the verbs raise."""
    wish = visit.fields(Wish)
    if wish.act not in ACTS:
        raise errors.Invalid
    ACTS[wish.act](site, wish.domain, now=visit.now)
    return f"domain_{wish.act}"


def shown(visit: Visit, site: tenancy.Site) -> dict[str, Any]:
    """What templates need to show domains: whether there may be any, and whether the page waits for a machine.

    For DNS it waits right after somebody had it looked at; else that may take days.
    """
    asked = visit.query.get("done", "") in ("domain_bind", "domain_look")
    moving = [one for one in site.domains if one.moves and (asked or one.state != "dns")]
    settings = config.load()
    return {
        "offered": settings.edge is not None,
        "waits": mark(site) if moving else "",
        "address": settings.url_of,
    }


def mark(site: tenancy.Site) -> str:
    """What changes whenever any of a site's domains has moved."""
    return " ".join(f"{one.host}:{one.state}:{one.looked or one.since}" for one in site.domains)
