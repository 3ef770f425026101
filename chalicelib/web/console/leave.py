"""退出: the owner's way out — what leaving means, what is still to be done, the shop's trade to take along."""

from datetime import date
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import clock, errors
from chalicelib.lifecycle import service as lifecycle
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_leave", error_page=desk.error_page, enter=desk.enter_owner)

PLACE = "/console/leave"


class Will(msgspec.Struct):
    """What the owner wants: "leave", naming the shop, or "stay"."""

    act: str = ""
    name: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """What leaving means, or how far it is."""
    site = tenancy.site(visit.shop.site, fresh=True)
    found = lifecycle.matters(site, now=visit.now)
    months = _months(site.opened_at, visit.now)
    tables = [(what, name, what in lifecycle.DAILY) for what, name in lifecycle.WHAT.items()]
    return desk.page(visit, "leave.html", site=site, matters=found, months=months, tables=tables)


@face.post(PLACE)
@desk.or_again(index)
def decide(visit: Visit) -> Response:
    """Leave, or stay after all."""
    site, will, by = visit.shop, visit.fields(Will), visit.account.staff.login
    if will.act == "stay":
        tenancy.stay(site.site, by=by, now=visit.now)
    elif will.act != "leave":
        raise errors.Invalid
    elif will.name != site.slug:
        raise values.BadValue("请照抄站点名，确认是这家店要退出。", field="name")
    else:
        tenancy.leave(site.site, by=by, now=visit.now)
    return desk.done(PLACE, f"site_{will.act}")


@face.get(f"{PLACE}/export")
def export(visit: Visit) -> Response:
    """A table; orders and journals of a day or a month, as YYYYMMDD or YYYYMM. Raises NotFound, TooMuch."""
    span, what, shop = visit.query.get("span", ""), visit.query.get("what", ""), visit.shop
    if what not in lifecycle.WHAT:
        raise errors.NotFound
    days = _days(span) if what in lifecycle.DAILY else []
    name = "-".join([shop.slug, what, *([span] if days else [])])
    headers: dict[str, Any] = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Response(lifecycle.BOM + lifecycle.table(shop.site, what, days), headers)


def _days(span: str) -> list[str]:
    """The Beijing days of a month or a day. Raises NotFound."""
    first = values.day(span if len(span) == len("20261123") else f"{span}01", otherwise="")
    if not first:
        raise errors.NotFound
    if first == span:
        return [span]
    start = clock.day_start(first)
    days = (clock.day_of(start + n * clock.DAY) for n in range(31))
    return [day for day in days if day.startswith(span)]


def _months(since: int, now: int) -> list[str]:
    """The months from one moment to another, the newest first."""
    first, last = (date(moment.year, moment.month, 1) for moment in map(clock.beijing, (since, now)))
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    numbers = (last.year * 12 + last.month - 1 - back for back in range(count))
    return [f"{number // 12:04}{number % 12 + 1:02}" for number in numbers]
