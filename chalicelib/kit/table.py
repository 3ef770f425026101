"""Storage: one DynamoDB table per owner (the main site, or one sub-site), rows of several kinds in each.

A domain's model module declares its rows as subclasses of Row; `Kind.of(owner)` binds a kind to that owner's
table. All kinds share two botocore clients (main: the function's role; sites: the role of the site acted for),
because PynamoDB would build one per class. PynamoDB says what a row is and writes expressions; reading goes straight
to the client and makes a row of twenty attributes in a sixth of PynamoDB's time. Every write goes through `insert`,
`change` or `together` and states its condition; a refused write raises Refused with the row that stood in its way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.connection.base import Connection
from pynamodb.connection.table import TableConnection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from . import aws, config, shape, tenant

BATCH = 100  # keys of one BatchGetItem
# What reading raises where a table does not answer, lets nobody in, is not there, or is a later release's.
UNREADABLE = (BotoCoreError, ClientError, PynamoDBException, shape.Newer)


class Refused(Exception):
    """The condition of a write did not hold. `row` is what is stored, or None where nothing is."""

    def __init__(self, row: Any = None) -> None:
        super().__init__("the condition of a write did not hold")
        self.row = row


class _Shared(Connection):
    """A PynamoDB connection over a client made elsewhere."""

    def __init__(self, owner: str) -> None:
        super().__init__()
        self._owner = owner

    @property
    def client(self) -> Any:
        return client(self._owner)


def client(owner: str) -> Any:
    """The client for an owner's table. Raises tenant.ForeignSite, and shape.Newer where this release may not."""
    tenant.check(owner)
    if owner == tenant.MAIN:
        return aws.client("dynamodb")
    found = tenant.client("dynamodb")
    shape.of(name_of(owner), found)
    return found


def stamp(site: str) -> None:
    """Have a site's rows written in this release's shape from now on. Raises tenant.ForeignSite, shape.Newer."""
    shape.stamp(name_of(site), client(site))


def name_of(owner: str) -> str:
    """The table of an owner: "cardmesh-main", "cardmesh-site-k3f9"."""
    prefix = config.load().tables
    return f"{prefix}-main" if owner == tenant.MAIN else f"{prefix}-site-{owner}"


