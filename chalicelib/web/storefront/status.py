"""What a shop knows of itself, for whoever wonders whether it is the shop or their phone."""

from dataclasses import dataclass

from chalice.app import Response

from chalicelib.kit import errors
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.web.face import Face
from chalicelib.web.visit import Visit

from . import look, pages

face = Face("status", error_page=look.error_page)

_seen: dict[str, tuple[int, orders.Pulse | None]] = {}  # when, by site


@dataclass(frozen=True)
class Line:
    """One thing that must run: its name in the words of the page, how it is (ok, bad or closed), and the sentence."""

    name: str
    state: str
    says: str


@face.get("/status")
def status(visit: Visit) -> Response:
    """Whether one can order, pay and get codes here now; the same for everybody."""
    at, pulse = _look(visit.shop.site, visit.now)
    lines = _lines(visit.shop, pulse)
    states = {line.state for line in lines}
    headline = next((state for state in ("closed", "bad") if state in states), "ok")
    shown = look.page(visit, "status.html", lines=lines, headline=headline, at=at, every=pages.FRESH)
    return pages.shared(visit, shown)


def _look(site: str, now: int) -> tuple[int, orders.Pulse | None]:
    """The pulse and when it was felt, anew after some seconds; None where what selling needs does not answer."""
    seen = _seen.get(site)
    if seen is None or seen[0] + pages.FRESH <= now:
        seen = _seen[site] = now, _ask(site, now)
    return seen


def _ask(site: str, now: int) -> orders.Pulse | None:
    from chalicelib.checkout import service as checkout

    try:
        checkout.health(site)
    except errors.NotReady:
        return None
    return orders.pulse(site, now=now)


def _lines(site: tenancy.Site, pulse: orders.Pulse | None) -> list[Line]:
    sells = "closed" if site.state != "active" else "ok" if pulse else "bad"
    found = [Line("health.sell", sells, f"health.sell.{sells}")]
    if pulse is None:
        return found
    delivers = "ok" if pulse.delivers else "bad"
    found.append(Line("health.deliver", delivers, f"health.deliver.{delivers}"))
    for channel in (each for each in tenancy.CHANNELS if each in site.channels):
        state = "bad" if channel in pulse.doubtful else "ok"
        found.append(Line(f"channel.{channel}", state, f"health.channel.{state}"))
    return found
