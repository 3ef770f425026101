"""The owner's money by day: every split, the totals, and the same as a file for the bookkeeper."""

import csv
import io

from chalice.app import Response

from chalicelib.kit import clock, money
from chalicelib.settlement import service as settlement

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_statement", error_page=desk.error_page, enter=desk.enter_owner)

HEADINGS = ("时间", "订单号", "事项", "商品", "顾客实付", "本店所得", "主站所得", "通道费")
EVENTS = {"sale": "成交", "refund": "退款"}


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
    statement = settlement.statement(visit.shop.site, day)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="statement-{visit.shop.slug}-{day}.csv"',
    }
    return Response("\ufeff" + table(statement), headers)


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
    start = clock.day_start(day)
    return desk.page(
        visit,
        "statement.html",
        statement=settlement.statement(visit.shop.site, day),
        shown=values.shown_day(day),
        today=values.shown_day(today),
        before=values.shown_day(clock.day_of(start - 1)),
        after=values.shown_day(clock.day_of(start + clock.DAY)) if day < today else "",
        events=EVENTS,
    )


def _rows(statement: settlement.Statement) -> list[list[str]]:
    return [
        [
            clock.beijing(row.at).strftime("%Y-%m-%d %H:%M:%S"),
            row.number,
            EVENTS.get(row.event, row.event),
            row.goods_name,
            *(money.yuan(fen) for fen in (row.paid_fen, row.site_fen, row.main_fen, row.fee_fen)),
        ]
        for row in statement.rows
    ]
