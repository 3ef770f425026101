"""BatchGetItem and BatchWriteItem: many calls in one, each item on its own."""

from collections.abc import Callable, Mapping
from typing import Any

from . import reads, units
from .errors import Refusal, invalid
from .tables import Table
from .transactions import Locks
from .units import Ledger
from .writes import Write

MOST_KEYS = 100
MOST_WRITES = 25
MOST_BYTES = 16 * 1024 * 1024
_TWICE = "Provided list of item keys contains duplicates"
TableOf = Callable[[str], Table]


def get(params: Mapping[str, Any], table_of: TableOf, ledger: Ledger) -> dict[str, Any]:
    """BatchGetItem; beyond 16 MB keys come back unprocessed. Raises Refusal."""
    asked = params["RequestItems"]
    if sum(len(each["Keys"]) for each in asked.values()) > MOST_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    left = MOST_BYTES
    for name, wanted in asked.items():
        table = table_of(name)
        _check_twice([table.schema.of_key(key) for key in wanted["Keys"]])
        responses[name] = []
        for place, key in enumerate(wanted["Keys"]):
            item, native, size = reads.get(table, {**wanted, "Key": key})
            if size > left:
                unprocessed[name] = {**wanted, "Keys": wanted["Keys"][place:]}
                break
            left -= size
            consistent = bool(wanted.get("ConsistentRead"))
            ledger.charge(units.READ, name, "", native, units.read_units(size, consistent=consistent))
            if item is not None:
                responses[name].append(item)
    return {"Responses": responses, "UnprocessedKeys": unprocessed} | _capacity(params, ledger)


def write(params: Mapping[str, Any], table_of: TableOf, locks: Locks, ledger: Ledger) -> dict[str, Any]:
    """BatchWriteItem. Raises Refusal.

    An item that a transaction holds comes back unprocessed: AWS does not say, and this is what a batch does with
    every other failure that passes.
    """
    asked = params["RequestItems"]
    if sum(map(len, asked.values())) > MOST_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    made = [
        (name, each, _understood(each, table_of(name)))
        for name, requests in asked.items()
        for each in requests
    ]
    _check_twice([(name, one.key) for name, _, one in made])
    unprocessed: dict[str, list[Any]] = {}
    for name, each, one in made:
        try:
            locks.check(one.table, one.key)
        except Refusal:
            unprocessed.setdefault(name, []).append(each)
            continue
        one.try_out()
        one.commit()
        one.charge(ledger)
    return {"UnprocessedItems": unprocessed} | _capacity(params, ledger)


def _understood(request: Mapping[str, Any], table: Table) -> Write:
    if len(request) != 1:
        raise invalid("Supplied AttributeValue has more than one datatypes set")
    if "PutRequest" in request:
        return Write("Put", table, request["PutRequest"])
    return Write("Delete", table, request["DeleteRequest"])


def _check_twice(found: list[Any]) -> None:
    if len(set(found)) < len(found):
        raise invalid(_TWICE)


def _capacity(params: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    used = units.consumed(ledger.last, params.get("ReturnConsumedCapacity"))
    return {"ConsumedCapacity": used} if used else {}
