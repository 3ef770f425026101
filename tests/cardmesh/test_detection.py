"""What CloudFormation says of a stack is told beside what the command compares itself."""

from collections import deque

import pytest
from botocore.exceptions import ClientError

from cardmesh import detection, drift, place
from chalicelib.kit import table

DRIFTED = [
    {"LogicalResourceId": "Gone", "StackResourceDriftStatus": "DELETED"},
    {
        "LogicalResourceId": "Table",
        "StackResourceDriftStatus": "MODIFIED",
        "PropertyDifferences": [
            {
                "PropertyPath": "/DeletionProtectionEnabled",
                "ExpectedValue": "true",
                "ActualValue": "false",
                "DifferenceType": "NOT_EQUAL",
            }
        ],
    },
]


class Formation:
    """CloudFormation that detects drift after some looks."""

    def __init__(self, *states, drifts=(), refusal=""):
        self.asked, self._drifts, self._refusal = [], drifts, refusal
        self._states = deque({"DetectionStatus": state} for state in states)
        self.reason = {}

    def detect_stack_drift(self, *, StackName):  # noqa: N803  the SDK's name
        if self._refusal:
            raise ClientError({"Error": {"Code": self._refusal, "Message": "no"}}, "DetectStackDrift")
        self.asked.append(StackName)
        return {"StackDriftDetectionId": "d-1"}

    def describe_stack_drift_detection_status(self, *, StackDriftDetectionId):  # noqa: N803
        assert StackDriftDetectionId == "d-1"
        return (self._states.popleft() if len(self._states) > 1 else self._states[0]) | self.reason

    def describe_stack_resource_drifts(self, *, NextToken="0", **_):  # noqa: N803
        at = int(NextToken)
        more = {"NextToken": str(at + 1)} if at + 1 < len(self._drifts) else {}
        return {"StackResourceDrifts": list(self._drifts[at : at + 1]), **more}


@pytest.fixture
def plays(shop, monkeypatch):
    """Have CloudFormation be another; settings compared by hand are all well."""

    def play(formation):
        monkeypatch.setattr(detection, "_LOOK", 0)
        monkeypatch.setattr(place, "client_in", lambda _service, _cell: formation)
        monkeypatch.setattr(drift, "of_site", lambda _: iter(()))
        monkeypatch.setattr(drift, "_nobodys", lambda _: iter(()))
        return formation

    return play


def test_what_it_finds_is_said_resource_by_resource(cardmesh, plays, shop):
    formation = plays(Formation("DETECTION_IN_PROGRESS", "DETECTION_COMPLETE", drifts=DRIFTED))
    said = cardmesh("drift --site demo --detect --json")
    name = table.name_of(shop.site)
    assert said.code == 1
    assert said.rows == [
        {"site": name, "setting": "Gone", "is": "deleted", "should be": "there"},
        {"site": name, "setting": "Table/DeletionProtectionEnabled", "is": "false", "should be": "true"},
    ]
    assert formation.asked == [name]


def test_a_stack_in_sync_is_said_to_be_well(cardmesh, plays):
    plays(Formation("DETECTION_COMPLETE"))
    assert cardmesh("drift --site demo --detect").out == "1 sites are as they should be.\n"


def test_without_a_site_the_main_stack_is_looked_at(cardmesh, plays, monkeypatch):
    formation = plays(Formation("DETECTION_COMPLETE"))
    said = cardmesh("drift --detect")
    assert said.wrong == "Name a site, or the deployment's stack with --stack or CARDMESH_STACK.\n"
    monkeypatch.setattr(place, "stack", lambda: "cardmesh")
    assert cardmesh("drift --detect").code == 0
    assert formation.asked == ["cardmesh"]


def test_what_could_not_be_detected_is_said_beside_what_could(cardmesh, plays):
    formation = plays(Formation("DETECTION_FAILED", drifts=DRIFTED[:1]))
    formation.reason = {"DetectionStatusReason": "Failed to detect drift on resources [Table]"}
    found = cardmesh("drift --site demo --detect --json").rows
    assert [(row["setting"], row["is"]) for row in found] == [
        ("detection", "Failed to detect drift on resources [Table]"),
        ("Gone", "deleted"),
    ]


def test_where_cloudformation_cannot_a_sentence_says_so(cardmesh, plays):
    plays(Formation(refusal="InvalidAction"))
    said = cardmesh("drift --site demo --detect")
    assert (said.code, said.wrong.split(";")[0]) == (
        3,
        "CloudFormation here cannot detect drift (InvalidAction)",
    )
    plays(Formation(refusal="AccessDenied"))
    assert cardmesh("drift --site demo --detect").wrong == "AWS refused DetectStackDrift: AccessDenied: no\n"


def test_what_takes_too_long_is_given_up(cardmesh, plays, world, monkeypatch):
    formation = plays(Formation("DETECTION_IN_PROGRESS"))
    real = formation.describe_stack_drift_detection_status

    def slowly(**given):
        world.now += detection._PATIENCE
        return real(**given)

    monkeypatch.setattr(formation, "describe_stack_drift_detection_status", slowly)
    assert cardmesh("drift --site demo --detect").wrong == (
        "CloudFormation still detects drift after 900 s: d-1.\n"
    )
