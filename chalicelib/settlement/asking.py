"""Who may have money given back, and who must agree: the verbs of people.

A shopper asks, and the shop decides. One person decides up to a sum per order that the main site sets; beyond it two
different people of the main site must agree. Whoever looks at an order while another asks for a refund is told to look
again: nobody refunds on the strength of a page that is out of date.
"""

from dataclasses import dataclass, replace

from chalicelib.kit import errors, log, queue, tenant
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments

from . import aftersales, books, parts, repaying, rules, stuck
from .aftersales import AfterSale
from .model import LimitRow

LIMIT = 50_000  # fen of one order that one person may give back, unless main says otherwise
LONGEST = 200  # characters of a reason
SHOPPER = "shopper"


class NotRefundable(errors.Conflict):
    """Nothing can be refunded here, or not any more; the sentence says why."""

    code = "not_refundable"
    sentence = "Only a delivered order can be refunded this way."


class Twice(errors.Conflict):
    """The same person agreed before: two different people must."""

    code = "refund_second_person"
    sentence = "Another person of the main site has to agree."


@dataclass(frozen=True)
class Wish:
    """What is to go back: pieces, or an amount in fen where `pieces` is 0; and why."""

    reason: str
    fen: int = 0
    pieces: int = 0


@dataclass(frozen=True)
class Shared:
    """Where a refund goes, in fen, and who bears it: site, main and agents less the fee a channel gives back."""

    channel_fen: int
    balance_fen: int
    site_fen: int
    main_fen: int
    agents_fen: int
    fee_fen: int


def request(order: orders.Order, wish: Wish, *, now: int) -> AfterSale:
    """A shopper asks for a refund. What they asked for before and waits is the answer. Raises as `draft`."""
    for one in aftersales.of_order(order):
        if one.state in aftersales.WAITING:
            return one
    return aftersales.put(order, draft(order, wish, by=SHOPPER, now=now), now=now)


def give(order: orders.Order, wish: Wish, *, by: str, seen: int, now: int) -> AfterSale:
    """Give money back, or have it reviewed. `seen`: the refunds of the order that `by` knows of.

    Raises as `draft` and `check_time`, and Conflict where there are others.
    """
    if order.refunds != seen:
        raise errors.Conflict
    check_time(order, now)
    refund = draft(order, wish, by=by, now=now)
    agreed = (by,)
    state = verdict(order.refunded_fen + refund.fen, agreed, limit_of(order))
    if state == "review":  # a dead process leaves a case without a refund, never a refund that nobody sees
        stuck.ask_main(order, refund, now=now)
    at = now if state == "submitted" else None
    put = aftersales.put(order, replace(refund, state=state, agreed=agreed, accepted_at=at), now=now)
    _start(order.site, put)
    return put


def agree(order: orders.Order, seq: int, *, by: str, now: int) -> AfterSale:
    """Agree to what was asked for; it is paid out once enough people did. Raises Twice, NotRefundable, Conflict."""
    refund = aftersales.find(order.site, order.number, seq)
    if refund.state not in aftersales.WAITING:
        raise NotRefundable("This refund has been decided.")
    if by in refund.agreed or (refund.state == "review" and not _of_main(by)):
        raise Twice
    if (
        order.way != "wallet"
    ):  # what is left of a balance is owed for ever: a person pays what the channel cannot
        check_time(order, now)
    agreed = (*refund.agreed, by)
    if verdict(order.refunded_fen, agreed, limit_of(order)) == "submitted":
        accepted = aftersales.accept(order.site, refund, agreed, now=now)
        stuck.agreed(refund, by=by, now=now)
        _start(order.site, accepted)
        return accepted
    stuck.ask_main(order, refund, now=now)
    return aftersales.change(order.site, refund, state="review", agreed=" ".join(agreed))


def reject(order: orders.Order, seq: int, why: str, *, by: str, now: int) -> AfterSale:
    """Refuse what was asked for, with a reason the shopper sees. Raises NotRefundable, Twice, Conflict."""
    refund = aftersales.find(order.site, order.number, seq)
    if refund.state not in aftersales.WAITING:
        raise NotRefundable("This refund has been decided.")
    if order.way == "wallet" and not _of_main(by):
        raise Twice  # main issues balances, so a shop decides nothing of them
    rejected = aftersales.void(order, refund, "rejected", why[:LONGEST], now=now)
    stuck.agreed(refund, by=by, now=now)
    orders.close_todo(order.site, order.number, refund.name, now=now)
    log.event("settlement.refund_rejected", site=order.site, order=order.number, refund=refund.name, staff=by)
    return rejected


