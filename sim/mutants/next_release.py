"""The release after this one, as far as the one before can notice: it writes, stores and sends more than that knows.

Rows get an attribute, messages and stored JSON a field, and there are messages of a kind that nobody has heard of. None
of it is a bug, and while both releases are at work none of it may do harm. It is made of edits as bugs are.
"""

from .mutant import mutant

NEWS = '"greet":true'  # in a message that only the next release knows
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
    ("kit.queue:send", '{"site": site, **names}', '{"site": site, "release": "next", **names}'),
    ("catalog.service:_save", "asdict(one)", '{**asdict(one), "release": "next"}'),
    (
        "catalog.service:_write_pages",
        "msgspec.json.encode(offers)",
        'msgspec.json.encode([{**asdict(one), "release": "next"} for one in offers])',
    ),
    (
        "checkout.driving:walk_all",
        "whole = selling is None",
        'queue.send("timer", site=one.site, greet=True); whole = selling is None',
    ),
    (
        "checkout.worker:_drive",
        'if message.get("walk"):',
        'if message.get("greet"):\n        return\n    if message.get("walk"):',
    ),
    origin="",
)
