"""Bugs that come to nothing, because something else makes up for them; the story of each says what."""

from .mutant import ROUGH, mutant

_NETS = "shops that have one way of doing each thing"

HARMLESS = (
    mutant(
        "walk-forgets-yesterday",
        "Timers alone take every order on; the walk is a second net.",
        (
            "checkout.driving:_walk_days",
            "(clock.day_of(now - clock.DAY), clock.day_of(now))",
            "(clock.day_of(now),)",
        ),
        origin="jobs that look at today's rows",
        rates=ROUGH | {"tick_skipped": 0.7},
    ),
    mutant(
        "settle-message-lost",
        "Closing a day writes the journals that are missing.",
        (
            "fulfilment.service:_deliver_codes",
            'queue.send("settle", site=order.site, order=order.number)',
            "queue",
        ),
        origin=_NETS,
    ),
    mutant(
        "day-closed-without-looking",
        "Every message is delivered until its work is done, so no journal is missing at the last close.",
        ("settlement.service:close_windows", "_complete(site, window)", "log"),
        origin=_NETS,
    ),
    mutant(
        "short-claim-kept",
        "The audit returns, two days later, what was claimed by no order.",
        ("stock.claims:claim", 'give_back(owner, sku, taken, why="short", at=now)', "pass"),
        origin=_NETS,
    ),
    mutant(
        "delivery-without-asking-for-the-codes",
        "The codes of an order change only when an expired one is paid, so asking for the state is enough.",
        ("orders.service:deliver", "only=only, ", ""),
        origin="shops that ask for less than they could",
    ),
    mutant(
        "refund-noted-after-the-move",
        "Whoever finds an order on its way back without a note writes the note again.",
        (
            "fulfilment.service:_refund",
            '    orders.add_todo(order.site, order.number, "refund", due=now)\n',
            "",
        ),
        (
            "fulfilment.service:_refund",
            "    checkout.give_back(refunding)",
            '    orders.add_todo(order.site, order.number, "refund", due=now)\n    checkout.give_back(refunding)',
        ),
        origin="shops that commit first and write their outbox afterwards",
        rates=ROUGH | {"kill_after": 0.05},
    ),
)
