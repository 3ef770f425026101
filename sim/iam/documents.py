"""The policies as they stand after deployment: names of resources filled in, variables of IAM left alone."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from infra.package import template

from .evaluate import Policy

POLICIES = Path(__file__).parents[2] / "policies"
OPERATOR = "operator"  # of a cell
QUEUES = ("Fulfil", "Settle", "Timer", "Refund", "Reconcile", "Provision", "Publish", "Payout")
TABLES = "arn:aws:dynamodb:eu-west-1:111122223333:table/"
MAIN = f"{TABLES}cardmesh-main"
STACKS = "arn:aws:cloudformation:eu-west-1:111122223333:stack/"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
PARAMETERS = "arn:aws:ssm:eu-west-1:111122223333:parameter/cardmesh/"
TENANT = "arn:aws:iam::111122223333:role/tenant"
QUEUE_ARNS = {name: f"arn:aws:sqs:eu-west-1:111122223333:cardmesh-{name.lower()}" for name in QUEUES}

_FILLED = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "TablePrefix": "cardmesh",
    "MainTable.Arn": MAIN,
    "Key.Arn": KEY,
    "TenantRole.Arn": TENANT,
    **{f"{name}Queue.Arn": arn for name, arn in QUEUE_ARNS.items()},
    **{f"{name}DeadLetters.Arn": f"{arn}-dead" for name, arn in QUEUE_ARNS.items()},
}


def filled(text: str) -> str:
    """A text with the deployment's names in it. Raises KeyError for a name that no deployment has."""
    return re.sub(r"\$\{(?!aws:|!)([^}]+)\}", lambda found: _FILLED[found[1]], text)


@cache
def policy(name: str) -> Policy:
    """One policy by the name of its file."""
    if name == OPERATOR:
        return _operator()
    found: Policy = json.loads(filled((POLICIES / f"{name}.json").read_text()))
    return found


def _operator() -> Policy:
    """What the role that opens and moves the sites of a cell may, of infra/cell.yaml."""
    role = template.load(POLICIES.parent / "infra/cell.yaml")["Resources"]["OperatorRole"]
    found: Policy = _plain(role["Properties"]["Policies"][0]["PolicyDocument"])
    return found


@cache
def trust() -> Policy:
    """Who may act for which site: the tenant role's trust policy, of infra/main.yaml."""
    role = template.load(POLICIES.parent / "infra/main.yaml")["Resources"]["TenantRole"]
    found: Policy = _plain(role["Properties"]["AssumeRolePolicyDocument"])
    return found


def _plain(node: Any) -> Any:
    """A template without its only function here, Fn::Sub, in which `${!x}` stands for `${x}` itself."""
    if isinstance(node, dict):
        return (
            filled(node["Fn::Sub"]).replace("${!", "${")
            if "Fn::Sub" in node
            else {k: _plain(v) for k, v in node.items()}
        )
    return [_plain(one) for one in node] if isinstance(node, list) else node


def functions() -> list[str]:
    """The functions that have a policy of their own."""
    return sorted(path.stem for path in POLICIES.glob("*.json") if path.stem != "tenant")
