"""Random calls over a small key space, with the expressions and mistakes that callers make."""

from hypothesis import strategies as st

from tests.sim.dynamo.phrases import NAMES, Words, condition, fitting, update

TABLE = {
    "TableName": "things",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "m")],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "member",
            "KeySchema": [
                {"AttributeName": "m", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
        {
            "IndexName": "whole",
            "KeySchema": [{"AttributeName": "m", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
keys = st.builds(
    lambda pk, sk: {"pk": {"S": pk}, "sk": {"S": sk}},
    st.sampled_from(["p", "q"]),
    st.sampled_from(["1", "2", "21", "é"]),
)
attributes = st.fixed_dictionaries({}, optional={name: fitting[name] for name in NAMES})


@st.composite
def write_params(draw, verb):
    """What one item's write has in a call of its own and in a transaction."""
    words = Words(draw)
    params = {"TableName": "things", "Key": draw(keys)}
    if verb == "Put":
        params["Item"] = params.pop("Key") | draw(attributes)
    if verb == "Update":
        params["UpdateExpression"] = update(words)
    if verb == "ConditionCheck" or draw(st.booleans()):
        params["ConditionExpression"] = condition(words)
        params["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return params | words.params()


@st.composite
def write(draw):
    verb = draw(st.sampled_from(["Put", "Put", "Update", "Update", "Update", "Delete"]))
    params = draw(write_params(verb))
    returns = ["ALL_NEW", "UPDATED_NEW", "UPDATED_OLD"] if verb == "Update" else ["ALL_OLD"]
    if draw(st.booleans()):
        params["ReturnValues"] = draw(st.sampled_from(returns))
    return f"{verb}Item", params


@st.composite
def transaction(draw):
    verbs = draw(
        st.lists(st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"]), min_size=1, max_size=3)
    )
    return "TransactWriteItems", {"TransactItems": [{verb: draw(write_params(verb))} for verb in verbs]}


@st.composite
def read(draw):
    words = Words(draw)
    params = {"TableName": "things", "Key": draw(keys), "ConsistentRead": draw(st.booleans())}
    if draw(st.booleans()):
        params["ProjectionExpression"] = ", ".join(words.path()[1] for _ in range(draw(st.integers(1, 2))))
    return "GetItem", params | words.params()


@st.composite
def query(draw):
    words = Words(draw)
    index = draw(st.sampled_from([None, None, "member", "whole"]))
    first = f"m = {words.value({'S': 'me'})}" if index else f"pk = {words.value({'S': 'p'})}"
    params = {"TableName": "things", "KeyConditionExpression": first + draw(range_condition(words, index))}
    if index:
        params["IndexName"] = index
    if index != "member" and draw(st.booleans()):
        params["FilterExpression"] = condition(words, depth=1)
    if draw(st.booleans()):
        params["ScanIndexForward"] = draw(st.booleans())
    if draw(st.booleans()):
        params["Limit"] = draw(st.integers(1, 3))
    if not draw(st.integers(0, 3)):
        params["Select"] = "COUNT"
    return "Query", params | words.params()


@st.composite
def range_condition(draw, words, index):
    if index == "whole":
        return ""
    kind = draw(st.integers(0, 4))
    bound = st.sampled_from(["1", "2", "21", "z"])
    if kind == 0:
        return f" AND begins_with(sk, {words.value({'S': draw(bound)})})"
    if kind == 1:
        low, high = sorted([draw(bound), draw(bound)])
        return f" AND sk BETWEEN {words.value({'S': low})} AND {words.value({'S': high})}"
    if kind == 2:
        return (
            f" AND sk {draw(st.sampled_from(['=', '<', '<=', '>', '>=']))} {words.value({'S': draw(bound)})}"
        )
    return ""


@st.composite
def batch(draw):
    if draw(st.booleans()):
        wanted = draw(st.lists(keys, min_size=1, max_size=4))
        return "BatchGetItem", {"RequestItems": {"things": {"Keys": wanted}}}
    puts = st.builds(lambda key, rest: {"PutRequest": {"Item": key | rest}}, keys, attributes)
    drops = st.builds(lambda key: {"DeleteRequest": {"Key": key}}, keys)
    return "BatchWriteItem", {
        "RequestItems": {"things": draw(st.lists(puts | drops, min_size=1, max_size=4))}
    }


@st.composite
def transact_read(draw):
    wanted = draw(st.lists(keys, min_size=1, max_size=3))
    return "TransactGetItems", {
        "TransactItems": [{"Get": {"TableName": "things", "Key": key}} for key in wanted]
    }


puts = st.builds(lambda key, rest: ("PutItem", {"TableName": "things", "Item": key | rest}), keys, attributes)
calls = st.one_of(
    write(), write(), write(), read(), query(), query(), batch(), transaction(), transact_read()
)

sequences = st.builds(
    lambda first, then: first + then, st.lists(puts, max_size=4), st.lists(calls, min_size=1, max_size=8)
)
