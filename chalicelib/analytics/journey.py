"""All that happened to one order, from the rows that stand: its moves, books, split, refunds, window and cases."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.cases import service as cases
from chalicelib.kit import clock
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement

_MOST_CASES = 200  # of the open ones, and of those settled last


@dataclass(frozen=True)
class Stop:
    """One thing that happened. `part` is where: order, books, split, refund, window or case; `what` names it there.

    `fen` is the sum it was about, where there is one; `word` what somebody wrote, or a name; `bad` calls for a look.
    """

    at: int
    part: str
    what: str
    fen: int | None = None
    word: str = ""
    bad: bool = False


def journey(order: orders.Order) -> list[Stop]:
    """An order's stops, oldest first; within a second the books come last. Cases are main's to see, and not here."""
    found = [*_moves(order), *_split(order), *_refunds(order), *_books(order), *_window(order)]
    return sorted(found, key=lambda stop: stop.at)


def cases_of(order: orders.Order) -> list[cases.Case]:
    """The cases that name an order, of those that are open or were settled last."""
    names = {order.number, *(one.out_trade_no(order.number) for one in order.attempts)}
    looked = [*cases.open_ones(limit=_MOST_CASES), *cases.settled_ones(limit=_MOST_CASES)]
    return [one for one in looked if names & set(one.facts.values())]


def _moves(order: orders.Order) -> Iterator[Stop]:
    for step in order.progress:
        fen = order.amount_fen if step.what in ("placed", "paid", "paid_late", "refunded") else None
        yield Stop(step.at, "order", step.what, fen, bad=step.what in ("review", "expired"))


def _books(order: orders.Order) -> Iterator[Stop]:
    for journal in settlement.journals_of(order):
        yield Stop(journal.at, "books", journal.event)


def _split(order: orders.Order) -> Iterator[Stop]:
    split = settlement.split_of(order.site, order.number) if order.attempt.splits else None
    if split is None:
        return
    paid, closed = (sum(share.fen for share in shares) for shares in (split.paid, split.closed))
    if split.submitted_at:
        yield Stop(split.submitted_at, "split", "submitted", sum(share.fen for share in split.shares))
    if split.finished_at:
        yield Stop(split.finished_at, "split", "finished", paid, bad=closed > 0)
    if split.unfrozen_at:
        yield Stop(split.unfrozen_at, "split", "unfrozen")


def _refunds(order: orders.Order) -> Iterator[Stop]:
    for one in settlement.refunds_of(order):
        yield Stop(one.asked_at, "refund", "asked", one.fen, one.reason)
        if one.accepted_at:
            yield Stop(one.accepted_at, "refund", "accepted", one.fen)
        if one.done_at:
            bad = one.state not in ("success", "rejected")
            yield Stop(one.done_at, "refund", one.state, one.fen, bad=bad)


def _window(order: orders.Order) -> Iterator[Stop]:
    """When the day of its sale last reached the parties' accounts."""
    day = clock.day_of(order.delivered_at) if order.delivered_at else ""
    posted = ledger.posted(order.site, day) if day else None
    if posted:
        yield Stop(posted.at, "window", "released", word=day)
