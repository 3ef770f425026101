"""Names that wait for main's staff, as cases: main issues the balance, so main's people judge whose it is.

A case is opened after its name was told, by the worker of a message or by the next night's round, and settled after the
verdict. A process that dies between leaves a case too much, which shows the verdict, never a name nobody looks at.
"""

from typing import TYPE_CHECKING

from chalicelib.kit import errors

from .model import WaitRow
from .naming import STATES, WAITING, Name, judge_name, names_of, version

if TYPE_CHECKING:
    from chalicelib.cases import service as cases

KIND = "name"  # of the cases
_WHY = "会员提交了姓名，等待核对。"
_ACTION = "请会员出示证件，与全名一致就写下依据并通过；对不上的写明原因，会员会看到。"
_SAID = {"verified": "已核验：{note}", "refused": "未通过：{note}"}


def show_name(site: str, member: str, *, now: int) -> bool:
    """Show main's staff the name that a member told last; False where it is judged, or shown already."""
    from chalicelib.cases import service as cases  # the shop's functions judge nobody

    told = names_of(site, member)
    if not told or told[0].state in STATES:
        return False
    name = told[0]
    facts = {"site": site, "member": member, "login": name.told_by, "name": name.masked}
    facts |= {"rev": str(name.rev), "told_at": str(name.told_at)}
    key = f"{site}#{member}#{name.rev}"
    return cases.open(KIND, key, why=_WHY, facts=facts, action=_ACTION, now=now, urgent=False)


def show_names(site: str, *, now: int) -> int:
    """Show all names of a site that wait, should a message have been lost; how many were not shown yet."""
    rows = WaitRow.of(site)
    waiting = [row.sk for row in rows.under(WAITING, only=rows.ttl.does_not_exist())]
    return sum(show_name(site, member, now=now) for member in waiting)


def name_in(case: "cases.Case") -> Name:
    """The name that a case is about, as it stands. Raises NotFound."""
    if case.kind != KIND:
        raise errors.NotFound
    return version(case.facts["site"], case.facts["member"], int(case.facts["rev"]))


def decide_name(case_id: str, state: str, *, by: str, note: str, now: int) -> Name:
    """Judge the name of a case, which that settles; whoever died between the two does it again.

    Raises as `judge_name`.
    """
    from chalicelib.cases import service as cases

    case = cases.case(case_id)
    name = name_in(case)
    if name.state != state or case.settled_at is not None:
        name = judge_name(case.facts["site"], name.member, name.rev, state, by=by, note=note, now=now)
    cases.settle(KIND, case.key, staff=by, note=_SAID[state].format(note=name.note), now=now)
    return name
