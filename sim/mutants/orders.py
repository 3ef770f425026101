"""Bugs of the moves of an order: taken without looking, or twice."""

from .mutant import CALM, ROUGH, mutant

_MOVE = "condition = rows.status.is_in(*origins)"
_UNLESS = 'condition = rows.pk.exists() if to == "{}" else rows.status.is_in(*origins)'
_BY_ID = "shops that set a state by the order's id alone"
_NETS = "shops without anybody who looks after orders that got stuck"
_SLOW = {**CALM, "stall": 0.15, "overrun": 1.0, "paid_after_close": 1.0}

ORDERS = (
    mutant(
        "unconditional-expiry",
        "A shopper pays at the last moment; the order is expired and the money kept.",
        ("orders.service:move", _MOVE, _UNLESS.format("expired")),
        origin="shops that test the state first and cancel by id afterwards",
        rates=_SLOW,
    ),
    mutant(
        "unconditional-payment",
        "A delivered order becomes paid again with the next notification.",
        ("orders.service:move", _MOVE, _UNLESS.format("paid")),
        ("orders.service:pay", "expected = (", "expected = rows.pk.exists() | ("),
        origin=_BY_ID,
    ),
    mutant(
        "unconditional-delivery",
        "An order is refunded and delivered.",
        ("orders.service:move", _MOVE, _UNLESS.format("delivered")),
        ("orders.service:deliver", "only=only, ", ""),
        origin=_BY_ID,
    ),
    mutant(
        "unconditional-refund",
        "A delivered order is refunded.",
        ("orders.service:move", _MOVE, _UNLESS.format("refunding")),
        origin=_BY_ID,
        rates=CALM,
    ),
    mutant(
        "hand-delivery-twice",
        "Two people deliver one order by hand; the shopper sees one text, then another.",
        (
            "orders.service:move",
            _MOVE,
            (
                'by_hand = to == "delivered" and fields.get("why")\n'
                "    condition = rows.pk.exists() if by_hand else rows.status.is_in(*origins)"
            ),
        ),
        origin="shops whose console asks for the state when the page is opened",
    ),
    mutant(
        "return-before-expiry",
        "A code goes back to sale although its order was paid at that moment.",
        ("checkout.driving:expire", "    try:", "    returning.give_back(order)\n    try:"),
        origin="shops that release the hold first and cancel the order afterwards",
    ),
    mutant(
        "return-although-refused",
        "A code goes back to sale although its order was paid at that moment.",
        ("checkout.driving:expire", "            return\n", "            pass\n"),
        ("checkout.driving:expire", "if stood.order is None or stood", "if stood.order and stood"),
        origin="shops that cancel and release one after the other, whatever the first came to",
        rates=_SLOW,
    ),
    mutant(
        "codes-of-an-expired-order-kept",
        "Nobody can buy codes of an order that expired: it still names them, so the audit takes them for its own.",
        ("checkout.driving:expire", "returning.give_back(expired)", "queue"),
        origin="shops where an orphaned hold is never released",
    ),
    mutant(
        "expire-whoever-paid",
        "A shopper has paid, the notification was lost, and the order expires.",
        ("checkout.driving:_drive_pending", "paid = _ask(order, now)", "paid = None"),
        ("checkout.driving:_drive_pending", "and _close(order, now)", "and (_close(order, now) or True)"),
        origin="shops that never ask the channel",
    ),
    mutant(
        "expire-without-closing",
        "A shopper pays for an order that expired a moment ago: the page of the channel was still open.",
        ("checkout.driving:_drive_pending", "and _close(order, now)", ""),
        origin="shops that leave a trade open when its order ends",
    ),
    mutant(
        "silence-is-a-no",
        "The channel does not answer, so the order expires, although it was paid.",
        ("checkout.driving:_drive_pending", "now >= order.expires_at + rules.PATIENCE", "True"),
        origin="shops that take an unknown outcome for a failure",
    ),
    mutant(
        "timer-once",
        "An order that nobody pays holds its codes for a quarter of an hour too long.",
        (
            "checkout.driving:_look_again",
            "if now < order.expires_at else 60)",
            "if now < order.expires_at else 60) if 0 else None",
        ),
        origin=_NETS,
        rates=CALM,
    ),
    mutant(
        "two-orders-for-one-key",
        "A shopper posts twice and has two orders to pay.",
        ("checkout.placing:_number", "{ask.key}|", "{ask.key}|{ids.token(4)}|"),
        origin="shops without idempotency keys, and retries that make new orders",
    ),
    mutant(
        "hold-first-listed-last",
        "An order is missing in the main site's list: the function died before it sent the message.",
        (
            "checkout.placing:_put",
            '    queue.send("timer", site=draft.site, order=draft.number, first=True, delay=rules.LISTED_AFTER)\n',
            "",
        ),
        ("checkout.placing:_put", "        return orders.open_order(", "        placed = orders.open_order("),
        (
            "checkout.placing:_put",
            "expires_at)), False",
            (
                "expires_at))\n"
                '        queue.send("timer", site=draft.site, order=draft.number, first=True, delay=3)\n'
                "        return placed, False"
            ),
        ),
        origin="shops that commit first and send their messages afterwards",
        rates=ROUGH | {"kill_after": 0.03},
    ),
    mutant(
        "price-of-today",
        "A shopper pays more than the order says, and gets nothing: the price changed in between.",
        (
            "checkout.placing:pay_link",
            "amount_fen=order.channel_fen",
            "amount_fen=pricing.quote(catalog.shelf(site).find(order.goods_id), order.quantity, now).total_fen",
        ),
        origin="shops that look the price up again",
        rates=ROUGH | {"reprice": 1.0},
    ),
    mutant(
        "order-without-its-member",
        "A member's order is not in the list of what the member bought.",
        ("checkout.placing:_fields", '"member": draft.member', '"member": None'),
        origin="shops that forget who was logged in",
    ),
)
