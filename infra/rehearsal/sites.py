"""Stacks of sub-sites: many created, updated and deleted, and what is refused. Nothing stays behind."""

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infra.package import template
from localcloud import cloud
from localcloud.place import ROOT, Place
from localcloud.terminal import Stopped

from . import limits
from .deployed import Say, parameters, reason, settled, until

_PREFIX = "fleet"  # begins the names of these tables and stacks; nothing else does
_SUBSITE = ROOT / "infra/subsite.yaml"
_AT_ONCE = 4  # CloudFormation answers few calls a second for a whole account
_GONE = "DELETE_COMPLETE"
_IMPOSSIBLE = {"Type": "AWS::Nothing::OfThatName", "Properties": {}}


def rehearse(place: Place, count: int, *, say: Say) -> None:
    """So many stacks come, change and go, each step told with its time. Raises Stopped."""
    codes = [f"{index:04}" for index in range(count)]
    steps: tuple[tuple[str, Callable[[Place, str], None]], ...] = (
        ("created", _create),
        ("made dedicated", _update),
        ("deleted with their tables", _delete),
    )
    for done, step in steps:
        seconds = _each(partial(step, place), codes)
        say(
            f"{count} stacks of sub-sites {done} in {seconds:.1f} s; {len(_stacks(place))} stacks, {_tables(place)}"
        )
    _check_empty(place)


def refuse(place: Place, *, say: Say) -> None:
    """A template that cannot be made, and a name that is taken: refused, and no orphan. Raises Stopped."""
    code = "fail"
    broken = template.load(_SUBSITE)
    broken["Resources"]["Impossible"] = _IMPOSSIBLE
    _expect(place, _asked(code) | {"TemplateBody": json.dumps(broken)}, "ValidationError")
    _check_empty(place)
    _create(place, code)
    _expect(place, _asked(code), "AlreadyExistsException")
    _delete(place, code)
    say("a template that cannot be made and a name that is taken are refused, and nothing is left of them")


def halfway(place: Place, *, say: Say) -> None:
    """Stacks that fail halfway, while they are made and while they are changed: what is left, and what is next.

    Raises Stopped.
    """
    began = time.monotonic()
    _made_halfway(place, "half")
    _changed_halfway(place, "chng")
    _check_empty(place)
    say(
        "a stack that fails halfway is rolled back and tells why, its table is told of, removed, and made by the next "
        f"try; an update that fails leaves the table as it was ({time.monotonic() - began:.1f} s); "
        f"0 stacks, {_tables(place)}"
    )


def fill(place: Place, *, say: Say) -> None:
    """An account without room for one more table: said as such, and made once there is room. Raises Stopped."""
    began = time.monotonic()
    room = 3
    codes = [f"ful{number}" for number in range(room + 1)]
    limits.impose(place, tables=len(_every(place)) + room)
    for code in codes[:room]:
        _create(place, code)
    _fails(place, codes[room], "LimitExceeded")
    limits.impose(place, tables=limits.Limits.tables)
    _remove_stack(place, codes[room])
    _create(place, codes[room])
    for code in codes:
        _delete(place, code)
    _check_empty(place)
    say(
        f"table {room + 1} of an account with room for {room} is refused for that reason and made once there is room "
        f"({time.monotonic() - began:.1f} s); 0 stacks, {_tables(place)}"
    )


def _made_halfway(place: Place, code: str) -> None:
    """Its table stands when the rest fails: the stack rolls back, the table is kept and in the way of the next try."""
    limits.impose(place, broken=(_table(code),))
    _fails(place, code, "Continuous backups")
    limits.impose(place, broken=())
    if _table(code) not in _listed(place):
        raise Stopped(f"The table {_table(code)} did not outlive its stack.")
    _remove_stack(place, code)
    _fails(place, code, "already exists")
    _remove_stack(place, code)
    _remove_table(place, code)
    _create(place, code)
    _delete(place, code)


