"""Splits at the channels, by how far they are: what waits, what is stuck, and what to do about it: 分账.

Owners see their own site's, main's staff any one's or those of all sites that split.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.cases import service as cases
from chalicelib.kit import clock, tenant
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_splits", error_page=desk.error_page, enter=desk.enter)

AT_ONCE = 20  # sites that are shown together
TABS = {
    "": ("全部", ()),
    "stuck": ("卡住", ()),
    "held": ("暂缓", ("held",)),
    "planned": ("等待分账", ("planned",)),
    "moving": ("渠道处理中", ("submitted", "finished")),
    "over": ("已有结果", ("unfrozen", "void")),
}


@dataclass(frozen=True)
class Line:
    """A split with its order, its shop, and the open cases about it."""

    shop: tenancy.Site
    order: orders.Order
    split: settlement.Split
    cases: tuple[cases.Case, ...]

    def within(self, tab: str) -> bool:
        """Whether it belongs under a tab."""
        return bool(self.cases) if tab == "stuck" else not tab or self.split.state in TABS[tab][1]


@face.get("/console/splits")
def index(visit: Visit) -> Response:
    """Splits that are not over, or those of a Beijing day's orders."""
    shops = _shops(visit)
    chosen = [one for one in shops if one.site == visit.query.get("site")] or shops[:AT_ONCE]
    today = clock.day_of(visit.now)
    day = min(values.day(visit.query.get("day", ""), otherwise=""), today)
    by = _by_tab(line for shop in chosen for line in _lines(shop, day))
    tab = visit.query.get("tab", "") if visit.query.get("tab") in TABS else ""
    words = {"tabs": TABS, "tab": tab, "day": day, **values.days_about(day or today, today)}
    return desk.page(visit, "splits.html", shops=shops, chosen=chosen, by=by, **words)


def _shops(visit: Visit) -> list[tenancy.Site]:
    """The owner's own site, or all that split at a channel."""
    return [visit.site] if visit.site else [one for one in tenancy.sites() if one.merchants or one.splits]


def _by_tab(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The lines of each tab, those that are stuck first."""
    found = sorted(lines, key=lambda line: not line.cases)
    return {name: [line for line in found if line.within(name)] for name in TABS}


def _lines(shop: tenancy.Site, day: str) -> list[Line]:
    with tenant.acting_for(shop.site):
        found = settlement.splits_of_day(shop.site, day) if day else settlement.splits_unfinished(shop.site)
    with tenant.acting_for(tenant.MAIN):
        return [Line(shop, order, split, tuple(settlement.split_trouble(split))) for order, split in found]
