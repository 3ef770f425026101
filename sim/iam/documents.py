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
OF_CELLS = ("cells/functions", "cells/provision_sites")  # what is attached besides where there are several
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
    return deployed(written(name))


def written(name: str) -> Policy:
    """One policy as its file has it, names of resources not filled in."""
    if name == OPERATOR:
        return of_role("cell", "OperatorRole")
    found: Policy = json.loads((POLICIES / f"{name}.json").read_text())
    return found


def deployed(document: Policy) -> Policy:
    """A policy with the deployment's names in it."""
    found: Policy = json.loads(filled(json.dumps(document)))
    return found


def attached(function: str, *, cells: bool) -> tuple[str, ...]:
    """The policies of a function's role or of a cell's operator, by name; with several cells also what reaches them."""
    if function == OPERATOR or not cells:
        return (function,)
    beyond = [name for name in OF_CELLS if name in {"cells/functions", f"cells/{function}"}]
    return (function, *beyond)


def of_role(file: str, role: str) -> Policy:
    """The first policy that a template of infra/ writes into a role, names of resources not filled in."""
    found = template.load(POLICIES.parent / f"infra/{file}.yaml")["Resources"][role]
    document: Policy = _plain(found["Properties"]["Policies"][0]["PolicyDocument"])
    return document


@cache
def trust() -> Policy:
    """Who may act for which site: the tenant role's trust policy, of infra/main.yaml."""
    role = template.load(POLICIES.parent / "infra/main.yaml")["Resources"]["TenantRole"]
    return deployed(_plain(role["Properties"]["AssumeRolePolicyDocument"]))


def _plain(node: Any) -> Any:
    """A template without its only function here, Fn::Sub, in which `${!x}` stands for `${x}` itself."""
    if isinstance(node, dict):
        return (
            node["Fn::Sub"].replace("${!", "${")
            if "Fn::Sub" in node
            else {k: _plain(v) for k, v in node.items()}
        )
    return [_plain(one) for one in node] if isinstance(node, list) else node


def functions() -> list[str]:
    """The functions that have a policy of their own."""
    return sorted(path.stem for path in POLICIES.glob("*.json") if path.stem != "tenant")