def ask_again(order: orders.Order, seq: int, *, by: str, now: int) -> AfterSale:
    """Ask the channel once more, under the same number, for what it could not do. Raises NotRefundable, Conflict."""
    refund = _abnormal(order, seq)
    accepted = aftersales.accept(order.site, refund, refund.agreed, now=now)
    stuck.resumed(refund, "再次向渠道申请", by=by, now=now)
    _start(order.site, accepted)
    return accepted


def paid_by_hand(order: orders.Order, seq: int, proof: str, *, by: str, now: int) -> AfterSale:
    """What the channel could not do, a person did, and says how that can be proved. Raises NotRefundable, Conflict."""
    refund = _abnormal(order, seq)
    paid = repaying.paid_by_hand(order, refund, proof[:LONGEST], now=now)
    stuck.resumed(refund, proof[:LONGEST], by=by, now=now)
    return paid


def draft(order: orders.Order, wish: Wish, *, by: str, now: int) -> AfterSale:
    """The refund as it would be, kept nowhere. Raises NotRefundable, parts.TooMuch."""
    if order.status != "delivered" or order.way == "wallet":
        raise NotRefundable
    if order.refunds >= aftersales.MOST:
        raise NotRefundable("This order was refunded too often; pay the rest by hand.")
    counting = [one for one in aftersales.of_order(order) if one.counts]
    fen = wish.fen
    if wish.pieces:
        given = sum(one.pieces for one in counting)
        fen = parts.fen_of_pieces(order.amount_fen, order.quantity, given, wish.pieces)
    slices = parts.take(order.amount_fen, [each for one in counting for each in one.slices], fen)
    channel_fen, balance_fen = parts.of_tenders((order.channel_fen, order.balance_fen), slices)
    return AfterSale(
        number=order.number,
        seq=aftersales.FIRST + order.refunds,
        state="requested",
        fen=fen,
        pieces=wish.pieces,
        slices=slices,
        channel_fen=channel_fen,
        balance_fen=balance_fen,
        reason=wish.reason[:LONGEST],
        asked_by=by,
        agreed=(),
        asked_at=now,
        accepted_at=None,
        done_at=None,
        word="",
    )


def check_time(order: orders.Order, now: int) -> None:
    """Raise NotRefundable where the channel no longer gives the payment back."""
    if repaying.too_late(order, now):
        raise NotRefundable("The channel no longer gives this payment back.", field="days")


def shared(order: orders.Order, refund: AfterSale) -> Shared:
    """Who bears a refund that is not decided yet."""
    legs = dict(books.refund_legs(order, refund.slices, fee_back=repaying.fee_back(order)))
    row = rules.row_of(order.site, order.number, refund.event, 0, "", legs)
    return Shared(
        refund.channel_fen, refund.balance_fen, -row.site_fen, -row.main_fen, -row.agents_fen, -row.fee_fen
    )


def verdict(refunded_fen: int, agreed: tuple[str, ...], limit_fen: int) -> str:
    """Whether enough people agreed to an order's refunds of so much in all: "submitted" or "review"."""
    enough = refunded_fen <= limit_fen or len({by for by in agreed if _of_main(by)}) > 1
    return "submitted" if enough else "review"


def limit_of(order: orders.Order) -> int:
    """Up to how many fen of this order one person may decide: all where a site collects its money itself."""
    paid = order.attempt
    own = order.channel_fen > 0 and payments.owner_of(paid.channel, paid.merchant) == order.site
    return order.amount_fen if own else limit()


def limit() -> int:
    """Up to how many fen of one order one person may decide."""
    row = LimitRow.of(tenant.MAIN).read("RULE#refund", ".")
    return row.fen if row else LIMIT


def set_limit(fen: int) -> None:
    """Change it. Whoever saves last wins."""
    rows = LimitRow.of(tenant.MAIN)
    rows.change("RULE#refund", ".", [rows.fen.set(fen)], None)


def _start(site: str, refund: AfterSale) -> None:
    if refund.state == "submitted":
        queue.send("refund", site=site, order=refund.number)


def _abnormal(order: orders.Order, seq: int) -> AfterSale:
    refund = aftersales.find(order.site, order.number, seq)
    if refund.state != "abnormal":
        raise NotRefundable("The channel has not given this refund up.")
    return refund


def _of_main(by: str) -> bool:
    return by.startswith(f"{tenant.MAIN}:")
