"""What our books say moved at a channel on a day: claims, by the keys that rows of a bill have."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.kit import clock
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.payments.service import BillRow
from chalicelib.settlement import service as settlement

from .rules import Claim

_PAID = ("paid", "delivered", "review", "refunding", "refunded")
_FEE = "fee-"  # how the events of adjusted fees begin
_ROOM = {"unionpay": 32}  # characters that a channel's bill has for a number; the order's 28 come first
Account = tuple[str, str]  # channel and merchant


@dataclass(frozen=True)
class Adjusted:
    """By how much a claim's fee was adjusted so far, in how many journals."""

    fen: int = 0
    count: int = 0


@dataclass
class Ours:
    """A site's claims on one merchant, which of them belong to the day, and what the day's journals moved."""

    claims: dict[str, Claim] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    posted: dict[tuple[str, str], int] = field(default_factory=dict)
    fees: dict[tuple[str, str], Adjusted] = field(default_factory=dict)

    def add(self, claim: Claim, at: int | None, day: str) -> None:
        """Take a claim in; one whose own time is on the day is expected in its bill."""
        self.claims[claim.key] = claim
        if at and claim.settled and clock.day_of(at) == day:
            self.expected.add(claim.key)


def gather(site: str, day: str, account: Account, rows: Iterable[BillRow]) -> Ours:
    """Everything of a site that concerns a channel's merchant on a day, and the orders that the rows name."""
    every = ledger.journals(site, day, touching=_touched(account))
    journals = [one for one in every if moved(one, account[0]) is not None]
    seconds = _seconds(site)
    known = {one.number: one for one in _of_days(site, day, account[0])}
    # Those paid long after their day: nothing else names them.
    late = orders.watched(site, since=clock.day_start(day))
    named = (orders.split_trade_no(row.out_trade_no)[0] for row in rows)  # or it would be main's part
    wanted = {*(one.number for one in journals), *seconds, *late, *named} - known.keys()
    known |= orders.orders(site, sorted(wanted))
    ours = Ours(fees=_adjusted(every, account[0]))
    for order in known.values():
        for claim, at in _claims(order, account, seconds.get(order.number, [])):
            ours.add(claim, at, day)
    mine = {(claim.number, claim.event) for claim in ours.claims.values()}
    for one in journals:
        if (one.number, one.event) in mine or _is_of(known.get(one.number), one, account):
            ours.posted[one.number, one.event] = moved(one, account[0]) or 0
    return ours


def _touched(account: Account) -> list[str]:
    """The accounts of which any is in each journal that counts: also where a site's own merchant has paid the fee."""
    own = ["channel_fee_expense"] if payments.splits_at_channel(*account) else []
    return [f"clearing:{account[0]}", f"fee_accrued:{account[0]}", *own]


def moved(journal: ledger.Journal, channel: str) -> int | None:
    """What a journal moved through a channel's clearing account; None where it does not touch it."""
    return dict(journal.legs).get(f"clearing:{channel}")


def adjust(site: str, day: str, claim: Claim, fen: int, before: Adjusted) -> None:
    """Have the books of a day follow the bill's fee for a claim: by what is new since the last time, once."""
    owed_to = claim.fee_to or f"fee_accrued:{claim.channel}"
    legs = [(claim.fee_from, fen - before.fen), (owed_to, before.fen - fen)]
    event, at = f"{_FEE}{claim.fee_event}-{before.count}", clock.day_start(day) + clock.DAY - 1
    ledger.post(site, day, claim.number, event, legs, at=at, about=claim.out_trade_no)


def _claims(
    order: orders.Order, account: Account, seconds: Iterable[orders.Todo]
) -> Iterator[tuple[Claim, int | None]]:
    """The claims of an order on one merchant, each with the time that our books give it."""
    own = payments.splits_at_channel(*account)
    for claim, at in _claims_of(order, account, seconds):
        yield (_with_own_fee(claim, order) if own else claim), at


def _with_own_fee(claim: Claim, order: orders.Order) -> Claim:
    """What a site's own merchant collected has cost it the fee: main owes it to the site, or nobody does."""
    site = f"subsite:{order.site}:pending"
    by_main = ledger.plan_of(order.plan).fee_bearer == "main"
    return replace(claim, fee_from="channel_fee_expense" if by_main else site, fee_to=site)


def _claims_of(
    order: orders.Order, account: Account, seconds: Iterable[orders.Todo]
) -> Iterator[tuple[Claim, int | None]]:
    if _account(order) == account:
        yield from _of_order(order)
    for todo in seconds:
        paid = json.loads(todo.detail)
        if (paid["channel"], paid["merchant"]) == account:
            yield from _of_second(order, todo, paid)