class IntegerAttribute(Attribute[int]):
    """Fen, seconds and counts: whole numbers, which PynamoDB would read and write as JSON."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """As DynamoDB takes a number."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """As it gives one back."""
        return int(value)


class Row(Model):
    """A kind of item. Every table has the keys `pk` and `sk`."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    owner: ClassVar[str] = ""
    _bound: ClassVar[dict[tuple[type, str], Any]] = {}

    @classmethod
    def of(cls, owner: str) -> type[Self]:
        """This kind in an owner's table. Raises tenant.ForeignSite."""
        tenant.check(owner)
        bound = Row._bound.get((cls, owner))
        if bound is None:
            meta = type("Meta", (), {"table_name": name_of(owner)})
            bound = type(cls.__name__, (cls,), {"Meta": meta, "owner": owner})
            Row._bound[cls, owner] = bound
        return cast(type[Self], bound)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        tenant.check(cls.owner)
        if cls._connection is None or cls._connection.table_name != cls.Meta.table_name:
            own = super()._get_connection()
            shared = _Shared(cls.owner)
            shared.add_meta_table(own.get_meta_table())
            own.connection = shared
        return cast(TableConnection, cls._connection)

    @classmethod
    def read(cls, pk: str, sk: str, *, consistent: bool = True) -> Self | None:
        """The row under a key, or None."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found = client(cls.owner).get_item(TableName=cls.Meta.table_name, Key=key, ConsistentRead=consistent)
        return cls.from_raw_data(found["Item"]) if "Item" in found else None

    @classmethod
    def read_many(cls, keys: Iterable[tuple[str, str]], *, consistent: bool = True) -> list[Self]:
        """The rows that exist under these keys, in no order; 100 keys to a request."""
        wanted = list(dict.fromkeys(keys))
        return list(cls.batch_get(wanted, consistent_read=consistent)) if wanted else []

    @classmethod
    def under(
        cls,
        pk: str,
        *,
        where: Condition | None = None,
        only: Condition | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        consistent: bool = False,
    ) -> Iterator[Self]:
        """The rows of one partition in the order of their sort key; `where` is on `sk`, `only` filters."""
        names: dict[str, str] = {}
        values: dict[str, Any] = {":pk": {"S": pk}}
        call: dict[str, Any] = {
            "TableName": cls.Meta.table_name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": values,
            "ConsistentRead": consistent,
            "ScanIndexForward": not newest_first,
        }
        if where is not None:
            call["KeyConditionExpression"] += f" AND {where.serialize(names, values)}"
        if only is not None:
            call["FilterExpression"] = only.serialize(names, values)
        if names:
            call["ExpressionAttributeNames"] = {alias: name for name, alias in names.items()}
        if limit is not None:
            call["Limit"] = limit
        return islice(cls._pages(client(cls.owner), call), limit)

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """The row in a stored item: as PynamoDB makes it, without asking each attribute whether it is there."""
        row = cls.__new__(cls)
        row.attribute_values = {
            name: default() if callable(default) else default for name, default in _defaults(cls)
        }
        attributes = _attributes(cls)
        for stored, value in data.items():
            if stored in attributes and "NULL" not in value:
                name, kind, deserialize = attributes[stored]
                row.attribute_values[name] = deserialize(value[kind])
        return row

    def insert(self) -> Self:
        """Write a row that must not exist yet. Raises Refused with the stored one."""
        kind = type(self)
        call = self.get_save_kwargs_from_instance(
            condition=kind.pk.does_not_exist(), return_values_on_condition_failure="ALL_OLD"
        )
        kind._call("put_item", call)  # noqa: SLF001  its own kind
        return self

    @classmethod
    def change(cls, pk: str, sk: str, actions: Sequence[Action], condition: Condition | None) -> Self:
        """Update a row under a condition and return it as it now stands. Raises Refused.

        A condition of None is for rows whose whole content is given each time.
        """
        call = cls._get_connection().get_operation_kwargs(
            pk,
            range_key=sk,
            actions=actions,
            condition=condition,
            return_values="ALL_NEW",
            return_values_on_condition_failure="ALL_OLD",
        )
        stored: dict[str, Any] = cls._call("update_item", call)["Attributes"]
        return cls.from_raw_data(stored)

    @classmethod
    def _call(cls, verb: str, call: dict[str, Any]) -> dict[str, Any]:
        try:
            return cast(dict[str, Any], getattr(client(cls.owner), verb)(**call))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stood: dict[str, Any] = cast(dict[str, Any], error.response).get("Item") or {}
            raise Refused(cls.from_raw_data(stood) if stood else None) from None

    @classmethod
    def _pages(cls, source: Any, call: dict[str, Any]) -> Iterator[Self]:
        while True:
            page = source.query(**call)
            yield from map(cls.from_raw_data, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            call["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@cache
def _attributes(kind: type[Row]) -> dict[str, tuple[str, str, Callable[[Any], Any]]]:
    """The attributes of a kind by the names they are stored under: name in Python, type, and what reads a value."""
    every = kind.get_attributes().items()
    return {each.attr_name: (name, each.attr_type, each.deserialize) for name, each in every}


@cache
def _defaults(kind: type[Row]) -> tuple[tuple[str, Any], ...]:
    every = kind.get_attributes().items()
    return tuple((name, each.default) for name, each in every if each.default is not None)


class Together:
    """Several conditional writes in one owner's table that happen all or not at all.

    Use as a context manager around PynamoDB's `save`, `update` and `condition_check`; leaving the block commits.
    Raises Refused when a condition fails or another transaction holds one of the rows.
    """

    def __init__(self, owner: str, token: str) -> None:
        tenant.check(owner)
        self._write = TransactWrite(connection=_Shared(owner), client_request_token=token or None)

    def __enter__(self) -> TransactWrite:
        return self._write.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._write.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        except TransactWriteError as failed:
            reasons = {r.code for r in failed.cancellation_reasons if r}
            if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise Refused from failed
            raise
