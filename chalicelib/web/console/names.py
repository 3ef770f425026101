"""Members' names on their cases: read in the clear by a click that is kept, then verified or refused: 实名."""

import msgspec
from chalice.app import Response

from chalicelib.cases import service as cases
from chalicelib.kit import tenant
from chalicelib.wallet import service as wallet

from .. import face as faces
from ..visit import Visit
from . import cases as case_pages
from . import desk

face = faces.Face("console_names", error_page=desk.error_page, enter=desk.enter_staff)


class VerdictForm(msgspec.Struct):
    """How the name was proved, or why it is refused."""

    proof: str = ""
    reason: str = ""


@face.post("/console/cases/{case_id}/name/show")
@desk.or_again(case_pages.one)
def show(visit: Visit, case_id: str) -> Response:
    """The case with the name in the clear; that it was read is kept."""
    case = cases.case(case_id)
    with tenant.acting_for(case.facts.get("site", tenant.MAIN)):
        name = wallet.name_in(case)
        clear = wallet.real_name(case.facts["site"], name.member, name.rev, by=_by(visit))
    return case_pages.one(visit, case_id, clear=clear)


@face.post("/console/cases/{case_id}/name/verify")
@desk.or_again(case_pages.one)
def verify(visit: Visit, case_id: str) -> Response:
    """The name was proved: the member may hold more."""
    return _decide(visit, case_id, "verified", visit.fields(VerdictForm).proof)


@face.post("/console/cases/{case_id}/name/refuse")
@desk.or_again(case_pages.one)
def refuse(visit: Visit, case_id: str) -> Response:
    """The name was not proved, or turned out to be wrong later."""
    return _decide(visit, case_id, "refused", visit.fields(VerdictForm).reason)


def _decide(visit: Visit, case_id: str, state: str, note: str) -> Response:
    with tenant.acting_for(cases.case(case_id).facts.get("site", tenant.MAIN)):
        wallet.decide_name(case_id, state, by=_by(visit), note=note, now=visit.now)
    return desk.done(f"/console/cases/{case_id}", f"name_{state}")


def _by(visit: Visit) -> str:
    return f"{tenant.MAIN}:{visit.account.staff.login}"
