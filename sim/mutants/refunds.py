"""Bugs of giving money back: twice, never, or besides the codes."""

from .mutant import CALM, ROUGH, mutant

_SLOW = ROUGH | {"refund_slow": 0.8}
_LATE = {**CALM, "paid_after_close": 1.0}
_UNKNOWN = "shops that take an unknown outcome for a known one"

REFUNDS = (
    mutant(
        "refund-falling-through",
        "An order is delivered and refunded: the refund was refused, and went on.",
        (
            "fulfilment.service:_refund",
            "    refunding = orders.move(",
            "    try:\n        refunding = orders.move(",
        ),
        (
            "fulfilment.service:_refund",
            "start=(order.status,), why=why)",
            "start=(order.status,), why=why)\n    except orders.WrongState:\n        refunding = order",
        ),
        (
            "settlement.refunds:_refund_order",
            'if order.status == "refunding":',
            'if order.status != "refunded":',
        ),
        ("settlement.refunds:_refund_order", "order = _returned", "_returned"),
        origin="a design that passed 600 runs without stalls",
        rates=CALM,
    ),
    mutant(
        "refund-without-looking",
        "A delivered order is refunded.",
        (
            "settlement.refunds:_refund_order",
            'if order.status == "refunding":',
            'if order.status in ("refunding", "delivered"):',
        ),
        ("settlement.refunds:_refund_order", "order = _returned", "_returned"),
        origin="shops that check the state when the refund is asked for, not when it is paid out",
        rates=CALM,
    ),
    mutant(
        "new-number-for-every-try",
        "The payer gets the money back several times.",
        ("settlement.refunds:_ask_for", "{trade}R1", "{trade}R{now}"),
        origin="shops that number their requests, not their refunds",
        rates=_SLOW,
    ),
    mutant(
        "new-refund-for-every-notification",
        "Who paid twice gets the second payment back several times.",
        (
            "checkout.accepting:_return_duplicate",
            "payment.transaction_id.encode()",
            "f'{payment}{now}'.encode()",
        ),
        origin="shops that count callbacks, not payments",
    ),
    mutant(
        "duplicate-refunded-from-the-first-payment",
        "Who paid twice gets the wrong one of two payments back, and the books of both channels are wrong.",
        (
            "settlement.refunds:_refund_duplicate",
            "    state = _ask(",
            (
                "    attempt = order.attempts[order.paid_attempt - 1]\n"
                '    wrong = {"channel": attempt.channel, "merchant": attempt.merchant}\n'
                '    paid |= wrong | {"out_trade_no": attempt.out_trade_no(order.number)}\n'
                "    state = _ask("
            ),
        ),
        origin="shops whose refund knows the order alone",
    ),
    mutant(
        "timeout-is-a-yes",
        "An order says refunded, and the money never left.",
        ("settlement.refunds:_ask", 'return "unknown"', 'return "success"'),
        origin=_UNKNOWN,
        rates=ROUGH | {"lost_request": 0.05},
    ),
    mutant(
        "timeout-is-a-no",
        "Nobody knows whether the money went back, so it is sent again under another number.",
        ("settlement.refunds:_ask", 'return "unknown"', 'return "closed"'),
        ("settlement.refunds:_ask_for", "{trade}R1", "{trade}R{todo}"),
        origin=_UNKNOWN,
    ),
    mutant(
        "refund-asked-once",
        "Who paid twice never sees the second payment again: the channel was busy when it was asked.",
        (
            "settlement.refunds:_refund_duplicate",
            "_try_later(order, todo, state, now)",
            "orders.close_todo(order.site, order.number, todo.what, now=now)",
        ),
        origin="shops that ask for a refund and never look again",
        rates=_SLOW,
    ),
    mutant(
        "any-answer-is-a-yes",
        "An order says refunded, and the channel says that it could not.",
        ("settlement.refunds:_ask", "return found.state", 'return "success"'),
        origin="shops that ask whether the call went through, not whether the refund did",
        rates=ROUGH | {"refund_abnormal": 0.5},
    ),
    mutant(
        "apology-instead-of-a-code",
        "A paid order says delivered and holds an apology; the error was swallowed.",
        (
            "fulfilment.service:_deliver_codes",
            '    except stock.SoldOut:\n        _refund(order, "sold out", now)\n        return',
            "    except Exception:\n        ranges = ()",
        ),
        origin="a shop that swallows the deadlock of its database: 26 % of 200 orders",
        rates=ROUGH | {"throttle": 0.3},
    ),
    mutant(
        "late-and-kept",
        "Who paid after expiry waits for ever: nothing is reserved for the order any more.",
        (
            "fulfilment.service:_deliver_codes",
            "ranges = order.ranges or stock.claim(",
            "ranges = order.ranges\n        if not ranges:\n            return\n        (",
        ),
        (
            "fulfilment.service:_deliver_codes",
            "order.goods_id, order.quantity, now=now)",
            "order.goods_id, order.quantity)",
        ),
        origin="shops that leave a paid order without stock to a person",
        rates=_LATE,
    ),
)
