"""What an owner takes along: the orders and journals of some days, as tables that any spreadsheet opens."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

from chalicelib.kit import clock, errors, money
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders

LARGEST = (
    1_500_000  # letters of a table: a function may answer with 6 MB, and one of ours can take three bytes
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet would begin to reckon at
_ORDERS = ("订单号", "状态", "商品", "数量", "金额", "余额支付", "退款", "会员", "下单", "付款", "交付")
_JOURNALS = ("日期", "订单号", "事件", "科目", "借方（元，负数为贷方）", "时间")

Row = Sequence[str]


class TooMuch(errors.ShopError):
    """More than fits into one answer."""

    status = 413
    code = "too_much"
    sentence = "This is more than fits into one file; take fewer days."


def table(site: str, what: str, days: Sequence[str]) -> str:
    """What happened on these Beijing days as CSV (RFC 4180), for the site acted for; `what` is one of WHAT.

    A day at a time is held beside what is written. Raises TooMuch.
    """
    head, of_day = WHAT[what]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(head)
    for day in days:
        lines.writerows([_inert(cell) for cell in row] for row in of_day(site, day))
        if text.tell() > LARGEST:
            raise TooMuch
    return text.getvalue()


def _orders(site: str, day: str) -> Iterator[Row]:
    for one in sorted(orders.on_day(site, day), key=lambda order: (order.placed_at, order.number)):
        yield (
            one.number,
            one.status,
            one.goods_name,
            str(one.quantity),
            *map(money.yuan, (one.amount_fen, one.balance_fen, one.refunded_fen)),
            one.member or "",
            *map(_moment, (one.placed_at, one.paid_at, one.delivered_at)),
        )


def _journals(site: str, day: str) -> Iterator[Row]:
    for one in ledger.journals(site, day):
        for account, fen in one.legs:
            yield day, one.number, one.event, account, money.yuan(fen), _moment(one.at)


def _moment(at: int | None) -> str:
    return clock.beijing(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; amounts stay numbers."""
    amount = text.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{text}" if text.startswith(_FORMULA) and not amount else text


WHAT: Mapping[str, tuple[Row, Callable[[str, str], Iterator[Row]]]] = {
    "orders": (_ORDERS, _orders),
    "journals": (_JOURNALS, _journals),
}
