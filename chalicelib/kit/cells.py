"""Which account holds a sub-site's table.

An account holds at most 10,000 tables, so a large fleet is spread over cells: accounts of the deployment's region,
each with a role that acts for its sites and one that opens and moves them (infra/cell.yaml). Everything else, the
functions, queues, keys and the main table, stands in the first, `a`. Where a site lives is a word in its row of the
registry; whoever acts for it looks there every few seconds, so any function serves any site, and no request is ever at
the wrong place. While a site moves, nobody writes to its table. A deployment without CELLS has one cell, and asks
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials

from . import aws, clock, config, errors

HOME = "a"
FRESH = 5  # seconds for which a place is believed
MARGIN = 300  # seconds before their end at which credentials are renewed
WRITES = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteTransaction"}
)

Granted = tuple[ReadOnlyCredentials, int]  # and when they end


class Moving(errors.ShopError):
    """The site's table is being carried to another account; for a minute nothing is written."""

    status = 503
    code = "shop_moving"
    sentence = "This shop is moving and takes nothing new for a minute. What was ordered and paid is safe."


@dataclass(frozen=True)
class Place:
    """Where a site lives, and whether its table may not be written to."""

    cell: str = HOME
    frozen: bool = False


_places: dict[str, tuple[int, Place]] = {}
_clients: dict[tuple[str, str], Any] = {}


def several() -> bool:
    """Whether there is more than the one account."""
    return bool(config.load().cells)


def place_of(site: str) -> Place:
    """Where a site lives, as of the last seconds."""
    if not several():
        return Place()
    now = clock.now()
    known = _places.get(site)
    if known is None or known[0] <= now - FRESH:
        known = _places[site] = (now, _read(site))
    return known[1]


def role_of(site: str) -> str:
    """The role that acts for a site."""
    cell = config.load().cells.get(place_of(site).cell)
    return (cell.tenant_role if cell else "") or config.load().tenant_role


def operator(service: str, cell: str) -> Any:
    """A client that opens and moves the sites of a cell."""
    known = config.load().cells.get(cell)
    if known is None or not known.operator_role:
        return aws.client(service)
    if (service, cell) not in _clients:
        _clients[service, cell] = aws.client_as(service, Operator(known.operator_role))
    return _clients[service, cell]


def refuse_writes(site: Callable[[], str], client: Any) -> None:
    """Let a client's writes be refused while the site that it acts for is frozen. Raises Moving at the call."""

    def check(model: Any, **_: Any) -> None:
        if model.name in WRITES and place_of(site()).frozen:
            raise Moving

    client.meta.events.register("before-call.dynamodb", check)


def assume(role: str, session: str, **tags: str) -> Granted:
    """Credentials of a role, for an hour."""
    granted = aws.client("sts").assume_role(
        RoleArn=role,
        RoleSessionName=session,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        DurationSeconds=3600,
    )["Credentials"]
    keys = ReadOnlyCredentials(
        granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"], None
    )
    return keys, int(granted["Expiration"].timestamp())


def forget() -> None:
    """Drop what is remembered of places."""
    _places.clear()


class Operator(Credentials):
    """The credentials of a cell's operator, renewed before they end."""

    def __init__(self, role: str) -> None:
        super().__init__("per-cell", "per-cell")
        self._role = role
        self._held: Granted | None = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Credentials from memory or from STS."""
        if self._held is None or self._held[1] - MARGIN <= clock.now():
            self._held = assume(self._role, "operator")
        return self._held[0]


def _read(site: str) -> Place:
    """The two words of the site's row that say it; the registry itself stands above this module."""
    row = aws.client("dynamodb").get_item(
        TableName=f"{config.load().tables}-main",
        Key={"pk": {"S": "SITE#all"}, "sk": {"S": site}},
        ProjectionExpression="#c, #m",
        ExpressionAttributeNames={"#c": "cell", "#m": "moving"},
        ConsistentRead=True,
    )
    words = {name: value["S"] for name, value in row.get("Item", {}).items()}
    return Place(words.get("cell", HOME), words.get("moving") == "frozen")
