"""The navigation by task: which sections whose console has."""

from dataclasses import dataclass

from chalicelib.tenancy import service as tenancy


@dataclass(frozen=True)
class Section:
    """One entry of the navigation. `key` is the letter that follows `g` on the keyboard."""

    path: str
    name: str
    icon: str
    key: str
    needs: str = (
        ""  # a building block of the site, its licence or splits: without it the section is not there
    )


_BOARD = Section("/console", "经营", "dashboard", "b")
_GOODS = Section("/console/goods", "商品", "package", "g")
_STOCK = Section("/console/stock", "库存", "stack-2", "s")
_ORDERS = Section("/console/orders", "订单", "receipt", "o")
_REFUNDS = Section("/console/refunds", "退款", "arrow-back-up", "r")

_SPLITS = Section("/console/splits", "分账", "arrows-split", "v", needs="splits")
_CHANNELS = Section("/console/channels", "收款渠道", "credit-card", "h", needs="licence")

STAFF = (
    _BOARD,
    Section("/console/sites", "分站", "building-store", "w"),
    Section("/console/applications", "入驻", "door-enter", "n"),
    _GOODS,
    _STOCK,
    _ORDERS,
    _REFUNDS,
    _SPLITS,
    Section("/console/cases", "待办", "inbox", "c"),
    Section("/console/bills", "对账", "scale", "d"),
    Section("/console/statement", "财务", "report-money", "f"),
    Section("/console/payouts", "结算", "building-bank", "j"),
    Section("/console/plans", "分账方案", "chart-pie", "p"),
    Section("/console/agents", "合伙人", "users", "a"),
    _CHANNELS,
)
OWNER = (
    _BOARD,
    Section("/console/listing", "主站商品", "tags", "l"),
    Section("/console/goods", "自有商品", "package", "g", needs="own_goods"),
    Section("/console/stock", "自有库存", "stack-2", "s", needs="own_goods"),
    _ORDERS,
    _REFUNDS,
    Section("/console/statement", "财务", "report-money", "f"),
    _SPLITS,
    Section("/console/withdraw", "提现", "building-bank", "y"),
    _CHANNELS,
    Section("/console/settings", "店铺设置", "settings", "t"),
)

PARTNER = (
    Section("/partner", "概览", "dashboard", "b"),
    Section("/partner/orders", "佣金明细", "receipt", "o"),
    Section("/partner/account", "对账单", "report-money", "f"),
    Section("/partner/withdraw", "提现", "building-bank", "y"),
)


def of(site: tenancy.Site | None) -> tuple[Section, ...]:
    """The sections of a console: main's where there is no site."""
    if site is None:
        return STAFF
    more = {"licence": site.licence, "splits": site.merchants or site.splits}
    has = {*site.blocks, *(name for name, there in more.items() if there)}
    return tuple(s for s in OWNER if not s.needs or s.needs in has)
