"""Stored items: a table, its secondary indexes, and what older replicas of both still show."""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import values
from .errors import invalid
from .keys import Key, Schema
from .units import write_units
from .values import Item

Row = tuple[Item, int]  # a stored item and its size in bytes
Staleness = Callable[[str, str, Key], int]  # table, index or "", key: how many versions behind a read sees
_REMEMBERED = 16  # versions of an item an old replica may still show
_NOT_A_KEY = "One or more parameter values were invalid: Type mismatch for Index Key "


class Partitions:
    """Sort keys in order, by hash value."""

    def __init__(self) -> None:
        self._sorted: dict[Any, list[Any]] = {}

    def add(self, first: Any, place: Any) -> None:
        """Put a new sort key in its place."""
        insort(self._sorted.setdefault(first, []), place)

    def drop(self, first: Any, place: Any) -> None:
        """Take a sort key out."""
        places = self._sorted[first]
        if len(places) == 1:  # in a table without sort keys there is no other, and None has no order
            del self._sorted[first]
        else:
            del places[bisect_left(places, place)]

    def under(self, first: Any) -> list[Any]:
        """The sort keys of one hash value, in order."""
        return self._sorted.get(first, [])


class Index:
    """A global secondary index: the items that have all its key attributes, with the projected ones."""

    def __init__(self, definition: Mapping[str, Any], schema: Schema, base: Schema) -> None:
        self.name: str = definition["IndexName"]
        self.schema = schema
        self.kind: str = definition["Projection"]["ProjectionType"]
        included = definition["Projection"].get("NonKeyAttributes", ())
        self.projected = tuple(dict.fromkeys((*schema.names, *base.names, *included)))
        self.everything = self.kind == "ALL"
        self.partitions = Partitions()

    def place(self, item: Item, key: Key) -> tuple[Any, Any] | None:
        """Where an item stands in the index: its hash value, and its range value with the table's key."""
        for name in self.schema.names:
            if name not in item:
                return None
        first, second = self.schema.of_stored(item)
        return first, (second, key)

    def project(self, item: Item) -> Item:
        """What the index keeps of an item."""
        return item if self.everything else {name: item[name] for name in self.projected if name in item}

    def check_kind(self, name: str, kind: str) -> None:
        """An attribute about to be set must fit where it is a key of the index. Raises Refusal."""
        expected = self.schema.types.get(name, kind)
        if expected != kind:
            raise invalid(f"{_NOT_A_KEY}{name} Expected: {expected} Actual: {kind} IndexName: {self.name}")

    def check(self, item: Item) -> None:
        """A key attribute of an index may be absent, but not of another type or empty. Raises Refusal."""
        for name in self.schema.names:
            value = item.get(name)
            if value is None:
                continue
            kind = values.kind_of(value)
            self.check_kind(name, kind)
            if not value[kind]:
                raise invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    "supported. The AttributeValue for a key attribute cannot contain an empty "
                    f"{'string' if kind == 'S' else 'binary'} value. IndexName: {self.name}, IndexKey: {name}"
                )

    def cost(self, before: Row | None, after: Row | None) -> int:
        """Write units of a change: two where the index key changes, none where nothing projected does."""
        old, new = self._entry(before), self._entry(after)
        if old is None or new is None:
            return sum(write_units(values.item_size(each)) for each in (old, new) if each is not None)
        if old == new:
            return 0
        sizes = values.item_size(old), values.item_size(new)
        if any(old[name] != new[name] for name in self.schema.names):
            return sum(map(write_units, sizes))
        return write_units(max(sizes))

    def _entry(self, row: Row | None) -> Item | None:
        if row is None:
            return None
        for name in self.schema.names:
            if name not in row[0]:
                return None
        return self.project(row[0])


