"""DynamoDB as a program meets it: tables, and calls by their API names with the parameters botocore takes."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from . import batches, errors, reads, transactions, units, values, writes
from .errors import Refusal
from .tables import Staleness, Table
from .transactions import InFlight, Locks, Tokens, Transaction
from .units import Ledger
from .values import Item
from .writes import Write

_LEGACY = frozenset(
    {
        "AttributesToGet",
        "AttributeUpdates",
        "ConditionalOperator",
        "Expected",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    }
)
Operation = Callable[[Mapping[str, Any]], dict[str, Any]]
_REGION = "arn:aws:dynamodb:us-east-1:000000000001:table/"


class Database:
    """Tables in memory, for one thread.

    `clock` gives seconds since 1970 UTC, for client tokens. `staleness(table, index, key)` says how many versions
    behind an eventually consistent read sees an item ("" is the table itself). `in_flight(table, key)` says whether
    to pretend that a transaction holds an item. Scan is refused unless `scans`. Throttling is injected by whoever
    stands in front: `errors.Refusal` and `errors.client_error` make its shape.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = lambda: 0.0,
        staleness: Staleness | None = None,
        in_flight: InFlight | None = None,
        scans: bool = False,
    ) -> None:
        self.units = Ledger()
        self.tables: dict[str, Table] = {}
        self._staleness = staleness
        self._locks = Locks(in_flight)
        self._tokens = Tokens(clock)
        self._scans = scans
        self._operations: dict[str, Operation] = {
            "CreateTable": self._create,
            "DeleteTable": self._delete_table,
            "DescribeTable": self._describe,
            "UpdateTimeToLive": self._update_ttl,
            "GetItem": self._get,
            "Query": self._query,
            "Scan": self._scan,
            "PutItem": partial(self._write, "Put"),
            "UpdateItem": partial(self._write, "Update"),
            "DeleteItem": partial(self._write, "Delete"),
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact_write,
            "TransactGetItems": self._transact_get,
        }

    def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one operation, without ResponseMetadata; nothing in it is shared with the database.

        Raises botocore's ClientError.
        """
        if not _LEGACY.isdisjoint(params):
            raise NotImplementedError(f"{operation} with parameters that expressions have replaced")
        self.units.open(operation)
        try:
            return self._operations[operation](params)
        except Refusal as refusal:
            raise errors.client_error(refusal, operation) from None

    def prepare(self, params: Mapping[str, Any]) -> "Ongoing":
        """The first half of a TransactWriteItems: from here to its end other writers of its items are refused.

        Raises botocore's ClientError.
        """
        self.units.open("TransactWriteItems")
        try:
            return Ongoing(self, self._prepared(params))
        except Refusal as refusal:
            raise errors.client_error(refusal, "TransactWriteItems") from None

    def create_table(self, **params: Any) -> dict[str, Any]:
        """CreateTable; the table is active at once."""
        return self.call("CreateTable", params)

    def items(self, table: str) -> Iterator[Item]:
        """What a table holds now, free of charge, for those who check the world; not to be changed."""
        return (item for item, _ in self.tables[table].rows.values())

    def expire(self, now: float) -> int:
        """Remove, free of charge, what lies past its time to live (five years at most); how many."""
        expired = [
            (table, key)
            for table in self.tables.values()
            if table.ttl
            for key, (item, _) in table.rows.items()
            if _is_past(item.get(table.ttl), now) and (table.name, key) not in self._locks.held
        ]
        for table, key in expired:
            table.put(key, None)
        return len(expired)

    def table(self, name: str) -> Table:
        """A table by name or ARN. Raises Refusal."""
        found = self.tables.get(name) or self.tables.get(name.rpartition("/")[2])
        if found is None:
            raise errors.no_table("")
        return found

    def _create(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["TableName"]
        if name in self.tables:
            raise Refusal("ResourceInUseException", f"Table already exists: {name}")
        self.tables[name] = Table(params, self._staleness)
        return {"TableDescription": self._described(self.tables[name])}

    def _delete_table(self, params: Mapping[str, Any]) -> dict[str, Any]:
        table = self._named(params)
        del self.tables[table.name]
        return {"TableDescription": self._described(table) | {"TableStatus": "DELETING"}}

    def _describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"Table": self._described(self._named(params))}

    def _update_ttl(self, params: Mapping[str, Any]) -> dict[str, Any]:
        wanted = params["TimeToLiveSpecification"]
        self._named(params).ttl = wanted["AttributeName"] if wanted["Enabled"] else None
        return {"TimeToLiveSpecification": dict(wanted)}

    def _named(self, params: Mapping[str, Any]) -> Table:
        if params["TableName"] not in self.tables:
            raise errors.no_table(params["TableName"])
        return self.tables[params["TableName"]]

    def _described(self, table: Table) -> dict[str, Any]:
        shown = ("TableName", "AttributeDefinitions", "KeySchema")
        indexes = [
            {name: each[name] for name in ("IndexName", "KeySchema", "Projection")}
            | {"IndexStatus": "ACTIVE"}
            for each in table.definition.get("GlobalSecondaryIndexes", ())
        ]
        return {
            **{name: table.definition[name] for name in shown},
            "TableStatus": "ACTIVE",
            "TableArn": _REGION + table.name,
            "ItemCount": len(table.rows),
            "TableSizeBytes": sum(size for _, size in table.rows.values()),
            "BillingModeSummary": {"BillingMode": table.definition.get("BillingMode", "PAY_PER_REQUEST")},
        } | ({"GlobalSecondaryIndexes": indexes} if indexes else {})

    def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table(params["TableName"])
        item, key, size = reads.get(table, params)
        consistent = bool(params.get("ConsistentRead"))
        self.units.charge(units.READ, table.name, "", key, units.read_units(size, consistent=consistent))
        return ({} if item is None else {"Item": item}) | self._capacity(params)

    def _query(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return reads.query(self.table(params["TableName"]), params, self.units) | self._capacity(params)

    def _scan(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self._scans:
            raise Refusal("AccessDeniedException", "No part of the shop scans a table.")
        return reads.scan(self.table(params["TableName"]), params, self.units) | self._capacity(params)

    def _write(self, verb: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if "ReturnValues" in params:
            writes.check_returns(verb, params)
        write = Write(verb, self.table(params["TableName"]), params)
        self._locks.check(write.table, write.key)
        try:
            write.try_out()
        except Refusal:
            write.charge_refused(self.units)
            raise
        write.commit()
        write.charge(self.units)
        answer: dict[str, Any] = {}
        if attributes := write.attributes():
            answer["Attributes"] = attributes
        return answer | self._capacity(params) if "ReturnConsumedCapacity" in params else answer

    def _transact_write(self, params: Mapping[str, Any]) -> dict[str, Any]:
        prepared = self._prepared(params)
        return prepared if isinstance(prepared, dict) else prepared.commit(self.units)

    def _prepared(self, params: Mapping[str, Any]) -> Transaction | dict[str, Any]:
        return transactions.prepare(params, self.table, self._locks, self._tokens, self.units)

    def _transact_get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return transactions.get(params, self.table, self._locks, self.units)

    def _batch_get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return batches.get(params, self.table, self.units)

    def _batch_write(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return batches.write(params, self.table, self._locks, self.units)

    def _capacity(self, params: Mapping[str, Any]) -> dict[str, Any]:
        used = units.consumed(self.units.last, params.get("ReturnConsumedCapacity"))
        return {"ConsumedCapacity": used[0]} if used else {}


class Ongoing:
    """A TransactWriteItems between its two halves."""

    def __init__(self, database: Database, prepared: Transaction | dict[str, Any]) -> None:
        self._database = database
        self._prepared = prepared

    def commit(self) -> dict[str, Any]:
        """Store everything; the answer of the call."""
        if isinstance(self._prepared, dict):
            return self._prepared
        return self._prepared.commit(self._database.units)

    def cancel(self) -> None:
        """Store nothing."""
        if isinstance(self._prepared, Transaction):
            self._prepared.cancel()


def _is_past(value: values.Value | None, now: float) -> bool:
    if value is None or "N" not in value:
        return False
    return now - 5 * 365 * 86_400 <= values.decimal(value["N"]) < now
