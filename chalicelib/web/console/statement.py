"""The money by day: every split of a sub-site, the totals, and the same as a file for the bookkeeper.

Owners see their own site, main's staff any one of them.
"""

import csv
import io

from chalice.app import Response

from chalicelib.kit import clock, money, tenant
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_statement", error_page=desk.error_page, enter=desk.enter)

HEADINGS = ("时间", "订单号", "事项", "商品", "顾客实付", "本店所得", "主站所得", "合伙人佣金", "通道费")
AFTER_SALES = {"": "售后退款", "returned": "售后退款到账", "undone": "售后退款撤销", "split": "渠道分账回退"}
EVENTS = {
    "sale": "成交",
    "taken": "待退款",
    "returned": "已退款",
    "S1": "渠道分账",
    "U1": "解冻",
}
TWICE = {
    "taken": "重复付款待退",
    "returned": "重复付款已退",
}  # of a second payment, named D…-taken and D…-returned


@face.get("/console/statement")
def index(visit: Visit) -> Response:
    """The splits of one Beijing day."""
    today = clock.day_of(visit.now)
    day = min(values.day(visit.query.get("day", ""), otherwise=today), today)
    return _day(visit, day, today=today)


@face.get("/console/statement/csv")
def download(visit: Visit) -> Response:
    """The same rows as CSV, with a byte order mark so that spreadsheets read Chinese."""
    day = values.day(visit.query.get("day", ""), otherwise=clock.day_of(visit.now))
    shop = _shop(visit)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="statement-{shop.slug}-{day}.csv"',
    }
    return Response("\ufeff" + table(_statement(shop, day)), headers)


def table(statement: settlement.Statement) -> str:
    """The rows as CSV text (RFC 4180)."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(HEADINGS)
    lines.writerows([inert(text) for text in row] for row in _rows(statement))
    return out.getvalue()


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; plain amounts stay numbers."""
    amount = text.removeprefix("-").replace(".", "", 1).isdecimal()
    risky = text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{text}" if risky and not amount else text


def _day(visit: Visit, day: str, *, today: str) -> Response:
    shop = _shop(visit)
    return desk.page(
        visit,
        "statement.html",
        statement=_statement(shop, day),
        sites=[] if visit.site else tenancy.sites(),
        chosen=shop.site,
        named=named,
        **values.days_about(day, today),
    )


def named(event: str) -> str:
    """A journal's event in words."""
    if event.startswith("R"):  # R2, R2-returned
        return AFTER_SALES.get(event.partition("-")[2], event)
    _, twice, half = event.rpartition("-")
    return TWICE.get(half, event) if twice else EVENTS.get(event, event)


def _shop(visit: Visit) -> tenancy.Site:
    """The owner's own site, or the one that main's staff chose. Raises NotFound when there is none."""
    if visit.site:
        return visit.site
    code = visit.query.get("site", "") or next((site.site for site in tenancy.sites()), "")
    return tenancy.site(code)


def _statement(shop: tenancy.Site, day: str) -> settlement.Statement:
    with tenant.acting_for(shop.site):
        return settlement.statement(shop.site, day)


def _rows(statement: settlement.Statement) -> list[list[str]]:
    return [
        [
            clock.beijing(row.at).strftime("%Y-%m-%d %H:%M:%S"),
            row.number,
            named(row.event),
            row.goods_name,
            *map(money.yuan, (row.paid_fen, row.site_fen, row.main_fen, row.agents_fen, row.fee_fen)),
        ]
        for row in statement.rows
    ]
