"""The orders of a site whose table was restored: what left the house of each is done to it again, and nothing else.

Before anything moves, the channel is asked about every order that waits for money. Codes that an order showed are
handed to it again, the very same; money that a channel was told to give back is on its way back again, under the same
number. An order that is gone keeps what was paid for it as a case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, errors
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock

from .rules import Sale

KIND = "restore"  # of its cases
BY = "restore"
BALANCE = "balance"  # the channel of an order that no channel collects for
_SAID = "已于数据恢复前交付；交付内容的记录已丢失，如需要请联系客服补发。"


def mend(site: str, sales: dict[str, Sale], *, since: int, now: int) -> list[str]:
    """Bring a site's orders to where the log says that they were; the numbers of those that are gone.

    Raises what channels and tables raise: then it is begun again, as often as it takes.
    """
    known = orders.orders(site, sales)
    for number, order in known.items():
        _put_tries_back(order, sales[number])
    for order in _open(site, since, now):
        _resume(order, sales.get(order.number, Sale()), now)
    for number, sale in sales.items():
        if number in known:
            _mend(orders.order(site, number), sale, now)
        else:
            _mourn(site, number, sale, now)
    return sorted(sales.keys() - known.keys())


def _put_tries_back(order: orders.Order, sale: Sale) -> None:
    """Let a pending order be paid in every way that a page has shown. One that nobody was shown is like the next."""
    shown = [one for index, one in sorted(sale.tries.items()) if index > len(order.attempts)]
    for one in shown if order.status == "pending" else ():
        for index in range(len(order.attempts) + 1, one.index + 1):
            order = orders.add_attempt(order, replace(one, index=index))


def _open(site: str, since: int, now: int) -> Iterator[orders.Order]:
    days = range(since - 2 * clock.DAY, now + clock.DAY, clock.DAY)
    for day in dict.fromkeys(map(clock.day_of, days)):
        yield from orders.on_day(site, day, states=("pending", "paid", "review"))


def _resume(order: orders.Order, sale: Sale, now: int) -> None:
    """What an order held that has come back is others' by now: its hold is over, however it stands."""
    back = _came_back(order, sale)
    if order.status == "pending" and back:
        checkout.expire(order, now)
    elif order.status == "pending":
        checkout.drive(order.site, order.number, now=now)
    elif back:
        _give_money_back(order, now)


def _came_back(order: orders.Order, sale: Sale) -> bool:
    """By the pool, or since the order was delivered others after it had ended, which a pool may have forgotten too."""
    if not order.ranges:
        return False
    if any(shown not in ((), order.ranges) for shown in sale.deliveries):
        return True
    back = stock.returned(order.goods_owner, order.goods_id)
    return any(one in back for one in order.ranges)


def _mend(order: orders.Order, sale: Sale, now: int) -> None:
    if "R1" in sale.refunds:
        order = _paid(order, sale, "R1", now)
        _give_money_back(order, now)
    for name in sale.refunds:
        if name.startswith("D"):
            _paid(order, sale, name, now)
    if sale.paid or sale.deliveries:
        _ask(orders.order(order.site, order.number), now)
    order = orders.order(order.site, order.number)
    if sale.deliveries and order.status in ("paid", "review"):
        order = _deliver(order, sale.deliveries, now)
    for told in sale.refunds.values():
        if "slices" in told:
            settlement.refund_again(orders.order(order.site, order.number), told, now=now)
    for seq, word in sorted(sale.decided.items()):
        settlement.refund_known(orders.order(order.site, order.number), seq, word, now=now)


def _paid(order: orders.Order, sale: Sale, name: str, now: int) -> orders.Order:
    """Take note of a payment that a channel was told to give back; one that stands as it was changes nothing."""
    told = sale.refunds[name]
    payment = payments.Payment(
        channel=told["channel"],
        merchant=told["merchant"],
        app="",
        out_trade_no=told["out_trade_no"],
        transaction_id=told["transaction"],
        amount_fen=int(told["amount_fen"]),
        currency="CNY",
        paid_at=int(told["paid_at"]),
        event_id=told["transaction"],
    )
    checkout.accept_payment(payment, now=now)
    return orders.order(order.site, order.number)


def _ask(order: orders.Order, now: int) -> None:
    """Ask by which of its tries an order was paid, and by which others too: channels do not tell of them again."""
    known = order.attempt if order.transaction else None
    for one in order.attempts:
        if one.channel != BALANCE and one != known:
            gateway = payments.gateway(one.channel, one.merchant)
            paid = gateway.query(one.out_trade_no(order.number), now=now)
            if paid:
                checkout.accept_payment(paid, now=now)


def _give_money_back(order: orders.Order, now: int) -> None:
    if order.status in ("paid", "review"):
        fulfilment.refund_instead(order.site, order.number, reason="restored", staff=BY, now=now)


def _deliver(order: orders.Order, shown: Sequence[tuple[stock.Range, ...]], now: int) -> orders.Order:
    """Hand over once more what the order had; of several tries the one that did not come back."""
    if order.way == "manual":
        ref = orders.keep_delivery(order.site, order.number, _SAID, staff=BY, now=now)
        return _delivered(order, (), now, ref)
    back = stock.returned(order.goods_owner, order.goods_id)
    kept = [each for each in shown if each and not any(one in back for one in each)]
    held = [each for each in kept if order.ranges in ((), each)]
    return _delivered(order, held[-1], now) if held else order


def _delivered(
    order: orders.Order, ranges: tuple[stock.Range, ...], now: int, ref: str | None = None
) -> orders.Order:
    try:
        delivered = orders.deliver(order, ranges, now=now, ref=ref)
    except orders.WrongState as stood:
        if stood.order is None:
            raise
        return stood.order
    fulfilment.deliver(order.site, order.number, now=now)  # has it settled
    return delivered


def _mourn(site: str, number: str, sale: Sale, now: int) -> None:
    """An order that is gone: nobody shall pay for it any more, and what it had is told to a person."""
    for one in sale.tries.values():
        if one.channel != BALANCE:
            _close(one.out_trade_no(number), one.channel, one.merchant, now)
    if not sale.deliveries and not sale.refunds:
        return
    codes = sum(one.count for each in sale.deliveries[-1:] for one in each)
    back = sum(int(told.get("amount_fen", told.get("channel_fen", 0))) for told in sale.refunds.values())
    facts = {
        "site": site,
        "order": number,
        "delivered": str(codes or len(sale.deliveries)),
        "back_fen": str(back),
    }
    why = "这笔订单在数据恢复中丢失"
    action = "按渠道的交易记录核对：已交付的，款项留下；没有交付的，从「挂账」原路退回。"
    cases.open(KIND, number, why=why, facts=facts, action=action, now=now)


def _close(trade: str, channel: str, merchant: str, now: int) -> None:
    """Ask for the payment of a try, which then is money without an owner, or have nobody pay any more."""
    line = payments.gateway(channel, merchant)
    try:
        paid = line.query(trade, now=now)
        if paid:
            checkout.accept_payment(paid, now=now)
        else:
            line.close(trade, now=now)
    except payments.Declined as refused:
        raise errors.NotReady from refused
