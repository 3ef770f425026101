"""Bugs of balances: parts that are forgotten, and parts that move twice."""

from .mutant import mutant

BALANCES = (
    mutant(
        "reserved-for-ever",
        "A member did not pay in the end, and the balance's part never comes back.",
        (
            "checkout.tender:release",
            'orders.move_with(order, "expired", _enter(order, "void", now), now=now)',
            'orders.move(order.site, order.number, "expired", now=now)',
        ),
        origin="shops whose timeout knows the channel's part only",
    ),
    mutant(
        "late-money-forgets-the-balance",
        "Who pays the channel's part too late gets the goods for that part alone.",
        (
            "checkout.tender:revive",
            'orders.move_with(order, "paid", _enter(order, "spend", now), now=now, **late)',
            "orders.revive(order, receipt, now=now)",
        ),
        origin="shops that accept a late callback by another way than a timely one",
    ),
    mutant(
        "refund-forgets-the-balance",
        "An order that cannot be delivered goes back, but what the balance paid does not.",
        ("settlement.refunds:_returned", "if not order.balance_fen:", "if True:"),
        origin="shops that refund through the channel alone",
    ),
    mutant(
        "top-up-for-every-message",
        "One payment fills the balance several times.",
        ("orders.joint:move_with", "condition=_as_read(rows, order)", "condition=rows.pk.exists()"),
        origin="shops that add to a balance and mark the order afterwards",
    ),
)
