"""Split plans: what the main site takes of each order, explained by examples computed with the plan itself."""

from dataclasses import dataclass
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import money
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_plans", error_page=desk.error_page, enter=desk.enter_staff)

PAID, COST = 5000, 4200  # fen of the examples: what a shopper pays, and the wholesale price of main goods
AGENTS = ("1", "2")  # distributors of both levels stand above the site of the examples
BEARERS = {"main": "主站承担", "site": "分站承担"}
BASES = {"margin": "毛利", "gross": "标价", "net": "实付"}  # of which the share is taken
OWN_BASES = {"gross": "标价", "net": "实付"}  # own goods have no wholesale price
RELEASES = {"T+1": "T+1 次日到账", "T+0": "T+0 当日先到账"}
CHOICES: dict[str, Any] = {"bearers": BEARERS, "bases": BASES, "own_bases": OWN_BASES, "releases": RELEASES}


class PlanForm(msgspec.Struct):
    """A new version of a plan, as typed; percentages such as "20" or "17.5", the cap in yuan."""

    name: str = ""
    main: str = "20"
    main_base: str = "margin"
    own: str = "20"
    own_base: str = "gross"
    fee_bearer: str = "main"
    fee: str = "0.6"
    l1: str = "0"
    l2: str = "0"
    second_level: str = ""
    release: str = "T+1"
    t0_cap: str = ""


@dataclass(frozen=True)
class Example:
    """One order worked through: who gets what, in fen, and what is wrong with it, if anything is."""

    title: str
    lines: tuple[tuple[str, int], ...]
    warning: str


@face.get("/console/plans")
def index(visit: Visit) -> Response:
    """All plans, newest versions first, and the form with worked examples of what is typed in it."""
    typed = visit.fields(PlanForm) if visit.request.method == "POST" else PlanForm()
    plans = sorted(ledger.plans(), key=lambda p: (p.name, -p.version))
    return desk.page(visit, "plans.html", plans=plans, typed=typed, examples=examples(typed), **CHOICES)


@face.post("/console/plans/try")
def work_out(visit: Visit) -> Response:
    """The example with what is typed; nothing is stored."""
    return index(visit)


@face.post("/console/plans")
@desk.or_again(index)
def put(visit: Visit) -> Response:
    """Add a version of a plan; orders placed from now on follow it."""
    plan = _plan(visit.fields(PlanForm))
    if not plan.name:
        raise values.BadValue("给方案起个名字。", field="name")
    for site in tenancy.sites(fresh=True):
        if site.plan == plan.name:
            payments.check_plan(site, plan)
    ledger.put_plan(plan, now=visit.now)
    return desk.done("/console/plans", "plan")


def examples(typed: PlanForm) -> list[Example]:
    """The worked examples of a plan; none while it is outside the house rule."""
    try:
        plan = _plan(typed)
        ledger.check_plan(plan if plan.name else _plan(typed, name="?"))
    except (values.BadValue, ledger.OutOfBounds):
        return []
    main = ledger.Sale("", "", PAID, COST, own_goods=False, agents=AGENTS)
    own = ledger.Sale("", "", PAID, 0, own_goods=True, agents=AGENTS)
    sold = money.yuan(PAID)
    return [
        _worked(f"主站商品：卖 {sold}，批发价 {money.yuan(COST)}", main, plan, BASES[plan.main_base]),
        _worked(f"自有商品：卖 {sold}", own, plan, BASES[plan.own_base]),
    ]


def _worked(title: str, sale: ledger.Sale, plan: ledger.Plan, base: str) -> Example:
    parts, left = ledger.shares(sale, plan), ledger.earned(sale, plan)
    bps = plan.own_bps if sale.own_goods else plan.main_bps
    goods = (("批发货款，归主站", sale.cost_fen), ("毛利", PAID - sale.cost_fen)) if sale.cost_fen else ()
    agents = zip(("一级", "二级"), parts.agent_fen, strict=True)
    lines = (
        ("顾客实付", sale.paid_fen),
        *goods,
        (f"主站分成：{base}的 {bps / 100:g}%", parts.commission_fen),
        *((f"其中付给{level}推广", fen) for level, fen in agents if fen),
        (f"支付通道费，{BEARERS[plan.fee_bearer]}", parts.fee_fen),
        ("主站所得", left.main_fen + sale.wholesale_fen),
        ("分站所得", left.site_fen),
    )
    return Example(title, lines, _warning(left))


def _warning(left: ledger.Earned) -> str:
    for who, fen in (("主站", left.main_fen), ("分站", left.site_fen)):
        if fen < 0:
            return f"按这个价，{who}每笔亏 {money.yuan(-fen)} 元：这样的售价会被拒绝，下单也会被拒绝。"
    return ""


def _plan(typed: PlanForm, *, name: str = "") -> ledger.Plan:
    if typed.fee_bearer not in BEARERS:
        raise values.BadValue("通道费由主站或分站承担。", field="fee_bearer")
    return ledger.Plan(
        name or typed.name,
        0,
        main_bps=_percent(typed.main, "main"),
        own_bps=_percent(typed.own, "own"),
        fee_bearer=typed.fee_bearer,
        fee_bps=_percent(typed.fee, "fee"),
        main_base=typed.main_base,
        own_base=typed.own_base,
        l1_bps=_percent(typed.l1, "l1"),
        l2_bps=_percent(typed.l2, "l2"),
        second_level=bool(typed.second_level),
        release=typed.release,
        t0_cap_fen=values.fen(typed.t0_cap or "0", field="t0_cap"),
    )


def _percent(text: str, field: str) -> int:
    """Basis points of a percentage as typed. Raises BadValue."""
    try:
        return money.fen(text or "0")
    except ValueError:
        raise values.BadValue("比例请写成 12.5 这样的形式。", field=field) from None
