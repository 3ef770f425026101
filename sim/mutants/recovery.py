"""Bugs of recovering from restored tables, and of the lines that this hangs on; the drill shows them."""

from functools import partial

from .mutant import mutant

_FORGETS = "restores that end with the table, as if nothing else had happened meanwhile"
_AFTER = "journals that are written after the fact"

_drilled = partial(mutant, rates={}, drilled=True)

RECOVERY = (
    _drilled(
        "restored-pool-sells-again",
        "Codes that somebody bought before the restore are sold to the next shopper.",
        ("recovery.pools:jump", "lost = stock.jump(", "lost = (lambda *_: ())("),
        origin=_FORGETS,
    ),
    _drilled(
        "claims-not-read",
        "Codes that shoppers of other sites hold are sold to the next shopper.",
        ("recovery.rules:read", "))):", ')) if line.get("message") != "stock.claimed" else None):'),
        origin="backups that know their own table only",
    ),
    _drilled(
        "codes-of-gone-orders-on-sale",
        "Codes of orders that are gone come back to sale by the audit, although somebody saw them.",
        ("recovery.pools:withhold", "return stock.withhold(*pool, given, held)", "return 0"),
        origin=_FORGETS,
    ),
    _drilled(
        "folds-not-made-again",
        "Codes that had come back and were sold again are sold once more.",
        ("recovery.pools:_refold", "for fold in folds:", "for fold in ():"),
        origin=_FORGETS,
    ),
    _drilled(
        "deliveries-not-made-again",
        "A shopper who saw codes finds others in the same order.",
        ("recovery.sales:_mend", 'if sale.deliveries and order.status in ("paid", "review"):', "if False:"),
        origin="restored shops that deliver every paid order",
    ),
    _drilled(
        "holds-that-came-back-go-on",
        "An order that had expired is pending again and holds codes that others may buy.",
        ("recovery.sales:_resume", "back = _came_back(order)", "back = False"),
        origin=_FORGETS,
    ),
    _drilled(
        "lost-refund-unknown",
        "An order whose money went back before the restore is delivered after it.",
        ("recovery.sales:_mend", 'if "R1" in sale.refunds:', "if False:"),
        origin=_FORGETS,
    ),
    _drilled(
        "lost-return-of-a-second-payment-unknown",
        "The books never hear of a second payment that came and went back before the restore.",
        ("recovery.sales:_mend", 'if name.startswith("D"):', "if False:"),
        origin=_FORGETS,
    ),
    _drilled(
        "lost-after-sales-refund-unknown",
        "A shopper who had a part of the price back may have it back once more.",
        ("recovery.sales:_mend", 'if "slices" in told:', "if False:"),
        origin=_FORGETS,
    ),
    _drilled(
        "lost-payout-unknown",
        "An owner is paid twice: the account has the money again that the bank sent.",
        ("recovery.mains:send_again", "in found.payouts.items():", "in ():"),
        origin=_FORGETS,
    ),
    _drilled(
        "trades-of-gone-orders-open",
        "Somebody pays for an order that nobody knows any more.",
        ("recovery.sales:_mourn", "if one.channel != BALANCE:", "if False:"),
        origin=_FORGETS,
    ),
    _drilled(
        "shown-trades-not-read",
        "Money for an order that is gone is nobody's until the next day's bill, and then fits nothing.",
        ("recovery.rules:read", "))):", ')) if line.get("message") != "payments.opened" else None):'),
        origin=_FORGETS,
    ),
    _drilled(
        "tries-not-put-back",
        "Who changed the channel and paid there is told that the payment fits no order.",
        ("recovery.sales:mend", "_put_tries_back(order, sales[number])", "pass"),
        origin=_FORGETS,
    ),
    _drilled(
        "other-tries-not-asked",
        "Who paid twice waits for a day until a bill tells of the second payment.",
        ("recovery.sales:_mend", "if sale.paid or sale.deliveries:", "if False:"),
        origin="shops that count on being told again",
    ),
    _drilled(
        "lost-cases-forgotten",
        "Money that fits no order is no longer on anybody's list.",
        ("recovery.mains:open_cases", "for told in found.cases:", "for told in ():"),
        origin=_FORGETS,
    ),
    _drilled(
        "list-of-orders-forgotten",
        "Orders of the lost span are missing in the main site's list.",
        ("recovery.mains:list_orders", "range(0, len(found.listed), _LISTED_AT_ONCE)", "()"),
        origin=_FORGETS,
    ),
    _drilled(
        "refund-never-in-the-log",
        "An order whose money went back before the restore is delivered after it: nothing said that it had.",
        ("settlement.refunds:_ask", 'log.event("settlement.refund_asking", ', "dict("),
        origin=_AFTER,
    ),
    _drilled(
        "payout-never-in-the-log",
        "An owner is paid twice: nothing said that the bank had been told.",
        ("payouts.sending:_ask", 'log.event("payouts.asking", ', "dict("),
        ("payouts.book:move", 'log.event("payouts.moved", ', "dict("),
        origin=_AFTER,
    ),
    _drilled(
        "codes-shown-before-the-log-has-them",
        "A shopper who saw codes finds others in the same order: the function died before it wrote its line.",
        ("fulfilment.service:_deliver_codes", '_say(order, " ".join(map(str, ranges)))', "pass"),
        (
            "fulfilment.service:_deliver_codes",
            "    _measure(order, now)",
            '    _measure(order, now)\n    _say(order, " ".join(map(str, ranges)))',
        ),
        origin=_AFTER,
    ),
    _drilled(
        "failed-payouts-stand-again-as-sent",
        "What the bank had returned is on its way for ever.",
        ("recovery.rules:_paying", "found.payouts.pop(key, None)", "pass"),
        origin="replays that know beginnings and no ends",
    ),
)
