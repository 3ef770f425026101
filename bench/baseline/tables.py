"""The baseline's tables."""

from typing import Any

CODES, ORDERS, BALANCES, ENTRIES, REPEATS = (
    f"baseline-{name}" for name in ("codes", "orders", "balances", "entries", "repeats")
)
BY_STATUS = "by-status"


def create(dynamodb: Any) -> None:
    """Make all tables."""
    for name in (ORDERS, BALANCES, ENTRIES, REPEATS):
        dynamodb.create_table(TableName=name, **_keyed("id"))
    index = {
        "IndexName": BY_STATUS,
        "KeySchema": _keys("sku", "state"),
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamodb.create_table(TableName=CODES, **_keyed("id", "sku", "state"), GlobalSecondaryIndexes=[index])


def _keyed(key: str, *indexed: str) -> dict[str, Any]:
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in (key, *indexed)],
        "KeySchema": _keys(key),
    }


def _keys(*names: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]
