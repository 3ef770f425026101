"""The stacks of sub-sites, as CloudFormation has them and as this release wants them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from chalice.package import YAMLTemplateSerializer

from chalicelib.kit import shape, table
from chalicelib.tenancy import service as tenancy

from . import place

GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_TOO_FAST = ("Throttling", "ThrottlingException", "RequestLimitExceeded")
_BUSY = "_IN_PROGRESS"
_GONE = "DELETE_COMPLETE"


@dataclass(frozen=True)
class Stack:
    """A sub-site's stack; `template` is its canonical JSON."""

    status: str
    template: str
    parameters: dict[str, str]

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith(_BUSY)

    def fits(self, code: str) -> bool:
        """Whether it is what this release wants of a site."""
        return self.status in GOOD and self.template == wanted() and self.parameters == parameters(code)


def wanted() -> str:
    """The template as this release has it, canonical."""
    return canonical(place.template())


def release() -> str:
    """What this release of tables is called: the beginning of the digest of its template and its rows' shape."""
    return hashlib.sha256(f"{shape.KNOWN} {wanted()}".encode()).hexdigest()[:12]


def parameters(code: str) -> dict[str, str]:
    """What a site's stack is given."""
    return tenancy.site(code, fresh=True).parameters


def look(code: str) -> Stack | None:
    """A site's stack as it is; None where there is none."""
    formation = place.client_for("cloudformation", code)
    try:
        found = formation.describe_stacks(StackName=table.name_of(code))["Stacks"][0]
        body = formation.get_template(StackName=table.name_of(code))["TemplateBody"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    given = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    return Stack(found["StackStatus"], canonical(body), given)


def update(code: str, *, release: bool = True) -> str:
    """Have a site's stack given what the registry says, and brought to this release; why that cannot be, or nothing."""
    body: dict[str, Any] = {"TemplateBody": place.template()} if release else {"UsePreviousTemplate": True}
    try:
        place.client_for("cloudformation", code).update_stack(
            StackName=table.name_of(code),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": text} for name, text in parameters(code).items()
            ],
            Tags=[{"Key": "site", "Value": code}],
            **body,
        )
    except ClientError as error:
        told = error.response["Error"]
        passes = told["Code"] in _TOO_FAST or _BUSY in told["Message"] or "No updates" in told["Message"]
        return "" if passes else told["Message"]
    return ""


def holds_rows(code: str) -> bool:
    """Whether there is anything in a site's table."""
    found = place.client_for("dynamodb", code).scan(
        TableName=table.name_of(code), Limit=1, ConsistentRead=True
    )
    return bool(found["Items"])


def names(cell: str) -> Iterator[str]:
    """The stacks in a cell's account whose names are those of sub-sites."""
    formation, prefix = place.client_in("cloudformation", cell), table.name_of("")
    pages = formation.get_paginator("list_stacks").paginate()
    for each in (stack for page in pages for stack in page["StackSummaries"]):
        if each["StackName"].startswith(prefix) and each["StackStatus"] != _GONE:
            yield each["StackName"]


def canonical(body: Any) -> str:
    """A template without its layout and its words, which functions do not carry: text, or as the SDK read it."""
    from infra.package import template as package

    read = YAMLTemplateSerializer().load_template(body, "subsite.yaml") if isinstance(body, str) else body
    return json.dumps(package.wordless(read), sort_keys=True, separators=(",", ":"))
