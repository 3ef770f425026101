"""An order's split on its way: after delivery and a time to cool off, to the channel, part by part, to its end.

Each step asks how the split stands and may run any number of times. The channel is asked under one number with the
same parts for ever, then the rest is unfrozen under a number of its own. What it did not pay to somebody is owed to
them by the books. Parts that persons got can't be taken back, which is why a split waits.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, log, outbound, queue, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments

from . import aftersales, books, rules, sharing, splits, takeback
from .splits import Share, Split

CASE = "split"  # the kind of cases about splits
GIVE_UP = 3 * clock.DAY  # after which a split the channel does not know, and refuses, counts as closed
LATEST = 25 * clock.DAY  # after a payment: no refund is waited for any longer
UNFROZEN_BY_THEN = 31 * clock.DAY  # after a payment: the channel does so by itself after thirty
OPEN = aftersales.WAITING | aftersales.MOVING | {"abnormal"}


def drive(site: str, number: str, *, now: int) -> None:
    """Take an order's split as far as it goes; nothing where there is none, or its time has not come."""
    order, split = orders.order(site, number), splits.find(site, number)
    for todo in orders.todos_of(site, number):
        if split and todo.what == "split" and todo.due <= now + rules.EARLY:
            with contextlib.suppress(errors.Conflict):  # another run took the step
                _drive(order, todo, split, now)


def gateway(order: orders.Order) -> payments.Gateway:
    """The merchant who collected."""
    return payments.gateway(order.attempt.channel, order.attempt.merchant)


def sums_of(order: orders.Order, *events: str) -> dict[str, int]:
    """What an order's journals of these events add up to."""
    return sharing.counted(books.journals_of(order), events)


def _drive(order: orders.Order, todo: orders.Todo, split: Split, now: int) -> None:
    steps = {"planned": _submit, "held": _submit, "submitted": _ask, "finished": _thaw}
    while split.state not in splits.OVER:
        after = steps[split.state](order, split, now)
        if after.state in (split.state, "held"):
            _try_later(order, todo, now)
            return
        split = after
    _end(order, split, now)
    # Its own row remembers the split; there is one for each order, so that this one must not stay.
    orders.close_todo(order.site, order.number, todo.what, now=now, keep=0)


def _submit(order: orders.Order, split: Split, now: int) -> Split:
    refunds = aftersales.of_order(order)
    if any(one.state in OPEN for one in refunds):
        if now < (order.paid_at or 0) + LATEST:
            return splits.hold(split)
        _call_somebody(order, "refunds_open", now)
    covered = [one.event for one in refunds if one.state not in aftersales.WAITING | aftersales.VOID]
    sums = sums_of(order, "sale", *covered)
    if not sharing.held(sums):
        return splits.void(split, covered, now=now)
    shares = _shares(order, sums)
    return splits.submit(order, split, shares, covered, now=now)


def _shares(order: orders.Order, sums: dict[str, int]) -> list[Share]:
    """The parts with the accounts they go to; whoever has none gets nothing by the channel."""
    channel, cap = order.channel, gateway(order).capabilities.split_cap_bps
    room = order.amount_fen * cap // 10_000
    found = []
    for due in sharing.dues(sums, order.site, cap_fen=room, independent=books.is_independent(order)):
        known = payments.receiver_of(due.party, channel)
        if known:
            found.append(Share(due.party, due.fen, known.receiver.kind, known.receiver.account))
        else:
            found.append(Share(due.party, due.fen, result="closed", word="NO_ACCOUNT"))
    return found


def _ask(order: orders.Order, split: Split, now: int) -> Split:
    """Have the channel split, or say how far it is."""
    open_ = [share for share in split.shares if not share.result]
    if not open_:
        return splits.finish(split, split.shares, now=now)
    number = f"{order.out_trade_no}{splits.SPLIT}"
    line, found = gateway(order), payments.Split(number, "unknown")
    with _unsure(order):
        found = line.query_split(order.transaction, number, now=now)
        if found.state == "unknown":
            if _hopeless(split.submitted_at, now):
                return _given_up(split, now)
            found = line.split(
                order.transaction, out_split_no=number, parts=_parts(order, open_, now), finish=False, now=now
            )
    if found.state != "finished":
        return split
    return splits.finish(split, _results(split.shares, found), now=now)


def _parts(order: orders.Order, shares: Sequence[Share], now: int) -> list[payments.Part]:
    """Parts as the channel takes them, their receivers made known to the merchant before."""
    parts = [takeback.part_of(order, share) for share in shares]
    for part in parts:
        with contextlib.suppress(payments.Declined):  # then the split says so, for this part alone
            payments.introduce(order.channel, order.attempt.merchant, part.receiver, now=now)
    return parts


