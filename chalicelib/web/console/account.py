"""A party's statement of a day, a week, a month or any days up to a quarter: page, CSV, PDF: 账户对账单.

Owners and distributors see their own, main's staff that of any site and any distributor.
"""

import csv
import io
from datetime import timedelta
from typing import Any

from chalice.app import Response

from chalicelib.kit import clock, money
from chalicelib.payouts import service as payouts
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, paper, values
from . import payouts as parties
from .statement import inert

face = faces.Face("console_account", error_page=desk.error_page, enter=desk.enter)

PARTS = {
    "sale": "销售所得",
    "fee": "通道费",
    "refund": "退款",
    "other": "调整",
    "deferred": "当日已提前入账或待次日入账",
    "recover": "保证金垫付",
    "payout": "提现",
    "returned": "银行退汇",
    "deposit": "转入保证金",
}
EVENTS = {
    "release": "结算入账",
    "recover": "保证金垫付",
    "payout-requested": "申请提现",
    "payout-rejected": "提现退回",
    "payout-failed": "付款失败退回",
    "payout-returned": "银行退汇",
    "deposit-available": "转入保证金",
}
HEADINGS = ("时间", "事项", "编号", "收支", "余额")


@face.get("/console/account")
def index(visit: Visit) -> Response:
    """The statement of a period; this month's without one."""
    found = _statement(visit)
    choice: dict[str, Any] = {
        "parties": _parties() if visit.account.is_main else [],
        "spans": _spans(visit.now),
    }
    words: dict[str, Any] = {"parts": _parts(found.party), "named": named, "shown": values.shown_day}
    today = values.shown_day(clock.day_of(visit.now))
    name = parties.named(found.party)
    return desk.page(visit, "account.html", statement=found, name=name, today=today, **choice, **words)


@face.get("/console/account/csv")
def download(visit: Visit) -> Response:
    """The statement as CSV, with a byte order mark so that spreadsheets read Chinese."""
    found = _statement(visit)
    return Response("\ufeff" + table(found), _headers("text/csv; charset=utf-8", found, "csv"))


@face.get("/console/account/pdf")
def print_out(visit: Visit) -> Response:
    """The statement on paper."""
    found = _statement(visit)
    text = paper.pdf(found, parties.named(found.party), parts=_parts(found.party), named=named, now=visit.now)
    return Response(text, _headers("application/pdf", found, "pdf"))


def table(found: payouts.Statement) -> str:
    """The lines as CSV text (RFC 4180), between the opening and the closing balance."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([*HEADINGS, *_parts(found.party).values()])
    lines.writerow([values.shown_day(found.first), "期初余额", "", "", money.yuan(found.opening_fen)])
    for line in found.lines:
        parts = [money.yuan(line.parts[kind]) if kind in line.parts else "" for kind in PARTS]
        at = clock.beijing(line.at).strftime("%Y-%m-%d %H:%M:%S")
        row = [at, named(line), line.ref, money.yuan(line.fen), money.yuan(line.after_fen), *parts]
        lines.writerow([inert(cell) for cell in row])
    lines.writerow([values.shown_day(found.last), "期末余额", "", "", money.yuan(found.closing_fen)])
    return out.getvalue()


def named(line: payouts.Line) -> str:
    """A line's event in words; a release names its window."""
    words = EVENTS.get(line.event, line.event)
    if line.event != "release":
        return words
    window = line.ref.rpartition("@")[2].partition("#")[0]
    return f"{words} {values.shown_day(window)}" if len(window) == len("20260101") else words


def _parts(party: str) -> dict[str, str]:
    """What lines are made of, in words: a distributor sells nothing."""
    return PARTS | ({"sale": "佣金"} if party.startswith("dist:") else {})


def _statement(visit: Visit) -> payouts.Statement:
    today = clock.day_of(visit.now)
    first, last = _spans(visit.now)["本月"]
    first = values.day(visit.query.get("first", ""), otherwise=first)
    last = min(values.day(visit.query.get("last", ""), otherwise=last), today)
    return payouts.statement(_party(visit), min(first, last), last)


def _party(visit: Visit) -> str:
    """The owner's or distributor's own, or whom main's staff chose. Raises NotFound."""
    if not visit.account.is_main:
        return str(visit.account.party)
    party = visit.query.get("party", "") or next((site.site for site in tenancy.sites()), "")
    parties.named(party)
    return party


def _parties() -> list[tuple[str, str]]:
    """Everybody who has a statement, with their names."""
    found = [(site.site, site.brand.name) for site in tenancy.sites()]
    return found + [(agent.party, f"合伙人 {agent.name}") for agent in tenancy.agents()]


def _spans(now: int) -> dict[str, tuple[str, str]]:
    """Periods to choose with one tap, as Beijing days."""
    today = clock.beijing(now).date()
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    spans = {
        "今天": (today, today),
        "昨天": (today - timedelta(days=1), today - timedelta(days=1)),
        "本周": (today - timedelta(days=today.weekday()), today),
        "本月": (month, today),
        "上月": (before.replace(day=1), before),
    }
    return {name: (a.strftime("%Y%m%d"), b.strftime("%Y%m%d")) for name, (a, b) in spans.items()}


def _headers(kind: str, found: payouts.Statement, ending: str) -> dict[str, str | list[str]]:
    party = found.party.replace(":", "-")
    name = f"account-{party}-{found.first}-{found.last}.{ending}"
    return {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
