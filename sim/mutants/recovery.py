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
        "deliveries-not-made-again",
        "A shopper who saw codes finds others in the same order.",
        ("recovery.sales:_mend", 'if sale.deliveries and order.status in ("paid", "review"):', "if False:"),
        origin="restored shops that deliver every paid order",
    ),
    _drilled(
        "holds-that-came-back-go-on",
        "An order that had expired is pending again and holds codes that others may buy.",
        ("recovery.sales:_resume", "back = _came_back(order, sale)", "back = False"),
        origin=_FORGETS,
    ),
    _drilled(
        "decided-refund-unknown",
        "A refund has the name of one that was refused before the restore, and waits for ever: its case is settled.",
        ("recovery.sales:_mend", "sorted(sale.decided.items())", "()"),
        origin=_FORGETS,
    ),
    _drilled(
        "lost-return-of-a-second-payment-unknown",
        "The books never hear of a second payment that came and went back before the restore.",
        ("recovery.sales:_mend", 'if name.startswith("D"):', "if False:"),
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
)
