"""A site's table and its stack go: after it moved, and in the end for good."""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import cells, table

from . import stacks


def table_of(code: str, *, cell: str) -> tuple[str, int] | None:
    """The ARN of a site's table and how many items it has, as DynamoDB last counted; None where it is gone."""
    try:
        found: dict[str, Any] = cells.operator("dynamodb", cell).describe_table(
            TableName=table.name_of(code)
        )["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return str(found["TableArn"]), int(found["ItemCount"])


def remove(code: str, *, cell: str) -> None:
    """Delete a site's table and its stack; what is gone already is gone."""
    if table_of(code, cell=cell):
        dynamodb, name = cells.operator("dynamodb", cell), table.name_of(code)
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=name)
    stacks.delete(code, cell)
