"""A paid top-up on its way to the balance: at once, back to its payer, or held until two people of main agree.

House rule C-11: more than 5,000 yuan at once or within a day, and sums that look made to stay below it, wait for two
different people, of whom the first writes down how it is known who pays.
"""

from typing import Any

from chalicelib.cases import service as cases
from chalicelib.kit import errors, log, queue
from chalicelib.orders import service as orders
from chalicelib.wallet import service as wallet

KIND = "topup_review"  # of the cases
LONGEST = 300  # letters of how a person was identified
_SETTLED_BY = 60  # seconds after which a top-up that was agreed to is settled although its process died
_WHY = {
    "single": "单笔充值超过 5,000 元，到账前需要两个人审核。",
    "day": "24 小时内充值累计超过 5,000 元，到账前需要两个人审核。",
    "structured": "7 天内多笔充值接近 5,000 元，像是有意拆分，到账前需要两个人审核。",
}
_ACTION = (
    "核对付款人身份和资金来源，写下依据后同意；两个人都同意才到账。不同意的，打开订单退款，再写说明结案。"
)


class BadEvidence(errors.ShopError):
    """Nobody will know later how it was known who paid."""

    status = 422
    code = "bad_evidence"
    sentence = "Write how it is known who pays, in 4 to 300 letters."


class SamePerson(errors.Conflict):
    """Two different people have to agree."""

    code = "same_person"
    sentence = "A second person has to agree."


def fill(order: orders.Order, *, now: int) -> bool:
    """Put a paid top-up on the balance; False where it is held or was moved meanwhile. Raises OverCap."""
    try:
        orders.move_with(order, "delivered", _credit(order, now, held=True), now=now)
    except wallet.Held as refused:
        _hold(order, str(refused.detail["why"]), now)
        return False
    except orders.WrongState:
        return False
    return True


def agree(case_id: str, evidence: str, *, by: str, now: int) -> bool:
    """Agree to a top-up that is held; True once the second person did and it is on the balance.

    Raises BadEvidence, SamePerson, OverCap, Conflict where it went back or somebody is faster, NotFound.
    """
    case = cases.case(case_id)
    if case.kind != KIND or case.settled_at is not None:
        raise errors.Conflict
    if not case.begun:
        if not 4 <= len(evidence.strip()) <= LONGEST:
            raise BadEvidence(field="evidence")
        cases.begin(case_id, evidence.strip(), staff=by, now=now)
        return False
    if case.begun_by == by:
        raise SamePerson
    _release(orders.order(case.facts["site"], case.facts["order"]), now)
    note = f"{case.begun_by}、{by} 同意：{case.begun}"
    cases.settle(KIND, case.key, staff=by, note=note, now=now)
    return True


def _release(order: orders.Order, now: int) -> None:
    """Whoever repeats it finds it delivered."""
    queue.send("settle", site=order.site, order=order.number, delay=_SETTLED_BY)
    if order.status == "delivered":
        return
    if order.status != "review":
        raise errors.Conflict
    orders.move_with(order, "delivered", _credit(order, now, held=False), now=now, why=None)
    log.event("fulfilment.topup_released", site=order.site, order=order.number)
    queue.send("settle", site=order.site, order=order.number)


def _credit(order: orders.Order, now: int, *, held: bool) -> orders.Beside:
    """The entry beside the order's move; looked at anew each time the wallet moved meanwhile."""
    member, fen = order.member or "", order.amount_fen

    def credit(write: Any) -> None:
        wallet.check_room(order.site, member, fen)
        if held:
            wallet.check_hold(order.site, member, fen, now=now)
        wallet.enter(write, order.site, member, "topup", fen, about=order.number, now=now)

    return credit


def _hold(order: orders.Order, why: str, now: int) -> None:
    """The case first: dying between leaves one too many, never money that nobody looks at."""
    facts = {
        "site": order.site,
        "order": order.number,
        "channel": order.channel,
        "member": order.member or "",
        "amount_fen": str(order.amount_fen),
        "paid_at": str(order.paid_at),
    }
    cases.open(KIND, order.number, why=_WHY[why], facts=facts, action=_ACTION, now=now)
    try:
        orders.move(order.site, order.number, "review", now=now, start=("paid",), why=f"held {why}")
    except orders.WrongState:
        return
    log.measure("fulfilment.topup_held", {"HandedOver": 1}, site=order.site, order=order.number, why=why)
