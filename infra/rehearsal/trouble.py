"""What goes wrong with a sub-site's stack, as people see it: staff on its page, an operator at the shell, shoppers.

Everything goes through what was deployed: the console asks, ProvisionSites reads what CloudFormation says, TendSites
tries again by its schedule.
"""

import json
import time

from localcloud import cloud, demo
from localcloud.place import Place
from localcloud.terminal import Stopped

from . import limits, operator, schedules
from .deployed import Say, settled, until
from .story import Visitor, ask_for, comes_to

_SITES = "cardmesh-site-"  # begins the names of sub-sites' tables and stacks


def halfway(place: Place, *, say: Say) -> None:
    """A stack that breaks once its table stands, then an update that breaks. Raises Stopped."""
    began = time.monotonic()
    with Visitor(place, "main") as staff:
        staff.sign_in(*demo.STAFF)
        limits.impose(place, broken=(_SITES,))
        path = ask_for(staff, "halfway")
        comes_to(staff, path, "failed", "Continuous backups")
        _shows(staff, path, "没有建成")
        limits.impose(place, broken=())
        staff.send(f"{path}/retry")
        comes_to(staff, path, "failed", "taken")
        _shows(staff, path, "cardmesh sites tidy")
        operator.ask(place, "sites tidy halfway --yes")
        comes_to(staff, path, "active")
    say(
        f"a stack broke halfway: the page said why, a retry met its table, `cardmesh sites tidy` removed it, the site "
        f"opened ({time.monotonic() - began:.1f} s); {count(place)}"
    )
    _changed(place, path.rpartition("/")[2], say)


def full(place: Place, *, say: Say) -> None:
    """There is no room for one more table: said so, tried again each hour, made once there is room. Raises Stopped."""
    began = time.monotonic()
    limits.impose(place, tables=len(_tables(place)))
    with Visitor(place, "main") as staff:
        staff.sign_in(*demo.STAFF)
        path = ask_for(staff, "overflow")
        comes_to(staff, path, "failed", "quota")
        _shows(staff, path, "配额已满")
        stack = f"{_SITES}{path.rpartition('/')[2]}"
        first = _made(place, stack)
        schedules.pass_time(place, schedules.HOUR)
        until(lambda: _made(place, stack) not in ("", first), seconds=120, what="another try by TendSites")
        comes_to(staff, path, "failed", "quota")
        limits.impose(place, tables=limits.Limits.tables)
        schedules.pass_time(place, schedules.HOUR)
        comes_to(staff, path, "active")
    say(
        "an account without room: the page said so, TendSites tried again by its schedule in vain, and with the quota "
        f"raised the site opened ({time.monotonic() - began:.1f} s); {count(place)}"
    )


def count(place: Place) -> str:
    """How many sub-sites, stacks of them, tables and roles there are. Raises Stopped where something is left over."""
    sites = {f"{_SITES}{each['site']}" for each in json.loads(operator.ask(place, "sites list --json"))}
    stacks, tables = set(_stacks(place)), {name for name in _tables(place) if name.startswith(_SITES)}
    roles = cloud.client("iam", place.cloud_url).list_roles()["Roles"]
    odd = (stacks ^ sites) | (tables ^ sites) | {r["RoleName"] for r in roles if _SITES in r["RoleName"]}
    if odd:
        raise Stopped(f"These are left over, or missing: {', '.join(sorted(odd))}.")
    return f"{len(sites)} sub-sites, {len(stacks)} stacks, {len(tables)} tables, nothing left over"


def _changed(place: Place, code: str, say: Say) -> None:
    """An update that breaks leaves the shop as it was."""
    began, stack = time.monotonic(), f"{_SITES}{code}"
    limits.impose(place, broken=(_SITES,))
    operator.ask(place, "sites tier halfway dedicated --yes")
    settled(place, stack, "UPDATE_ROLLBACK_COMPLETE")
    with Visitor(place, "halfway") as shopper:
        goods = shopper.web.get("/api/v1/goods").raise_for_status().json()["goods"]
    if not goods:
        raise Stopped("The shop sells nothing after an update that failed.")
    if "UPDATE_ROLLBACK_COMPLETE" not in operator.ask(place, "drift --site halfway", code=1):
        raise Stopped("Drift does not tell of an update that was taken back.")
    limits.impose(place, broken=())
    operator.ask(place, "sites tier halfway dedicated --yes")
    settled(place, stack, "UPDATE_COMPLETE")
    say(
        f"an update broke: CloudFormation took it back, the shop went on with {len(goods)} goods, drift said so, "
        f"and again it went through ({time.monotonic() - began:.1f} s); {count(place)}"
    )


def _shows(staff: Visitor, path: str, words: str) -> None:
    if words not in staff.web.get(path).raise_for_status().text:
        raise Stopped(f"The page {path} does not say {words}.")


def _made(place: Place, stack: str) -> str:
    """Which stack has the name now, empty for none."""
    return next((each["StackId"] for each in _described(place) if each["StackName"] == stack), "")


def _stacks(place: Place) -> list[str]:
    return [name for each in _described(place) if (name := each["StackName"]).startswith(_SITES)]


def _described(place: Place) -> list[dict[str, str]]:
    pages = cloud.client("cloudformation", place.cloud_url).get_paginator("describe_stacks").paginate()
    return [each for page in pages for each in page["Stacks"]]


def _tables(place: Place) -> list[str]:
    pages = cloud.client("dynamodb", place.cloud_url).get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]
