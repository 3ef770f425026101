"""What IAM would decide about a request, as far as this project's policies go.

Rules: "Policy evaluation logic" and "IAM JSON policy elements" of the IAM User Guide. An explicit deny wins;
what no statement allows is denied. A resource pattern is matched as one text, which allows no less than IAM,
so a denial proven here holds. Condition operators outside the table below raise KeyError instead of passing.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Values = str | tuple[str, ...]
Policy = Mapping[str, Any]

SYMBOL = re.compile(r"\$\{[^}]*\}|.", re.DOTALL)
_WILD = {"*": ".*", "?": "."}
_ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}


@dataclass(frozen=True)
class Request:
    """One action on one resource; condition keys by name, several values as a tuple."""

    action: str
    resource: str = ""
    context: Mapping[str, Values] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.action, self.resource, *self.context.values()))

    def values(self, key: str) -> tuple[str, ...] | None:
        """The values of a condition key, names of keys being case-insensitive; None where it is absent."""
        found = {name.lower(): value for name, value in self.context.items()}.get(key.lower())
        if found is None or found == ():
            return None
        return (found,) if isinstance(found, str) else found


def allows(policies: Policy | Iterable[Policy], request: Request) -> bool:
    """Whether the policies together allow a request."""
    return decide(statements(policies), request)


def statements(policies: Policy | Iterable[Policy]) -> list[Policy]:
    """All statements of some policies."""
    documents = [policies] if isinstance(policies, Mapping) else policies
    return [statement for document in documents for statement in _several(document["Statement"])]


def decide(statements: Iterable[Policy], request: Request) -> bool:
    """Whether these statements together allow a request."""
    return {one["Effect"] for one in statements if _applies(one, request)} == {"Allow"}


def touches(statement: Policy, request: Request) -> bool:
    """Whether a statement is about the resource of a request, whatever its action and conditions."""
    return _named(statement, "Resource", request.resource, request)


def names(statement: Policy, action: str) -> bool:
    """Whether a statement is about an action."""
    return _named(statement, "Action", action.lower(), Request(action), fold=True)


def _applies(statement: Policy, request: Request) -> bool:
    return (
        names(statement, request.action)
        and touches(statement, request)
        and all(
            _holds(operator, key, _several(wanted), request)
            for operator, block in statement.get("Condition", {}).items()
            for key, wanted in block.items()
        )
    )


def _named(statement: Policy, element: str, value: str, request: Request, *, fold: bool = False) -> bool:
    """Action, NotAction, Resource and NotResource; a trust policy has no resource at all."""
    if element not in statement and f"Not{element}" not in statement:
        return True
    wanted = _several(statement.get(element, statement.get(f"Not{element}")))
    found = any(_like(value, one.lower() if fold else one, request) for one in wanted)
    return found == (element in statement)


def _holds(operator: str, key: str, wanted: list[str], request: Request) -> bool:
    values = request.values(key)
    if operator == "Null":
        return all((values is None) == (one == "true") for one in wanted)
    quantifier, _, rest = operator.rpartition(":")
    if rest.endswith("IfExists"):
        rest = rest.removesuffix("IfExists")
        if values is None:
            return True
    compare, negated = _COMPARISONS[rest]

    def one_holds(value: str) -> bool:
        return any(compare(value, pattern, request) for pattern in wanted) != negated

    if quantifier == "ForAllValues":
        return all(one_holds(value) for value in values or ())
    if quantifier == "ForAnyValue":
        return any(one_holds(value) for value in values or ())
    if values is None:
        return negated
    return len(values) == 1 and one_holds(values[0])


def _like(value: str, pattern: str, request: Request) -> bool:
    """Wildcards in the pattern count, wildcards that come out of a variable do not."""
    literals = tuple([_resolved(symbol, request) for symbol in _variables(pattern)])
    return None not in literals and _compiled(pattern, literals).fullmatch(value) is not None


@lru_cache(maxsize=1 << 12)
def _variables(pattern: str) -> tuple[str, ...]:
    return tuple(symbol for symbol in SYMBOL.findall(pattern) if len(symbol) > 1)


@lru_cache(maxsize=1 << 14)
def _compiled(pattern: str, literals: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern with its variables' values in it."""
    left = iter(literals)
    parts = [
        _WILD.get(symbol) or re.escape(symbol if len(symbol) == 1 else next(left))
        for symbol in SYMBOL.findall(pattern)
    ]
    return re.compile("".join(parts), re.DOTALL)


def _equal(value: str, pattern: str, request: Request) -> bool:
    literals = [_resolved(symbol, request) for symbol in SYMBOL.findall(pattern)]
    return None not in literals and "".join(filter(None, literals)) == value


def _equal_folded(value: str, pattern: str, request: Request) -> bool:
    return _equal(value.lower(), pattern.lower(), request)


def _arn_like(value: str, pattern: str, request: Request) -> bool:
    """Each of the six parts of an ARN is matched by itself."""
    mine, wanted = value.split(":", 5), _parts(pattern)
    return len(mine) == len(wanted) == 6 and all(map(_like, mine, wanted, [request] * 6))


def _parts(pattern: str) -> list[str]:
    """An ARN pattern split at its first five colons, those inside variables not counted."""
    parts = [""]
    for symbol in SYMBOL.findall(pattern):
        if symbol == ":" and len(parts) < 6:
            parts.append("")
        else:
            parts[-1] += symbol
    return parts


def _resolved(symbol: str, request: Request) -> str | None:
    """A variable's value; None where the request has none (then nothing matches)."""
    if len(symbol) == 1:
        return symbol
    if symbol in _ESCAPES:
        return _ESCAPES[symbol]
    name, _, default = symbol[2:-1].partition(",")
    values = request.values(name.strip())
    if values is None:
        return default.strip().strip("'") if default else None
    return values[0] if len(values) == 1 else None


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


Comparison = Callable[[str, str, Request], bool]
_COMPARISONS: dict[str, tuple[Comparison, bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_folded, False),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "Bool": (_equal_folded, False),
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
}
