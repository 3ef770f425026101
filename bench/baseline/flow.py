"""Checkout, callback, delivery and settlement of the baseline, one function of a tutorial each."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.exceptions import ClientError

from . import tables

_FEN = 4950
_SHARES = {"main": 4000, "site": 950}  # fen of an order, by account
_REFUSED = "ConditionalCheckFailedException"


class SoldOut(Exception):
    """No code is left."""


class Flow:
    """The shop of the tutorial over clients of DynamoDB and SQS; messages go to one queue."""

    def __init__(self, dynamodb: Any, sqs: Any, queue: str) -> None:
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._queue = queue
        self.place = self._once(self._place, "ask")
        self.paid = self._once(self._paid, "notice")

    def stock(self, sku: str, codes: Iterable[str]) -> None:
        """Put codes on sale."""
        for code in codes:
            item = {
                "id": _text(f"{sku}#{code}"),
                "sku": _text(sku),
                "state": _text("unsold"),
                "code": _text(code),
            }
            self._dynamodb.put_item(TableName=tables.CODES, Item=item)

    def deliver(self, message: str) -> str:
        """What the queue's function does for a paid order; the code."""
        order = self._order(message)
        held = {"id": order["code"]}
        sold = self._move(tables.CODES, held, "held", "sold", returns="ALL_NEW")["Attributes"]["code"]["S"]
        self._move(tables.ORDERS, {"id": order["id"]}, "paid", "delivered")
        self._send(order["id"]["S"])
        return str(sold)

    def settle(self, message: str) -> None:
        """Book an order: an entry and a new balance for each account, all or nothing."""
        order = self._order(message)
        writes = [each for account in _SHARES for each in _booked(account, order["id"]["S"])]
        self._dynamodb.transact_write_items(TransactItems=writes)

    def _once(self, act: Callable[..., Any], argument: str) -> Callable[..., Any]:
        """The function, whose repeats get the first one's answer."""
        store = DynamoDBPersistenceLayer(tables.REPEATS, boto3_client=self._dynamodb)
        settings = IdempotencyConfig(event_key_jmespath="key")
        settings.register_lambda_context(_Context())  # type: ignore[arg-type]  # it reads the time left
        guarded: Callable[..., Any] = idempotent_function(
            act, data_keyword_argument=argument, persistence_store=store, config=settings
        )
        return guarded

    def _place(self, *, ask: dict[str, str]) -> dict[str, str]:
        number = ask["key"]
        order = {
            "id": _text(number),
            "code": _text(self._hold(ask["sku"])),
            "state": _text("pending"),
            "contact": _text(ask["contact"]),
            "amount": {"N": str(_FEN)},
        }
        self._dynamodb.put_item(TableName=tables.ORDERS, Item=order)
        return {"order": number}

    def _paid(self, *, notice: dict[str, str]) -> dict[str, str]:
        self._move(tables.ORDERS, {"id": _text(notice["order"])}, "pending", "paid")
        self._send(notice["order"])
        return {"order": notice["order"]}

    def _hold(self, sku: str) -> str:
        """The first unsold code; another one where somebody was faster. Raises SoldOut."""
        while True:
            first = self._first_unsold(sku)
            try:
                self._move(tables.CODES, {"id": _text(first)}, "unsold", "held")
            except ClientError as error:
                if error.response["Error"]["Code"] != _REFUSED:
                    raise
            else:
                return first

    def _first_unsold(self, sku: str) -> str:
        found = self._dynamodb.query(
            TableName=tables.CODES,
            IndexName=tables.BY_STATUS,
            KeyConditionExpression="sku = :sku AND #state = :unsold",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":sku": _text(sku), ":unsold": _text("unsold")},
            Limit=1,
        )["Items"]
        if not found:
            raise SoldOut
        return str(found[0]["id"]["S"])

    def _move(
        self, table: str, key: dict[str, Any], before: str, after: str, *, returns: str = "NONE"
    ) -> Any:
        return self._dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #state = :after",
            ConditionExpression="#state = :before",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":before": _text(before), ":after": _text(after)},
            ReturnValues=returns,
        )

    def _order(self, message: str) -> Any:
        key = {"id": _text(json.loads(message)["order"])}
        return self._dynamodb.get_item(TableName=tables.ORDERS, Key=key, ConsistentRead=True)["Item"]

    def _send(self, number: str) -> None:
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=message_of(number))


def message_of(number: str) -> str:
    """What a queue carries for an order."""
    return json.dumps({"order": number})


class _Context:
    """A function with all its time before it."""

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def _booked(account: str, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    share = {"N": str(_SHARES[account])}
    entry = {"id": _text(f"{number}#{account}"), "account": _text(account), "amount": share}
    put = {"TableName": tables.ENTRIES, "Item": entry, "ConditionExpression": "attribute_not_exists(id)"}
    add = {
        "TableName": tables.BALANCES,
        "Key": {"id": _text(account)},
        "UpdateExpression": "ADD balance :share",
        "ExpressionAttributeValues": {":share": share},
    }
    return {"Put": put}, {"Update": add}


def _text(value: str) -> dict[str, str]:
    return {"S": value}
