"""Applications for a sub-site, for main's staff: one person wants it, another agrees once the deposit came in: 入驻."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import config, errors
from chalicelib.ledger import service as ledger
from chalicelib.lifecycle import service as lifecycle
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_applications", error_page=desk.error_page, enter=desk.enter_staff)

PLACE = "/console/applications"
WAITING = ("filed", "proposed")


class Verdict(msgspec.Struct):
    """What somebody decides: "propose" with the terms, "confirm", or "refuse" with a reason."""

    act: str = ""
    deposit: str = ""
    plan: str = ""
    months: int = 12
    reason: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """Applications that wait, or with `?all=1` every one."""
    found = tenancy.applications()
    every = bool(visit.query.get("all"))
    shown = [one for one in found if every or one.state in WAITING]
    apply_at = config.load().url_of(config.load().main_host, "/apply")
    return desk.page(
        visit, "applications.html", found=shown, every=every, total=len(found), apply_at=apply_at
    )


@face.get(f"{PLACE}/{{number}}")
def one(visit: Visit, number: str) -> Response:
    """An application with the person to speak to, its deposit, and the decision that waits."""
    return desk.page(visit, "application.html", **_shown(tenancy.application(number)))


@face.post(f"{PLACE}/{{number}}")
@desk.or_again(one)
def decide(visit: Visit, number: str) -> Response:
    """Want the site, agree with who wanted it, or refuse it."""
    asked, by = visit.fields(Verdict), visit.account.staff.login
    if asked.act == "propose":
        _propose(number, asked, by, visit.now)
    elif asked.act == "confirm":
        lifecycle.admit(number, by=by, now=visit.now)
    elif asked.act == "refuse":
        tenancy.refuse(number, asked.reason, by=by, now=visit.now)
    else:
        raise errors.Invalid
    return desk.done(f"{PLACE}/{number}", f"application_{asked.act}")


def _shown(one: tenancy.Application) -> dict[str, Any]:
    return {
        "one": one,
        "contact": tenancy.contact_of(one.id),
        "paid": lifecycle.paid_for(one),
        "site": tenancy.site(one.site, fresh=True) if one.site else None,
        "plans": [(plan.name, plan.name) for plan in ledger.plans_in_force()],
        "deposit_fen": config.load().deposit_fen,
    }


def _propose(number: str, asked: Verdict, by: str, now: int) -> None:
    if asked.plan not in {plan.name for plan in ledger.plans()}:
        raise values.BadValue("没有这个分账方案，请重新选择。", field="plan")
    fen = values.fen(asked.deposit, field="deposit")
    tenancy.propose(number, deposit=fen, plan=asked.plan, months=asked.months, by=by, now=now)
