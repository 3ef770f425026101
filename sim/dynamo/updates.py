"""Update trees made into functions of the item before. Every right-hand side is worked out from the item before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from . import paths, values
from .conditions import Check, Read, Values, read_of
from .errors import Refusal, invalid
from .nodes import Action, Call, Operand, Path, Placeholder, Sum
from .values import Item, Value, kind_of

Kind = Callable[[Values], str]
_WORDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}
_SETS = {"SS", "NS", "BS"}
_WRONG_TYPE = "Incorrect operand type for operator or function; "
_GONE: Value = {"gone": True}


class Update:
    """The actions of one update expression."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self.paths = tuple(action.path for action in actions)
        self.tops = tuple(dict.fromkeys(cast(str, path.steps[0]) for path in self.paths))
        self.checks = [check for action in actions for check in _checks(action)]
        self.kinds = [
            (cast(str, action.path.steps[0]), kind) for action in actions if (kind := _kind_of(action))
        ]
        self._setters = [
            (action.path, _evaluator(action)) for action in actions if action.section != "REMOVE"
        ]
        self._removed = [action.path for action in actions if action.section == "REMOVE"]
        self._nested = {cast(str, path.steps[0]) for path in self.paths if len(path.steps) > 1}

    def apply(self, before: Item, given: Values) -> Item:
        """The item after; `before` stays as it is. Raises Refusal."""
        results = [(path, evaluate(before, given)) for path, evaluate in self._setters]
        if self._nested:
            return self._applied_deeply(before, results)
        after = dict(before)
        for path in self._removed:
            after.pop(cast(str, path.steps[0]), None)
        for path, value in results:
            _put(after, cast(str, path.steps[0]), value)
        return after

    def _applied_deeply(self, before: Item, results: Sequence[tuple[Path, Value]]) -> Item:
        after = {
            name: values.copy(value) if name in self._nested else value for name, value in before.items()
        }
        lists: dict[int, list[Value]] = {}
        for path in self._removed:
            _assign(after, path, _GONE, lists)
        for path, value in sorted(results, key=_place):
            _assign(after, path, value, lists)
        for touched in lists.values():
            touched[:] = [each for each in touched if each is not _GONE]
        return after


def _put(members: dict[str, Value], name: str, value: Value) -> None:
    if value is _GONE:
        members.pop(name, None)
    else:
        members[name] = value


def _assign(item: Item, path: Path, value: Value, lists: dict[int, list[Value]]) -> None:
    *above, last = path.steps
    parent: Value | None = paths.find(item, tuple(above)) if above else {"M": item}
    if parent is None or ("M" if isinstance(last, str) else "L") not in parent:
        raise invalid("The document path provided in the update expression is invalid for update")
    if isinstance(last, str):
        _put(parent["M"], last, value)
        return
    listed: list[Value] = parent["L"]
    lists[id(listed)] = listed
    if last < len(listed):
        listed[last] = value
    else:
        listed.append(value)


def _place(result: tuple[Path, Value]) -> int:
    """Elements beyond the end of a list are appended in the order of their places."""
    last = result[0].steps[-1]
    return last if isinstance(last, int) else -1


def _evaluator(action: Action) -> Callable[[Item, Values], Value]:
    if action.section == "SET":
        return _assigned(action.operand)
    placeholder = cast(Placeholder, action.operand).name
    steps, change = action.path.steps, _added if action.section == "ADD" else _taken_out
    return lambda item, given: change(paths.find(item, steps), given[placeholder])


def _assigned(operand: Operand | Sum | None) -> Callable[[Item, Values], Value]:
    if isinstance(operand, Sum):
        left, right = _assigned(operand.left), _assigned(operand.right)
        sign = 1 if operand.sign == "+" else -1
        return lambda item, given: _sum(left(item, given), right(item, given), sign)
    if isinstance(operand, Call):
        return _function(operand)
    read = read_of(cast(Operand, operand))
    return lambda item, given: _present(read(item, given))


def _function(call: Call) -> Callable[[Item, Values], Value]:
    second = _assigned(call.args[1])
    if call.name == "if_not_exists":
        read: Read = read_of(call.args[0])
        return lambda item, given: read(item, given) or second(item, given)
    first = _assigned(call.args[0])
    return lambda item, given: _appended(first(item, given), second(item, given))


def _present(value: Value | None) -> Value:
    if value is None:
        raise invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _sum(left: Value, right: Value, sign: int) -> Value:
    if "N" not in left or "N" not in right:
        raise _wrong_type()
    return values.plus(left, right, sign)


def _appended(left: Value, right: Value) -> Value:
    if "L" not in left or "L" not in right:
        raise _wrong_type()
    return {"L": left["L"] + right["L"]}


def _added(found: Value | None, value: Value) -> Value:
    if found is None:
        return value
    ((kind, content),) = value.items()
    if kind not in found:
        raise _wrong_type()
    if kind == "N":
        return values.plus(found, value)
    return {kind: found[kind] + [each for each in content if each not in found[kind]]}


def _taken_out(found: Value | None, value: Value) -> Value:
    if found is None:
        return _GONE
    ((kind, content),) = value.items()
    if kind not in found:
        raise _wrong_type()
    left = [each for each in found[kind] if each not in content]
    return {kind: left} if left else _GONE


def _wrong_type() -> Refusal:
    return invalid("An operand in the update expression has an incorrect data type")


def _kind_of(action: Action) -> Kind | None:
    """The type an attribute will have, as far as it can be told without an item."""
    return _operand_kind(action.operand) if len(action.path.steps) == 1 else None


def _operand_kind(operand: Operand | Sum | None) -> Kind | None:
    if isinstance(operand, Placeholder):
        placeholder = operand.name
        return lambda given: kind_of(given[placeholder])
    if isinstance(operand, Sum):
        return lambda _: "N"
    if isinstance(operand, Call):
        return (lambda _: "L") if operand.name == "list_append" else _operand_kind(operand.args[1])
    return None


def _checks(action: Action) -> list[Check]:
    if action.section == "SET":
        return _operand_checks(action.operand)
    if action.section == "REMOVE":
        return []
    return [_section_check(action.section, cast(Placeholder, action.operand).name)]


def _operand_checks(operand: Any) -> list[Check]:
    if isinstance(operand, Sum):
        inner = (operand.left, operand.right)
        return [
            _only("N", operand.sign, inner),
            *(check for each in inner for check in _operand_checks(each)),
        ]
    if not isinstance(operand, Call):
        return []
    nested = [check for each in operand.args for check in _operand_checks(each)]
    return [_only("L", "list_append", operand.args), *nested] if operand.name == "list_append" else nested


def _only(kind: str, name: str, operands: Sequence[Operand]) -> Check:
    names = [each.name for each in operands if isinstance(each, Placeholder)]

    def check(given: Mapping[str, Value]) -> str | None:
        wrong = next((kind_of(given[each]) for each in names if kind not in given[each]), None)
        return wrong and f"{_WRONG_TYPE}operator or function: {name}, operand type: {wrong}"

    return check


def _section_check(section: str, placeholder: str) -> Check:
    allowed = _SETS | ({"N"} if section == "ADD" else set())

    def check(given: Mapping[str, Value]) -> str | None:
        kind = kind_of(given[placeholder])
        if kind in allowed:
            return None
        return f"{_WRONG_TYPE}operator: {section}, operand type: {_WORDS[kind]}"

    return check
