"""Stacks: those of sub-sites in the accounts of cells, and how any is asked for."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import aws, cells, config, table, tenant

from .record import Site
from .states import QUOTA, TAKEN

_FULL = ("LimitExceededException", "LimitExceeded")
# What a resource tells of why it was not made. Source: CloudFormation CLI user guide, "Handler error codes".
_TOLD = {"LimitExceeded": QUOTA, "AlreadyExists": TAKEN, "already exists": TAKEN}
FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
LEFT = "LEFT"  # what a failed attempt left, which has the name until it is deleted
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
TOO_FAST = aws.TOO_FAST


def create(site: Site, cell: str) -> str:
    """Ask for a site's stack, unless it is there; its status, QUOTA where there is no room, LEFT of one that failed."""
    formation, body = cells.operator("cloudformation", cell), config.load().subsite_template
    return ask(formation, name_of(site.site), body, site.parameters, site=site.site) or status(
        site.site, cell
    )


def status(code: str, cell: str) -> str:
    """The status of a site's stack; empty where there is no stack."""
    return status_of(cells.operator("cloudformation", cell), name_of(code))


def ask(formation: Any, name: str, template: str, parameters: Mapping[str, str], *, site: str) -> str:
    """Ask for a stack about a site, of a body or the address of one, unless it is there.

    Nothing where it was asked for, or stands; QUOTA where there is no room, LEFT where one that failed has the name.
    """
    body = {"TemplateURL": template} if template.startswith("http") else {"TemplateBody": template}
    given = [{"ParameterKey": key, "ParameterValue": text} for key, text in parameters.items()]
    try:
        formation.create_stack(
            StackName=name, Parameters=given, Tags=[{"Key": "site", "Value": site}], **body
        )
    except ClientError as error:
        refusal = error.response["Error"]["Code"]
        if refusal in _FULL:
            return QUOTA
        if refusal != "AlreadyExistsException":
            raise
        return LEFT if status_of(formation, name) in FAILED else ""
    return ""


def status_of(formation: Any, name: str) -> str:
    """A stack's status; empty where there is no stack."""
    try:
        found: dict[str, Any] = formation.describe_stacks(StackName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return ""
    return str(found["Stacks"][0]["StackStatus"])


def why(code: str, cell: str) -> str:
    """Why a stack could not be made: QUOTA, TAKEN, or in the words of its first resource that failed, if any."""
    reason = reason_of(cells.operator("cloudformation", cell), name_of(code))
    return next((kind for sign, kind in _TOLD.items() if sign in reason), reason)


def reason_of(formation: Any, name: str) -> str:
    """What CloudFormation says of a stack's first resource that failed; empty where none did."""
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    told = [
        each.get("ResourceStatusReason", "")
        for each in events
        if each["ResourceStatus"] == "CREATE_FAILED" and each["LogicalResourceId"] != each["StackName"]
    ]
    return str(told[-1]) if told else ""  # the newest comes first, and what fails later fails because of it


def delete(code: str, cell: str) -> None:
    """Ask for a stack to go; its table stays, as the template says."""
    cells.operator("cloudformation", cell).delete_stack(StackName=name_of(code))


def name_of(code: str) -> str:
    """What a site's stack is called."""
    return f"{table.name_of(tenant.MAIN).removesuffix('-main')}-site-{code}"
