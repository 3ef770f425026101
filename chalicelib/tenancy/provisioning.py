"""A sub-site comes up: registry row → stack of infra/subsite.yaml → data key → active.

Every step reads the state it starts from and may be killed and repeated: CreateStack is asked for under the site's
own name, the key is written once, the last step opens the doors. A stack that failed is told with its reason; where
an account is full, of stacks or of tables, the site goes to another or waits for room. CloudFormation answers few calls
a second for a whole account: whoever is told to slow down comes again later, and a stack that takes long is looked at
seldom, so that others may ask, too.
"""

from botocore.exceptions import ClientError

from chalicelib.kit import log, queue, vault

from . import cells as rooms
from . import rules, service, stacks


def advance(code: str, *, now: int) -> None:
    """Take the next step for a site; sends itself another message while the stack is being made."""
    site = service.site(code, fresh=True)
    if site.state not in ("asked", "creating"):
        return
    wait = rules.look_again(code, now - site.opened_at)
    try:
        _step(code, site.state, wait)
    except rooms.Crowded:
        queue.send("provision", site=code, delay=wait)
    except ClientError as error:
        if error.response["Error"]["Code"] not in stacks.TOO_FAST:
            raise
        queue.send("provision", site=code, delay=wait)


def _step(code: str, state: str, wait: int) -> None:
    status = (state == "creating" and _status(code)) or _create(code)
    if status == service.QUOTA:
        _full(code)
    elif status in stacks.DONE:
        _finish(code)
    elif status in stacks.FAILED:
        _failed(code, status)
    elif status == stacks.LEFT:
        _clear(code, wait)
    else:
        service.move(code, "creating", expected=("asked",))
        queue.send("provision", site=code, delay=wait)


def _create(code: str) -> str:
    if not rooms.assign(code):
        return service.QUOTA
    site = service.site(code)
    return stacks.create(site, site.cell)


def _status(code: str) -> str:
    return stacks.status(code, service.site(code).cell)


def _clear(code: str, wait: int) -> None:
    """A retry begins by removing what the failed attempt left."""
    stacks.delete(code, service.site(code).cell)
    queue.send("provision", site=code, delay=wait)


def _failed(code: str, status: str) -> None:
    why = stacks.why(code, service.site(code).cell)
    if why == service.QUOTA:
        _full(code)
    else:
        _give_up(code, status, why or f"The stack ended in {status}.")


def _full(code: str) -> None:
    """Where one account has no room, another may; what failed is removed before the site goes there."""
    cell = rooms.elsewhere(code)
    if not cell:
        _give_up(code, service.QUOTA, service.QUOTA)
        return
    stacks.delete(code, service.site(code).cell)
    rooms.change(code, cell)
    queue.send("provision", site=code)


def _give_up(code: str, status: str, note: str) -> None:
    if service.move(code, "failed", expected=("asked", "creating"), note=note):
        log.alarm("tenancy.provisioning_failed", site=code, status=status)


def _finish(code: str) -> None:
    """The shelf's message goes first: whoever dies before the doors open comes here again."""
    vault.make_key(code)
    queue.send("publish", site=code)
    if service.move(code, "active", expected=("asked", "creating")):
        log.event("tenancy.opened", site=code)
