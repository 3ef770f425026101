"""Bugs of giving back what was delivered: too much, by another's rounding, with the codes, or seen by nobody."""

from .mutant import ROUGH, mutant

_OFTEN = ROUGH | {"regrets": 0.9, "refund_abnormal": 0.3, "refund_closed": 0.3, "refund_slow": 0.5}

AFTERSALES = (
    mutant(
        "refunds-on-their-way-not-counted",
        "More goes back than was paid: a second refund was agreed to while the first was on its way.",
        ("settlement.asking:draft", "if one.counts]", 'if one.state == "success"]'),
        origin="shops that subtract what was refunded, not what will be",
        rates=_OFTEN,
    ),
    mutant(
        "each-refund-rounded-alone",
        "An order went back in three parts, and the main site kept a fen that was the sub-site's.",
        ("settlement.books:refund_legs", "order.amount_fen, start, end", "order.amount_fen, 0, end"),
        origin="shops that round every refund",
        rates=_OFTEN,
    ),
    mutant(
        "refunded-codes-sold-again",
        "A code is sold to a second shopper: the first one saw it and had the money back.",
        (
            "settlement.repaying:_close_order",
            'now=now, start=("refunding",))',
            (
                'now=now, start=("refunding",))\n'
                "            from chalicelib.checkout import service as checkout\n"
                "            checkout.give_back(order)"
            ),
        ),
        origin="shops that restock whatever is refunded",
        rates=_OFTEN,
    ),
    mutant(
        "abnormal-refund-shown-to-nobody",
        "The shopper's card was closed, and the money is on its way for ever.",
        ("settlement.repaying:_end", 'in ("abnormal", "closed")', 'in ("closed",)'),
        origin="shops that log what a person would have to do",
        rates=_OFTEN,
    ),
    mutant(
        "closed-refund-stays-in-the-books",
        "The channel closed a refund, and the sub-site gave its part of it all the same.",
        ("settlement.repaying:_end", 'elif refund.state == "closed":', "elif not refund:"),
        origin="shops that book a refund when it is asked for, and never look back",
        rates=_OFTEN,
    ),
    mutant(
        "new-number-for-a-second-try",
        "The payer has the money twice: main asked again under another number.",
        ("settlement.repaying:refund_no", "{refund.event}", "{refund.event}{'x' * (refund.asks - 1)}"),
        origin="shops that number their requests, not their refunds",
        rates=_OFTEN | {"lost_answer": 0.2, "outage": 1.0},
    ),
    mutant(
        "fee-back-of-what-a-person-paid",
        "The books wait for a fee that the channel never gives back: somebody paid the refund by hand.",
        ("settlement.books:post_returned", "_fee_kept(order, refund) if fee_back else []", "[]"),
        origin="this shop, before refunds of what was delivered were played here",
        rates=_OFTEN,
    ),
)
