"""A refund after its order's split: the parts that went to others come back first, as far as they can.

A merchant gives its part back at the channel before the payer gets theirs, or in the call of the refund where the
channel has it so. A person does not: what they had too much is a commission below zero, set off against their next
ones. Whoever should have given back and did not owes it by the books; the payer does not wait for that.
"""

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_lowercase

from chalicelib.kit import log, outbound
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments

from . import aftersales, books, sharing, splits
from .aftersales import AfterSale
from .splits import Share, Split, TakeBack

PATIENCE = 3600  # seconds for which a payer waits for what others give back
BY_HAND = "by hand: "  # how the word of a refund begins that a person paid


def first(order: orders.Order, refund: AfterSale, *, now: int) -> tuple[payments.Part, ...] | None:
    """What is to be done before the channel is asked for a refund.

    The parts that the call of the refund takes back, none in the plain case; None while it has to wait: a split is
    under way, or a receiver has not answered.
    """
    split = splits.find(order.site, order.number) if order.attempt.splits else None
    if split is None or split.state in splits.BEFORE or refund.event in split.covered:
        return ()
    if split.state != "unfrozen":
        return None
    noted = splits.taken_back(split).get(refund.event)
    if noted is None:
        noted = splits.take_back(split, refund.event, _wanted(order, split, refund), now=now)
    line = payments.gateway(order.attempt.channel, order.attempt.merchant)
    if line.capabilities.returns_with_refund:
        return tuple(part_of(order, share) for share in noted.shares)
    return () if _return_all(order, split, noted, line, now).over else None


def settle(order: orders.Order, refund: AfterSale) -> None:
    """Have the books follow a refund that is over, once its order's split is: nothing of it stays frozen."""
    split = splits.find(order.site, order.number) if order.attempt.splits else None
    if split is None or split.state != "unfrozen" or refund.state not in ("success", "closed"):
        return
    legs = _undone_legs(order, refund) if refund.event in split.covered else _legs(order, refund, split)
    if legs:
        at = max(refund.done_at or 0, split.unfrozen_at or 0)
        books.post(order, f"{refund.event}-split", legs, at)


def settle_all(order: orders.Order) -> None:
    """The same for every refund that was over before the split was."""
    for refund in aftersales.of_order(order):
        settle(order, refund)


def part_of(order: orders.Order, share: Share) -> payments.Part:
    """A share as the channel takes it; the name only while the account is still the party's."""
    known = payments.receiver_of(share.party, order.channel)
    receiver = payments.Receiver(share.kind, share.account)
    if known and (known.receiver.kind, known.receiver.account) == (share.kind, share.account):
        receiver = known.receiver
    return payments.Part(receiver, share.fen, order.number)


def _wanted(order: orders.Order, split: Split, refund: AfterSale) -> list[Share]:
    """Of each part that the channel paid, what belongs to the refund and can be had."""
    sums = _journal(order, refund.event)
    kinds = payments.capabilities(order.attempt.channel, order.attempt.merchant).returns_from
    gone = [share for each in splits.taken_back(split).values() for share in each.shares]
    found = []
    for share in split.paid:
        left = share.fen - sum(one.fen for one in gone if one.party == share.party and one.result != "closed")
        fen = min(left, sharing.part_back(sums, share.party, refund.channel_fen))
        if share.kind in kinds and fen > 0:
            found.append(replace(share, fen=fen, result="", word=""))
    return found


def _return_all(
    order: orders.Order, split: Split, noted: TakeBack, line: payments.Gateway, now: int
) -> TakeBack:
    """Ask every receiver who has not answered yet."""
    if noted.over:
        return noted
    late = now > noted.at + PATIENCE
    answered = [
        share if share.result else _return(order, noted, i, line, late=late, now=now)
        for i, share in enumerate(noted.shares)
    ]
    return splits.answer(split, noted, answered)


def _return(
    order: orders.Order, noted: TakeBack, i: int, line: payments.Gateway, *, late: bool, now: int
) -> Share:
    """One share with what the channel says of its way back; given up where it knows of none for too long."""
    share, of = noted.shares[i], f"{order.out_trade_no}{splits.SPLIT}"
    number = f"{order.number}{noted.refund}{ascii_lowercase[i]}"  # 32 characters at most
    try:
        found = line.query_return(of, number, now=now)
        if found.state == "unknown" and late:
            return replace(share, result="closed", word="REFUSED")
        if found.state == "unknown":
            found = line.return_split(
                of, out_return_no=number, account=share.account, amount_fen=share.fen, now=now
            )
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        log.event("settlement.return_unclear", site=order.site, order=order.number, why=str(error)[:100])
        return share
    result = {"success": "success", "failed": "closed"}.get(found.state, "")
    return replace(share, result=result, word=found.reason)


def _legs(order: orders.Order, refund: AfterSale, split: Split) -> Sequence[ledger.Leg]:
    happened = refund.state == "success"
    by_channel = happened and not refund.word.startswith(BY_HAND)
    events = (refund.event, f"{refund.event}-returned")
    given = splits.taken_back(split).get(refund.event)
    return sharing.back_legs(
        _journal(order, *events) if happened else {},
        order.site,
        order.channel,
        _given(order, given, by_refund=by_channel),
        merchant_fen=refund.channel_fen if by_channel else 0,
        independent=books.is_independent(order),
    )


def _undone_legs(order: orders.Order, refund: AfterSale) -> Sequence[ledger.Leg]:
    """Of a refund the parts were reckoned with; where it was closed after all, everybody is owed what it took."""
    if refund.state != "closed":
        return []
    undone = {account: -fen for account, fen in _journal(order, refund.event).items()}
    independent, merchant_fen = books.is_independent(order), -refund.channel_fen
    return sharing.back_legs(
        undone, order.site, order.channel, (), merchant_fen=merchant_fen, independent=independent
    )


def _given(order: orders.Order, given: TakeBack | None, *, by_refund: bool) -> list[sharing.Outcome]:
    """What came back: answered by each receiver, or with the refund where the channel has it so."""
    able = payments.capabilities(order.attempt.channel, order.attempt.merchant)
    with_refund = able.returns_with_refund and by_refund
    shares = given.shares if given else ()
    return [
        sharing.Outcome(share.party, share.fen)
        for share in shares
        if with_refund or share.result == "success"
    ]


def _journal(order: orders.Order, *events: str) -> dict[str, int]:
    """What a refund took from everybody."""
    return ledger.totals(one.legs for one in books.journals_of(order) if one.event in events)
