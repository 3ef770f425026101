"""Typed attribute values: checked and copied at the door, measured, compared.

A value is a dictionary of one type, as botocore gives it: {"S": "x"}, {"N": "1"}, {"B": b""}. Inside the database
values are never changed, so items share them; numbers stand in their canonical form, so equal numbers are equal text.
Sizes follow the developer guide's "DynamoDB item sizes and formats".
"""

import re
from collections.abc import Callable
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from .errors import Refusal, invalid

Value = dict[str, Any]
Item = dict[str, Value]

DEEPEST = 32
_DIGITS = 38
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_EXACT = Context(prec=400, Emin=-99999, Emax=99999)
_PLAIN = frozenset(("S", "N", "B", "BOOL", "NULL"))
_WRONG = "One or more parameter values were invalid: "
_EMPTY_SETS = {
    "SS": "An string set  may not be empty",
    "NS": "An number set  may not be empty",
    "BS": "Binary sets should not be empty",
}


def take_item(item: Item) -> tuple[Item, int]:
    """A checked copy of an item and its size in bytes. Raises Refusal."""
    taken = {}
    size = 0
    for name, value in item.items():
        taken[name], cost = take(value)
        size += cost + text_size(name)
    return taken, size


def take(value: Value, depth: int = 0) -> tuple[Value, int]:
    """A checked copy of a value and its size in bytes. Raises Refusal."""
    if len(value) != 1:
        raise _not_one_type(value)
    ((kind, content),) = value.items()
    if kind == "S":
        return {"S": content}, len(content) if content.isascii() else len(content.encode())
    return _TAKE[kind](kind, content, depth)