class Table:
    """The items of one table. Rows are never changed, only replaced."""

    def __init__(self, definition: Mapping[str, Any], staleness: Staleness | None) -> None:
        self.name: str = definition["TableName"]
        self.definition = definition
        types = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}
        self.schema = _schema(definition["KeySchema"], types)
        self.indexes = {
            each["IndexName"]: Index(each, _schema(each["KeySchema"], types), self.schema)
            for each in definition.get("GlobalSecondaryIndexes", ())
        }
        self.ttl: str | None = None
        self.rows: dict[Key, Row] = {}
        self.partitions = Partitions()
        self._staleness = staleness
        self._older: defaultdict[Key, deque[Row | None]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._once: defaultdict[tuple[str, Any], set[Key]] = defaultdict(set)  # keys that left a partition

    def check_indexed(self, item: Item) -> None:
        """An item's attributes that are keys of indexes must fit them. Raises Refusal."""
        for index in self.indexes.values():
            index.check(item)

    def put(self, key: Key, row: Row | None) -> None:
        """Replace what is stored under a key; None removes it."""
        before = self.rows.get(key)
        if self._staleness:
            self._remember(key, before)
        for index in self.indexes.values():
            _move(index.partitions, before and index.place(before[0], key), row and index.place(row[0], key))
        if row is None:
            if self.rows.pop(key, None):
                self.partitions.drop(*key)
            return
        if before is None:
            self.partitions.add(*key)
        self.rows[key] = row

    def restore(self, rows: Mapping[Key, Row]) -> None:
        """Hold these rows and no others, as a table does that was restored; no replica is behind."""
        for key in self.rows.keys() - rows.keys():
            self.put(key, None)
        for key, row in rows.items():
            if self.rows.get(key) is not row:
                self.put(key, row)
        self._older.clear()
        self._once.clear()

    def seen(self, key: Key, *, consistent: bool, index: str = "") -> Row | None:
        """An item as a read finds it: now, or as an older replica or a late index still has it."""
        now = self.rows.get(key)
        if consistent or self._staleness is None or key not in self._older:
            return now
        older = self._older[key]
        behind = min(self._staleness(self.name, index, key), len(older))
        return older[-behind] if behind else now

    def under(self, first: Any, *, consistent: bool) -> Iterable[tuple[Key, Row]]:
        """The items of one hash value by their range value."""
        keys: Iterable[Key] = [(first, second) for second in self.partitions.under(first)]
        if not consistent and (gone := self._once.get(("", first))):
            keys = sorted({*keys, *gone})
        for key in keys:
            if row := self.seen(key, consistent=consistent):
                yield key, row

    def indexed_under(self, index: Index, first: Any) -> Iterable[tuple[Key, Row]]:
        """The entries of one hash value of an index by their range value, then by the table's key."""
        keys = [key for _, key in index.partitions.under(first)]
        gone = self._once.get((index.name, first))
        if not gone and self._staleness is None:
            for key in keys:
                yield key, _projected(index, self.rows[key])
            return
        seen = [(key, self.seen(key, consistent=False, index=index.name)) for key in {*keys, *(gone or ())}]
        placed = [(index.place(row[0], key), key, row) for key, row in seen if row]
        for _, key, row in sorted(((p, k, r) for p, k, r in placed if p and p[0] == first), key=_by_place):
            yield key, _projected(index, row)

    def _remember(self, key: Key, before: Row | None) -> None:
        self._older[key].append(before)
        self._once["", key[0]].add(key)
        for index in self.indexes.values():
            if before and (place := index.place(before[0], key)):
                self._once[index.name, place[0]].add(key)


def _schema(elements: Iterable[Mapping[str, str]], types: Mapping[str, str]) -> Schema:
    by_kind = {each["KeyType"]: each["AttributeName"] for each in elements}
    names = by_kind.values()
    return Schema(by_kind["HASH"], by_kind.get("RANGE"), {name: types[name] for name in names})


def _move(partitions: Partitions, old: tuple[Any, Any] | None, new: tuple[Any, Any] | None) -> None:
    if old == new:
        return
    if old:
        partitions.drop(*old)
    if new:
        partitions.add(*new)


def _projected(index: Index, row: Row) -> Row:
    if index.everything:
        return row
    entry = index.project(row[0])
    return entry, values.item_size(entry)


def _by_place(found: tuple[Any, Key, Row]) -> Any:
    return found[0]
