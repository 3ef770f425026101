"""The stack of a sub-site, in the account of a cell."""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import cells, config, table, tenant

from .record import Site
from .states import QUOTA, TAKEN

_FULL = ("LimitExceededException", "LimitExceeded")
# What a resource tells of why it was not made. Source: CloudFormation CLI user guide, "Handler error codes".
_TOLD = {"LimitExceeded": QUOTA, "AlreadyExists": TAKEN, "already exists": TAKEN}
FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
TOO_FAST = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")


def create(site: Site, cell: str) -> str:
    """Ask for a site's stack, unless it is there; its status, or QUOTA where the account has no room."""
    template = config.load().subsite_template
    body = {"TemplateURL": template} if template.startswith("http") else {"TemplateBody": template}
    try:
        cells.operator("cloudformation", cell).create_stack(
            StackName=name_of(site.site),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": text} for name, text in site.parameters.items()
            ],
            Tags=[{"Key": "site", "Value": site.site}],
            **body,
        )
    except ClientError as error:
        refusal = error.response["Error"]["Code"]
        if refusal in _FULL:
            return QUOTA
        if refusal != "AlreadyExistsException":
            raise
    return status(site.site, cell)


def status(code: str, cell: str) -> str:
    """The stack's status; empty where there is no stack."""
    try:
        found: dict[str, Any] = cells.operator("cloudformation", cell).describe_stacks(
            StackName=name_of(code)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return ""
    return str(found["Stacks"][0]["StackStatus"])


def why(code: str, cell: str) -> str:
    """Why a stack could not be made: QUOTA, TAKEN, or in the words of its first resource that failed, if any."""
    events = cells.operator("cloudformation", cell).describe_stack_events(StackName=name_of(code))
    told = [
        each.get("ResourceStatusReason", "")
        for each in events["StackEvents"]
        if each["ResourceStatus"] == "CREATE_FAILED" and each["LogicalResourceId"] != each["StackName"]
    ]
    reason = str(told[-1]) if told else ""  # the newest comes first, and what fails later fails because of it
    return next((kind for sign, kind in _TOLD.items() if sign in reason), reason)


def delete(code: str, cell: str) -> None:
    """Ask for a stack to go; its table stays, as the template says."""
    cells.operator("cloudformation", cell).delete_stack(StackName=name_of(code))


def name_of(code: str) -> str:
    """What a site's stack is called."""
    return f"{table.name_of(tenant.MAIN).removesuffix('-main')}-site-{code}"
