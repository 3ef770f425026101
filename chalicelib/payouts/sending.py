"""Payouts on their way: told to the bank once, asked about until it is known what became of them.

The state "sent" is written before the bank is told. From then on the payout's own id is the only thing that is ever
sent, so telling the bank again pays nothing twice; and only the bank's own word "failed" gives the money back.
"""

from typing import Any

import msgspec

from chalicelib.kit import clock, config, errors, log, outbound, parameters, queue, tenant

from . import asking, book, payees, rules, trouble
from .adapters import BANKS, Bank, Declined, Order, Result
from .book import Payout

_BANK = "bank/transfer"  # the place of its settings among the parameters; `pay_out` alone may read it


def put_bank(settings: dict[str, Any]) -> None:
    """Keep how the bank is reached, for the one function that pays. Raises KeyError for settings that lack one."""
    BANKS["transfer"](settings)
    parameters.keep(_BANK, msgspec.json.encode(settings).decode())


def drive(party: str, name: str, *, now: int) -> None:
    """Take a payout one step further, if its time has come."""
    payout = book.get(party, name)
    if payout.state == "approved":
        payout = _leave(payout, now)
    if payout.via != "transfer":
        return
    if payout.state == "sent":
        _ask(payout, now)
    elif payout.state == "success":
        _look_again(payout, now)


def send_due(*, now: int) -> int:
    """Have everything looked at whose time has come; how many."""
    due = (each for each in book.open_list() if each.due <= now)
    return queue.send_all(
        "payout", ({"site": tenant.MAIN, "party": one.party, "payout": one.id} for one in due)
    )


def ask_daily(parties: list[str]) -> int:
    """Have money asked for on behalf of those who are paid every day; how many they are."""
    wanted = payees.auto(parties)
    return queue.send_all(
        "payout", ({"site": tenant.MAIN, "party": party, "daily": True} for party in wanted)
    )


def settle(payout: Payout, result: Result, *, now: int) -> Payout:
    """Take a bank's word on a payout that was sent. Raises Conflict where the word cannot be."""
    if result.fen != payout.fen:
        trouble.contradicts(payout, result, now=now)
        raise errors.Conflict
    if result.state == "returned" and payout.state == "sent":
        payout = book.move(payout, "success", now=now, due=now, bank_no=result.bank_no)
    if result.state in ("processing", payout.state):
        return payout
    watch = now + clock.DAY if result.state == "success" else None
    return book.move(payout, result.state, now=now, due=watch, note=result.reason, bank_no=result.bank_no)


def _leave(payout: Payout, now: int) -> Payout:
    """Write down that the bank is told now, while the account is verified; else the money goes back."""
    if config.load().payout_via != "transfer":
        return payout
    kept = payees.payee(payout.party)
    if kept is None or kept.rev != payout.payee or kept.state != "verified":
        return book.move(payout, "rejected", now=now, note="收款账户已变更，请重新申请")
    due = asking.due_at(kept, now)
    if due > now:
        book.later(payout, due=due)
        return payout
    return book.move(payout, "sent", now=now, due=now + 60, verified=True, via="transfer")


def _ask(payout: Payout, now: int) -> None:
    """Ask what became of it; only what the bank knows nothing of is told to it (again).

    A word that cannot be is a case already: the bank is asked again all the same, less and less often.
    """
    log.event("payouts.asking", **book.told_of(payout), via=payout.via)
    try:
        bank = _bank()
        result = bank.query(payout.id, now=now) if payout.tries else None
        settled = settle(payout, result or bank.pay(_order(payout), now=now), now=now)
    except (Declined, outbound.NotSent, outbound.Unknown, errors.Conflict) as error:
        log.event("payouts.unclear", party=payout.party, payout=payout.id, why=str(error)[:100])
        settled = payout
    if settled.state == "sent":
        _ask_later(payout, now)


def _ask_later(payout: Payout, now: int) -> None:
    if payout.tries == rules.MOST_TRIES:
        trouble.stuck(payout, now=now)
    delay = rules.retry_delay(payout.tries)
    if book.later(payout, due=now + delay):
        asking.send(payout.party, payout.id, delay=delay)


def _look_again(payout: Payout, now: int) -> None:
    """A bank may return for some days what it paid."""
    try:
        result = _bank().query(payout.id, now=now)
    except (Declined, outbound.NotSent, outbound.Unknown):
        result = None
    if result and result.state == "returned":
        settle(payout, result, now=now)
    elif payout.times["success"] + rules.WATCHED * clock.DAY <= now:
        book.finish(payout, now=now)
    else:
        book.later(payout, due=now + clock.DAY)


def _order(payout: Payout) -> Order:
    to = payees.account(payout.party, payout.payee)
    return Order(payout.id, payout.fen, to.kind, to.name, to.number, to.bank, "货款结算")


def _bank() -> Bank:
    place = parameters.at(_BANK)
    try:
        kept = parameters.read([place])[place]
    except parameters.Missing:
        raise Declined("NOT_SET_UP", "no bank is set up") from None
    return BANKS["transfer"](msgspec.json.decode(kept, type=dict[str, Any]))
