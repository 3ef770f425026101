"""Reading many items: Query over a table or an index, page by page, and Scan."""

from collections.abc import Iterable, Mapping
from itertools import dropwhile
from typing import Any

from . import expressions, keys, paths, units, values
from .errors import Refusal, invalid
from .expressions import Bound, Expressions
from .keys import Key, Schema
from .tables import Index, Row, Table
from .units import Ledger
from .values import Item

PAGE = 1024 * 1024
_WRONG = "One or more parameter values were invalid: "
Rows = Iterable[tuple[Key, Row]]


def get(table: Table, params: Mapping[str, Any]) -> tuple[Item | None, Key, int]:
    """One item as it may be shown, its key, and the bytes read. Raises Refusal."""
    key = table.schema.of_key(params["Key"])
    found, _ = expressions.bind(params, expressions.PROJECTION)
    row = table.seen(key, consistent=bool(params.get("ConsistentRead")))
    return (_shown(row[0], found), key, row[1]) if row else (None, key, 0)


def query(table: Table, params: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Query, without its ConsumedCapacity. Raises Refusal."""
    if expressions.KEYS not in params:
        raise invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    bound = expressions.bind(params, expressions.KEYS, expressions.FILTER, expressions.PROJECTION)
    index = _index(table, params)
    schema = index.schema if index else table.schema
    _check(bound[0], index, schema, params)
    assert bound[0].keys is not None  # noqa: S101  bound above
    wanted = keys.key_range(bound[0].keys, schema, bound[1])
    consistent = bool(params.get("ConsistentRead"))
    rows: Rows = (
        table.indexed_under(index, wanted.hash) if index else table.under(wanted.hash, consistent=consistent)
    )
    if params.get("ScanIndexForward") is False:
        rows = reversed(list(rows))
    if wanted.holds:
        second = schema.range or ""
        rows = ((key, row) for key, row in rows if wanted.holds(values.native(row[0][second])))
    rows = _after_start(rows, table, index, wanted, params)
    return _page(rows, table, index, bound, params, ledger)


def scan(table: Table, params: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Scan of a table in the order of its keys, without its ConsumedCapacity. Raises Refusal."""
    bound = expressions.bind(params, expressions.FILTER, expressions.PROJECTION)
    consistent = bool(params.get("ConsistentRead"))
    found = ((key, table.seen(key, consistent=consistent)) for key in sorted(table.rows))
    rows: Rows = ((key, row) for key, row in found if row)
    if start := params.get("ExclusiveStartKey"):
        last = table.schema.of_key(start)
        rows = ((key, row) for key, row in rows if key > last)
    return _page(rows, table, None, bound, params, ledger)


def _index(table: Table, params: Mapping[str, Any]) -> Index | None:
    name = params.get("IndexName")
    if name is None:
        return None
    if name not in table.indexes:
        raise invalid(f"The table does not have the specified index: {name}")
    if params.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table.indexes[name]


def _check(found: Expressions, index: Index | None, schema: Schema, params: Mapping[str, Any]) -> None:
    if params.get("Limit", 1) < 1:
        raise invalid(
            f"1 validation error detected: Value '{params['Limit']}' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    if used := found.filtered.intersection(schema.names):
        raise invalid(
            "Filter Expression can only contain non-primary key attributes: "
            f"Primary key attribute: {min(used)}"
        )
    if index and not index.everything:
        _check_projected(found, index, params)


def _check_projected(found: Expressions, index: Index, params: Mapping[str, Any]) -> None:
    if params.get("Select") == "ALL_ATTRIBUTES":
        raise invalid(
            f"{_WRONG}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    asked = {str(path.steps[0]) for path in found.projection or ()} | found.filtered
    if missing := sorted(asked - set(index.projected)):
        raise invalid(f"{_WRONG}Global secondary index {index.name} does not project [{', '.join(missing)}]")


def _after_start(
    rows: Rows, table: Table, index: Index | None, wanted: keys.KeyRange, params: Mapping[str, Any]
) -> Rows:
    start = params.get("ExclusiveStartKey")
    if start is None:
        return rows
    place = _start_place(start, table, index, wanted)
    if params.get("ScanIndexForward") is False:
        return dropwhile(lambda found: _place(found, index) >= place, rows)
    return dropwhile(lambda found: _place(found, index) <= place, rows)


def _start_place(start: Item, table: Table, index: Index | None, wanted: keys.KeyRange) -> Any:
    schema = index.schema if index else table.schema
    if start.keys() != {*schema.names, *table.schema.names}:
        raise _bad_start("The provided starting key is invalid")
    taken, _ = values.take_item(start)
    try:
        first, second = schema.of_item(taken)
        key = table.schema.of_item(taken)
    except Refusal:
        raise _bad_start("The provided starting key is invalid") from None
    if first != wanted.hash:
        raise _bad_start("The provided starting key is outside query boundaries based on provided conditions")
    if wanted.holds and not wanted.holds(second):
        raise _bad_start("The provided starting key does not match the range key predicate")
    return (second, key) if index else key


def _bad_start(message: str) -> Refusal:
    return invalid(message)


def _place(found: tuple[Key, Row], index: Index | None) -> Any:
    key, row = found
    return (index.schema.of_stored(row[0])[1], key) if index else key


def _page(
    rows: Rows, table: Table, index: Index | None, bound: Bound, params: Mapping[str, Any], ledger: Ledger
) -> dict[str, Any]:
    expressed, given = bound
    limit = params.get("Limit")
    items: list[Item] = []
    count = read = size = 0
    last: Item | None = None
    more = False
    for _, (item, cost) in rows:
        if read and (size + cost > PAGE or read == limit):
            more = True
            break
        read, size, last = read + 1, size + cost, item
        if expressed.filter is None or expressed.filter(item, given):
            count += 1
            if params.get("Select") != "COUNT":
                items.append(_shown(item, expressed))
    consistent = bool(params.get("ConsistentRead"))
    name = index.name if index else ""
    ledger.charge(units.READ, table.name, name, None, units.read_units(size, consistent=consistent))
    answer: dict[str, Any] = {"Count": count, "ScannedCount": read}
    if params.get("Select") != "COUNT":
        answer["Items"] = items
    if last and (more or read == limit):
        wanted = {*table.schema.names, *(index.schema.names if index else ())}
        answer["LastEvaluatedKey"] = {name: values.copy(last[name]) for name in last if name in wanted}
    return answer


def _shown(item: Item, found: Expressions) -> Item:
    return values.copy_item(item) if found.projection is None else paths.project(item, found.projection)
