"""The first page: is it running, how is today, what needs me, what is changing."""

from chalice.app import Response

from chalicelib.analytics import service as analytics
from chalicelib.catalog import service as catalog
from chalicelib.kit import clock
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, goods, stock

face = faces.Face("console_board", error_page=desk.error_page, enter=desk.enter)

WEEK = 7 * clock.DAY
BEST = 50  # sites on the board
LOOK_BACK = 3  # days in which orders that need a person are looked for


@face.get("/console")
def index(visit: Visit) -> Response:
    """Main's board on main's host, the owner's on a sub-site's."""
    return _main(visit) if visit.account.is_main else _own(visit)


def _main(visit: Visit) -> Response:
    sites = tenancy.sites()
    today = analytics.board(sites, clock.day_of(visit.now), now=visit.now)
    recent, _ = analytics.all_orders(before="", now=visit.now)
    return desk.page(
        visit,
        "board.html",
        board=today,
        before=today.last_week,
        rows=_worth_showing(today),
        health=analytics.health(),
        waiting=[o for o in recent if o.status == "review"],
        failed=[s for s in sites if s.state == "failed"],
        so_far=sum(today.last_week.hours[: _passed(visit.now)]),
        chart=_chart(today.hours, today.last_week.hours, visit.now),
    )


def _worth_showing(today: analytics.Board) -> list[analytics.BoardRow]:
    """The best sites, and those whose figures are missing: a page does not hold thousands."""
    return [*today.rows[:BEST], *(row for row in today.rows[BEST:] if row.unreadable)]


def _own(visit: Visit) -> Response:
    site = visit.shop.site
    today = analytics.site_board(site, clock.day_of(visit.now), now=visit.now)
    before = analytics.site_board(site, clock.day_of(visit.now - WEEK), now=visit.now)
    return desk.page(
        visit,
        "own_board.html",
        row=today,
        before=before,
        waiting=_waiting(site, visit.now),
        low=_running_out(site),
        so_far=sum(before.hours[: _passed(visit.now)]),
        chart=_chart(today.hours, before.hours, visit.now),
    )


def _waiting(site: str, now: int) -> list[orders.Order]:
    days = [clock.day_of(now - back * clock.DAY) for back in range(LOOK_BACK)]
    return [o for day in days for o in orders.recent(site, day=day, status="review")]


def _running_out(site: str) -> list[tuple[catalog.Goods, int]]:
    own = [g for g in catalog.all_goods(site) if g.on and g.way == "pool"]
    free = goods.levels(site, own)
    return [(g, free.get(g.goods_id, 0)) for g in own if free.get(g.goods_id, 0) < stock.LOW]


def _chart(today: tuple[int, ...], before: tuple[int, ...], now: int) -> dict[str, list[float]]:
    """Turnover by hour in yuan for the chart; hours to come are left out of today's line."""
    lines = {"today": today[: _passed(now)], "before": before}
    return {name: [fen / 100 for fen in line] for name, line in lines.items()}


def _passed(now: int) -> int:
    """Hours of the Beijing day that have begun."""
    return clock.beijing(now).hour + 1
