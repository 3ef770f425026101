"""Keys: which attributes they are, what they may hold, and the conditions a Query puts on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from . import values
from .conditions import Values
from .errors import Refusal, invalid
from .nodes import Between, Call, Compare, Joined, Node, Path, Placeholder
from .values import Item, Value

Key = tuple[Any, Any]  # native hash and range value; the range is None in a table without one
_WRONG = "One or more parameter values were invalid: "
_EMPTY = "The AttributeValue for a key attribute cannot contain an empty {} value."
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Schema:
    """The key attributes of a table or an index, and the type of each."""

    hash: str
    range: str | None
    types: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Hash first."""
        return (self.hash, self.range) if self.range else (self.hash,)

    def of_key(self, key: Item) -> Key:
        """A key as a call names it. Raises Refusal."""
        if key.keys() != set(self.names):
            raise _no_match()
        for name in self.names:
            if self.types[name] not in key[name]:
                raise _no_match()
        return self.of_item(key)

    def of_item(self, item: Item) -> Key:
        """The key of an item about to be stored. Raises Refusal."""
        first = self._native(item, self.hash, 2048)
        return first, self._native(item, self.range, 1024) if self.range else None

    def of_stored(self, item: Item) -> Key:
        """The key of an item that is stored."""
        return values.native(item[self.hash]), values.native(item[self.range]) if self.range else None

    def _native(self, item: Item, name: str, longest: int) -> Any:
        value = item.get(name)
        if value is None:
            raise invalid(f"{_WRONG}Missing the key {name} in the item")
        kind = self.types[name]
        if kind not in value:
            actual = values.kind_of(value)
            raise invalid(f"{_WRONG}Type mismatch for key {name} expected: {kind} actual: {actual}")
        if kind == "N":
            return values.native(values.take(value)[0])
        content = value[kind]
        if not content:
            raise _empty_key(name, kind)
        if len(content) > longest // 4 and values.size_of(value) > longest:
            raise _too_long(longest)
        return content


class KeyRange(NamedTuple):
    """Which items a Query reads: those of one hash value whose range value passes."""

    hash: Any
    holds: Callable[[Any], bool] | None


def key_range(tree: Node, schema: Schema, given: Values) -> KeyRange:
    """The key conditions of a Query. Raises Refusal."""
    found: dict[str, tuple[str, list[Value]]] = {}
    for part in _parts(tree):
        name, sign, operands = _part(part, given)
        if name in found:
            raise _refused("KeyConditionExpressions must only contain one condition per key")
        found[name] = sign, operands
    _check_schema(found, schema)
    (first,) = found[schema.hash][1]
    if schema.range not in found:
        return KeyRange(values.native(first), None)
    sign, operands = found[schema.range]
    return KeyRange(values.native(first), _holds(sign, [values.native(each) for each in operands]))


def _parts(tree: Node) -> list[Node]:
    if isinstance(tree, Joined) and tree.word == "AND":
        return [*_parts(tree.left), *_parts(tree.right)]
    return [tree]


def _part(node: Node, given: Values) -> tuple[str, str, list[Value]]:
    if isinstance(node, Compare) and node.sign != "<>":
        turned = isinstance(node.left, Placeholder)
        pair = (node.right, node.left) if turned else (node.left, node.right)
        return *_named(*pair, sign=_TURNED[node.sign] if turned else node.sign), _given(pair[1:], given)
    if isinstance(node, Between):
        operands = (node.low, node.high)
        return *_named(node.operand, *operands, sign="BETWEEN"), _given(operands, given)
    if isinstance(node, Call) and node.name == "begins_with":
        return *_named(*node.args, sign="begins_with"), _given(node.args[1:], given)
    raise _refused(f"Invalid operator used in KeyConditionExpression: {_word(node)}")


def _word(node: Node) -> str:
    if isinstance(node, Compare):
        return node.sign
    if isinstance(node, Joined):
        return node.word
    return node.name if isinstance(node, Call) else {"Not": "NOT", "Among": "IN"}[type(node).__name__]


def _named(first: Any, *rest: Any, sign: str) -> tuple[str, str]:
    if not isinstance(first, Path):
        raise _refused("Invalid condition in KeyConditionExpression: No key attribute specified")
    if any(isinstance(each, Call) for each in rest):
        raise _refused("KeyConditionExpressions cannot contain nested operations")
    if any(isinstance(each, Path) for each in rest):
        raise _refused(
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
        )
    if len(first.steps) > 1:
        raise _refused("KeyConditionExpressions cannot have conditions on nested attributes")
    return cast(str, first.steps[0]), sign


def _given(operands: Any, given: Values) -> list[Value]:
    return [given[each.name] for each in operands]


def _check_schema(found: Mapping[str, tuple[str, list[Value]]], schema: Schema) -> None:
    if schema.hash not in found:
        raise invalid(f"Query condition missed key schema element: {schema.hash}")
    if foreign := [name for name in found if name not in schema.names]:
        missed = schema.range if schema.range and schema.range not in found else None
        raise invalid(
            f"Query condition missed key schema element: {missed}"
            if missed and len(found) == 2
            else f"Query key condition not supported: {foreign[0]}"
        )
    if found[schema.hash][0] != "=":
        raise invalid("Query key condition not supported")
    for name, (sign, operands) in found.items():
        _check_operands(name, sign, operands, schema.types[name])


def _check_operands(name: str, sign: str, operands: list[Value], kind: str) -> None:
    for value in operands:
        if kind not in value:
            raise invalid(f"{_WRONG}Condition parameter type does not match schema type")
        if not value[kind] and sign != "begins_with":
            raise invalid(
                f"One or more parameter values are not valid. {_EMPTY.format(_NOUN[kind])} Key: {name}"
            )
    if sign == "begins_with" and kind == "N":
        raise _refused(
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"
        )


def _holds(sign: str, bounds: list[Any]) -> Callable[[Any], bool]:
    low, high = bounds[0], bounds[-1]
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda found: bool(found == low),
        "<": lambda found: bool(found < low),
        "<=": lambda found: bool(found <= low),
        ">": lambda found: bool(found > low),
        ">=": lambda found: bool(found >= low),
        "BETWEEN": lambda found: bool(low <= found <= high),
        "begins_with": lambda found: bool(found.startswith(low)),
    }
    return tests[sign]


def _no_match() -> Refusal:
    return invalid("The provided key element does not match the schema")


_NOUN = {"S": "string", "B": "binary", "N": "number"}


def _empty_key(name: str, kind: str) -> Refusal:
    return invalid(f"One or more parameter values are not valid. {_EMPTY.format(_NOUN[kind])} Key: {name}")


def _too_long(longest: int) -> Refusal:
    if longest == 2048:
        return invalid(f"{_WRONG}Size of hashkey has exceeded the maximum size limit of2048 bytes")
    return invalid(f"{_WRONG}Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def _refused(message: str) -> Refusal:
    return invalid(f"Invalid KeyConditionExpression: {message}" if "Invalid" not in message else message)
