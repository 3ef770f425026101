"""What is compared with each oracle: every call, except what stands here with its reason.

RULES are refusals of ours, known by their messages, with AWS's rule and where it is documented; an oracle named
beside a rule does not refuse, or not for that reason: the rule decides. FEATURES are what a call may have, told by
`features`; an oracle named beside one gets it wrong or has nothing of the kind. A call that falls under either is not
sent to that oracle; what the call stored is copied there instead.
"""

import json
import re

ORACLES = ("moto", "ministack", "dynalite")
_LATE = "checks types only when it gets that far, if at all"
_OPEN = "AWS leaves the order of equal index keys open, so which of them a page shows"
_OPERANDS = "Developer Guide, Condition and filter expressions, operators, and functions"
_UPDATES = "Developer Guide, Using update expressions"
RULES = {
    "The BETWEEN operator requires": {
        "aws": f"bounds are of one type, the lower one first ({_OPERANDS})",
        "moto": "takes bounds of any order and type",
        "ministack": "looks at the bounds only when it has an item",
    },
    "Incorrect operand type for operator or function": {
        "aws": f"a value's type must suit its operator before any item is read ({_OPERANDS})",
        "moto": _LATE,
        "ministack": _LATE,
    },
    "operator: (<|<=|>|>=|BETWEEN), operand type": {
        "aws": f"only strings, numbers and binaries have an order ({_OPERANDS})",
        "dynalite": "compares what has no order",
    },
    "document paths (overlap|conflict)": {
        "aws": f"no path of an update may lie in another's ({_UPDATES})",
        "moto": "looks at the condition first",
        "ministack": "looks at the condition first, and not across sections",
    },
    "document path provided in the update expression": {
        "aws": f"the parent of a path has to exist ({_UPDATES})",
        "ministack": "removes elements of lists that do not exist",
    },
    "operand in the update expression has an incorrect data type": {
        "aws": f"arithmetic and ADD take numbers ({_UPDATES})",
        "ministack": "adds numbers to booleans",
    },
    r"reasons \[.*ValidationError": {
        "aws": "an update that does not fit its item cancels with a reason (API Reference, TransactWriteItems)",
        "moto": "refuses the transaction without reasons",
        "ministack": "adds numbers to booleans, removes elements of lists that do not exist",
    },
    "Type mismatch for Index Key": {
        "aws": "an index key has the type its table defines (Developer Guide, Global secondary indexes)",
        "moto": "does not know the type of a function",
        "ministack": "looks at the condition first",
    },
    "more than 38 significant digits": {
        "aws": "a number has at most 38 digits (Developer Guide, Naming rules and data types)",
        "moto": "adds without a limit",
        "dynalite": "adds without a limit",
    },
    "multiple operations on one item": {
        "aws": "no two actions of a transaction on one item (API Reference, TransactGetItems)",
        "moto": "reads an item twice in a transaction",
    },
    "list of item keys contains duplicates": {
        "aws": "no two requests of a batch on one item (API Reference, BatchWriteItem)",
        "moto": "puts and deletes the same item in one batch",
    },
    "Filter Expression can only contain non-primary": {
        "aws": "a filter has no key of what is queried (Developer Guide, Filter expressions for the Query operation)",
        "moto": "looks for an index's keys in the first operand only",
        "ministack": "looks for an index's keys in the first operand only",
    },
}
FEATURES = {
    "transaction": {"dynalite": "has no transactions"},
    "stood": {"dynalite": "does not return the item that stood in the way"},
    "index page": dict.fromkeys(ORACLES, _OPEN),
    "limit": {"moto": "looks ahead: no LastEvaluatedKey where the last item meets the limit"},
    "size": {
        "moto": "fails with a ValueError for the size of an absent attribute",
        "ministack": "takes the size of a number for 0; it has none",
    },
    "begins_with": {"ministack": "refuses what is neither text nor binary; a condition on it is false"},
    "BETWEEN": {"moto": "fails with a TypeError where the attribute is of another type than the bounds"},
    "IN": {"moto": "takes a negated IN of an absent attribute for false"},
    "untyped": {
        "moto": "compares values without their types: false is 0, true is 1, NULL is an absent attribute"
    },
    "exponent": {"moto": "does not read exponents when it adds"},
    "38 digits": {"ministack": "rounds a sum to fewer digits than a number may have"},
    "aliased projection": {"moto": "takes the alias of a projected element for unused"},
    "UPDATED_OLD": {"moto": "leaves out attributes set to what they were"},
    "UPDATED_NEW": {"moto": "returns the keys, too, where it makes an item"},
}


def exemption(oracle, operation, params, ours):
    """The rule or the feature that keeps a call, to which ours is the answer, from this oracle; None if none does."""
    said = ours[3] if ours[0] == "refused" else ""
    met = [rule for rule in RULES if said and re.search(rule, said)]
    met += [feature for feature in FEATURES if feature in features(operation, params, ours)]
    return next((each for each in met if oracle in (RULES | FEATURES)[each]), None)


def features(operation, params, ours):
    """The features of a call that some oracle gets wrong."""
    text = json.dumps(params, default=repr)
    tests = {
        "size": "size(" in text,
        "untyped": re.search(r"ConditionExpression|FilterExpression", text)
        and re.search(r'#flag|"BOOL"|"NULL"', _without_items(params)),
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


def _without_items(params):
    """The texts and values of a call's expressions."""
    each = params.get("TransactItems", [params])
    return json.dumps(
        [{**one, "Item": None, "Put": one.get("Put", {}) | {"Item": None}} for one in each], default=repr
    )
