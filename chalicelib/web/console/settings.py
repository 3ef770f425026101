"""The owner's own shop: how it presents itself, which building blocks and channels it uses."""

import msgspec
from chalice.app import Response

from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_settings", error_page=desk.error_page, enter=desk.enter_owner)

PLACE = "/console/settings"


class BrandForm(msgspec.Struct):
    """How the shop presents itself, as typed."""

    name: str = ""
    tagline: str = ""
    color: str = ""
    logo: str = ""
    notice: str = ""


@face.get(PLACE)
def form(visit: Visit) -> Response:
    """The settings as they stand."""
    site = tenancy.site(visit.shop.site, fresh=True)
    return desk.page(visit, "settings.html", site=site, channels=tenancy.CHANNELS)


@face.post("/console/settings/brand")
@desk.or_again(form)
def brand(visit: Visit) -> Response:
    """Change name, tagline, colour, logo and notice."""
    tenancy.set_brand(visit.shop.site, tenancy.Brand(**msgspec.to_builtins(visit.fields(BrandForm))))
    return desk.done(PLACE, "brand")


@face.post("/console/settings/blocks")
@desk.or_again(form)
def blocks(visit: Visit) -> Response:
    """Switch building blocks on and off."""
    tenancy.set_blocks(visit.shop.site, _ticked(visit, tenancy.BLOCKS))
    return desk.done(PLACE, "blocks")


@face.post("/console/settings/channels")
@desk.or_again(form)
def channels(visit: Visit) -> Response:
    """Choose the channels shoppers may pay through."""
    tenancy.set_channels(visit.shop.site, _ticked(visit, tenancy.CHANNELS))
    return desk.done(PLACE, "channels")


def _ticked(visit: Visit, names: frozenset[str] | tuple[str, ...]) -> set[str]:
    return {name for name in names if visit.form.get(name)}
