"""Money without an owner: in the books while nobody has it, given back under a number of its own, or claimed after all.

Its case says what it is; the journals are main's and stand by times that the case keeps, so each is there once.
"""

from dataclasses import dataclass

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, log, outbound, queue, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from . import rules

SUSPENSE = "suspense:unmatched"
GIVE_BACK, CLAIM = "give_back", "claim"  # what a person sets going
_AGAIN = 900  # seconds after which the channel is asked again
_BY_ITSELF = 3600  # seconds for which it does so by itself; then `drive_all`, every hour
_STOPPED = {"closed": "渠道关闭了这笔退回", "": "渠道七天没有办成这笔退回"}


class FitsNothing(errors.Conflict):
    """The payment still fits no order."""

    code = "fits_nothing"
    sentence = "This payment still fits no order."


@dataclass(frozen=True)
class Unowned:
    """A payment in suspense. `number` names it in the books and is its refund's number at the channel."""

    case: cases.Case
    number: str
    channel: str
    merchant: str
    out_trade_no: str
    fen: int
    paid_at: int

    @property
    def in_yuan(self) -> bool:
        """Whether the books can hold it: they have one currency."""
        return self.case.facts["currency"] == "CNY"


def of_payment(channel: str, transaction: str) -> Unowned | None:
    """A payment by the channel's own id; None where it never was in suspense."""
    case = cases.find(payments.SUSPENSE, payments.suspense_key(channel, transaction))
    return _unowned(case) if case else None


def of_number(number: str) -> Unowned | None:
    """The payment that a number of the books names; None where there is none."""
    try:
        return _unowned(cases.case(number[1:].lower()))
    except (errors.NotFound, KeyError):
        return None


def book(money: Unowned) -> None:
    """Put it into main's books, once: the channel holds it, and we owe it to somebody."""
    if money.in_yuan:
        legs = [(f"clearing:{money.channel}", money.fen), (SUSPENSE, -money.fen)]
        _post(money, "suspense", legs, money.paid_at)


def follow_fee(money: Unowned, event: str, fen: int, *, day: str) -> None:
    """Have main's books of a bill's day follow its fee for a journal of a payment: by what is new since, once."""
    chain, accrued = f"fee-{event}-", f"fee_accrued:{money.channel}"
    posted = ledger.journals_of(tenant.MAIN, day, money.number)
    before = [one.legs for one in posted if one.event.startswith(chain)]
    new = fen + ledger.totals(before).get(accrued, 0)
    if new:
        at, legs = clock.day_start(day) + clock.DAY - 1, [("channel_fee_expense", new), (accrued, -new)]
        about = money.out_trade_no
        ledger.post(tenant.MAIN, day, money.number, f"{chain}{len(before)}", legs, at=at, about=about)


def give_back(case_id: str, *, staff: str, now: int) -> None:
    """Have a payment in suspense go back to whoever paid it. Raises Conflict where somebody did, NotFound."""
    money = _unowned(cases.case(case_id))
    if not money.in_yuan:
        raise errors.Invalid("Give another currency back in the channel's own pages.")
    cases.begin(case_id, GIVE_BACK, staff=staff, now=now)
    queue.send("refund", site=tenant.MAIN, case=case_id)


def drive(case_id: str, *, now: int) -> None:
    """Take what somebody gives back one step further; to be repeated at will."""
    money = _unowned(cases.case(case_id))
    if money.case.begun != GIVE_BACK or money.case.settled_at is not None:
        return
    book(money)
    state = _ask(money, now)
    if state != "success":
        _wait(money, state, now)
        return
    at = money.case.begun_at or now
    owed = f"refund_clearing:{money.channel}"
    _post(money, "suspense-back", [(SUSPENSE, money.fen), (owed, -money.fen)], at)
    _post(money, "suspense-returned", ledger.returned_legs(money.channel, money.fen), at)
    note = f"已原路退回，退款单号 {money.number}。"
    cases.settle(money.case.kind, money.case.key, staff=money.case.begun_by, note=note, now=now)


