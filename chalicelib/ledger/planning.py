"""Split plans by version: orders keep the one they were placed under, for ever."""

from dataclasses import asdict, replace

from chalicelib.kit import clock, errors, table, tenant

from .model import PLANS, PlanRow
from .rules import Plan, check_plan

_FRESH = 30  # seconds for which plans are remembered

_plans: dict[str, tuple[int, list[Plan]]] = {}


def put_plan(plan: Plan, *, now: int) -> Plan:
    """Add the next version of a plan; orders placed from now on follow it. Raises OutOfBounds, Conflict."""
    check_plan(plan)
    _plans.clear()  # another instance may have added the version that is remembered as the next
    versions = [known.version for known in plans() if known.name == plan.name]
    new = replace(plan, version=max(versions, default=0) + 1, since=now)
    terms = asdict(new)
    row = PlanRow.of(tenant.MAIN)(PLANS, f"{terms.pop('name')}#{terms.pop('version'):06}", **terms)
    try:
        row.insert()
    except table.Refused:
        raise errors.Conflict from None
    _plans.clear()
    return new


def plans() -> list[Plan]:
    """All versions of all plans, remembered for half a minute."""
    now = clock.now()
    held = _plans.get(PLANS)
    if held is None or held[0] <= now - _FRESH:
        held = _plans[PLANS] = (now, [_plan(row) for row in PlanRow.of(tenant.MAIN).under(PLANS)])
    return held[1]


def plans_in_force() -> list[Plan]:
    """The newest version of each plan."""
    return list({plan.name: plan for plan in sorted(plans(), key=lambda plan: plan.version)}.values())


def plan_in_force(name: str) -> Plan:
    """The newest version of a plan. Raises NotFound."""
    for plan in plans_in_force():
        if plan.name == name:
            return plan
    raise errors.NotFound("No such split plan.")


def plan_of(ref: str) -> Plan:
    """The very version an order keeps. Raises NotFound."""
    for fresh in (False, True):
        if fresh:
            _plans.clear()
        for plan in plans():
            if plan.ref == ref:
                return plan
    raise errors.NotFound("No such split plan.")


def forget() -> None:
    """Drop what this instance remembers."""
    _plans.clear()


def _plan(row: PlanRow) -> Plan:
    name, version = row.sk.rsplit("#", 1)
    terms = {
        each: getattr(row, each) for each in Plan.__dataclass_fields__ if each not in ("name", "version")
    }
    return Plan(name, int(version), **terms)
