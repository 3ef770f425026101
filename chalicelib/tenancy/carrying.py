"""The rows of a site's table on their way from one account to another, some pages at a time.

Whatever is carried is put as it was, so carrying it twice changes nothing. What was seen is added up: how many rows,
and a sum of their digests that hangs on no order; both sides must come to the same. Rows that end by themselves soon
are left out of the sums, as DynamoDB may remove them while they are carried.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import cells, table

_BATCH = 25  # rows of one BatchWriteItem
_PAGES = 20  # of up to a megabyte, in one go
_WHOLE = 1 << 256

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Progress:
    """How far it is: after which key, and what was seen by then; `done` when there is no more."""

    after: Mapping[str, str] | None = None
    rows: int = 0
    digest: str = "0"
    done: bool = False


def carry(code: str, source: str, target: str, before: Progress, *, lasting: int) -> Progress:
    """Carry the next pages; rows that end before `lasting` are carried and not counted."""
    to, name = cells.operator("dynamodb", target), table.name_of(code)
    seen = before
    for items, after in _pages(code, source, before):
        for start in range(0, len(items), _BATCH):
            _put(to, name, items[start : start + _BATCH])
        seen = _add(seen, items, after, lasting)
    return seen


def count(code: str, cell: str, before: Progress, *, lasting: int) -> Progress:
    """Look at the next pages of a side."""
    seen = before
    for items, after in _pages(code, cell, before):
        seen = _add(seen, items, after, lasting)
    return seen


def _pages(code: str, cell: str, before: Progress) -> Iterator[tuple[list[Item], Mapping[str, str] | None]]:
    client, after = cells.operator("dynamodb", cell), before.after
    for _ in range(_PAGES):
        start = {"ExclusiveStartKey": {key: {"S": text} for key, text in after.items()}} if after else {}
        page = client.scan(TableName=table.name_of(code), ConsistentRead=True, **start)
        last = page.get("LastEvaluatedKey")
        after = {key: value["S"] for key, value in last.items()} if last else None
        yield page["Items"], after
        if after is None:
            return


def _put(client: Any, name: str, items: Sequence[Item]) -> None:
    """All of them; what DynamoDB leaves undone is asked for again."""
    left = {name: [{"PutRequest": {"Item": item}} for item in items]}
    while left:
        left = client.batch_write_item(RequestItems=left).get("UnprocessedItems") or {}


def _add(seen: Progress, items: Sequence[Item], after: Mapping[str, str] | None, lasting: int) -> Progress:
    kept = [item for item in items if int(item.get("ttl", {}).get("N", lasting)) >= lasting]
    digest = (int(seen.digest, 16) + sum(map(_digest, kept))) % _WHOLE
    return Progress(after, seen.rows + len(kept), f"{digest:x}", done=after is None)


def _digest(item: Item) -> int:
    text = json.dumps(item, sort_keys=True, default=_written)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _written(value: object) -> str:
    return base64.b64encode(bytes(value)).decode() if isinstance(value, bytes) else str(value)
