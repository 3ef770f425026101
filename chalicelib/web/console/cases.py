"""What needs a person, for main's staff: the list by kind, one case with its facts, and the note that settles it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from chalicelib.cases import service as cases
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import config, errors, money, tenant
from chalicelib.reconciliation import service as reconciliation
from chalicelib.settlement import service as settlement
from chalicelib.wallet import service as wallet

from .. import face as faces
from .. import pages
from ..visit import Visit
from . import desk, values

face = faces.Face("console_cases", error_page=desk.error_page, enter=desk.enter_staff)

KINDS = {
    "suspense": "挂账",
    "restore": "数据恢复",
    "refund_review": "退款审核",
    "refund": "退款异常",
    "difference": "对账差异",
    "bill": "账单",
    "split": "分账失败",
    "payout": "提现",
    "deposit": "保证金逾期",
    "topup_review": "大额充值",
    "ending": "即将到期",
    wallet.NAME_CASE: "实名",
    "leaving": "退出未办完",
}
FACTS = {
    "site": "分站",
    "order": "订单",
    "channel": "渠道",
    "merchant": "商户号",
    "out_trade_no": "商户订单号",
    "transaction": "渠道交易号",
    "out_refund_no": "退款单号",
    "amount": "金额",
    "currency": "币种",
    "paid": "付款时间",
    "day": "账单日",
    "count": "笔数",
    "member": "会员",
    "login": "登录名",
    "name": "姓名",
    "rev": "第几次提交",
    "told": "提交时间",
    "payout": "提现单号",
    "asked": "申请时间",
    "stopped": "退回没有办成",
    "due": "最迟退还",
    "ends": "到期",
}
STATES = {"open": "待处理", "settled": "已结案"}
_SHOWN: dict[str, Callable[[int], str]] = {"_fen": lambda fen: f"¥{money.yuan(fen)}", "_at": pages.moment}


class Settlement(msgspec.Struct):
    """How a case was settled."""

    note: str = ""


class Evidence(msgspec.Struct):
    """How it is known who pays a large top-up."""

    evidence: str = ""


@face.get("/console/cases")
def index(visit: Visit) -> Response:
    """Open cases, newest first, or the settled ones; narrowed by kind."""
    state = "settled" if visit.query.get("state") == "settled" else "open"
    listed = cases.settled_ones if state == "settled" else cases.open_ones
    kind = visit.query.get("kind", "")
    found = listed(kind=kind, before=visit.query.get("before", ""))
    return _list(visit, found, kind=kind, state=state)


@face.get("/console/cases/{case_id}")
def one(visit: Visit, case_id: str, *, clear: str = "") -> Response:
    """One case: why it is here, its facts, what to do, and how it ended; `clear`: the name that is asked about."""
    case = cases.case(case_id)
    shown: dict[str, Any] = {"kind": kind_name(case.kind), "facts": _facts(case), "many": _many(case)}
    return desk.page(visit, "case.html", case=case, name=_name(case), clear=clear, most=_most(), **shown)


@face.post("/console/cases/{case_id}/settle")
@desk.or_again(one)
def settle(visit: Visit, case_id: str) -> Response:
    """Close a case with a note."""
    case, note = cases.case(case_id), visit.fields(Settlement).note
    if case.kind == wallet.NAME_CASE or case.begun == settlement.GIVE_BACK:
        raise errors.Conflict  # a verdict settles it, or the channel
    cases.settle(case.kind, case.key, staff=visit.account.staff.login, note=note, now=visit.now)
    return desk.done(f"/console/cases/{case_id}", "case_settled")


@face.post("/console/cases/{case_id}/back")
@desk.or_again(one)
def give_back(visit: Visit, case_id: str) -> Response:
    """Have money without an owner go back to whoever paid it."""
    settlement.give_back(case_id, staff=visit.account.staff.login, now=visit.now)
    return desk.done(f"/console/cases/{case_id}", "case_back")


@face.post("/console/cases/{case_id}/claim")
@desk.or_again(one)
def claim(visit: Visit, case_id: str) -> Response:
    """Try once more to give a payment to the order it names."""
    settlement.claim(case_id, staff=visit.account.staff.login, now=visit.now)
    return desk.done(f"/console/cases/{case_id}", "case_claimed")


@face.post("/console/cases/{case_id}/agree")
@desk.or_again(one)
def agree(visit: Visit, case_id: str) -> Response:
    """Agree to a large top-up; the second person's word puts it on the balance."""
    case, evidence = cases.case(case_id), visit.fields(Evidence).evidence
    staff = visit.account.staff.login
    with tenant.acting_for(case.facts.get("site", tenant.MAIN)):
        done = fulfilment.agree_topup(case_id, evidence, by=staff, now=visit.now)
    return desk.done(f"/console/cases/{case_id}", "topup_released" if done else "topup_agreed")


def kind_name(kind: str) -> str:
    """A kind of cases in the console's words."""
    return KINDS.get(kind, kind)


def _list(visit: Visit, found: list[cases.Case], *, kind: str, state: str) -> Response:
    counts = cases.count_open()
    return desk.page(
        visit,
        "cases.html",
        cases=found,
        more=found[-1].cursor if len(found) == cases.PAGE else "",
        counts=counts,
        kinds={name: kind_name(name) for name in (*KINDS, *sorted(counts.keys() - KINDS))},
        kind=kind,
        state=state,
        states=STATES,
    )


def _name(case: cases.Case) -> wallet.Name | None:
    """The name that a case is about, as it stands now; None for any other case."""
    if case.kind != wallet.NAME_CASE:
        return None
    with tenant.acting_for(case.facts["site"]):
        return wallet.name_in(case)


def _most() -> int:
    """What a member may hold whose name is verified, in fen."""
    return config.load().wallet_named


def _many(case: cases.Case) -> str:
    """Where the list is of a case that is about many differences; empty for any other."""
    about = reconciliation.list_of(case)
    if about is None:
        return ""
    book, site, story = about
    query = urlencode({"what": "differences", "site": site, "story": story})
    return f"/console/bills/{book.replace('#', '-')}/csv?{query}"


def _facts(case: cases.Case) -> list[tuple[str, str, str]]:
    """(name, label, text) of each fact, amounts and times as people read them."""
    return [(name, *_shown(name, text)) for name, text in case.facts.items()]


def _shown(name: str, text: str) -> tuple[str, str]:
    for mark, show in _SHOWN.items():
        if name.endswith(mark) and text.removeprefix("-").isdecimal():
            bare = name.removesuffix(mark)
            return FACTS.get(bare, bare), show(int(text))
    is_day = name == "day" and text.isdecimal() and len(text) == len("20260101")
    return FACTS.get(name, name), values.shown_day(text) if is_day else text
