"""Asking for money, agreeing to it, and taking it back before it is sent."""

from chalicelib.kit import clock, config, errors, ids, queue, tenant
from chalicelib.ledger import service as ledger

from . import book, calendar, payees, rules
from .book import Payout

HOUSE = "daily"  # who asks for a party that is paid every day


def request(party: str, fen: int | None, *, key: str, by: str, now: int, source: str = "available") -> Payout:
    """Ask for money; `fen` None: all there is. The form's key makes asking again the same payout.

    Raises BadAmount, NotPayable, Conflict where the same form asked for something else.
    """
    if source not in rules.SOURCES:
        raise errors.Invalid
    name = rules.payout_id(party, key)
    if fen is None:
        fen = _all_of(party, name, source)
    least = 1 if source == "deposit" else config.load().payout_least_fen
    rules.check_amount(fen, least=least)
    _check_owing(party)
    account = payees.payee(party)
    if account is None or account.state != "verified":
        raise rules.NotPayable
    wanted = Payout(party, name, "", source, fen, account.rev, account.masked, by, (), "", "", "", {}, 0)
    return book.begin(wanted, now=now)


def request_daily(party: str, *, now: int) -> Payout | None:
    """Ask for all a party has, once a day, if it wants that; None where there is nothing to ask for."""
    least = payees.auto([party]).get(party)
    if least is None or ledger.balances(party).available < max(least, config.load().payout_least_fen):
        return None
    try:
        return request(party, None, key=f"daily|{clock.day_of(now)}", by=HOUSE, now=now)
    except (rules.NotPayable, rules.BadAmount):
        return None


def approve(party: str, name: str, *, by: str, now: int) -> Payout:
    """Agree to a payout; from a threshold on two people have to. Raises SamePerson, Conflict.

    Raises BadAmount where a refund has left the party owing since it asked: given back, the money pays that first.
    """
    payout = book.get(party, name)
    if payout.state != "requested":
        raise errors.Conflict
    _check_owing(party)
    names = rules.agreed(payout.agreed, by, asked_by=payout.asked_by)
    enough = len(names) >= rules.people_needed(payout.fen, two_fen=config.load().payout_two_fen)
    state = "approved" if enough else "requested"
    due = due_at(payees.payee(party), now) if enough else now
    moved = book.move(payout, state, now=now, due=due, verified=True, agreed=names)
    if enough:
        send(party, name, delay=due - now)
    return moved


def reject(party: str, name: str, *, by: str, why: str, now: int) -> Payout:
    """Give a payout back that is not sent yet. Raises Conflict."""
    payout = book.get(party, name)
    note = f"{by}: {why.strip() or '—'}"[:200]
    return book.move(payout, "rejected", now=now, note=note)


def take_back(party: str, name: str, *, now: int) -> Payout:
    """The party wants its money not to be sent after all. Raises Conflict once somebody agreed."""
    payout = book.get(party, name)
    if payout.state != "requested":
        raise errors.Conflict
    return book.move(payout, "rejected", now=now, note="撤回")


def due_at(payee: payees.Payee | None, now: int) -> int:
    """When money can go to an account: institutions take it at any time, banks on business days."""
    return calendar.next_opening(now) if payee and payee.kind == "bank" else now


def send(party: str, name: str, *, delay: int = 0) -> None:
    """Have a payout looked at; one that is due later than a queue can wait is found by the schedule."""
    if delay <= queue.LONGEST_DELAY:
        queue.send("payout", site=tenant.MAIN, party=party, payout=name, delay=max(delay, 0))


def new_key() -> str:
    """What a form carries, so that posting it twice asks once."""
    return ids.token()


def _check_owing(party: str) -> None:
    if ledger.balances(party).available < 0:
        raise rules.BadAmount("What is owed comes first.", field="owing")


def _all_of(party: str, name: str, source: str) -> int:
    """All there is, or what this very form asked for before."""
    try:
        return book.get(party, name).fen
    except errors.NotFound:
        held = ledger.balances(party)
        return held.deposit if source == "deposit" else held.available