def _of_order(order: orders.Order) -> Iterator[tuple[Claim, int | None]]:
    legs = dict(settlement.plain_legs(order))
    fen, fee = legs.get(f"clearing:{order.channel}", 0), -legs.get(f"fee_accrued:{order.channel}", 0)
    trade = order.attempts[order.paid_attempt - 1].out_trade_no(order.number)
    whole: dict[str, Any] = {"channel": order.channel, "number": order.number, "out_trade_no": trade}
    back = order.refunding_at is not None and order.delivered_at is None
    yield (
        Claim(
            key=f"payment:{order.transaction}",
            kind="payment",
            event="taken" if back else "sale",
            fen=fen,
            fee_fen=fee,
            fee_from=_bearer(order, legs),
            **whole,
        ),
        order.paid_at,
    )
    if back:
        # No sale was posted, so what the payment's fee was expected to be is expected back.
        key, settled = f"refund:{trade}R1", order.status == "refunded"
        claim = Claim(key, "refund", event="returned", fen=fen, fee_fen=-fee, settled=settled, **whole)
        yield claim, order.refunded_at
    for one in settlement.refunds_of(order) if order.refunds else ():
        if one.accepted_at and one.channel_fen and not settlement.paid_elsewhere(one):
            yield (
                Claim(
                    key=f"refund:{settlement.refund_no(order, one)}",
                    kind="refund",
                    event=f"{one.event}-returned",
                    fen=one.channel_fen,
                    fee_fen=settlement.fee_of(order, one),
                    fee_from=_bearer(order, legs),
                    settled=one.state == "success",
                    **whole,
                ),
                one.done_at,
            )


def _bearer(order: orders.Order, legs: Mapping[str, int]) -> str:
    """Who bears the channel's fee of a sale: main where it has the expense, else the site."""
    if "channel_fee_expense" in legs:
        return "channel_fee_expense"
    return next(account for account in legs if account.startswith(f"subsite:{order.site}:"))


def _of_second(
    order: orders.Order, todo: orders.Todo, paid: dict[str, Any]
) -> Iterator[tuple[Claim, int | None]]:
    whole: dict[str, Any] = {
        "channel": paid["channel"],
        "number": order.number,
        "out_trade_no": paid["out_trade_no"],
        "fen": int(paid["amount_fen"]),
    }
    key = f"payment:{paid['transaction']}"
    yield Claim(key, "payment", event=f"{todo.what}-taken", **whole), int(paid["paid_at"])
    key = f"refund:{f'{order.number}{todo.what}'[: _ROOM.get(paid['channel'])]}"
    settled = todo.done_at is not None
    yield Claim(key, "refund", event=f"{todo.what}-returned", settled=settled, **whole), todo.done_at


def _adjusted(journals: Iterable[ledger.Journal], channel: str) -> dict[tuple[str, str], Adjusted]:
    """What was adjusted on a day, by number and event of the claims."""
    found: dict[tuple[str, str], Adjusted] = {}
    for one in journals:
        if one.event.startswith(_FEE):
            key = one.number, one.event.removeprefix(_FEE).rpartition("-")[0]
            before = found.get(key, Adjusted())
            legs = dict(one.legs)
            fen = legs.get("channel_fee_expense", -legs.get(f"fee_accrued:{channel}", 0))
            found[key] = Adjusted(before.fen + fen, before.count + 1)
    return found


def _of_days(site: str, day: str, channel: str) -> Iterator[orders.Order]:
    """The orders paid on a day stand under the day of their key, which is at most a day older."""
    before = clock.day_of(clock.day_start(day) - 1)
    for each in (before, day):
        yield from orders.on_day(site, each, states=_PAID, channel=channel)


def _seconds(site: str) -> dict[str, list[orders.Todo]]:
    found: dict[str, list[orders.Todo]] = {}
    for todo in orders.todos_named(site, "D", closed=True):
        found.setdefault(todo.number, []).append(todo)
    return found


def _account(order: orders.Order) -> Account | None:
    """Who was paid for an order."""
    if not order.paid_attempt:
        return None
    attempt = order.attempts[order.paid_attempt - 1]
    return attempt.channel, attempt.merchant


def _is_of(order: orders.Order | None, journal: ledger.Journal, account: Account) -> bool:
    """Whether a journal that no claim has counts here; one of no order counts everywhere, since it must not be."""
    if journal.event in (settlement.SPLIT, settlement.THAW) or journal.event.endswith("-split"):
        return False  # the channel moved it to others: no bill of trades has it
    return order is None or (_account(order) == account and not journal.event.startswith("D"))