def _results(shares: Sequence[Share], found: payments.Split) -> list[Share]:
    """Each part with what the channel says of it; one it says nothing of was not paid."""
    told = list(found.parts)
    answered = []
    for share in shares:
        result = next(
            (one for one in told if (one.account, one.amount_fen) == (share.account, share.fen)), None
        )
        if share.result or result is None:
            answered.append(share if share.result else replace(share, result="closed", word="NOT_FOUND"))
            continue
        told.remove(result)
        answered.append(replace(share, result=result.state, word=result.reason))
    return answered


def _given_up(split: Split, now: int) -> Split:
    shares = [
        share if share.result else replace(share, result="closed", word="REFUSED") for share in split.shares
    ]
    return splits.finish(split, shares, now=now)


def _thaw(order: orders.Order, split: Split, now: int) -> Split:
    """The books have what the channel paid; then the rest is the merchant's."""
    books.post(order, splits.SPLIT, _split_legs(order, split), split.finished_at or 0)
    number = f"{order.out_trade_no}{splits.THAW}"
    line = gateway(order)
    with _unsure(order):
        found = line.query_split(order.transaction, number, now=now)
        if found.state == "unknown":
            found = line.unfreeze(order.transaction, out_split_no=number, now=now)
        if found.state == "finished":
            return splits.unfreeze(split, now=now)
    if now > (order.paid_at or now) + UNFROZEN_BY_THEN:
        return splits.unfreeze(split, now=now)
    if _hopeless(split.finished_at, now):
        _call_somebody(order, "stays_frozen", now)
    return split


def _split_legs(order: orders.Order, split: Split) -> list[ledger.Leg]:
    sums = sums_of(order, "sale", *split.covered)
    paid = [sharing.Outcome(share.party, share.fen) for share in split.paid]
    return sharing.split_legs(sums, order.site, order.channel, paid, independent=books.is_independent(order))


def _end(order: orders.Order, split: Split, now: int) -> None:
    """Whatever follows from how a split ended; said again when this process dies before its last line."""
    if books.is_independent(order):  # where all of it went back, the fee is left that the merchant paid
        sums = sums_of(order, "sale", *split.covered, splits.SPLIT)
        if legs := sharing.thaw_legs(sums, order.site, order.channel):
            books.post(order, splits.THAW, legs, split.unfrozen_at or 0)
    if split.state == "unfrozen":
        takeback.settle_all(order)
    if split.closed:
        _call_somebody(order, "parts_closed", now, split.closed)


def _try_later(order: orders.Order, todo: orders.Todo, now: int) -> None:
    delay = rules.split_delay(todo.tries)
    if orders.delay_todo(order.site, todo, due=now + delay) and delay <= queue.LONGEST_DELAY:
        queue.send("refund", site=order.site, order=order.number, split=True, delay=delay)


@contextlib.contextmanager
def _unsure(order: orders.Order) -> Iterator[None]:
    """What a channel refuses or does not answer is asked again later."""
    try:
        yield
    except (outbound.NotSent, outbound.Unknown, payments.Declined) as error:
        log.event("settlement.split_unclear", site=order.site, order=order.number, why=str(error)[:100])


def _hopeless(since: int | None, now: int) -> bool:
    return now > (since or now) + GIVE_UP


_SAYS = {
    "refunds_open": (
        "订单付款已 25 天，仍有退款没有办完，分账不能再等：渠道满 30 天会自动解冻。",
        "已按受理中的退款扣减后分账；请尽快办完这笔订单的退款。",
    ),
    "stays_frozen": (
        "分账已完成，剩余资金三天都没能解冻。",
        "在渠道商户平台查看这笔交易的冻结金额，必要时手工解冻；系统会继续尝试。",
    ),
    "parts_closed": (
        "分账里有收款方没有收到：钱留在收款商户，账上已改记为应付。",
        "请收款方核对收款账号与实名，更正后再有订单即可分到；这一笔随下次结算付出。",
    ),
}


def _call_somebody(order: orders.Order, what: str, now: int, shares: Sequence[Share] = ()) -> None:
    why, action = _SAYS[what]
    facts = {"site": order.site, "order": order.number, "channel": order.channel}
    facts |= {"amount_fen": str(sum(share.fen for share in shares))} if shares else {}
    facts |= {f"{_called(share.party)}（{share.word}）_fen": str(share.fen) for share in shares}
    cases.open(CASE, f"{order.number}#{what}", why=why, facts=facts, action=action, now=now)


def trouble(split: Split) -> list[cases.Case]:
    """The open cases about a split. Asked with the main site's rights."""
    found = [cases.find(CASE, f"{split.number}#{what}") for what in _SAYS] if _may_be_stuck(split) else []
    return [case for case in found if case and case.settled_at is None]


def _may_be_stuck(split: Split) -> bool:
    return split.state != "planned" and (split.state not in splits.OVER or bool(split.closed))


def _called(party: str) -> str:
    if party.startswith("dist:"):
        return f"合伙人 {party.removeprefix('dist:')}"
    return "主站" if party == tenant.MAIN else "分站"
