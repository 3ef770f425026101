"""What is compared with each oracle.

Everything is, except what stands here with its reason. LAXER: refusals of ours, by their message, where AWS refuses and
the oracle does not, or not for that reason. DIFFERS: features of a call, told by `features`, which the oracle gets
wrong. A call that falls under either is not sent to that oracle; what it stored is copied there instead.
"""

import json
import re

_OPEN = "AWS leaves the order of equal index keys open, so which of them a page shows"
LAXER = {
    "moto": {
        "The BETWEEN operator requires": "takes bounds of any order and type",
        "Incorrect operand type for operator or function": "checks types only when it gets that far, if at all",
        "document paths (overlap|conflict)": "looks at the condition first",
        "Type mismatch for Index Key": "does not know the type of a function",
        "more than 38 significant digits": "adds without a limit",
        "multiple operations on one item": "reads an item twice in a transaction",
        "list of item keys contains duplicates": "puts and deletes the same item in one batch",
        "Filter Expression can only contain non-primary": "looks for an index's keys in the first operand only",
        r"reasons \[.*ValidationError": "refuses a transaction whose update does not fit its item, without reasons",
    },
    "ministack": {
        "Incorrect operand type for operator or function": "checks types only when it gets that far, if at all",
        "document paths overlap": "looks at the condition first, and not across sections",
        "Filter Expression can only contain non-primary": "looks for an index's keys in the first operand only",
        "operand in the update expression has an incorrect data type": "adds numbers to booleans",
        "Type mismatch for Index Key": "looks at the condition first",
        "document path provided in the update expression": "removes elements of lists that do not exist",
        r"reasons \[.*ValidationError": "the same, in a transaction",
        "The BETWEEN operator requires": "looks at the bounds only when it has an item",
    },
    "dynalite": {
        "operator: (<|<=|>|>=|BETWEEN), operand type": "compares what has no order",
        "more than 38 significant digits": "adds without a limit",
    },
}
DIFFERS = {
    "moto": {
        "size": "fails with a ValueError for the size of an absent attribute",
        "exponent": "does not read exponents when it adds",
        "aliased projection": "takes the alias of a projected element for unused",
        "BETWEEN": "fails with a TypeError where the attribute is of another type than the bounds",
        "IN": "takes a negated IN of an absent attribute for false",
        "UPDATED_OLD": "leaves out attributes set to what they were",
        "index page": _OPEN,
        "UPDATED_NEW": "returns the keys, too, where it makes an item",
        "limit": "looks ahead: no LastEvaluatedKey where the last item meets the limit",
    },
    "ministack": {
        "index page": _OPEN,
        "38 digits": "rounds a sum to fewer digits than a number may have",
        "size": "takes the size of a number for 0; it has none",
        "begins_with": "refuses what is neither text nor binary; a condition on it is false",
    },
    "dynalite": {
        "index page": _OPEN,
        "transaction": "has no transactions",
        "stood": "does not return the item that stood in the way",
    },
}


def features(operation, params, ours):
    """The features of a call that some oracle gets wrong."""
    text = json.dumps(params, default=repr)
    tests = {
        "size": "size(" in text,
        "exponent": operation in {"UpdateItem", "TransactWriteItems"} and '"1E2"' in text,
        "IN": " IN (" in text,
        "BETWEEN": re.search(r"\S+ BETWEEN", text.replace("sk BETWEEN", "")),
        "UPDATED_NEW": params.get("ReturnValues") == "UPDATED_NEW",
        "UPDATED_OLD": params.get("ReturnValues") == "UPDATED_OLD",
        "38 digits": "9" * 38 in text and operation in {"UpdateItem", "TransactWriteItems"},
        "index page": "IndexName" in params and "Limit" in params,
        "begins_with": "begins_with("
        in (params.get("FilterExpression", "") if operation == "Query" else text),
        "transaction": operation.startswith("Transact"),
        "stood": ours[0] == "refused" and ours[2][0],
        "limit": "Limit" in params and ours[0] == "did" and "LastEvaluatedKey" in ours[1],
        "aliased projection": re.search(r"[\[.]", params.get("ProjectionExpression", "")),
    }
    return {name for name, found in tests.items() if found}
