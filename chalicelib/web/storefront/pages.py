"""The counter and one ticket from near."""

from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.kit import errors
from chalicelib.web import counter
from chalicelib.web.face import Face, cookie, go, open_shop
from chalicelib.web.visit import LANGUAGES, Visit

from . import look

PER_PAGE = 60
_YEAR = 365 * 86_400
FRESH = (
    30  # seconds an edge may show a page of the counter, and once more that long while it asks for a new one
)
_SHARED = {
    "Cache-Control": f"public, max-age=0, s-maxage={FRESH}, stale-while-revalidate={FRESH}",
    "Vary": "Accept-Language, Cookie",
}

face = Face("storefront", error_page=look.error_page, enter=open_shop)

PRIVATE = ("/buy/", "/pay/", "/orders", "/wallet", "/login", "/signup")


@face.get("/")
def home(visit: Visit) -> Response:
    """The counter: everything on sale, a category of it, or what a search found."""
    if visit.site is None:
        return go("/console")
    return _counter(visit, q=visit.query.get("q", "")[:60].strip(), category=visit.query.get("category", ""))


@face.get("/goods/{goods_id}")
def goods(visit: Visit, goods_id: str) -> Response:
    """One ticket from near: usage notes, price, quantity."""
    offer = catalog.shelf(visit.shop.site).find(goods_id)
    return shared(visit, look.page(visit, "goods.html", ticket=counter.ticket(offer, now=visit.now)))


@face.get("/robots.txt")
def robots(_visit: Visit) -> Response:
    """Search engines may read the counter, and nothing that belongs to one person."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    return Response("\n".join(lines) + "\n", {"Content-Type": "text/plain; charset=utf-8"})


@face.get("/lang/{lang}")
def language(visit: Visit, lang: str) -> Response:
    """Choose a language and go on reading where one was. Raises NotFound."""
    if lang not in LANGUAGES:
        raise errors.NotFound
    came = urlsplit(visit.header("referer"))
    place = came.path + (f"?{came.query}" if came.query else "") if came.netloc == visit.host else "/"
    return go("/" + place.lstrip("/\\"), cookie("lang", lang, seconds=_YEAR))


def _counter(visit: Visit, *, q: str, category: str) -> Response:
    shelf = catalog.shelf(visit.shop.site)
    found, first = shelf.search(q, category), _first(visit)
    shown = look.page(
        visit,
        "home.html",
        q=q,
        category=category,
        categories=shelf.categories,
        tickets=counter.tickets(found[first : first + PER_PAGE], now=visit.now),
        count=len(found),
        rest=first + PER_PAGE if len(found) > first + PER_PAGE else 0,
    )
    return shared(visit, shown)


def shared(visit: Visit, page: Response) -> Response:
    """Guests all see the same, so an edge may keep it; what a member sees is not kept. Prices are fixed when buying."""
    if "member" not in visit.cookies:
        page.headers.update(_SHARED)
    return page


def _first(visit: Visit) -> int:
    asked = visit.query.get("from", "0")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 6 else 0
