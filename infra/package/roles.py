"""policies/*.json as CloudFormation: a role of its own for each function, and the tenant role's policy.

A policy file is an IAM document. `${AWS::…}`, `${TablePrefix}` and `${Resource.Arn}` in it are filled in by
CloudFormation at deployment; variables of IAM itself, `${aws:…}`, pass through untouched.
"""

import json
import re
from pathlib import Path
from typing import Any

_OURS = re.compile(r"\$\{(?!aws:)")
_IAM = re.compile(r"\$\{(?=aws:)")
_VERSION = "2012-10-17"


def document(policies: Path, name: str) -> Any:
    """The policy of a function (or "tenant"), as CloudFormation."""
    return _substituted(json.loads((policies / f"{name}.json").read_text()))


SEVERAL_CELLS = "SeveralCells"
_CELLS = {"ReachesCells": "functions", "OperatesCells": "provision_sites"}


def cells(policies: Path) -> dict[str, Any]:
    """What roles get besides where sites are spread over accounts: policies/cells."""
    return {
        name: {
            "Type": "AWS::IAM::ManagedPolicy",
            "Condition": SEVERAL_CELLS,
            "Properties": {"PolicyDocument": document(policies, f"cells/{file}")},
        }
        for name, file in _CELLS.items()
    }


def role(policies: Path, name: str, log_group: str) -> dict[str, Any]:
    """The role of a function: its policy, and leave to write its own log.

    The path is what the tenant role trusts: naming each role there would make a circle.
    """
    may_log = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": [log_group, "Arn"]},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Path": {"Fn::Sub": "/${TablePrefix}/functions/"},
            "AssumeRolePolicyDocument": {
                "Version": _VERSION,
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "ManagedPolicyArns": {"Fn::If": [SEVERAL_CELLS, _reach(name), {"Ref": "AWS::NoValue"}]},
            "Policies": [
                inline(name, document(policies, name)),
                inline("log", {"Version": _VERSION, "Statement": [may_log]}),
            ],
        },
    }


def _reach(name: str) -> list[dict[str, str]]:
    return [{"Ref": policy} for policy, file in _CELLS.items() if file in ("functions", name)]


def inline(name: str, content: Any) -> dict[str, Any]:
    """A policy inside a role."""
    return {"PolicyName": name, "PolicyDocument": content}


def _substituted(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _substituted(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_substituted(value) for value in node]
    if isinstance(node, str) and _OURS.search(node):
        return {"Fn::Sub": _IAM.sub("${!", node)}
    return node
