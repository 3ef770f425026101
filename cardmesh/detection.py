"""What CloudFormation itself says of a stack: `cardmesh drift --detect`.

It looks at every resource whose kind it can read, at what the template sets and at nothing else; what a restored table
lacks it sees as well as the comparison setting by setting, which needs no such service.
"""

import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import clock

from . import place, shown

_LOOK = 2.0  # seconds between two looks at what is under way
_PATIENCE = 900  # seconds: large stacks take minutes
_ABSENT = frozenset(
    {"InvalidAction", "UnknownOperationException", "InternalFailure", "NotImplemented", "404", "500", "501"}
)


def of_stack(name: str, cell: str) -> Iterator[shown.Found]:
    """Where a stack's resources differ from its template, as CloudFormation sees it. Raises Stopped."""
    formation = place.client_in("cloudformation", cell)
    ended = _waited(formation, _begun(formation, name))
    if ended["DetectionStatus"] == "DETECTION_FAILED":
        why = ended.get("DetectionStatusReason", "no reason given")
        yield shown.differing(name, "detection", why, "complete")
    for resource in _resources(formation, name):
        yield from _differences(name, resource)


def _resources(formation: Any, name: str) -> Iterator[dict[str, Any]]:
    """Those that differ, page by page, for which the SDK has no paginator."""
    asked: dict[str, Any] = {"StackName": name, "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    while True:
        page = formation.describe_stack_resource_drifts(**asked)
        yield from page["StackResourceDrifts"]
        if not page.get("NextToken"):
            return
        asked["NextToken"] = page["NextToken"]


def _begun(formation: Any, name: str) -> str:
    try:
        return str(formation.detect_stack_drift(StackName=name)["StackDriftDetectionId"])
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] not in _ABSENT:
            raise
        raise shown.Stopped(
            f"CloudFormation here cannot detect drift ({told['Code']}); what is above was compared without it."
        ) from None


def _waited(formation: Any, detection: str) -> dict[str, Any]:
    until = clock.now() + _PATIENCE
    while True:
        found: dict[str, Any] = formation.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return found
        if clock.now() >= until:
            raise shown.Stopped(f"CloudFormation still detects drift after {_PATIENCE} s: {detection}.")
        time.sleep(_LOOK)


def _differences(name: str, resource: dict[str, Any]) -> Iterator[shown.Found]:
    logical = resource["LogicalResourceId"]
    if resource["StackResourceDriftStatus"] == "DELETED":
        yield shown.differing(name, logical, "deleted", "there")
    for one in resource.get("PropertyDifferences", []):
        setting = f"{logical}{one['PropertyPath']}"
        yield shown.differing(name, setting, one.get("ActualValue", ""), one.get("ExpectedValue", ""))
