"""A proof, by a solver, that no tenant reaches another: for all pairs of sites, not for those that somebody tried.

The policy documents themselves become formulas over a request whose resource, conditions and tag are unknown texts. A
wildcard is a text of its own, a variable of IAM is the tag. The solver is asked for a request that is allowed and must
not be; `None` means that there is none. Where a formula says less than IAM would ask, it allows more: a Deny does not
count, several values of a key are taken to fulfil a ForAllValues, an ARN condition holds. So a proof is one of IAM's
decision, and a request that is found has to be looked at, which `crossing` and the evaluator do.

An operator or a variable that no formula stands for raises KeyError.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from . import crossing, documents
from .evaluate import SYMBOL, Policy, Request, names, statements
from .grants import several

_TAG = "aws:PrincipalTag/site"
_CALLED_VIA = "aws:CalledVia"  # set by AWS alone, so never in a call of a function's own
_PATIENCE = 60_000  # milliseconds for one question
_OWN_TABLE = f"{documents.TABLES}cardmesh-site-"
SERVICES = ("dynamodb", "kms", "sts", "sqs", "ssm")

Formula = Any  # z3 ships no types
Text = Any


class Undecided(RuntimeError):
    """The solver found neither a request nor that there is none."""


@dataclass(frozen=True)
class Value:
    """A condition key of the unknown request: whether it is there, and its value."""

    present: Formula
    text: Text


@dataclass(frozen=True)
class Unknown:
    """A request of unknown resource and unknown conditions, by somebody with an unknown tag."""

    tag: Text
    resource: Text = field(default_factory=lambda: z3.String("resource"))
    keys: dict[str, Value] = field(default_factory=dict)

    def key(self, name: str) -> Value:
        """A condition key; whatever nobody spoke of may be there with any value."""
        if name == _TAG:
            return Value(z3.BoolVal(val=True), self.tag)
        return self.keys.setdefault(name, Value(z3.Bool(f"has {name}"), z3.String(name)))


Must = Callable[[Unknown], Formula]


def crossing_pair(policy: Policy, trust: Policy | None = None) -> Request | None:
    """A request that one site's session may make for something of another site, under this tenant policy.

    The other has a code that sites have; the session any tag that the role's trust lets it have.
    """
    mine, other = z3.String("tag"), z3.String("other")
    tagged = [_trusted(mine, trust or documents.trust()), _is_code(other), mine != other]
    return _first_of_sites(policy, Unknown(mine), other, tagged)


def beyond_its_own(policy: Policy) -> Request | None:
    """A request that a session may make for anything that is not its own site's, under this tenant policy."""

    def must(asked: Unknown) -> Formula:
        table = z3.Concat(z3.StringVal(_OWN_TABLE), asked.tag)
        context = asked.key(crossing.CONTEXT)
        key = z3.And(asked.resource == documents.KEY, context.present, context.text == asked.tag)
        index = z3.PrefixOf(z3.Concat(table, z3.StringVal("/index/")), asked.resource)
        return z3.Not(z3.Or(asked.resource == table, index, key))

    return _first(policy, Unknown(z3.String("tag")), must, SERVICES)


def by_itself(function: str) -> Request | None:
    """A request that a function may make for something of a site in its own name."""
    other = z3.String("other")
    asked = Unknown(z3.StringVal(""), keys={_CALLED_VIA: _absent()})
    return _first_of_sites(documents.policy(function), asked, other, [_is_code(other)])


def every_question() -> Iterator[tuple[str, Request | None]]:
    """All that is proven, in words, and a request that disproves it."""
    tenant = documents.policy("tenant")
    yield "a session of one site reaches nothing of another, for all pairs of codes", crossing_pair(tenant)
    yield (
        "a session reaches its own site's table, indexes and data key only, whatever its tag",
        beyond_its_own(tenant),
    )
    for function in documents.functions():
        yield f"`{function}` reaches nothing of a site in its own name", by_itself(function)


def _first_of_sites(policy: Policy, asked: Unknown, other: Text, told: Iterable[Formula]) -> Request | None:
    told = list(told)
    return _first(policy, asked, lambda one: z3.And(_table_of(other, one), *told), ("dynamodb",)) or _first(
        policy, _with_key_of(other, asked), lambda one: z3.And(one.resource == documents.KEY, *told), ("kms",)
    )


def _first(policy: Policy, asked: Unknown, must: Must, services: Iterable[str]) -> Request | None:
    """The first request that is allowed and of the kind asked for. Actions that the same statements name are one."""
    for told, action in _kinds(policy, services):
        solver = z3.Solver()
        solver.set("timeout", _PATIENCE)
        solver.add(must(asked), z3.Or(*(_holds(each, asked) for each in told)))
        answer = solver.check()
        if answer == z3.unknown:
            raise Undecided(f"{action}: {solver.reason_unknown()}")
        if answer == z3.sat:
            return _told(action, asked, solver.model())
    return None


