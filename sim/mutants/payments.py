"""Bugs of taking money: believed too easily, forgotten, or for the wrong order."""

from .mutant import CALM, ROUGH, mutant

_TRUSTS = "shops that check the signature of a notification and nothing else"
_EXPECTED = "expected = (rows.amount == payment.amount_fen) & rows.attempts.contains(payment.merchant_mark)"

PAYMENTS = (
    mutant(
        "amount-not-checked",
        "Somebody pays one fen and gets the codes.",
        ("orders.service:pay", _EXPECTED, "expected = rows.attempts.contains(payment.merchant_mark)"),
        origin=_TRUSTS,
        rates=ROUGH | {"notice_less": 0.3, "notice_more": 0.3},
    ),
    mutant(
        "merchant-not-checked",
        "Somebody pays a merchant of his own and gets the codes.",
        ("orders.service:pay", _EXPECTED, "expected = rows.amount == payment.amount_fen"),
        origin=_TRUSTS,
        rates=ROUGH | {"notice_merchant": 0.3},
    ),
    mutant(
        "currency-not-checked",
        "Somebody pays 45 yen for goods of 45 yuan.",
        ("checkout.accepting:_accept", 'payment.currency != "CNY"', "not payment.currency"),
        origin=_TRUSTS,
        rates=ROUGH | {"notice_currency": 0.3},
    ),
    mutant(
        "notification-acknowledged-before-it-is-recorded",
        "Money that came late is kept, and nobody knows of it.",
        (
            "checkout.accepting:_accept",
            "        return\n    log.measure",
            "        return\n    except Exception:\n        return\n    log.measure",
        ),
        (
            "checkout.accepting:_accept",
            "        _settle_difference(stood.order, payment, receipt, now)",
            (
                "        try:\n"
                "            _settle_difference(stood.order, payment, receipt, now)\n"
                "        except Exception:\n"
                "            return"
            ),
        ),
        origin="shops that answer success first",
        rates=ROUGH | {"throttle": 0.2},
    ),
    mutant(
        "second-payment-ignored",
        "Who paid twice by accident never sees the second payment again.",
        (
            "checkout.accepting:_settle_difference",
            "_return_duplicate(order, payment, now)",
            'log.event("checkout.paid_already", order=order.number)',
        ),
        origin="shops that refuse a callback for a paid order",
    ),
    mutant(
        "repeat-taken-for-a-second-payment",
        "A delivered order is refunded, because the channel told of its payment twice.",
        (
            "checkout.accepting:_settle_difference",
            "order.transaction == receipt.transaction",
            "not order.transaction",
        ),
        origin="shops that count callbacks, not payments",
    ),
    mutant(
        "late-payment-refused",
        "Money that came after expiry is put aside, although the order is known.",
        (
            "checkout.accepting:_settle_difference",
            "_accept_late(order, payment, receipt, now)",
            'payments.suspend(payment, "the order has expired", now=now)',
        ),
        origin="shops that refuse a callback for a cancelled order",
    ),
    mutant(
        "late-payment-keeps-the-old-codes",
        "A code is delivered to who paid late and sold to somebody else.",
        ("orders.service:revive", '"late": True, "ranges": None}', '"late": True}'),
        origin="shops that deliver a cancelled order from its old reservation",
    ),
    mutant(
        "message-before-the-payment-is-recorded",
        "A paid order waits for a quarter of an hour: its delivery was asked for too early.",
        (
            "checkout.accepting:_accept",
            '\n    queue.send("fulfil", site=site, order=number)',
            "",
        ),
        (
            "checkout.accepting:_accept",
            "    try:\n        orders.pay",
            '    queue.send("fulfil", site=site, order=number)\n    try:\n        orders.pay',
        ),
        origin="shops that start the job inside the transaction",
        rates=CALM,
    ),
    mutant(
        "no-message-after-the-payment",
        "A paid order waits for a quarter of an hour.",
        (
            "checkout.accepting:_accept",
            '\n    queue.send("fulfil", site=site, order=number)',
            "",
        ),
        origin="shops that deliver when the shopper comes back to the page",
        rates=CALM,
    ),
)
