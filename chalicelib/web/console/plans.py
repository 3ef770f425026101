"""Split plans: what the main site takes of each order, explained by an example computed with the plan itself."""

from dataclasses import dataclass

import msgspec
from chalice.app import Response

from chalicelib.ledger import service as ledger
from chalicelib.settlement import service as settlement

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_plans", error_page=desk.error_page, enter=desk.enter_staff)

PAID, COST = (
    5000,
    4200,
)  # fen of the worked example: what a shopper pays, and the wholesale price of main goods
BEARERS = {"main": "主站承担", "site": "分站承担"}


class PlanForm(msgspec.Struct):
    """A new version of a plan, as typed; percentages such as "20" or "17.5"."""

    name: str = ""
    main: str = "20"
    own: str = "20"
    fee_bearer: str = "main"


@dataclass(frozen=True)
class Example:
    """One order worked through: who gets what, in fen."""

    title: str
    lines: tuple[tuple[str, int], ...]


@face.get("/console/plans")
def index(visit: Visit) -> Response:
    """All plans, newest versions first, and the form with a worked example of what is typed in it."""
    typed = visit.fields(PlanForm) if visit.request.method == "POST" else PlanForm()
    plans = sorted(settlement.plans(), key=lambda p: (p.name, -p.version))
    return desk.page(visit, "plans.html", plans=plans, typed=typed, bearers=BEARERS, examples=examples(typed))


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
    settlement.put_plan(plan.name, plan.main_bps, plan.own_bps, plan.fee_bearer, now=visit.now)
    return desk.done("/console/plans", "plan")


def examples(typed: PlanForm) -> list[Example]:
    """The worked examples of a plan; none while it is outside the house rule."""
    try:
        plan = _plan(typed)
    except values.BadValue:
        return []
    if not all(ledger.LEAST_BPS <= bps <= ledger.MOST_BPS for bps in (plan.main_bps, plan.own_bps)):
        return []
    return [
        _worked("主站商品：卖 50.00，批发价 42.00", ledger.Sale("", "", PAID, COST, own_goods=False), plan),
        _worked("自有商品：卖 50.00", ledger.Sale("", "", PAID, 0, own_goods=True), plan),
    ]


def _worked(title: str, sale: ledger.Sale, plan: ledger.Plan) -> Example:
    parts = ledger.shares(sale, plan)
    by_site = parts.fee_fen if plan.fee_bearer == "site" else 0
    goods = (("批发货款，归主站", sale.cost_fen), ("毛利", PAID - sale.cost_fen)) if sale.cost_fen else ()
    lines = (
        ("顾客实付", sale.paid_fen),
        *goods,
        ("主站分成", parts.commission_fen),
        (f"支付通道费，{BEARERS[plan.fee_bearer]}", parts.fee_fen),
        ("主站所得", parts.main_fen - parts.fee_fen + by_site),
        ("分站所得", parts.site_fen - by_site),
    )
    return Example(title, lines)


def _plan(typed: PlanForm) -> ledger.Plan:
    if typed.fee_bearer not in BEARERS:
        raise values.BadValue("通道费由主站或分站承担。", field="fee_bearer")
    main, own = values.fen(typed.main, field="main"), values.fen(typed.own, field="own")
    return ledger.Plan(typed.name, 0, main_bps=main, own_bps=own, fee_bearer=typed.fee_bearer)
