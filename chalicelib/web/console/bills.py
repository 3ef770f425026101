"""Reconciliation for main's staff: each merchant's day against the channel's bill, its differences, files of it."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from chalice.app import Response

from chalicelib.kit import clock, errors, money
from chalicelib.reconciliation import service as reconciliation
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, statement, values

face = faces.Face("console_bills", error_page=desk.error_page, enter=desk.enter_staff)

STATES = {
    "unready": ("账单未出", "azure"),
    "damaged": ("账单有误", "red"),
    "comparing": ("对账中", "orange"),
    "waiting": ("等次日账单", "azure"),
    "closed": ("已对平", "green"),
    "open": ("有差异", "red"),
}
CLASSES = {
    "matched": "相符",
    "fee": "手续费已调整",
    "long": "账单多出",
    "short": "账单缺少",
    "amount": "金额不一致",
    "state": "状态不一致",
    "duplicate": "重复",
}
ANSWERS = {"paid": "已收款", "unpaid": "未收款", "other": "收的是另一笔", "unsaid": "没有答复"}
KINDS = {"payment": "付款", "refund": "退款"}
WRONG = ("long", "short", "amount", "state", "duplicate")
MOST_SHOWN = 300  # differences on one page; the file has all


@face.get("/console/bills")
def index(visit: Visit) -> Response:
    """The books of a month, newest day first."""
    today = clock.day_of(visit.now)
    day = values.day(f"{visit.query.get('month', '')}-01", otherwise=today)
    return _month(visit, day[:6], today=today)


@face.get("/console/bills/{book}")
def one(visit: Visit, book: str) -> Response:
    """One merchant's day: what it came to, why the balance is what it is, and what differs."""
    return _day(visit, _book(book))


@face.post("/console/bills/{book}/again")
@desk.or_again(one)
def again(_visit: Visit, book: str) -> Response:
    """Have the bill downloaded and compared once more."""
    reconciliation.ask_again(_book(book).name)
    return desk.done(f"/console/bills/{book}", "bill_again")


@face.get("/console/bills/{book}/csv")
def download(visit: Visit, book: str) -> Response:
    """A file of the day: trades as the bill has them, sums by site, or differences."""
    found, what = _book(book), visit.query.get("what", "")
    make = _file(what, visit.query)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{what}-{address(found)}.csv"',
    }
    return Response("\ufeff" + _table(make(found)), headers)


def _file(what: str, asked: Mapping[str, str]) -> Callable[[reconciliation.Book], Iterable[list[str]]]:
    """What makes a file, by its name. Raises NotFound."""
    narrow = partial(_differences, site=asked.get("site", ""), story=asked.get("story", ""))
    files: dict[str, Callable[[reconciliation.Book], Iterable[list[str]]]]
    files = {"trades": _trades, "sites": _sites, "differences": narrow}
    if what not in files:
        raise errors.NotFound
    return files[what]


def address(book: reconciliation.Book) -> str:
    """How a book is called in addresses."""
    return f"{book.day}-{book.channel}-{book.merchant}"


def tone(book: reconciliation.Book) -> str:
    """The state of a book as people see it: closed with differences is not closed for them."""
    wrong = book.state == "closed" and (wrong_of(book) or _total(book, "unexplained_fen"))
    return "open" if wrong else book.state


def wrong_of(book: reconciliation.Book) -> int:
    """How many lines of a closed book differ."""
    counts = (book.totals or {}).get("counts")
    return sum(counts[name][0] for name in WRONG if name in counts) if isinstance(counts, dict) else 0


def _month(visit: Visit, month: str, *, today: str) -> Response:
    return desk.page(
        visit,
        "bills.html",
        books=[(address(one), one, tone(one)) for one in reconciliation.of_month(month)],
        states=STATES,
        shown=f"{month[:4]}-{month[4:]}",
        today=f"{today[:4]}-{today[4:6]}",
        wrong=wrong_of,
        shown_day=values.shown_day,
    )


def _day(visit: Visit, book: reconciliation.Book) -> Response:
    lines = [(site, line) for site, each in reconciliation.lines(book).items() for line in each]
    return desk.page(
        visit,
        "bill.html",
        book=book,
        address=address(book),
        state=STATES[tone(book)],
        lines=lines[:MOST_SHOWN],
        more=len(lines) - MOST_SHOWN,
        classes=CLASSES,
        kinds=KINDS,
        sites=_names(),
        shown_day=values.shown_day,
    )


def _total(book: reconciliation.Book, name: str) -> int:
    found = (book.totals or {}).get(name)
    return found if isinstance(found, int) else 0


def _book(text: str) -> reconciliation.Book:
    """The book of an address. Raises NotFound."""
    found = reconciliation.find(text.replace("-", "#"))
    if found is None:
        raise errors.NotFound
    return found


def _names() -> dict[str, str]:
    return {"main": "主站"} | {site.site: site.brand.name for site in tenancy.sites()}


def _trades(book: reconciliation.Book) -> Iterable[list[str]]:
    yield ["时间", "类型", "商户订单号", "渠道交易号", "退款单号", "金额", "手续费"]
    for row in sorted(reconciliation.rows(book), key=lambda row: (row.at, row.out_trade_no)):
        at = clock.beijing(row.at).strftime("%Y-%m-%d %H:%M:%S")
        numbers = [row.out_trade_no, row.transaction_id, row.out_refund_no]
        yield [at, KINDS[row.kind], *numbers, money.yuan(row.amount_fen), money.yuan(row.fee_fen)]


def _sites(book: reconciliation.Book) -> Iterable[list[str]]:
    yield ["分站", "账单净额", "记账净额", "在途", "他日账单", "未匹配", "无法解释", "手续费调整"]
    names = _names()
    for site, (_, clearing, adjusted) in reconciliation.parts(book).items():
        moved = (clearing.bill_fen, clearing.journal_fen, clearing.ahead_fen, clearing.behind_fen)
        rest = (clearing.unmatched_fen, clearing.unexplained_fen, adjusted)
        yield [names.get(site, site), *map(money.yuan, (*moved, *rest))]


def _differences(book: reconciliation.Book, *, site: str = "", story: str = "") -> Iterable[list[str]]:
    """All of the book, or those of a site, or of a story: what a case of many is about."""
    names = ["分站", "结果", "渠道答复", "类型", "订单号", "商户订单号", "渠道交易号或退款单号"]
    yield [*names, "账单金额", "本方金额", "手续费差", "已自动处理"]
    shops = _names()
    for owner, lines in reconciliation.lines(book).items():
        for line in lines if site in ("", owner) else ():
            if story in ("", line.story):
                yield [shops.get(owner, owner), *_difference(line)]


def _difference(line: reconciliation.Line) -> list[str]:
    numbers = [line.number, line.out_trade_no, line.key.split(":", 1)[1]]
    sums = map(money.yuan, (line.bill_fen, line.our_fen, line.fee_fen))
    named = [CLASSES[line.name], ANSWERS.get(line.answer, ""), KINDS[line.kind]]
    return [*named, *numbers, *sums, "是" if line.healed else ""]


def _table(rows: Iterable[list[str]]) -> str:
    """Rows as CSV text (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows([statement.inert(text) for text in row] for row in rows)
    return out.getvalue()
