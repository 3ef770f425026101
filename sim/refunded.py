"""Whether the after-sales refunds of delivered orders came right: I16, at rest. Raises Violation."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement

from .bills import Trade
from .channel import Channel
from .watch import insist

_REFUND = re.compile(r"R\d+(-undone)?")  # journals of what everybody gives back
_PAYERS = ("clearing:wechat", "clearing:alipay", "bank:main")
_OVER = {"success", "closed", "rejected"}
Refunds = Sequence[settlement.AfterSale]


def of(order: orders.Order) -> Refunds:
    """The refunds of an order that was delivered."""
    if not order.refunds:
        return ()
    with tenant.acting_for(order.site):
        return settlement.refunds_of(order)


def was_sold(order: orders.Order) -> bool:
    """Whether an order was delivered, whatever went back of it later."""
    return order.status == "delivered" or bool(
        order.delivered_at and order.status in ("refunding", "refunded")
    )


def channel_fen(refunds: Refunds) -> int:
    """What the channel gave back."""
    return sum(one.channel_fen for one in _done(refunds) if not settlement.paid_elsewhere(one))


def balance_fen(refunds: Refunds) -> int:
    """What is on a balance again."""
    return sum(one.balance_fen for one in _done(refunds))


def by_hand_fen(found: Iterable[orders.Order]) -> int:
    """What people paid for channels that could not."""
    every = (one for order in found for one in _done(of(order)))
    return sum(one.channel_fen for one in every if settlement.paid_elsewhere(one))


def check(found: Iterable[orders.Order], channels: Mapping[str, Channel], days: Sequence[str]) -> None:
    """Each refund is over, at its channel and in the books as we say, and all of an order's fit into it."""
    for order in found:
        refunds = of(order)
        for one in refunds:
            insist(one.state in _OVER, f"I16: {one.name} of {order.number} is {one.state} for ever")
        counted = [one for one in refunds if one.counts]
        fen = sum(one.fen for one in counted)
        insist(fen <= order.amount_fen, f"I16: {fen} of {order.amount_fen} fen of {order.number} went back")
        insist(
            fen == order.refunded_fen, f"I16: {order.number} counts {order.refunded_fen} of {fen} fen back"
        )
        whole = was_sold(order) and fen == order.amount_fen
        insist(
            whole == (order.status == "refunded" and was_sold(order)),
            f"I16: {order.number} is {order.status}",
        )
        if was_sold(order) and order.channel_fen:
            line = next(one for one in channels.values() if order.out_trade_no in one.trades)
            _check_channel(order, refunds, line.trades)
        if counted:
            _check_legs(order, counted, days)


def _check_channel(order: orders.Order, refunds: Refunds, trades: Mapping[str, Trade]) -> None:
    """The channel's own book of an order's refunds has what ours say, and nothing else."""
    trade = trades.get(order.out_trade_no)
    back = trade.refunds if trade else {}
    given_up = {name for name, state in (trade.stuck if trade else {}).items() if state == "given up"}
    done = {settlement.refund_no(order, one): one for one in _done(refunds) if one.channel_fen}
    ours = {name: one.channel_fen for name, one in done.items() if not settlement.paid_elsewhere(one)}
    theirs = {name: fen for name, fen in back.items() if name.startswith(order.out_trade_no)}
    insist(theirs == ours, f"I16: of {order.number} the channel gave back {theirs}, in our books {ours}")
    by_hand = done.keys() - ours.keys()
    insist(by_hand <= given_up, f"I16: {by_hand - given_up} was paid by hand, and the channel may pay it too")


def _check_legs(order: orders.Order, counted: Refunds, days: Sequence[str]) -> None:
    """Everybody gave back their part of what went back, to the fen where it was all of the order."""
    with tenant.acting_for(order.site):
        posted = [one for day in days for one in ledger.journals_of(order.site, day, order.number)]
    sold = dict(next(one.legs for one in posted if one.event == "sale"))
    back = ledger.totals(_taken(one) for one in posted)
    fen = sum(one.fen for one in counted)
    rounding = 2 * sum(len(one.slices) for one in counted) if fen < order.amount_fen else 0
    for account, due in _due(order, sold, back, Fraction(fen, order.amount_fen)).items():
        off = abs(back.get(account, 0) + due)
        what = f"I16: {account} gave back {back.get(account, 0)} of {-float(due)} fen of {order.number}"
        insist(off <= rounding, what)


def _due(
    order: orders.Order, sold: Mapping[str, int], back: Mapping[str, int], part: Fraction
) -> dict[str, Fraction]:
    """What each account should have given back, negative: the fee's bearer gave what the fee did not take."""
    fee, account = -sold.get(f"fee_accrued:{order.channel}", 0), f"fee_accrued:{order.channel}"
    bearers = ("channel_fee_expense", f"subsite:{order.site}:frozen", f"subsite:{order.site}:pending")
    bearer = next(name for name in bearers if name in sold)
    due = {name: fen * part for name, fen in sold.items() if name != account}
    return due | {bearer: (sold.get(bearer, 0) - fee) * part + back.get(account, 0)}


def _taken(journal: ledger.Journal) -> list[ledger.Leg]:
    """What a journal took from whom; of the payer's having it, what became of the fee."""
    if _REFUND.fullmatch(journal.event):
        return [(account.replace("refund_clearing:", "clearing:"), fen) for account, fen in journal.legs]
    if journal.event.endswith("-returned"):
        return [(each, fen) for each, fen in journal.legs if not each.endswith(_PAYERS)]
    return []


def _done(refunds: Refunds) -> Iterator[settlement.AfterSale]:
    return (one for one in refunds if one.state == "success")
