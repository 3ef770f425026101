"""docs/isolation.md: what was granted and who uses it, wildcards and their reasons, tenants tried, and the proof."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import crossing, documents, grants, wildcards
from .crossing import Tally
from .evaluate import Request
from .grants import Grant
from .seen import ELSEWHERE, SEEDS, SIMULATION, TESTS

PAGE = documents.POLICIES.parent / "docs/isolation.md"
_SHORT = {
    "arn:${AWS::Partition}:": "",
    ":${AWS::Region}:${AWS::AccountId}:": ":",
    "${TablePrefix}": "cardmesh",
}
_NAMED = re.compile(r"\$\{(\w+)\.Arn\}")
_HEAD = """# Isolation

`make isolation` writes this page: it plays {seeds} days of trade and the tests of all pages and workers, each function
under its own policy, and holds what they asked for against what the policies grant; then it looks for a way from
one tenant to another. It fails if anything is granted that nobody uses, or if there is a way.

## Granted and used

A *grant* is one action on one resource under one pattern of one condition. {granted} grants: {used} used by a
function at work ({simulated} of them in the simulation), {elsewhere} by AWS in a function's name, {unused} by nobody.
Requests that a policy refused: none, or the run had failed.

| policy | statement | action | on | where the key is | seen in |
|---|---|---|---|---|---|
"""
_BY_AWS = """
### Used by AWS in a function's name

| statement | who uses it |
|---|---|
"""
_TENANT = """
### What the functions do for a site

The tenant role is one for all; which functions use which of its grants:

| action | on | functions |
|---|---|---|
"""
_WILDCARDS = """
## Wildcards, and why

A function also has leave to write its own log, whose Arn ends with a star for the log's streams.

| policy | statement | wildcard | why |
|---|---|---|---|
"""
_TRIED = """
## Tenants against each other

IAM's decision, evaluated (`sim/iam/evaluate.py`) for every action of the services that a policy could name. What
belongs to others: tables, indexes, streams, backups and exports, data keys of other contexts, names that begin or end
like the tenant's own, its own name in another region, account, partition or under another prefix, the main site's
table, queues and secrets, and the role itself. A batch or a transaction is a request for each part and needs them all;
Scan and PartiQL are actions like others.

| who | against | requests decided | allowed |
|---|---|--:|--:|
| {tenants:,} sessions of sites | {tricks} things like theirs or main's, {each} sites each | {decided:,} | {crossed} |
| {functions} functions in their own name | {sites:,} sites | {by_functions:,} | {crossed_by_functions} |

To their own the same sessions may do {own} things each: seven actions on the table, a query of an index, and to use and
to make the data key.

## Proven for all

The policy documents as formulas (`sim/iam/proof.py`), and a solver that looks for a request: of any resource and
conditions, under any tag that the role's trust lets a function take, against any site whose code has the letters that
codes have.

| what | |
|---|---|
"""

Seen = Mapping[tuple[str, Grant], str]


def merged(simulated: Iterable[tuple[str, Grant]], tested: Iterable[tuple[str, Grant]]) -> Seen:
    """Who was seen to use which grant, and where first."""
    return {**dict.fromkeys(tested, TESTS), **dict.fromkeys(simulated, SIMULATION)}


def unused(seen: Seen) -> list[Grant]:
    """The grants that nobody uses."""
    used = {grant for _, grant in seen}
    return [one for one in grants.all_of_them() if one not in used and one.statement not in ELSEWHERE]


def row(grant: Grant) -> str:
    """A grant as the page has it, but for where it was seen."""
    cells = (grant.policy, grant.statement, grant.action, _short(grant.resource), _short(grant.under))
    return f"| {' | '.join(cells)} |"


def rows(text: str) -> set[str]:
    """The grants of a page."""
    lines = [line for line in text.splitlines() if line.count("|") == 7 and not line.startswith("|--")]
    return {
        line.rpartition("|")[0].rpartition("|")[0] + "|" for line in lines if "where the key is" not in line
    }


def page(
    seen: Seen, tally: Tally, by_functions: Tally, each: int, proven: Mapping[str, Request | None]
) -> str:
    """The whole page."""
    where = {grant: "the tests" if place == TESTS else "the simulation" for (_, grant), place in _best(seen)}
    every = grants.all_of_them()
    used = [one for one in every if one in where]
    head = _HEAD.format(
        seeds=SEEDS,
        granted=len(every),
        used=len(used),
        simulated=list(where.values()).count("the simulation"),
        elsewhere=len([one for one in every if one not in where and one.statement in ELSEWHERE]),
        unused=len(unused(seen)),
    )
    granted = [
        f"{row(one)} {where.get(one, 'AWS' if one.statement in ELSEWHERE else '**nothing**')} |"
        for one in every
    ]
    tried = _TRIED.format(
        tenants=crossing.TENANTS,
        tricks=len(list(crossing.tricks("demo"))),
        each=each,
        decided=tally.decided,
        crossed=len(tally.crossed),
        own=tally.own // crossing.TENANTS,
        functions=len(documents.functions()),
        sites=crossing.TENANTS,
        by_functions=by_functions.decided,
        crossed_by_functions=len(by_functions.crossed),
    )
    parts = [
        head + _lines(granted),
        _BY_AWS + _lines(f"| {name} | {why} |" for name, why in ELSEWHERE.items()),
        _TENANT + _lines(_for_sites(seen)),
        starred(),
        tried + _lines(f"| {what} | {_verdict(found)} |" for what, found in proven.items()),
    ]
    return "".join(parts)


def starred() -> str:
    """The part of the page that has every wildcard and its reason."""
    reasons = [(*place, why) for place, why in sorted(wildcards.REASONS.items())]
    return _WILDCARDS + _lines(f"| {name} | {sid} | `{value}` | {why} |" for name, sid, value, why in reasons)


def write(text: str, path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(text)


def _best(seen: Seen) -> list[tuple[tuple[str, Grant], str]]:
    """The simulation last, so that it counts where both have seen something."""
    return sorted(seen.items(), key=lambda one: (one[1] != TESTS, one[0][0]))


def _for_sites(seen: Seen) -> list[str]:
    functions: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for function, grant in seen:
        if grant.policy == "tenant":
            functions[grant.action, _short(grant.resource)].add(function)
    return [
        f"| {action} | {on} | {', '.join(sorted(who))} |" for (action, on), who in sorted(functions.items())
    ]


def _verdict(found: Request | None) -> str:
    return "proven" if found is None else f"**no**: {found.action} on {found.resource}"


def _short(text: str) -> str:
    for long, short in _SHORT.items():
        text = text.replace(long, short)
    return _NAMED.sub(r"\1", text)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
