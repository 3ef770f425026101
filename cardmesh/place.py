"""Which deployment the command works on: that of a stack, by its outputs and parameters, or that of the environment.

It works with the operator's own credentials, sites' tables included; in another cell as functions do, with its role
that acts for one site and the one of its operators (infra/cell.yaml).
"""

import json
import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.kit import aws, cells, config

from .shown import Stopped

_TEMPLATE = Path(__file__).parents[1] / "infra/subsite.yaml"
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_HIDDEN = "****"  # CloudFormation's words for a parameter that nobody may see


def connect(name: str) -> None:
    """Have the shop's code work on the deployment of a stack; without a name, on that of the environment.

    Raises Stopped.
    """
    if name:
        os.environ.update(_settings(_described(name)))
        os.environ["CARDMESH_STACK"] = name
        os.environ.pop("TENANT_ROLE", None)
        config.load.cache_clear()
    try:
        config.load()
    except config.Misconfigured as missing:
        raise Stopped(f"Name the deployment's stack with --stack or CARDMESH_STACK: {missing}.") from None


def stack() -> str:
    """The deployment's main stack; empty where the environment alone says what there is."""
    return os.environ.get("CARDMESH_STACK", "")


def deployed_at() -> int:
    """When the named stack was last deployed, seconds UTC; 0 where none is named."""
    if not stack():
        return 0
    found = _described(stack())
    return int(found.get("LastUpdatedTime", found["CreationTime"]).timestamp())


@cache
def client(service: str) -> Any:  # botocore builds its clients at run time
    """A client of a service that no function uses."""
    return botocore.session.Session().create_client(service, region_name=config.load().region)


def enter(names: Iterable[str]) -> None:
    """See that the sites of these cells can be reached, before anything is done. Raises Stopped."""
    for name in sorted(set(names) - {cells.HOME}):
        known = config.load().cells.get(name)
        if known is None or not (known.tenant_role and known.operator_role):
            raise Stopped(f"The deployment's Cells names no roles in the cell {name}, where some sites are.")
        try:
            cells.operator("sts", name).get_caller_identity()
        except ClientError as error:
            told = error.response["Error"]
            raise Stopped(
                f"The cell {name} lets in whom its infra/cell.yaml names as People. {told['Code']}: {told['Message']}"
            ) from None


def client_for(service: str, code: str) -> Any:
    """A client for what a site has: with one's own credentials, in another cell by the role of its operators."""
    return client_in(service, cells.place_of(code).cell)


def client_in(service: str, cell: str) -> Any:
    """The same for all sites of a cell."""
    return aws.client(service) if cell == cells.HOME else cells.operator(service, cell)


@cache
def template() -> str:
    """The template of a sub-site as this release has it, in JSON of one line."""
    from infra.package import template as package

    return json.dumps(package.load(_TEMPLATE), separators=(",", ":"))


def _described(name: str) -> dict[str, Any]:
    try:
        found = aws.client("cloudformation").describe_stacks(StackName=name)
    except (BotoCoreError, ClientError) as error:
        raise Stopped(f"The stack {name} cannot be read: {error}") from None
    described: dict[str, Any] = found["Stacks"][0]
    return described


def _settings(main: dict[str, Any]) -> dict[str, str]:
    """The environment of the functions, from what their stack was given and says of itself.

    SplitAfter is SPLIT_AFTER there; what a queue or the key is called is known to the stack alone.
    """
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in main.get("Parameters", [])}
    told = {each["OutputKey"]: each["OutputValue"] for each in main.get("Outputs", [])}
    if "MainTable" not in told:
        raise Stopped(f"{main['StackName']} is no main stack of CardMesh.")
    settings = {_WORD.sub("_", name).upper(): text for name, text in given.items() if text != _HIDDEN}
    queues = {f"QUEUE_{name.upper()}": told[f"Queue{name.capitalize()}"] for name in config.QUEUES}
    return {
        **settings,
        **queues,
        "TABLE_PREFIX": told["MainTable"].removesuffix("-main"),
        "SITE_DOMAIN": told["MainHost"].removeprefix("main."),
        "KEY_ID": told["KeyId"],
        "SUBSITE_TEMPLATE": template(),
    }
