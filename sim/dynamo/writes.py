"""One item's write: read from a call, tried against what is stored, done, charged."""

from collections.abc import Mapping
from typing import Any

from . import errors, expressions, paths, units, values
from .errors import Refusal, invalid
from .expressions import Bound
from .keys import Key
from .tables import Row, Table
from .units import Ledger
from .values import Item

LARGEST = 400 * 1024
_TOO_LARGE = "Item size has exceeded the maximum allowed size"
_RETURNS = {
    "Put": {"NONE", "ALL_OLD"},
    "Delete": {"NONE", "ALL_OLD"},
    "Update": {"NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"},
}


class Write:
    """A Put, Update, Delete or ConditionCheck that has been understood. Making one raises Refusal."""

    __slots__ = ("after", "before", "bound", "key", "named", "params", "size", "table", "verb")

    def __init__(self, verb: str, table: Table, params: Mapping[str, Any]) -> None:
        self.verb = verb
        self.table = table
        self.params = params
        self.before: Row | None = None
        self.after: Row | None = None
        self.size = 0
        if verb == "Put":
            self.named, self.size = values.take_item(params["Item"])
            self.key: Key = table.schema.of_item(self.named)
            if self.size > LARGEST:
                raise invalid(_TOO_LARGE)
            self.bound: Bound = expressions.bind(params, expressions.CONDITION)
        else:
            self.named = params["Key"]
            self.key = table.schema.of_key(self.named)
            self.bound = self._bound(verb, params)
        if table.indexes:
            table.check_indexed(self.named)

    def try_out(self) -> None:
        """Find what stands there and what would stand there after. Raises Refusal; nothing is changed."""
        self.before = self.table.rows.get(self.key)
        found, given = self.bound
        if found.condition and not found.condition(self.before[0] if self.before else {}, given):
            raise errors.conditional(self._asked_for())
        if self.verb == "Put":
            self.after = self.named, self.size
        elif self.verb == "Update":
            self.after = self._updated()

    def commit(self) -> None:
        """Store the result."""
        if self.verb != "ConditionCheck":
            self.table.put(self.key, self.after)

    def charge(self, ledger: Ledger, *, times: int = 1) -> None:
        """What the write costs: the larger of before and after, and each index that sees a difference."""
        name, before, after = self.table.name, self.before, self.after
        size = max(before[1] if before else 0, after[1] if after else 0)
        ledger.charge(units.WRITE, name, "", self.key, times * units.write_units(size))
        if self.verb != "ConditionCheck":
            for index in self.table.indexes.values():
                ledger.charge(units.WRITE, name, index.name, self.key, index.cost(before, after))

    def charge_refused(self, ledger: Ledger) -> None:
        """What a write costs that did not happen: the larger of what stands there and what a Put would store.

        AWS documents this for conditions; that a cancelled transaction pays it for each item, once, is assumed.
        """
        size = max(self.before[1] if self.before else 0, self.size)
        ledger.charge(units.WRITE, self.table.name, "", self.key, units.write_units(size))

    def attributes(self) -> Item:
        """What `ReturnValues` asks for; empty where there is nothing."""
        asked = self.params.get("ReturnValues", "NONE")
        row = self.before if asked.endswith("OLD") else self.after
        if asked == "NONE" or row is None:
            return {}
        update = self.bound[0].update
        if asked.startswith("ALL"):
            return values.copy_item(row[0])
        return paths.project(row[0], update.paths) if update else {}

    def _bound(self, verb: str, params: Mapping[str, Any]) -> Bound:
        if verb != "Update":
            return expressions.bind(params, expressions.CONDITION)
        bound = expressions.bind(params, expressions.UPDATE, expressions.CONDITION)
        if (update := bound[0].update) and (part := set(update.tops).intersection(self.named)):
            raise invalid(
                f"One or more parameter values were invalid: Cannot update attribute {part.pop()}. "
                "This attribute is part of the key"
            )
        for name, kind in update.kinds if update else ():
            for index in self.table.indexes.values():
                index.check_kind(name, kind(bound[1]))
        return bound

    def _asked_for(self) -> Item | None:
        if self.params.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD" or self.before is None:
            return None
        return values.copy_item(self.before[0])

    def _updated(self) -> Row:
        before, size = self.before or values.take_item(self.named)
        found, given = self.bound
        if found.update is None:
            return before, size
        after = found.update.apply(before, given)
        for name in found.update.tops:
            size += _attribute_size(after, name) - _attribute_size(before, name)
        if size > LARGEST:
            raise invalid("Item size to update has exceeded the maximum allowed size")
        _check_depth(after, found.update.tops)
        for index in self.table.indexes.values():
            _check_index_keys(after, index.schema.types, found.update.tops)
        return after, size


def check_returns(verb: str, params: Mapping[str, Any]) -> None:
    """Put and Delete return the old item or nothing. Raises Refusal."""
    if params.get("ReturnValues", "NONE") not in _RETURNS[verb]:
        raise invalid("Return values set to invalid value")


def reason(refusal: Refusal) -> dict[str, Any]:
    """Why a transaction's item objected. Raises the refusal where it concerns the request and not the item."""
    code = _REASONS[refusal.code]
    item = {"Item": refusal.members["Item"]} if "Item" in refusal.members else {}
    return {"Code": code, "Message": refusal.message, **item}


_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "TransactionConflictException": "TransactionConflict",
    "ValidationException": "ValidationError",
}


def _attribute_size(item: Item, name: str) -> int:
    value = item.get(name)
    return values.text_size(name) + values.size_of(value) if value is not None else 0


def _check_depth(item: Item, names: tuple[str, ...]) -> None:
    for name in names:
        value = item.get(name)
        if value is not None and ("M" in value or "L" in value):
            values.take(value)


def _check_index_keys(item: Item, types: Mapping[str, str], names: tuple[str, ...]) -> None:
    for name in names:
        if name in types and name in item and types[name] not in item[name]:
            raise invalid(
                "The update expression attempted to update the secondary index key to unsupported type"
            )
        if name in types and name in item and not item[name][types[name]]:
            raise invalid(
                "One or more parameter values are not valid. The update expression attempted to update a secondary "
                "index key to a value that is not supported. The AttributeValue for a key attribute cannot contain "
                f"an empty {'string' if types[name] == 'S' else 'binary'} value."
            )
