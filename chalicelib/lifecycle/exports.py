"""What an owner takes along: orders and journals by day, the rest as a whole, as tables that any spreadsheet opens."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO

from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, errors, money
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

LARGEST = (
    1_500_000  # letters of a table: a function may answer with 6 MB, and one of ours can take three bytes
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet would begin to reckon at
_ORDERS = ("订单号", "状态", "商品", "数量", "金额", "余额支付", "退款", "会员", "下单", "付款", "交付")
_JOURNALS = ("日期", "订单号", "事件", "科目", "借方（元，负数为贷方）", "时间")
_FLOWS = ("时间", "事件", "凭据", "可提现", "冻结", "在途", "保证金")
_GOODS = ("编号", "来源", "名称", "类目", "面值", "售价", "批发价", "阶梯", "每单最多", "在售", "使用说明")
_SETTINGS = ("项目", "内容")
BOM = "\ufeff"  # by which spreadsheets know UTF-8

Row = Sequence[str]


class TooMuch(errors.ShopError):
    """More than fits into one answer."""

    status = 413
    code = "too_much"
    sentence = "This is more than fits into one file; take fewer days."


def table(site: str, what: str, days: Sequence[str] = ()) -> str:
    """A table of WHAT as CSV (RFC 4180) for the site acted for; of these Beijing days where it is one of DAILY.

    A day at a time is held beside what is written. Raises TooMuch.
    """
    text = io.StringIO()
    for part in _parts(site, what, days):
        text.write(part)
        if text.tell() > LARGEST:
            raise TooMuch
    return text.getvalue()


def pack(site: str, days: Sequence[str], file: IO[bytes]) -> None:
    """Every table of WHAT in one ZIP, whatever its size, for the site acted for."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
        for what, name in WHAT.items():
            with whole.open(f"{name}.csv", "w", force_zip64=True) as one:
                one.write(BOM.encode())
                for part in _parts(site, what, days):
                    one.write(part.encode())


def _parts(site: str, what: str, days: Sequence[str]) -> Iterator[str]:
    """A table's text: its heading, then day after day, or all of it."""
    if what in DAILY:
        head, of_day = DAILY[what]
        yield _csv([head])
        for day in days:
            yield _csv(of_day(site, day))
    else:
        head, of_site = _WHOLE[what]
        yield _csv([head, *of_site(site)])


def _csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_inert(cell) for cell in row] for row in rows)
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


def _flows(site: str) -> Iterator[Row]:
    for one in ledger.flows_since(site, 0):
        amounts = map(money.yuan, (one.available, one.held, one.transit, one.deposit))
        yield _moment(one.at), one.event, one.ref, *amounts


def _goods(site: str) -> Iterator[Row]:
    """What is on the shelf, then own goods that are not."""
    offers = catalog.shelf(site).offers
    for one in offers:
        source = "自有" if one.owner == site else "主站"
        yield _item(one, source, one.price_fen, "是")
    shown = {one.goods_id for one in offers}
    for own in catalog.all_goods(site):
        if own.goods_id not in shown:
            yield _item(own, "自有", own.suggest_fen, "否")


def _item(one: catalog.Offer | catalog.Goods, source: str, fen: int, on: str) -> Row:
    tiers = " ".join(f"{tier.at}+:{money.yuan(tier.fen)}" for tier in one.tiers)
    prices = (money.yuan(fen), money.yuan(one.wholesale_fen), tiers, str(one.most))
    return one.goods_id, source, one.name, one.category, one.face_value, *prices, on, one.notes


def _settings(site: str) -> Iterator[Row]:
    one = tenancy.site(site, fresh=True)
    yield "店铺名称", one.brand.name
    yield "标语", one.brand.tagline
    yield "公告", one.brand.notice
    yield "品牌色", one.brand.color
    yield "标志", one.brand.logo
    yield from (("域名", host) for host in (one.host, *(each.host for each in one.domains)))
    yield "收款渠道", " ".join(one.channels)
    yield "功能", " ".join(sorted(one.blocks))
    yield "分账方案", one.plan
    yield "主站商品", "一键同步" if one.follow else "逐件上架"
    yield from ((f"商户号 {channel}", number) for channel, number in one.merchants.items())
    yield "营业执照", one.licence.number if one.licence else ""
    yield "开站", _moment(one.opened_at)
    yield "入驻到期", _moment(one.term)


def _moment(at: int | None) -> str:
    return clock.beijing(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; amounts stay numbers."""
    amount = text.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{text}" if text.startswith(_FORMULA) and not amount else text


DAILY: Mapping[str, tuple[Row, Callable[[str, str], Iterator[Row]]]] = {
    "orders": (_ORDERS, _orders),
    "journals": (_JOURNALS, _journals),
}
_WHOLE: Mapping[str, tuple[Row, Callable[[str], Iterator[Row]]]] = {
    "flows": (_FLOWS, _flows),
    "goods": (_GOODS, _goods),
    "settings": (_SETTINGS, _settings),
}
WHAT: Mapping[str, str] = {
    "orders": "订单",
    "journals": "账目",
    "flows": "资金流水",
    "goods": "商品与价格",
    "settings": "店铺设置",
}