def _changed_halfway(place: Place, code: str) -> None:
    _create(place, code)
    formation = cloud.client("cloudformation", place.cloud_url)
    limits.impose(place, broken=(_table(code),))
    formation.update_stack(**_asked(code, Tier="dedicated"))
    settled(place, _stack(code), "UPDATE_ROLLBACK_COMPLETE")
    limits.impose(place, broken=())
    (found,) = formation.describe_stacks(StackName=_stack(code))["Stacks"]
    if {"ParameterKey": "Tier", "ParameterValue": "dedicated"} in found["Parameters"]:
        raise Stopped(f"The stack of {code} keeps what it could not be given.")
    _update(place, code)
    _delete(place, code)


def _fails(place: Place, code: str, why: str) -> None:
    cloud.client("cloudformation", place.cloud_url).create_stack(**_asked(code))
    settled(place, _stack(code), "ROLLBACK_COMPLETE")
    if why not in reason(place, _stack(code)):
        raise Stopped(f"The stack of {code} failed for another reason: {reason(place, _stack(code))}")


def _remove_stack(place: Place, code: str) -> None:
    cloud.client("cloudformation", place.cloud_url).delete_stack(StackName=_stack(code))
    until(lambda: _stack(code) not in _stacks(place), what=f"the end of the stack of {code}")


def _expect(place: Place, asked: dict[str, Any], refusal: str) -> None:
    try:
        cloud.client("cloudformation", place.cloud_url).create_stack(**asked)
    except ClientError as refused:
        if refused.response["Error"]["Code"] == refusal:
            return
        raise
    raise Stopped(f"{asked['StackName']} was not refused with {refusal}.")


def _create(place: Place, code: str) -> None:
    cloud.client("cloudformation", place.cloud_url).create_stack(**_asked(code))
    outputs = settled(place, _stack(code), "CREATE_COMPLETE")
    if outputs["Table"] != _table(code):
        raise Stopped(f"The stack of {code} made the table {outputs['Table']}.")


def _update(place: Place, code: str) -> None:
    formation = cloud.client("cloudformation", place.cloud_url)
    formation.update_stack(**_asked(code, Tier="dedicated"))
    settled(place, _stack(code), "UPDATE_COMPLETE")


def _delete(place: Place, code: str) -> None:
    """As a site leaves: its stack goes and keeps the table, then the table goes."""
    cloud.client("cloudformation", place.cloud_url).delete_stack(StackName=_stack(code))
    if _table(code) not in _listed(place):
        raise Stopped(f"Deleting the stack of {code} took its table with it.")
    _remove_table(place, code)


def _remove_table(place: Place, code: str) -> None:
    database = cloud.client("dynamodb", place.cloud_url)
    if _table(code) in _listed(place):
        database.update_table(TableName=_table(code), DeletionProtectionEnabled=False)
        database.delete_table(TableName=_table(code))


def _each(step: Callable[[str], None], codes: Iterable[str]) -> float:
    """Take a step for each; the seconds it took."""
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(step, codes))
    return time.monotonic() - began


def _asked(code: str, **given: str) -> dict[str, Any]:
    named = {"Site": code, "TablePrefix": _PREFIX, **given}
    body = _SUBSITE.read_text()
    return {"StackName": _stack(code), "TemplateBody": body, "Parameters": parameters(named)}


def _check_empty(place: Place) -> None:
    if left := _stacks(place) | set(_listed(place)):
        raise Stopped(f"These were left behind: {', '.join(sorted(left))}.")


def _stacks(place: Place) -> set[str]:
    pages = cloud.client("cloudformation", place.cloud_url).get_paginator("list_stacks").paginate()
    found = [each for page in pages for each in page["StackSummaries"] if each["StackStatus"] != _GONE]
    return {each["StackName"] for each in found if each["StackName"].startswith(f"{_PREFIX}-")}


def _listed(place: Place) -> list[str]:
    return [name for name in _every(place) if name.startswith(f"{_PREFIX}-")]


def _every(place: Place) -> list[str]:
    pages = cloud.client("dynamodb", place.cloud_url).get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def _tables(place: Place) -> str:
    return f"{len(_listed(place))} tables"


def _stack(code: str) -> str:
    return f"{_PREFIX}-site-{code}"


_table = _stack  # a site's table is called as its stack