def _kinds(policy: Policy, services: Iterable[str]) -> Iterator[tuple[list[Policy], str]]:
    """The different sets of statements that allow actions, each with one of the actions."""
    allowing = [one for one in statements(policy) if one["Effect"] == "Allow"]
    kinds: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for service in services:
        for action in crossing.every_action(service):
            kinds[tuple(i for i, one in enumerate(allowing) if names(one, action))].append(action)
    return (([allowing[i] for i in told], actions[0]) for told, actions in kinds.items() if told)


def _holds(statement: Policy, asked: Unknown) -> Formula:
    """Whether a statement is about the unknown request."""
    if "NotResource" in statement:
        raise KeyError("NotResource")
    resource = z3.Or(*(_like(asked.resource, one, asked) for one in several(statement.get("Resource", "*"))))
    conditions = [
        _CONDITIONS[operator](asked.key(key), several(wanted), asked)
        for operator, block in statement.get("Condition", {}).items()
        for key, wanted in block.items()
    ]
    return z3.And(resource, *conditions)


def _like(text: Text, pattern: str, asked: Unknown) -> Formula:
    """Whether a text is one of a pattern: it consists of the pattern's letters, the tag, and texts for wildcards."""
    parts, limits = [], []
    for symbol in SYMBOL.findall(pattern):
        if symbol in ("*", "?"):
            parts.append(z3.FreshConst(z3.StringSort()))
            limits += [z3.Length(parts[-1]) == 1] if symbol == "?" else []
        else:
            parts.append(_literal(symbol, asked))
    return z3.And(text == _joined(parts), *limits)


def _equal(text: Text, pattern: str, asked: Unknown) -> Formula:
    return text == _joined([_literal(symbol, asked) for symbol in SYMBOL.findall(pattern)])


def _literal(symbol: str, asked: Unknown) -> Text:
    if len(symbol) == 1:
        return z3.StringVal(symbol)
    return {f"${{{_TAG}}}": asked.tag}[symbol]


def _joined(parts: list[Text]) -> Text:
    return z3.simplify(z3.Concat(z3.StringVal(""), z3.StringVal(""), *parts))


def _one_of(
    compare: Callable[[Text, str, Unknown], Formula],
) -> Callable[[Value, list[str], Unknown], Formula]:
    def holds(value: Value, wanted: list[str], asked: Unknown) -> Formula:
        return z3.And(value.present, z3.Or(*(compare(value.text, one, asked) for one in wanted)))

    return holds


def _none_of(value: Value, wanted: list[str], asked: Unknown) -> Formula:
    return z3.Not(_one_of(_equal)(value, wanted, asked))


def _null(value: Value, wanted: list[str], _asked: Unknown) -> Formula:
    return z3.And(*(z3.Not(value.present) if one == "true" else value.present for one in wanted))


def _any(*_: object) -> Formula:
    return z3.BoolVal(val=True)


_CONDITIONS: Mapping[str, Callable[[Value, list[str], Unknown], Formula]] = {
    "StringEquals": _one_of(_equal),
    "StringLike": _one_of(_like),
    "StringNotEquals": _none_of,
    "ForAnyValue:StringEquals": lambda value, _wanted, _asked: value.present,
    "ForAllValues:StringEquals": _any,
    "ForAllValues:StringLike": _any,
    "ArnLike": _any,
    "Null": _null,
}


def _trusted(tag: Text, trust: Policy) -> Formula:
    """Whether the role lets a function take this tag."""
    asked = Unknown(z3.StringVal(""), keys={"aws:RequestTag/site": Value(z3.BoolVal(val=True), tag)})
    return z3.Or(*(_holds(one, asked) for one in statements(trust) if one["Effect"] == "Allow"))


def _is_code(text: Text) -> Formula:
    return z3.InRe(text, z3.Loop(z3.Union(*(z3.Re(letter) for letter in crossing.ALPHABET)), 4, 4))


def _table_of(site: Text, asked: Unknown) -> Formula:
    """The request is for a site's table, or for something that hangs on it. `beyond_its_own` has all other places."""
    below = z3.String("below")
    return z3.And(
        asked.resource == z3.Concat(z3.StringVal(_OWN_TABLE), site, below),
        z3.Or(below == "", z3.PrefixOf(z3.StringVal("/"), below)),
    )


def _with_key_of(site: Text, asked: Unknown) -> Unknown:
    """The same for a data key, which opens only with the very context it was made with."""
    parameter = "kms:EncryptionContext:PARAMETER_ARN"
    context = {crossing.CONTEXT: Value(z3.BoolVal(val=True), site), parameter: _absent()}
    return Unknown(asked.tag, asked.resource, {**asked.keys, **context})


def _absent() -> Value:
    return Value(z3.BoolVal(val=False), z3.StringVal(""))


def _told(action: str, asked: Unknown, model: Any) -> Request:
    """A request that the solver found."""

    def text(one: Text) -> str:
        return str(model.eval(one, model_completion=True).as_string())

    context: dict[str, Any] = {
        name: text(value.text)
        for name, value in asked.keys.items()
        if z3.is_true(model.eval(value.present, model_completion=True))
    }
    return Request(action, text(asked.resource), {**context, _TAG: text(asked.tag)})
