"""Condition trees made into functions of an item and the values of a call."""

from collections.abc import Callable, Mapping
from typing import cast

from . import paths, values
from .errors import Refusal
from .nodes import Among, Between, Call, Compare, Joined, Node, Not, Operand, Placeholder
from .values import Item, Value, kind_of

Values = Mapping[str, Value]
Read = Callable[[Item, Values], Value | None]
Test = Callable[[Item, Values], bool]
Check = Callable[
    [Values], str | None
]  # what is wrong with the values of a call, before any item is looked at

KINDS = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_WRONG_TYPE = "Incorrect operand type for operator or function; "


def test_of(node: Node) -> Test:
    """Whether an item meets the condition; an item that does not exist is {}."""
    if isinstance(node, Joined):
        return _joined(node.word, test_of(node.left), test_of(node.right))
    if isinstance(node, Not):
        inner = test_of(node.inner)
        return lambda item, given: not inner(item, given)
    if isinstance(node, Compare):
        return _comparison(node.sign, read_of(node.left), read_of(node.right))
    if isinstance(node, Between):
        return _between(*map(read_of, (node.operand, node.low, node.high)))
    if isinstance(node, Among):
        return _among(read_of(node.operand), tuple(map(read_of, node.choices)))
    return _function(cast(Call, node))


def read_of(operand: Operand) -> Read:
    """The value of an operand, or None."""
    if isinstance(operand, Placeholder):
        placeholder = operand.name
        return lambda _, given: given[placeholder]
    if isinstance(operand, Call):
        measured = read_of(operand.args[0])
        return lambda item, given: _size(measured(item, given))
    steps = operand.steps
    if len(steps) == 1:
        name = cast(str, steps[0])
        return lambda item, _: item.get(name)
    return lambda item, _: paths.find(item, steps)


def checks_of(node: Node) -> list[Check]:
    """The rules on the types of a call's values, as far as they can be told without an item."""
    if isinstance(node, Joined):
        return checks_of(node.left) + checks_of(node.right)
    if isinstance(node, Not):
        return checks_of(node.inner)
    if isinstance(node, Between):
        return [_must_be("BETWEEN", "SNB", node.low, node.high), _bounds_check(node)]
    if isinstance(node, Compare):
        sizes = [check for each in (node.left, node.right) for check in _call_checks(each)]
        orders = [] if node.sign in {"=", "<>"} else [_must_be(node.sign, "SNB", node.left, node.right)]
        return sizes + orders
    if isinstance(node, Among):
        return []
    return _call_checks(node)


def _joined(word: str, left: Test, right: Test) -> Test:
    if word == "AND":
        return lambda item, given: left(item, given) and right(item, given)
    return lambda item, given: left(item, given) or right(item, given)


def _comparison(sign: str, left: Read, right: Read) -> Test:
    same, less = values.same, values.less
    if sign == "=":
        return lambda item, given: same(left(item, given), right(item, given))
    if sign == "<>":
        return lambda item, given: not same(left(item, given), right(item, given))
    if sign == "<":
        return lambda item, given: less(left(item, given), right(item, given))
    if sign == ">":
        return lambda item, given: less(right(item, given), left(item, given))
    if sign == "<=":
        return lambda item, given: _at_most(left(item, given), right(item, given))
    return lambda item, given: _at_most(right(item, given), left(item, given))


def _at_most(left: Value | None, right: Value | None) -> bool:
    return values.ordered(left, right) and not values.less(right, left)


def _between(operand: Read, low: Read, high: Read) -> Test:
    def test(item: Item, given: Values) -> bool:
        found = operand(item, given)
        return _at_most(low(item, given), found) and _at_most(found, high(item, given))

    return test


def _among(operand: Read, choices: tuple[Read, ...]) -> Test:
    def test(item: Item, given: Values) -> bool:
        found = operand(item, given)
        return any(values.same(found, choice(item, given)) for choice in choices)

    return test


