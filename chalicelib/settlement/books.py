"""What the books hold of one order: its sale, what goes back of it, and what did not after all.

Every journal stands by the stored time of what it tells: whoever posts it, however late, posts the same.
"""

from collections.abc import Iterable

from chalicelib.kit import clock, config
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments

from . import aftersales, sharing, splits
from .aftersales import AfterSale


def is_independent(order: orders.Order) -> bool:
    """Whether the site's own merchant collected; what it collects is always split."""
    attempt = order.attempt
    return attempt.splits and payments.splits_at_channel(attempt.channel, attempt.merchant)


def sale_of(order: orders.Order) -> ledger.Sale:
    """What the split needs to know of an order: the one place that says so."""
    return ledger.Sale(
        site=order.site,
        channel=order.channel,
        paid_fen=order.amount_fen,
        cost_fen=order.cost_fen,
        own_goods=order.goods_owner == order.site,
        balance_fen=order.balance_fen,
        member=order.member or "",
        agents=order.agents,
        mode="independent" if is_independent(order) else "unified",
    )


def journals_of(order: orders.Order) -> list[ledger.Journal]:
    """All journals of one order, oldest first."""
    times = [order.delivered_at, order.refunding_at, order.refunded_at, order.paid_at]
    times += [at for one in aftersales.of_order(order) for at in (one.accepted_at, one.done_at)]
    split = splits.find(order.site, order.number) if order.attempt.splits else None
    if split:
        times += [*split.times, *(max(each or 0, split.unfrozen_at or 0) for each in times)]
    days = sorted({clock.day_of(at) for at in times if at})
    found = [one for day in days for one in ledger.journals_of(order.site, day, order.number)]
    return sorted(found, key=lambda one: (one.at, one.event != "sale", one.event))


def post_sale(order: orders.Order) -> bool:
    """The one journal of a delivered order; False when it stands already.

    A split is planned first: a sale in the books is not looked at again.
    """
    if order.attempt.splits:
        splits.plan(order, due=(order.delivered_at or 0) + config.load().split_after)
    return post(order, "sale", sold_legs(order), order.delivered_at or 0)


def post_refund(order: orders.Order, refund: AfterSale, *, fee_back: bool) -> None:
    """Everybody gives back in proportion what they had of the sale; the payer is owed it."""
    post(order, refund.event, refund_legs(order, refund.slices, fee_back=fee_back), refund.accepted_at or 0)


def post_returned(order: orders.Order, refund: AfterSale, *, by_hand: bool, fee_back: bool) -> None:
    """The payer has it: from the channel, or from main's bank where a person paid and the channel keeps its fee."""
    if not refund.channel_fen:
        return
    legs = ledger.returned_legs(order.channel, refund.channel_fen)
    if by_hand:
        legs = [(f"refund_clearing:{order.channel}", refund.channel_fen), ("bank:main", -refund.channel_fen)]
        legs += _fee_kept(order, refund) if fee_back else []
    post(order, f"{refund.event}-returned", legs, refund.done_at or 0)


def post_undone(order: orders.Order, refund: AfterSale, *, fee_back: bool) -> None:
    """The channel closed the refund and moved nothing: everybody has again what they had."""
    back = refund_legs(order, refund.slices, fee_back=fee_back)
    post(order, f"{refund.event}-undone", [(account, -fen) for account, fen in back], refund.done_at or 0)


def refund_legs(
    order: orders.Order, slices: Iterable[tuple[int, int]], *, fee_back: bool
) -> list[ledger.Leg]:
    """What giving back these slices of what was paid posts."""
    if order.way == "wallet":
        fen = sum(end - start for start, end in slices)
        return ledger.topup_back_legs(order.channel, order.member or "", fen)
    sold = _sold(order)
    legs = [
        leg
        for start, end in slices
        for leg in ledger.refund_legs(sold, order.amount_fen, start, end - start, fee_back=fee_back)
    ]
    return list(ledger.totals([legs]).items())


def _fee_kept(order: orders.Order, refund: AfterSale) -> list[ledger.Leg]:
    """What the refund said of the channel's fee, undone: it gives none back of what it did not give back."""
    back = [(account, -fen) for account, fen in refund_legs(order, refund.slices, fee_back=True)]
    kept = ledger.totals([refund_legs(order, refund.slices, fee_back=False), back])
    return [(account, fen) for account, fen in kept.items() if fen]


def _sold(order: orders.Order) -> Iterable[ledger.Leg]:
    """The sale's journal as it stands; rules may have changed since."""
    day = clock.day_of(order.delivered_at or 0)
    found = ledger.journals_of(order.site, day, order.number)
    return next((one.legs for one in found if one.event == "sale"), sold_legs(order))


def sold_legs(order: orders.Order) -> list[ledger.Leg]:
    """What a paid order posts once it is delivered."""
    legs = plain_legs(order)
    return _frozen(order, legs) if order.attempt.splits else legs


def plain_legs(order: orders.Order) -> list[ledger.Leg]:
    """The same before any of it is frozen, which moves nothing at the channel: for who asks only what that has."""
    plan, sale = ledger.plan_of(order.plan), sale_of(order)
    return ledger.topup_legs(sale, plan) if order.way == "wallet" else ledger.sale_legs(sale, plan)


def _frozen(order: orders.Order, legs: list[ledger.Leg]) -> list[ledger.Leg]:
    """The sale with what goes by the channel frozen."""
    parties = [order.site, *(f"dist:{agent}" for agent in order.agents)]
    caps = {party: payments.cap_of(party, order.channel) for party in parties}
    return sharing.freeze(legs, order.site, caps)


def post(order: orders.Order, event: str, legs: Iterable[ledger.Leg], at: int) -> bool:
    """An event of an order, once, in the window of its stored time."""
    window = clock.day_of(at)
    return ledger.post(order.site, window, order.number, event, legs, at=at, about=order.goods_name)
