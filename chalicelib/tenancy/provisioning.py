"""A sub-site comes up: registry row → stack of infra/subsite.yaml → data key → active.

Every step reads the state it starts from and may be killed and repeated: CreateStack is asked for under the site's
own name, the key is written once, the last step opens the doors. CloudFormation answers few calls a second for a
whole account, so thousands of sites at once look seldom, and whoever is told to slow down comes again later.
"""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import cells, config, log, queue, table, tenant, vault

from . import cells as rooms
from . import rules, service

_FULL = ("LimitExceededException", "LimitExceeded")
_FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_TOO_FAST = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")


def advance(code: str, *, now: int) -> None:
    """Take the next step for a site; sends itself another message while the stack is being made."""
    site = service.site(code, fresh=True)
    if site.state not in ("asked", "creating"):
        return
    wait = rules.look_again(code, now - site.opened_at)
    try:
        _step(code, site.state, wait)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _TOO_FAST:
            raise
        queue.send("provision", site=code, delay=wait)


def _step(code: str, state: str, wait: int) -> None:
    status = (state == "creating" and _status(code)) or _create(code)
    if status == service.QUOTA:
        _give_up(code, status, status)
    elif status in _DONE:
        _finish(code)
    elif status in _FAILED and state == "creating":
        _give_up(code, status, f"The stack ended in {status}.")
    elif status in _FAILED:
        _clear(code, wait)
    else:
        service.move(code, "creating", expected=("asked",))
        queue.send("provision", site=code, delay=wait)


def _create(code: str) -> str:
    if not rooms.assign(code):
        return service.QUOTA
    template = config.load().subsite_template
    body = {"TemplateURL": template} if template.startswith("http") else {"TemplateBody": template}
    try:
        _formation(code).create_stack(
            StackName=_stack(code),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": text}
                for name, text in service.site(code).parameters.items()
            ],
            Tags=[{"Key": "site", "Value": code}],
            **body,
        )
    except ClientError as error:
        refusal = error.response["Error"]["Code"]
        if refusal in _FULL:
            return service.QUOTA
        if refusal != "AlreadyExistsException":
            raise
    return _status(code)


def _status(code: str) -> str:
    """The stack's status; empty where there is no stack."""
    try:
        found: dict[str, Any] = _formation(code).describe_stacks(StackName=_stack(code))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return ""
    return str(found["Stacks"][0]["StackStatus"])


def _clear(code: str, wait: int) -> None:
    """A retry begins by removing what the failed attempt left."""
    _formation(code).delete_stack(StackName=_stack(code))
    queue.send("provision", site=code, delay=wait)


def _give_up(code: str, status: str, note: str) -> None:
    if service.move(code, "failed", expected=("asked", "creating"), note=note):
        log.alarm("tenancy.provisioning_failed", site=code, status=status)


def _finish(code: str) -> None:
    """The shelf's message goes first: whoever dies before the doors open comes here again."""
    vault.make_key(code)
    queue.send("publish", site=code)
    if service.move(code, "active", expected=("asked", "creating")):
        log.event("tenancy.opened", site=code)


def _formation(code: str) -> Any:
    """CloudFormation in the account of the site's cell."""
    return cells.operator("cloudformation", service.site(code).cell)


def _stack(code: str) -> str:
    return f"{table.name_of(tenant.MAIN).removesuffix('-main')}-site-{code}"
