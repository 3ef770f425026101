"""Whether what a licensed site's own merchants collected was divided as it should: I17, at rest. Raises Violation."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from chalicelib.cases import service as cases
from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement

from . import refunded
from .channel import Channel
from .licensed import Licensed
from .sharing import Shares
from .watch import insist

Sums = Mapping[str, int]
_PASSING = ("clearing:", "refund_clearing:", "fee_accrued:")
_AFTER = re.compile(r"^(S1|U1|fee-)|-split$")  # journals of what the channel divided and its bills say


def check(found: Iterable[orders.Order], own: Mapping[str, Channel]) -> int:
    """Each order's split is the channel's, part by part, and over; the fen that main got by the channel."""
    gone = 0
    for order in found:
        if refunded.was_sold(order):
            line = own[order.channel]
            shares = line.shares[order.transaction]
            _check_split(order, shares)
            gone += _check_sums(order, line, shares)
    return gone


def sale_legs(order: orders.Order) -> dict[str, int]:
    """The legs of a sale that the site's own merchant collected, reckoned in fractions."""
    plan = ledger.plan_of(order.plan)
    fen, site = order.amount_fen, f"subsite:{order.site}:frozen"
    main, near, far = (round(Fraction(fen * bps, 10_000)) for bps in (plan.own_bps, plan.l1_bps, plan.l2_bps))
    fee = round(Fraction(fen * plan.fee_bps, 10_000))
    legs = Counter(
        {f"clearing:{order.channel}": fen, site: main - fen + fee, f"fee_accrued:{order.channel}": -fee}
    )
    legs["main:commission"] = near + far - main
    for agent, part in zip(order.agents, (near, far), strict=True):
        with tenant.acting_for(tenant.MAIN):
            known = payments.receiver_of(f"dist:{agent}", order.channel)
        legs[f"dist:{agent}:{'frozen' if known else 'pending'}"] -= part
    return dict(legs)


def _check_split(order: orders.Order, shares: Shares) -> None:
    """What the channel says of each part is what we say, and nothing is frozen any more."""
    with tenant.acting_for(order.site):
        split = settlement.split_of(order.site, order.number)
    insist(split is not None, f"I17: {order.number} was never to be divided")
    if split is None:
        return
    state = "void" if order.status == "refunded" and not split.shares else "unfrozen"
    insist(split.state == state, f"I17: the split of {order.number} is {split.state}")
    ours = Counter((one.account, one.fen, one.result) for one in split.shares if one.account)
    theirs = Counter((one.account, one.amount_fen, one.state) for one in shares.parts)
    insist(ours == theirs, f"I17: of {order.number} the channel divided {theirs}, in our books {ours}")
    insist(bool(shares.thaw) == (state == "unfrozen"), f"I17: {order.number} is frozen for ever")
    with tenant.acting_for(tenant.MAIN):
        told = cases.find("split", f"{order.number}#parts_closed")
    insist(bool(told) or not split.closed, f"I17: nobody was told of {order.number}")


def _check_sums(order: orders.Order, line: Channel, shares: Shares) -> int:
    """Nothing stays at the channel, and who has what by it and what is owed is what belongs to them."""
    with tenant.acting_for(order.site):
        posted = settlement.journals_of(order)
    sums = ledger.totals(one.legs for one in posted)
    left = {
        name: fen
        for name, fen in sums.items()
        if (fen and name.startswith(_PASSING)) or name.endswith(":frozen")
    }
    insist(not any(left.values()), f"I17: {order.number} leaves {left}")
    due = ledger.totals(one.legs for one in posted if not _AFTER.search(one.event))
    for agent in order.agents:
        party = f"dist:{agent}"
        with tenant.acting_for(tenant.MAIN):
            known = payments.receiver_of(party, order.channel)
        _check_party(order, party, due, sums, _has(shares, known.receiver.account) if known else 0)
    kept = _kept(order, line, shares) + due.get(f"fee_accrued:{order.channel}", 0)
    _check_party(order, f"subsite:{order.site}", due, sums, kept)
    by_main = _has(shares, Licensed.main_account())
    by_hand = refunded.by_hand_fen([order])
    insist(
        sums.get("bank:main", 0) == by_main - by_hand, f"I17: main has {sums.get('bank:main')} of {by_main}"
    )
    return by_main


def _check_party(order: orders.Order, party: str, due: Sums, sums: Sums, has: int) -> None:
    """What a party has by the channel, and what it is owed or owes, is its part."""
    part = -sum(due.get(f"{party}:{kind}", 0) for kind in ("pending", "frozen"))
    owed = -sums.get(f"{party}:pending", 0)
    insist(has + owed == part, f"I17: {party} has {has} and is owed {owed} of {part} fen of {order.number}")


def _has(shares: Shares, account: str) -> int:
    return shares.paid_fen(account) - shares.back_fen(account)


def _kept(order: orders.Order, line: Channel, shares: Shares) -> int:
    """What is left with the site's own merchant but for the fee, of which it also pays what nobody expected."""
    trade = line.trades[order.out_trade_no]
    return trade.amount_fen - trade.back_fen - shares.paid_fen() + shares.back_fen()
