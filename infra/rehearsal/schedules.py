"""The schedules that were deployed: their clock goes ahead, and the emulator lets each function come by itself.

It is the emulator that reads the rules, finds their targets and calls the packaged functions; only its clock is ours
(strict.py). Whether a function came, and how it fared, is read from its log.
"""

import time
from dataclasses import dataclass
from typing import Any

from localcloud import cloud
from localcloud.place import Place
from localcloud.terminal import Stopped

from . import limits
from .deployed import Deployed, Say, until
from .story import SLUG, Visitor, comes

HOUR, _DAY = 3600, 86_400
_DONE = "REPORT RequestId"
_WRONG = ("[ERROR]", "Traceback", '"level":"ERROR"', '"level":"CRITICAL"')


@dataclass(frozen=True)
class _Came:
    """How often a function came, and the first line of its log that tells of an error."""

    times: int
    wrong: str


def day(place: Place, up: Deployed, unpaid: str, *, say: Say) -> None:
    """A day goes by: each function with a schedule comes, none fails, and an unpaid order expires. Raises Stopped."""
    began = time.monotonic()
    _age(place, unpaid)
    groups = _groups(place, up)
    before = {name: _came(place, group).times for name, group in groups.items()}
    pass_time(place, _DAY + HOUR)
    until(
        lambda: all(_came(place, group).times > before[name] for name, group in groups.items()),
        seconds=120,
        what=f"the schedules of {', '.join(groups)}",
    )
    failed = {name: came.wrong for name in groups if (came := _came(place, groups[name])).wrong}
    if failed:
        raise Stopped(f"Scheduled functions failed: {failed}")
    with Visitor(place, SLUG) as shopper:
        comes(shopper, unpaid, "expired")
    say(
        f"a day of schedules in {time.monotonic() - began:.1f} s: {', '.join(sorted(groups))} "
        "came by their rules, none failed, and an order that nobody paid for expired"
    )


def _age(place: Place, number: str) -> None:
    """An order waited long enough to be paid for; only the walk learns of it, its own timer comes later."""
    rows, table = cloud.client("dynamodb", place.cloud_url), f"cardmesh-site-{number[:4].lower()}"
    for row in rows.scan(TableName=table)["Items"]:
        if number in (row["pk"]["S"], row["sk"]["S"]) and "te" in row:
            rows.update_item(
                TableName=table,
                Key={"pk": row["pk"], "sk": row["sk"]},
                UpdateExpression="SET te = :past",
                ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
            )
            return
    raise Stopped(f"The order {number} has no row.")


def pass_time(place: Place, seconds: int) -> None:
    """Let the schedules' clock go ahead by so much more."""
    limits.impose(place, ahead=limits.read(place).ahead + seconds)


def _groups(place: Place, up: Deployed) -> dict[str, str]:
    """The log groups of the functions behind the deployed schedules, by logical names."""
    events, functions = (cloud.client(name, place.cloud_url) for name in ("events", "lambda"))
    rules = [each["Name"] for each in events.list_rules()["Rules"] if each.get("ScheduleExpression")]
    targets = [each for rule in rules for each in events.list_targets_by_rule(Rule=rule)["Targets"]]
    called = {each["Arn"].rpartition(":")[2] for each in targets}
    logical = {physical: name for name, physical in up.functions.items()}
    return {
        logical[each]: functions.get_function_configuration(FunctionName=each)["LoggingConfig"]["LogGroup"]
        for each in called
    }


def _came(place: Place, group: str) -> _Came:
    lines = list(_lines(place, group))
    wrong = next((line for line in lines if any(sign in line for sign in _WRONG)), "")
    return _Came(sum(line.startswith(_DONE) for line in lines), wrong)


def _lines(place: Place, group: str) -> Any:
    pages = cloud.client("logs", place.cloud_url).get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group):
        yield from (each["message"] for each in page["events"])
