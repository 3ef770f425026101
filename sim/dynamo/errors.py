"""What DynamoDB answers instead of doing, in the shapes botocore raises."""

from typing import Any

from botocore.exceptions import ClientError


class Refusal(Exception):
    """An error answer: its code, its message, and the members its shape has besides (Item, CancellationReasons)."""

    def __init__(self, code: str, message: str, /, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members


def invalid(message: str) -> Refusal:
    """A request that breaks a rule of the service."""
    return Refusal("ValidationException", message)


def no_table(name: str) -> Refusal:
    """No such table; `name` appears only where AWS says it."""
    said = f": Table: {name} not found" if name else ""
    return Refusal("ResourceNotFoundException", f"Requested resource not found{said}")


def conditional(item: dict[str, Any] | None) -> Refusal:
    """A condition that did not hold; `item` is what stands there, where it was asked for."""
    said = "The conditional request failed"
    members = {"message": said} | ({"Item": item} if item else {})
    return Refusal("ConditionalCheckFailedException", said, **members)


def conflict() -> Refusal:
    """A write to an item that a transaction holds."""
    said = "Transaction is ongoing for the item"
    return Refusal("TransactionConflictException", said, message=said)


def cancelled(reasons: list[dict[str, Any]]) -> Refusal:
    """A transaction that did not happen; one reason per item, Code "None" for those that did not object."""
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    said = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return Refusal("TransactionCanceledException", said, Message=said, CancellationReasons=reasons)


def client_error(refusal: Refusal, operation: str) -> ClientError:
    """The exception a caller of botocore sees."""
    answer: Any = {
        "Error": {"Code": refusal.code, "Message": refusal.message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        **refusal.members,
    }
    return ClientError(answer, operation)