def _function(call: Call) -> Test:
    first = read_of(call.args[0])
    if call.name == "attribute_exists":
        return lambda item, given: first(item, given) is not None
    if call.name == "attribute_not_exists":
        return lambda item, given: first(item, given) is None
    second = read_of(call.args[1])
    decide = {"attribute_type": _is_of_type, "begins_with": _begins, "contains": _contains}[call.name]

    def test(item: Item, given: Values) -> bool:
        found, operand = first(item, given), second(item, given)
        return found is not None and operand is not None and decide(found, operand)

    return test


def _is_of_type(found: Value, kind: Value) -> bool:
    return kind.get("S") in found


def _begins(found: Value, start: Value) -> bool:
    kind = kind_of(found)
    return kind in {"S", "B"} and kind in start and found[kind].startswith(start[kind])


def _contains(found: Value, part: Value) -> bool:
    ((kind, content),) = found.items()
    if kind == "L":
        return any(values.same(each, part) for each in content)
    if kind in {"S", "B"}:
        return kind in part and part[kind] in content
    return kind in {"SS", "NS", "BS"} and part.get(kind[0]) in content


def _size(value: Value | None) -> Value | None:
    """Characters of a text, bytes of a binary, elements of anything that has elements."""
    if value is None or kind_of(value) in {"N", "BOOL", "NULL"}:
        return None
    return {"N": str(len(value[kind_of(value)]))}


def _call_checks(operand: Operand) -> list[Check]:
    if not isinstance(operand, Call):
        return []
    if operand.name == "attribute_type":
        return [
            _must_be("attribute_type", "S", operand.args[1], word="operator or function"),
            _type_check(operand),
        ]
    if operand.name == "begins_with":
        return [_must_be("begins_with", "SB", *operand.args, word="operator or function")]
    if operand.name == "size":
        return [_must_be("size", _SIZED, operand.args[0], word="operator or function")]
    return []


_SIZED = ("S", "B", "SS", "NS", "BS", "L", "M")


def _must_be(name: str, kinds: str | tuple[str, ...], *operands: Operand, word: str = "operator") -> Check:
    allowed = frozenset(kinds)
    given_names = [each.name for each in operands if isinstance(each, Placeholder)]

    def check(given: Values) -> str | None:
        for each in given_names:
            if (kind := kind_of(given[each])) not in allowed:
                return f"{_WRONG_TYPE}{word}: {name}, operand type: {kind}"
        return None

    return check


def _type_check(call: Call) -> Check:
    operand = call.args[1]

    def check(given: Values) -> str | None:
        if not isinstance(operand, Placeholder):
            return f"{_WRONG_TYPE}operator or function: attribute_type, operand type: {{{','.join(KINDS)}}}"
        asked = given[operand.name].get("S")
        if asked in KINDS:
            return None
        return f"Invalid attribute type name found; type: {asked}, valid types: {{{','.join(KINDS)}}}"

    return check


def _bounds_check(node: Between) -> Check:
    def check(given: Values) -> str | None:
        if not isinstance(node.low, Placeholder) or not isinstance(node.high, Placeholder):
            return None
        low, high = given[node.low.name], given[node.high.name]
        bounds = f"lower bound operand: {_shown(low)}, upper bound operand: {_shown(high)}"
        if low.keys() != high.keys():
            return f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}"
        if values.less(high, low):
            return (
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                f"{bounds}"
            )
        return None

    return check


def _shown(value: Value) -> str:
    ((kind, content),) = value.items()
    return f"AttributeValue: {{{kind}:{content}}}"


def refuse_first(checks: tuple[tuple[str, Check], ...], given: Values) -> None:
    """Raise Refusal for the first rule that a call's values break."""
    for label, check in checks:
        if wrong := check(given):
            raise Refusal("ValidationException", f"Invalid {label}: {wrong}")
