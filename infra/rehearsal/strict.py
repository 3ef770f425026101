"""The emulator, held to what AWS refuses; run by the emulator's own Python, in its place.

ministack makes a table of a stack whatever its name is and however many there are, without expiry, recovery and
encryption; it deletes one that is protected, and makes a stack over one that was rolled back. Here it answers as
CloudFormation does. What happens beyond that, an account without room or a resource that breaks, is written into a file
(limits.py) and read at each call. The clock of its schedules goes ahead by so many seconds, so that those of a day come
within one.
"""

import importlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LIMITS = Path(os.environ["CARDMESH_LIMITS"])
_TABLE = "AWS::DynamoDB::Table"
_MAPPING = "AWS::Lambda::EventSourceMapping"
_PROTECTED = "Resource cannot be deleted as it is currently protected against deletion."
_TICK = 1  # seconds between two looks at the schedules

Handler = Callable[..., Any]


def main() -> None:
    """Run it until it is stopped."""
    formation = "ministack.services.cloudformation"
    handlers = importlib.import_module(f"{formation}.provisioners")._RESOURCE_HANDLERS
    _hold_tables(handlers[_TABLE], importlib.import_module("ministack.services.dynamodb"))
    _number(handlers[_MAPPING])
    _hold_stacks(importlib.import_module(f"{formation}.handlers"), importlib.import_module(formation))
    _hurry(importlib.import_module("ministack.services.eventbridge"))
    importlib.import_module("ministack.app").main()


def _limits() -> dict[str, Any]:
    limits: dict[str, Any] = json.loads(_LIMITS.read_text())
    return limits


def _hold_tables(handlers: dict[str, Any], database: Any) -> None:
    create, update, delete = (handlers[verb] for verb in ("create", "update", "delete"))
    tables: dict[str, Any] = database._tables

    def make(logical: str, given: dict[str, Any], stack: str) -> Any:
        name, limits = given["TableName"], _limits()
        if name in tables:
            raise _refusal(f"{name} already exists", "AlreadyExists")
        if len(tables) >= limits["tables"]:
            raise _refusal(f"Subscriber limit exceeded: {limits['tables']} tables", "ServiceLimitExceeded")
        made = create(logical, given, stack)
        _break(name, limits)
        _settle(database, given)
        return made

    def change(physical: str, old: dict[str, Any], new: dict[str, Any], *more: Any) -> Any:
        _break(physical, _limits())
        return update(physical, old, new, *more)

    def remove(physical: str, given: dict[str, Any]) -> None:
        if tables.get(physical, {}).get("DeletionProtectionEnabled"):
            raise _refusal(_PROTECTED, "GeneralServiceException")
        delete(physical, given)

    handlers |= {"create": make, "update": change, "delete": remove}


def _number(handlers: dict[str, Any]) -> None:
    """A parameter is text, which CloudFormation makes a number where a resource wants one."""
    create = handlers["create"]

    def make(logical: str, given: dict[str, Any], stack: str) -> Any:
        if scaling := given.get("ScalingConfig"):
            given = {**given, "ScalingConfig": {name: int(text) for name, text in scaling.items()}}
        return create(logical, given, stack)

    handlers["create"] = make


def _settle(database: Any, given: dict[str, Any]) -> None:
    """What the table of a template is given once it stands."""
    named = {"TableName": given["TableName"]}
    for part, verb in (
        ("TimeToLiveSpecification", database._update_ttl),
        ("PointInTimeRecoverySpecification", database._update_continuous_backups),
    ):
        if part in given:
            verb({**named, part: given[part]})
    asked = {"Enabled": given.get("SSESpecification", {}).get("SSEEnabled", False)}
    encrypted = database._sse_description_from_spec(asked)
    database._tables[given["TableName"]]["SSEDescription"] = encrypted


def _break(name: str, limits: dict[str, Any]) -> None:
    if any(name.startswith(each) for each in limits["broken"]):
        raise _refusal("Continuous backups could not be changed", "GeneralServiceException")


def _refusal(sentence: str, code: str) -> ValueError:
    """As handlers of resources answer. Source: CloudFormation CLI user guide, "Handler error codes"."""
    return ValueError(f'Resource handler returned message: "{sentence}" (HandlerErrorCode: {code})')


def _hold_stacks(handlers: Any, formation: Any) -> None:
    """A stack that was rolled back keeps its name until it is deleted."""
    create = handlers._create_stack

    def make(params: dict[str, Any]) -> Any:
        name = handlers._p(params, "StackName")
        stands = formation._stacks.get(name) or {}
        if stands.get("StackStatus") == "ROLLBACK_COMPLETE":
            return handlers._error("AlreadyExistsException", f"Stack [{name}] already exists")
        return create(params)

    handlers._ACTION_HANDLERS["CreateStack"] = make


def _hurry(schedules: Any) -> None:
    schedules._SCHEDULER_TICK_INTERVAL = _TICK
    schedules._now_ts = lambda: time.time() + _limits()["ahead"]


if __name__ == "__main__":
    main()
