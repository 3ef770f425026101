"""Which shape a site's rows have: its number stands in the site's own table, and no older release touches that one.

A release reads the shapes up to its own. It writes the newest only where the table says so, which the operator's
waves see to once no instance of the release before is left (docs/decisions/0036). An instance looks once an hour at
each site that it works for, as often as it asks for that site's credentials.
"""

from typing import Any

from botocore.exceptions import ClientError

from . import clock, errors

KNOWN = 1  # the newest shape that this release understands
KEEP = 3600  # seconds for which an instance believes what it saw
_KEY = {"pk": {"S": "SHAPE"}, "sk": {"S": "."}}

_seen: dict[str, tuple[int, int]] = {}  # a table's shape and when that was seen


class Newer(errors.NotReady):
    """The table belongs to a later release: this one would misread it."""

    code = "newer_release"


def of(name: str, client: Any) -> int:
    """The shape of a table's rows, by its name and a client that may read it. Raises Newer."""
    now = clock.now()
    shape, at = _seen.get(name, (0, 0))
    if not at <= now < at + KEEP:
        found = client.get_item(TableName=name, Key=_KEY, ConsistentRead=True).get("Item")
        shape = int(found["v"]["N"]) if found else 1
        if shape > KNOWN:
            raise Newer
        _seen[name] = shape, now
    return shape


def stamp(name: str, client: Any) -> None:
    """Have a table's rows written in the newest shape from now on; never in an older one than before. Raises Newer.

    Instances notice within KEEP. No instance of a release that does not know this shape may be left.
    """
    if of(name, client) == KNOWN:
        return
    newest = {":v": {"N": str(KNOWN)}}
    try:
        client.update_item(
            TableName=name,
            Key=_KEY,
            UpdateExpression="SET v = :v",
            ConditionExpression="attribute_not_exists(v) OR v < :v",
            ExpressionAttributeValues=newest,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
    forget()


def forget() -> None:
    """Look anew at whatever table comes."""
    _seen.clear()
