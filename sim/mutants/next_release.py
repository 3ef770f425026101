"""The release after this one, as far as the one before can notice: it writes, stores and sends more than that knows.

Rows get an attribute, messages and stored JSON a field, and there are messages of a kind that nobody has heard of. None
of it is a bug, and while both releases are at work none of it may do harm. It is made of edits as bugs are.

It also knows a second shape of rows, in which an order's transaction has another name: whoever looks for the old one
believes that nothing was paid. So it writes that into stamped tables alone, and reads both.
"""

from .mutant import mutant

NEWS = '"greet":true'  # in a message that only the next release knows
SHAPE = 2  # of the rows that it writes into tables which are stamped with it
NEXT = mutant(
    "next",
    "Nobody sees anything.",
    (
        "kit.table:Row.insert",
        'kind._call("put_item", call)',
        'kind._call("put_item", {**call, "Item": {**call["Item"], "release": {"S": "next"}}})',
    ),
    (
        "kit.table:Row.change",
        "    call = cls._get_connection()",
        (
            "    from pynamodb.expressions.operand import Path\n"
            '    actions = [*actions, Path("release").set("next")]\n'
            "    call = cls._get_connection()"
        ),
    ),
    (
        "kit.table:Row.change",
        'stored: dict[str, Any] = cls._call("update_item", call)',
        (
            'names = call.get("ExpressionAttributeNames", {})\n'
            '    if cls.__name__ == "OrderRow" and shape.of(cls.Meta.table_name, client(cls.owner)) == SHAPE:\n'
            '        names = {each: "txn" if name == "tx" else name for each, name in names.items()}\n'
            '    call = {**call, "ExpressionAttributeNames": names}\n'
            '    stored: dict[str, Any] = cls._call("update_item", call)'
        ).replace("SHAPE", str(SHAPE)),
    ),
    (
        "kit.table:Row.from_raw_data",
        "in data.items():",
        'in [("tx" if name == "txn" else name, kept) for name, kept in data.items()]:',
    ),
    (
        "orders.joint:_as_read",
        "    paid = rows.transaction == order.transaction if order.transaction else rows.transaction.does_not_exist()",
        (
            "    from pynamodb.expressions.operand import Path\n"
            '    old, new = rows.transaction, Path("txn")\n'
            "    paid = old.does_not_exist() & new.does_not_exist()\n"
            "    if order.transaction:\n"
            "        paid = (old == order.transaction) | (new == order.transaction)"
        ),
    ),
    ("kit.shape:of", "KNOWN", str(SHAPE)),
    ("kit.queue:_message", '{"site": site, **names}', '{"site": site, "release": "next", **names}'),
    ("catalog.service:_save", "asdict(one)", '{**asdict(one), "release": "next"}'),
    (
        "catalog.service:_write_pages",
        "msgspec.json.encode(offers)",
        'msgspec.json.encode([{**asdict(one), "release": "next"} for one in offers])',
    ),
    (
        "checkout.driving:walk_all",
        "whole = selling is None",
        'queue.send("timer", site=site, greet=True); whole = selling is None',
    ),
    (
        "checkout.worker:_drive",
        'if message.get("walk"):',
        'if message.get("greet"):\n        return\n    if message.get("walk"):',
    ),
    origin="",
)
