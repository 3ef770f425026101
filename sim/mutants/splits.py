"""Bugs of dividing at the channel: twice, to nobody, beyond what is there, or left frozen."""

from .mutant import ROUGH, mutant

_ALWAYS = ROUGH | {
    "licensed": 1.0,
    "regrets": 0.9,
    "part_closed": 0.3,
    "split_slow": 0.5,
    "thaw_lost": 0.4,
    "return_refused": 0.4,
}

SPLITS = (
    mutant(
        "finished-taken-for-success",
        "A distributor never has their part: the split was over, and their part of it was closed.",
        (
            "settlement.dividing:_results",
            "result=result.state, word=result.reason",
            'result="success", word=result.reason',
        ),
        origin="shops for which a split is one thing",
        rates=_ALWAYS,
    ),
    mutant(
        "new-number-for-every-split",
        "The parts of a payment are asked for twice: the first answer was lost.",
        ("settlement.dividing:_ask", "{order.out_trade_no}{splits.SPLIT}", "{order.out_trade_no}{now}"),
        origin="shops that number their requests, not their splits",
        rates=_ALWAYS | {"lost_answer": 0.1},
    ),
    mutant(
        "rest-left-frozen",
        "A site never gets at what is its own: the unfreezing was said to be under way.",
        ("settlement.dividing:_thaw", 'if found.state == "finished":', 'if found.state != "unknown":'),
        origin="shops that take an unknown outcome for a known one",
        rates=_ALWAYS,
    ),
    mutant(
        "closed-part-owed-to-nobody",
        "What the channel did not pay to a distributor stays with the merchant, and the books say it was paid.",
        ("settlement.dividing:_split_legs", "in split.paid]", "in split.shares]"),
        origin="shops that book what they asked for",
        rates=_ALWAYS,
    ),
    mutant(
        "nobody-told-of-closed-parts",
        "A distributor's account is wrong, and nobody hears of it.",
        ("settlement.dividing:_end", "if split.closed:", "if not split:"),
        origin="shops that log what a person would have to do",
        rates=_ALWAYS,
    ),
    mutant(
        "refund-takes-nothing-back",
        "A payer has all of it back, and main keeps its part of a sale that was undone.",
        ("settlement.takeback:_wanted", "share.kind in kinds and fen > 0", "share.kind == kinds"),
        ("settlement.takeback:_legs", "_given(order, given, by_refund=by_channel)", "()"),
        ("settlement.takeback:_legs", "refund.channel_fen if by_channel else 0", "0"),
        origin="shops whose refund knows the payer alone",
        rates=_ALWAYS,
    ),
    mutant(
        "fee-of-a-site-s-merchant-expected-by-main",
        "The books wait for a fen of a fee that a site's own merchant has paid long ago.",
        (
            "reconciliation.ours:_claims",
            "_with_own_fee(claim, order) if own else claim",
            "claim",
        ),
        origin="this shop, before splits were played here",
        rates=_ALWAYS,
    ),
    mutant(
        "fee-of-a-void-split-left",
        "All of an order went back before its split, and the books wait for the channel's fee for ever.",
        (
            "settlement.dividing:_end",
            "if books.is_independent(order):",
            'if split.state != "void" and books.is_independent(order):',
        ),
        origin="this shop, before splits were played here",
        rates=_ALWAYS,
    ),
    mutant(
        "parts-taken-back-counted-in-a-bill",
        "The books of a day cannot be explained: a receiver gave back a part, which no bill of trades has.",
        ("reconciliation.ours:_is_of", ' or journal.event.endswith("-split")', ""),
        origin="this shop, before splits were played here",
        rates=_ALWAYS,
    ),
    mutant(
        "bill-read-with-a-lag",
        "A day's money never reaches the bank in the books: the bill was read before it was there.",
        ("reconciliation.bills:rows_of", ", consistent=True", ""),
        origin="this shop, before splits were played here",
        rates={"licensed": 1.0},
    ),
    mutant(
        "order-read-with-a-lag",
        "A sale is never split: an old reading of its order said that there was nothing to split any more.",
        (
            "orders.record:read",
            "read(rules.partition(number), number)",
            "read(rules.partition(number), number, consistent=False)",
        ),
        origin="shops that decide on a replica",
    ),
)