def size_of(value: Value) -> int:
    """Bytes of a value that was taken before."""
    ((kind, content),) = value.items()
    if kind == "S":
        return text_size(content)
    if kind == "N":
        return number(content)[1]
    if kind == "L":
        return 3 + sum(1 + size_of(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + text_size(name) + size_of(each) for name, each in content.items())
    return _plain_size(kind, content)


def item_size(item: Item) -> int:
    """Bytes of an item that was taken before: names and values."""
    return sum(text_size(name) + size_of(value) for name, value in item.items())


def copy(value: Value) -> Value:
    """A value that shares nothing with this one."""
    ((kind, content),) = value.items()
    if kind in _PLAIN:
        return {kind: content}
    if kind == "M":
        return {kind: copy_item(content)}
    return {kind: [copy(each) for each in content] if kind == "L" else list(content)}


def copy_item(item: Item) -> Item:
    """An item that shares nothing with this one."""
    return {name: value.copy() if _PLAIN.issuperset(value) else copy(value) for name, value in item.items()}


@lru_cache(maxsize=1 << 16)
def text_size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


@lru_cache(maxsize=1 << 16)
def number(text: str) -> tuple[str, int]:
    """The canonical form of a number and its size. Raises Refusal.

    A byte for every two digits left and right of the decimal point between the first and the last that is not zero,
    one byte more, another for a sign; 21 at most.
    """
    exact = _parsed(text)
    if not exact:
        return "0", 1
    sign, digits, exponent = exact.normalize(_EXACT).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  neither infinite nor NaN: the pattern has no words
    if exponent + len(digits) - 1 > 125:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if exponent + len(digits) - 1 < -130:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(digits) > _DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    pairs = (len(digits) + exponent + 1) // 2 - exponent // 2
    return f"{exact.normalize(_EXACT):f}", min(1 + pairs + sign, 21)


@lru_cache(maxsize=1 << 16)
def decimal(text: str) -> Decimal:
    """A stored number, to compute with."""
    return Decimal(text)


def plus(left: Value, right: Value, sign: int = 1) -> Value:
    """The sum of two numbers, or their difference. Raises Refusal where it has more digits than a number may."""
    total = _EXACT.add(decimal(left["N"]), sign * decimal(right["N"]))
    return {"N": number(str(total))[0]}


def native(value: Value) -> Any:
    """What orders texts, numbers and binaries as DynamoDB does: by code point, magnitude, unsigned byte."""
    ((kind, content),) = value.items()
    return decimal(content) if kind == "N" else content


def same(left: Value | None, right: Value | None) -> bool:
    """Whether two values are equal; sets have no order; an absent value equals nothing."""
    if left is None or right is None:
        return False
    return left == right or (left.keys() == right.keys() and _deeply_same(left, right))


def less(left: Value | None, right: Value | None) -> bool:
    """Whether both are of one type that has an order, and left comes first."""
    return ordered(left, right) and bool(native(left) < native(right))  # type: ignore[arg-type]


def ordered(left: Value | None, right: Value | None) -> bool:
    """Whether two values can be told apart by < and >."""
    if left is None or right is None:
        return False
    return left.keys() == right.keys() and kind_of(left) in {"S", "N", "B"}


def kind_of(value: Value) -> str:
    """The type: S, N, B, BOOL, NULL, L, M, SS, NS or BS."""
    (kind,) = value
    return kind


def _not_one_type(value: Value) -> Refusal:
    if value:
        return invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def _parsed(text: str) -> Decimal:
    if not text:
        raise invalid("The parameter cannot be converted to a numeric value")
    if not _NUMBER.fullmatch(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return Decimal(text)


def _plain_size(kind: str, content: Any) -> int:
    if kind in _EMPTY_SETS:
        return sum(size_of({kind[0]: each}) for each in content)
    return len(content) if kind == "B" else 1


def _deeply_same(left: Value, right: Value) -> bool:
    ((kind, one),) = left.items()
    other = right[kind]
    if kind in _EMPTY_SETS:
        return set(one) == set(other)
    if kind == "L":
        return len(one) == len(other) and all(map(same, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(same(each, other[name]) for name, each in one.items())
    return False


def _take_number(_: str, content: str, __: int) -> tuple[Value, int]:
    canonical, size = number(content)
    return {"N": canonical}, size


def _take_binary(_: str, content: bytes, __: int) -> tuple[Value, int]:
    return {"B": bytes(content)}, len(content)


def _take_flag(kind: str, content: bool, _: int) -> tuple[Value, int]:  # noqa: FBT001  the value itself
    if kind == "NULL" and not content:
        raise invalid(f"{_WRONG}Null attribute value types must have the value of true")
    return {kind: content}, 1


def _take_list(_: str, content: list[Value], depth: int) -> tuple[Value, int]:
    _check_depth(depth)
    taken = [take(each, depth + 1) for each in content]
    return {"L": [value for value, _ in taken]}, 3 + sum(1 + size for _, size in taken)


def _take_map(_: str, content: Item, depth: int) -> tuple[Value, int]:
    _check_depth(depth)
    taken = {name: take(each, depth + 1) for name, each in content.items()}
    size = sum(1 + text_size(name) + cost for name, (_, cost) in taken.items())
    return {"M": {name: value for name, (value, _) in taken.items()}}, 3 + size


def _check_depth(depth: int) -> None:
    if depth >= DEEPEST:
        raise invalid("Nesting Levels have exceeded supported limits")


def _take_set(kind: str, content: list[Any], _: int) -> tuple[Value, int]:
    if not content:
        raise invalid(_WRONG + _EMPTY_SETS[kind])
    if kind != "NS" and not all(content):
        raise invalid(f"{_WRONG}{_EMPTY_MEMBERS[kind]}")
    members = [number(each)[0] if kind == "NS" else each for each in content]
    if len(set(members)) < len(members):
        raise _duplicates(kind, content)
    return {kind: members}, _plain_size(kind, members)


_EMPTY_MEMBERS = {
    "SS": "An string set  may not have a empty string as a member",
    "BS": "Binary sets may not contain null or empty values",
}


def _duplicates(kind: str, content: list[Any]) -> Refusal:
    if kind == "NS":
        return invalid("Input collection contains duplicates")
    listed = ", ".join(map(str, content))
    of = "of type BS " if kind == "BS" else ""
    return invalid(f"{_WRONG}Input collection [{listed}] {of}contains duplicates.")


_TAKE: dict[str, Callable[[str, Any, int], tuple[Value, int]]] = {
    "N": _take_number,
    "B": _take_binary,
    "BOOL": _take_flag,
    "NULL": _take_flag,
    "L": _take_list,
    "M": _take_map,
    "SS": _take_set,
    "NS": _take_set,
    "BS": _take_set,
}
