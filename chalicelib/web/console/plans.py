"""Split plans: what the main site takes of each order, explained by an example computed with the plan itself."""

import msgspec
from chalice.app import Response

from chalicelib.settlement import service as settlement

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_plans", error_page=desk.error_page, enter=desk.enter_staff)


class PlanForm(msgspec.Struct):
    """A new version of a plan, as typed; percentages such as "20" or "17.5"."""

    name: str = ""
    main: str = "20"
    own: str = "20"
    fee_bearer: str = "site"


@face.get("/console/plans")
def index(visit: Visit) -> Response:
    """All plans, newest versions first, and the form with a worked example of what is typed in it."""
    typed = visit.fields(PlanForm) if visit.account.refusal else msgspec.convert(dict(visit.query), PlanForm)
    plans = sorted(settlement.plans(), key=lambda p: (p.name, -p.version))
    return desk.page(visit, "plans.html", plans=plans, typed=typed, bearers=[("site","分站承担"),("main","主站承担")], examples=_examples(typed))


@face.post("/console/plans")
@desk.or_again(index)
def put(visit: Visit) -> Response:
    """Add a version of a plan; orders placed from now on follow it."""
    typed = visit.fields(PlanForm)
    settlement.put_plan(
        typed.name,
        main_bps=_bps(typed.main, "main"),
        own_bps=_bps(typed.own, "own"),
        fee_bearer=typed.fee_bearer,
        now=visit.now,
    )
    return desk.done("/console/plans", "plan")


def _bps(percent: str, field: str) -> int:
    """A percentage with at most two decimals as basis points. Raises BadValue."""
    return values.fen(percent, field=field)


def _examples(typed: PlanForm) -> list[object]:
    return []
