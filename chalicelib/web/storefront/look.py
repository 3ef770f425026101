"""What every page of a shop shares: its colours and words, who visits, how a refusal reads."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from chalice.app import Response

from chalicelib.kit import config, errors
from chalicelib.tenancy import service as tenancy
from chalicelib.web import theme
from chalicelib.web.pages import Pages
from chalicelib.web.visit import Visit

NOBODY = tenancy.Brand(name="CardMesh")

_PRINTED = 4  # characters in a group, as printed on cards


def groups(code: str) -> list[str]:
    """A code in groups of four, as printed on cards; one that has its own signs stays whole."""
    if not (code.isascii() and code.isalnum() and len(code) > 2 * _PRINTED):
        return [code]
    return [code[i : i + _PRINTED] for i in range(0, len(code), _PRINTED)]


_pages = Pages(Path(__file__).parent, groups=groups)


def page(visit: Visit, template: str, **values: Any) -> Response:
    """A page of the shop visited, in its colours and the visitor's language."""
    brand = visit.site.brand if visit.site else NOBODY
    return _pages.page(
        visit,
        template,
        brand=brand,
        palette=theme.css(brand.color),
        light=theme.palette(brand.color),
        dark=theme.palette(brand.color, dark=True),
        favicon=favicon(brand),
        home=config.load().url_of(visit.host),
        members=visit.site is not None and "members" in visit.site.blocks,
        signed_in="member" in visit.cookies,
        **values,
    )


def error_page(visit: Visit, refusal: errors.ShopError) -> Response:
    """What happened, that the money is safe, and what to do."""
    shown = page(
        visit,
        "nobody.html" if isinstance(refusal, tenancy.Nobody) else "error.html",
        status=refusal.status,
        title=_title(refusal),
        reason=reason(visit, refusal),
        trace=refusal.detail.get("trace", ""),
    )
    if "retry_after" in refusal.detail:
        shown.headers["Retry-After"] = str(refusal.detail["retry_after"])
    return shown


def reason(visit: Visit, refusal: errors.ShopError) -> str:
    """A refusal as a sentence in the visitor's language."""
    key = f"error.{refusal.code}"
    return _pages.text(visit.lang, key if _pages.knows(key) else f"error.{_kind(refusal)}")


def text(visit: Visit, key: str) -> str:
    """Words in the visitor's language."""
    return _pages.text(visit.lang, key)


def favicon(brand: tenancy.Brand) -> str:
    """The logo as an image address; letters are drawn on the brand's colour."""
    if brand.logo.startswith("data:"):
        return brand.logo
    colors = theme.palette(brand.color)
    letters = (brand.logo or brand.name[:1]).translate({ord("<"): "", ord("&"): ""})
    return "data:image/svg+xml," + quote(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'>"
        f"<rect width='64' height='64' rx='16' fill='{colors['brand']}'/>"
        f"<text x='32' y='44' font-size='34' font-family='sans-serif' font-weight='700' text-anchor='middle' "
        f"fill='{colors['on-brand']}'>{letters}</text></svg>"
    )


def _title(refusal: errors.ShopError) -> str:
    return f"error.title.{_kind(refusal)}"


def _kind(refusal: errors.ShopError) -> str:
    known = {404: "missing", 403: "forbidden", 429: "busy", 503: "resting", 500: "ours", 409: "changed"}
    return known.get(refusal.status, "input")
