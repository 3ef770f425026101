"""Settle delivered orders, close windows, and show both sides what came of it."""

from chalicelib.kit import clock, log, queue, table
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

from . import books, rules
from .aftersales import STATES as REFUND_STATES
from .aftersales import AfterSale
from .aftersales import listed as refunds_at
from .aftersales import of_order as refunds_of
from .asking import (
    NotRefundable,
    Shared,
    Twice,
    Wish,
    agree,
    ask_again,
    draft,
    give,
    limit,
    limit_of,
    paid_by_hand,
    reject,
    request,
    set_limit,
    shared,
    verdict,
)
from .books import journals_of, plain_legs, sale_of
from .dividing import drive as drive_split
from .dividing import trouble as split_trouble
from .parts import TooMuch
from .refunds import hear, refund
from .repaying import fee_of, paid_elsewhere, refund_no
from .restoring import known as refund_known
from .restoring import refunded as refund_again
from .rules import Earned, Statement, StatementRow, Totals
from .splits import SPLIT, THAW, Split
from .splits import find as split_of
from .splits import of_day as splits_of_day
from .splits import unfinished as splits_unfinished
from .topups import ask_back, left_of, may_take_back, take_back
from .unowned import GIVE_BACK, FitsNothing, Unowned, claim, drive_all, give_back
from .unowned import book as book_unowned
from .unowned import follow_fee as follow_unowned_fee
from .unowned import of_number as unowned_of
from .unowned import of_payment as unowned

__all__ = [
    "GIVE_BACK",
    "REFUND_STATES",
    "SPLIT",
    "THAW",
    "AfterSale",
    "Earned",
    "FitsNothing",
    "NotRefundable",
    "Shared",
    "Split",
    "Statement",
    "StatementRow",
    "TooMuch",
    "Totals",
    "Twice",
    "Unowned",
    "Wish",
    "agree",
    "ask_again",
    "ask_back",
    "book_unowned",
    "claim",
    "draft",
    "drive_all",
    "drive_split",
    "fee_of",
    "follow_unowned_fee",
    "give",
    "give_back",
    "hear",
    "journals_of",
    "left_of",
    "limit",
    "limit_of",
    "may_take_back",
    "paid_by_hand",
    "paid_elsewhere",
    "plain_legs",
    "refund",
    "refund_again",
    "refund_known",
    "refund_no",
    "refunds_at",
    "refunds_of",
    "reject",
    "request",
    "sale_of",
    "set_limit",
    "shared",
    "split_of",
    "split_trouble",
    "splits_of_day",
    "splits_unfinished",
    "take_back",
    "unowned",
    "unowned_of",
    "verdict",
]


def settle(site: str, number: str, *, now: int) -> bool:
    """Post the journal of a delivered order; False when it stands already or the order is elsewhere.

    The window comes from the order's stored time, never from this worker's clock.
    """
    order = orders.order(site, number)
    if order.status != "delivered":
        return False
    posted = books.post_sale(order)
    if posted:
        log.event("settlement.posted", site=site, order=number, after=now - (order.delivered_at or now))
    return posted


def close_windows(site: str, *, now: int) -> int:
    """Close the windows that are due at a site; the fen that reached accounts.

    Where the plan says T+0, the site has some of today's money already. After midnight the deposit pays what a refund
    left the site owing.
    """
    windows = rules.windows_to_close(now)
    for window in windows:
        _complete(site, window)
    total = sum(_close(site, window, now) for window in windows)
    plan = ledger.plan_in_force(tenancy.site(site).plan)
    if plan.release == "T+0":
        total += _close(site, clock.day_of(now), now, early_fen=plan.t0_cap_fen)
    if windows:
        _recover(site, now)
    return total


def close_all() -> int:
    """Ask for every site's windows to be closed; how many sites."""
    live = (one.site for one in tenancy.each_site() if one.stands)
    return queue.send_all("settle", ({"site": site, "close": True} for site in live))


def statement(site: str, day: str) -> Statement:
    """A day of a site: every split, from the journals alone."""
    found = [
        rules.row_of(site, one.number, one.event, one.at, one.about, dict(one.legs))
        for one in ledger.journals(site, day)
    ]
    rows = tuple(sorted(found, key=lambda row: (row.at, row.number, row.event), reverse=True))
    posted = ledger.posted(site, day)
    closed = posted is not None and rules.is_over(day, posted.at)
    early = 0 if closed or posted is None else posted.released.get(site, 0)
    return Statement(day, closed, rows, rules.totals(rows), early, ledger.available(site))


def earned(site: str, day: str, party: str) -> list[Earned]:
    """What a day of a site was worth to a distributor, from the journals alone."""
    found = [
        rules.earned_of(party, one.number, one.event, one.at, one.about, dict(one.legs))
        for one in ledger.journals(site, day)
    ]
    return [one for one in found if one.fen or one.direct_fen]


def _close(site: str, window: str, now: int, *, early_fen: int | None = None) -> int:
    try:
        return ledger.close(site, window, now=now, early_fen=early_fen)
    except table.Refused:
        # Another run closed it meanwhile; the next hour looks again.
        log.event("settlement.close_raced", site=site, window=window)
        return 0


def _recover(site: str, now: int) -> None:
    try:
        fen = ledger.recover(site, now=now)
    except table.Refused:
        log.event("settlement.recover_raced", site=site)
        return
    if fen:
        log.event("settlement.recovered", site=site, fen=fen)


def _complete(site: str, window: str) -> None:
    """Write the journal of every order delivered in a window whose message was lost.

    What the books hold is read before, since a refused write costs as much as one that succeeds.
    """
    start = clock.day_start(window)
    posted = {one.number for one in ledger.journals(site, window) if one.event == "sale"}
    for day in (clock.day_of(start - clock.DAY), window):
        for order in orders.on_day(site, day, states=("delivered",)):
            if order.number not in posted and clock.day_of(order.delivered_at or 0) == window:
                books.post_sale(order)
