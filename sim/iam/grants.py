"""What the policies grant, taken apart: one action on one resource, under one pattern of one condition.

A request uses a grant where the grant alone, under the other conditions of its statement, would allow it. So what a
day of trade asked for can be held against what was granted, and nothing is left that nobody needs.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from . import documents, enforce
from .enforce import Heard
from .evaluate import Policy, Request, allows

ALONE = "Null"  # an operator that only says a key must be there


@dataclass(frozen=True)
class Grant:
    """One atom of a policy, in the words of its file. `under` is the pattern of its condition, or empty."""

    policy: str
    statement: str
    action: str
    resource: str
    under: str
    condition: str  # the statement's, with this pattern alone, as JSON

    @cached_property
    def document(self) -> Policy:
        """A policy of this grant alone, as deployed. A request of several keys uses the grant of each."""
        condition = json.loads(documents.filled(self.condition))
        several = {
            f"ForAnyValue:{operator.removeprefix('ForAllValues:')}"
            if operator.startswith("ForAllValues:")
            else operator: block
            for operator, block in condition.items()
        }
        resource = documents.filled(self.resource)
        return {
            "Statement": [
                {"Effect": "Allow", "Action": self.action, "Resource": resource, "Condition": several}
            ]
        }


@cache
def of(policy: str) -> tuple[Grant, ...]:
    """All grants of a policy by the name of its file."""
    return tuple(taken_apart(policy, documents.written(policy)))


def taken_apart(policy: str, document: Policy) -> Iterator[Grant]:
    """All grants of a policy. Raises ValueError for a statement that is no plain Allow: nothing here reads it."""
    for each in document["Statement"]:
        if each["Effect"] != "Allow" or {"NotAction", "NotResource"} & set(each):
            raise ValueError(f"{policy}: {each['Sid']} is no plain permission")
        for action, resource in itertools.product(several(each["Action"]), several(each["Resource"])):
            for under, condition in _conditions(each.get("Condition", {})):
                yield Grant(policy, each["Sid"], action, resource, under, condition)


def all_of_them() -> list[Grant]:
    """The grants of every policy, the tenant role's and those of cells too."""
    names = ("tenant", *documents.functions(), *documents.OF_CELLS, documents.OPERATOR)
    return [grant for name in names for grant in of(name)]


def used(heard: Iterable[Heard]) -> set[tuple[str, Grant]]:
    """Which function used which grant; the tenant role's are used by all who act for sites."""
    return {(function, grant) for one in heard for function, grant in _by(one)}


def keeping(folder: Path) -> Callable[[], None]:
    """Hear from now on what this process asks for; to be called at its end, to write what grants that used."""
    until = contextlib.ExitStack()
    heard = until.enter_context(enforce.listening())

    def keep() -> None:
        until.close()
        rows = sorted([function, *astuple(grant)] for function, grant in used(heard))
        (folder / f"{os.getpid()}.json").write_text(json.dumps(rows))

    return keep


def kept(folder: Path) -> set[tuple[str, Grant]]:
    """What processes wrote."""
    rows = [row for each in folder.glob("*.json") for row in json.loads(each.read_text())]
    return {(function, Grant(*grant)) for function, *grant in rows}


def _by(heard: Heard) -> Iterator[tuple[str, Grant]]:
    asked = heard.asked
    tag = {"aws:PrincipalTag/site": heard.site} if heard.site else {}
    request = Request(asked.action, asked.resource, {**asked.context, **tag})
    names = ("tenant",) if heard.site else documents.attached(heard.function, cells=True)
    for grant in (one for name in names for one in of(name)):
        if grant.action == asked.action and allows(grant.document, request):
            yield heard.function, grant


def _conditions(condition: Policy) -> Iterator[tuple[str, str]]:
    """The patterns of a condition one by one, each with the condition that has it alone."""
    told = [
        (operator, key, several(wanted))
        for operator, block in condition.items()
        if operator != ALONE
        for key, wanted in block.items()
    ]
    for chosen in itertools.product(*(wanted for _, _, wanted in told)):
        alone: dict[str, Any] = {name: block for name, block in condition.items() if name == ALONE}
        for (operator, key, _), pattern in zip(told, chosen, strict=True):
            alone.setdefault(operator, {})[key] = pattern
        yield " ".join(chosen), json.dumps(alone)


def several(value: Any) -> list[Any]:
    """One value or many, as policies have them."""
    return list(value) if isinstance(value, list | tuple) else [value]