def _wait(money: Unowned, state: str, now: int) -> None:
    """Ask again later, for as long as banks take; a person looks again at what comes to nothing."""
    begun_at, case_id = money.case.begun_at or 0, money.case.case_id
    if state == "closed" or now >= begun_at + rules.LONGEST_REFUND:
        cases.stop(case_id, GIVE_BACK, why=_STOPPED.get(state, _STOPPED[""]))
        log.alarm("settlement.unowned_stuck", order=money.number, state=state)
        return
    log.event("settlement.unowned_waits", order=money.number, state=state)
    if now < begun_at + _BY_ITSELF:
        queue.send("refund", site=tenant.MAIN, case=case_id, delay=_AGAIN)


def drive_all() -> int:
    """Ask again for everything that is being given back; how many."""
    begun = [one for one in cases.open_ones(kind=payments.SUSPENSE, limit=1000) if one.begun == GIVE_BACK]
    for one in begun:
        queue.send("refund", site=tenant.MAIN, case=one.case_id)
    return len(begun)


def claim(case_id: str, *, staff: str, now: int) -> orders.Order:
    """Try once more to give a payment in suspense to the order it names; nobody gives it back meanwhile.

    Whoever dies halfway does it again. Raises FitsNothing, Conflict where it is on its way back or settled, NotFound.
    """
    money = _unowned(cases.case(case_id))
    if money.case.begun != CLAIM or money.case.settled_at is not None:
        cases.begin(case_id, CLAIM, staff=staff, now=now)
    checkout.accept_payment(_payment(money), now=now)
    order = _owner(money)
    if order is None:
        cases.stop(case_id, CLAIM)
        raise FitsNothing
    _book_claimed(money)
    note = f"已认领到订单 {order.number}。"
    cases.settle(money.case.kind, money.case.key, staff=staff, note=note, now=now)
    return order


def _book_claimed(money: Unowned) -> None:
    """It is the order's now: no longer in suspense, and its fee stands by the sale.

    A bill may count the last minutes of a day to the next.
    """
    if ledger.journals_of(tenant.MAIN, clock.day_of(money.paid_at), money.number):
        legs = [(SUSPENSE, money.fen), (f"clearing:{money.channel}", -money.fen)]
        _post(money, "suspense-claimed", legs, money.paid_at)
    for days in (-1, 0, 1):
        follow_fee(money, "suspense", 0, day=clock.day_of(money.paid_at + days * clock.DAY))


def _owner(money: Unowned) -> orders.Order | None:
    """The order that has the payment, be it as a second one."""
    try:
        number, _ = orders.split_trade_no(money.out_trade_no)
        site = tenancy.site(orders.site_of(number)).site
        with tenant.acting_for(site):
            order = orders.order(site, number)
            seconds = [todo for todo in orders.todos_of(site, number) if todo.what.startswith("D")]
    except errors.NotFound:
        return None
    transaction = money.case.facts["transaction"]
    taken = order.transaction == transaction or any(transaction in todo.detail for todo in seconds)
    return order if taken else None


def _ask(money: Unowned, now: int) -> str:
    try:
        found = payments.gateway(money.channel, money.merchant).refund(
            money.out_trade_no,
            out_refund_no=money.number,
            amount_fen=money.fen,
            total_fen=money.fen,
            reason="no such order",
            asked_at=money.case.begun_at or now,
            now=now,
        )
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        return str(error)[:100]
    return found.state


def _post(money: Unowned, event: str, legs: list[ledger.Leg], at: int) -> None:
    about = money.out_trade_no
    ledger.post(tenant.MAIN, clock.day_of(at), money.number, event, legs, at=at, about=about)


def _payment(money: Unowned) -> payments.Payment:
    facts = money.case.facts
    return payments.Payment(
        channel=money.channel,
        merchant=money.merchant,
        app="",
        out_trade_no=money.out_trade_no,
        transaction_id=facts["transaction"],
        amount_fen=money.fen,
        currency=facts["currency"],
        paid_at=money.paid_at,
        event_id=facts["transaction"],
    )


def _unowned(case: cases.Case) -> Unowned:
    if case.kind != payments.SUSPENSE:
        raise errors.NotFound
    facts = case.facts
    return Unowned(
        case=case,
        number=f"S{case.case_id.upper()}",
        channel=facts["channel"],
        merchant=facts["merchant"],
        out_trade_no=facts["out_trade_no"],
        fen=int(facts["amount_fen"]),
        paid_at=int(facts["paid_at"]),
    )
