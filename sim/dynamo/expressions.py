"""The expressions of a call, made ready once for every call with the same texts and names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from . import conditions, values
from .conditions import Check, Test, Values
from .errors import Refusal, invalid
from .grammar import Reader
from .nodes import Node, Path, attributes
from .updates import Update

CONDITION = "ConditionExpression"
UPDATE = "UpdateExpression"
FILTER = "FilterExpression"
KEYS = "KeyConditionExpression"
PROJECTION = "ProjectionExpression"
_NOTHING: dict[str, Any] = {}


@dataclass(slots=True)
class Expressions:
    """What a call's expressions mean. Those it has not are None."""

    condition: Test | None = None
    update: Update | None = None
    filter: Test | None = None
    filtered: set[str] = field(default_factory=set)  # top-level attributes the filter looks at
    keys: Node | None = None
    projection: tuple[Path, ...] | None = None
    names: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    checks: tuple[tuple[str, Check], ...] = ()


Bound = tuple[Expressions, Values]
_NONE: Bound = (Expressions(), _NOTHING)


def bind(params: Mapping[str, Any], *labels: str) -> Bound:
    """The expressions a call has under these labels, and its values. Raises Refusal."""
    texts = tuple([(label, params[label]) for label in labels if label in params])
    names, given = params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues")
    if not texts:
        if names is None and given is None:
            return _NONE
        raise _without_expressions(names, labels)
    if names is not None and not names:
        raise invalid("ExpressionAttributeNames must not be empty")
    found = compiled(texts, tuple(names.items()) if names else ())
    taken = _NOTHING if given is None else _taken(given)
    if found.values != taken.keys():
        raise _mismatch(texts[0][0], found.values, taken)
    if names and found.names != names.keys():
        raise _unused("Names", set(names) - found.names)
    if found.checks:
        conditions.refuse_first(found.checks, taken)
    return found, taken


@lru_cache(maxsize=4096)
def compiled(texts: tuple[tuple[str, str], ...], names: tuple[tuple[str, str], ...]) -> Expressions:
    """Expressions by (label, text), with (alias, name) resolved. Raises Refusal."""
    found = Expressions()
    resolved = _checked_names(dict(names))
    for label, text in texts:
        reader = Reader(text, label, resolved)
        found.checks += tuple((label, check) for check in _read(found, reader))
        found.names |= reader.names
        found.values |= reader.values
    return found


def _read(found: Expressions, reader: Reader) -> Iterable[Check]:
    if reader.label == UPDATE:
        found.update = Update(reader.update())
        return found.update.checks
    if reader.label == PROJECTION:
        found.projection = reader.projection()
        return ()
    tree = reader.condition()
    if reader.label == KEYS:
        found.keys = tree
    elif reader.label == FILTER:
        found.filter, found.filtered = conditions.test_of(tree), attributes(tree)
    else:
        found.condition = conditions.test_of(tree)
    return conditions.checks_of(tree)


def _taken(given: Mapping[str, Any]) -> Values:
    if not given:
        raise invalid("ExpressionAttributeValues must not be empty")
    taken = {}
    for name, value in given.items():
        try:
            taken[name] = values.take(value)[0]
        except Refusal as wrong:
            raise invalid(
                f"ExpressionAttributeValues contains invalid value: {wrong.message} for key {name}"
            ) from None
        if not _well_formed(name, ":"):
            raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{name}"')
    return taken


def _checked_names(names: dict[str, str]) -> dict[str, str]:
    for alias in names:
        if not _well_formed(alias, "#"):
            raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{alias}"')
    return names


@lru_cache(maxsize=4096)
def _well_formed(name: str, sign: str) -> bool:
    return len(name) > 1 and name[0] == sign and name[1:].replace("_", "a").isalnum() and name.isascii()


def _without_expressions(names: Any, labels: tuple[str, ...]) -> Refusal:
    if names is not None:
        return invalid("ExpressionAttributeNames can only be specified when using expressions")
    absent = " and ".join(labels) + (" are null" if len(labels) > 1 else " is null")
    return invalid(f"ExpressionAttributeValues can only be specified when using expressions: {absent}")


def _mismatch(label: str, used: set[str], given: Values) -> Refusal:
    if missing := sorted(used - given.keys()):
        return invalid(
            f"Invalid {label}: An expression attribute value used in expression is not defined; "
            f"attribute value: {missing[0]}"
        )
    return _unused("Values", given.keys() - used)


def _unused(what: str, unused: Iterable[str]) -> Refusal:
    return invalid(
        f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
    )
