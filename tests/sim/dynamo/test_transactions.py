"""Transactions: all or nothing, tokens, and what others meet while one is going on."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sim.dynamo import errors
from sim.dynamo.database import Database
from tests.sim.dynamo import calls, oracles

IN = {"TableName": "things"}
GONE = {"ConditionExpression": "attribute_not_exists(pk)"}


def key(sk):
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def put(sk, **attributes):
    return {"Put": IN | {"Item": key(sk) | attributes}}


def make(**options):
    made = Database(**options)
    made.create_table(**calls.TABLE)
    return made


def transact(database, *items, **more):
    return database.call("TransactWriteItems", {"TransactItems": list(items)} | more)


def code(call, *args, **options):
    with pytest.raises(ClientError) as refused:
        call(*args, **options)
    return refused.value.response["Error"]["Code"]


def stored(database):
    return sorted(item["sk"]["S"] for item in database.items("things"))


def test_one_refused_condition_stops_them_all_and_each_item_has_its_reason():
    database = make()
    transact(database, put("1", num={"N": "5"}))
    asked = put("1") | {}
    asked["Put"] |= GONE | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    wrong = {"Update": IN | {"Key": key("3"), "UpdateExpression": "SET num = num"}}
    with pytest.raises(ClientError) as refused:
        transact(database, asked, put("2"), wrong)
    reasons = refused.value.response["CancellationReasons"]
    assert reasons == [
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": key("1") | {"num": {"N": "5"}},
        },
        {"Code": "None"},
        {
            "Code": "ValidationError",
            "Message": "The provided expression refers to an attribute that does not exist in the item",
        },
    ]
    assert "[ConditionalCheckFailed, None, ValidationError]" in str(refused.value)
    assert stored(database) == ["1"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([put("1"), put("1")], "cannot include multiple operations on one item"),
        ([put(str(n)) for n in range(101)], "less than or equal to 100"),
        ([{"Update": IN | {"Key": key("1")}}], "The expression can not be empty"),
        ([put("1") | {"Delete": IN | {"Key": key("2")}}], "only contain one of"),
    ],
)
def test_a_transaction_AWS_refuses_as_a_whole_is_refused(items, message):
    database = make()
    with pytest.raises(ClientError, match=message) as refused:
        transact(database, *items)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert stored(database) == []


def test_a_hundred_items_of_4_MB_together_and_no_more():
    database = make()
    large = {"x": {"S": "x" * 409_000}}
    transact(database, *[put(str(n), **large) for n in range(10)], *[put(str(n)) for n in range(10, 100)])
    assert code(transact, database, *[put(str(n), **large) for n in range(11)]) == "ValidationException"


def test_a_token_makes_a_transaction_happen_once_for_ten_minutes():
    now = [0]
    database = make(clock=lambda: now[0])
    count = {"Update": IN | {"Key": key("1"), "UpdateExpression": "ADD num :n"}}
    count["Update"]["ExpressionAttributeValues"] = {":n": {"N": "1"}}
    again = {"ClientRequestToken": "t", "ReturnConsumedCapacity": "TOTAL"}
    assert "WriteCapacityUnits" in transact(database, count, **again)["ConsumedCapacity"][0]
    now[0] = 599
    assert transact(database, count, **again)["ConsumedCapacity"][0]["ReadCapacityUnits"] == 2
    assert code(transact, database, put("1"), **again) == "IdempotentParameterMismatchException"
    now[0] = 600
    transact(database, count, **again)
    assert list(database.items("things")) == [key("1") | {"num": {"N": "2"}}]


def test_a_cancelled_transaction_may_come_again_with_its_token():
    database = make()
    wanted = {"ConditionCheck": IN | {"Key": key("2"), "ConditionExpression": "attribute_exists(pk)"}}
    assert (
        code(transact, database, put("1"), wanted, ClientRequestToken="t") == "TransactionCanceledException"
    )
    transact(database, put("2"))
    transact(database, put("1"), wanted, ClientRequestToken="t")
    assert stored(database) == ["1", "2"]


def test_others_meet_an_ongoing_transaction():
    database = make()
    transact(database, put("1", num={"N": "1"}))
    asked = {"TransactItems": [put("1", num={"N": "2"})], "ClientRequestToken": "t"}
    ongoing = database.prepare(asked)
    item = IN | {"Item": key("1")}
    assert code(database.call, "PutItem", item) == "TransactionConflictException"
    assert code(database.call, "TransactWriteItems", asked) == "TransactionInProgressException"
    with pytest.raises(ClientError) as refused:
        transact(database, put("2"), put("1"))
    assert [each["Code"] for each in refused.value.response["CancellationReasons"]] == [
        "None",
        "TransactionConflict",
    ]
    gets = {"TransactItems": [{"Get": IN | {"Key": key("1")}}]}
    assert code(database.call, "TransactGetItems", gets) == "TransactionCanceledException"
    batch = {"RequestItems": {"things": [{"PutRequest": {"Item": key(sk)}} for sk in "13"]}}
    left = database.call("BatchWriteItem", batch)["UnprocessedItems"]
    assert left == {"things": [{"PutRequest": {"Item": key("1")}}]}
    assert database.call("GetItem", IN | {"Key": key("1"), "ConsistentRead": True})["Item"]["num"] == {
        "N": "1"
    }
    ongoing.commit()
    assert database.call("GetItem", IN | {"Key": key("1")})["Item"]["num"] == {"N": "2"}
    database.call("PutItem", item)


def test_a_cancelled_preparation_leaves_nothing_behind():
    database = make()
    asked = {"TransactItems": [put("1")], "ClientRequestToken": "t"}
    database.prepare(asked).cancel()
    assert stored(database) == []
    database.call("TransactWriteItems", asked)
    assert stored(database) == ["1"]
    assert database.prepare(asked).commit() == {}


def test_conflicts_can_be_pretended():
    database = make(in_flight=lambda table, key: (table, key) == ("things", ("p", "1")))
    assert code(database.call, "DeleteItem", IN | {"Key": key("1")}) == "TransactionConflictException"
    assert code(transact, database, put("1")) == "TransactionCanceledException"
    transact(database, put("2"))
    assert stored(database) == ["2"]


def test_a_throttle_injected_from_outside_looks_like_AWS():
    refusal = errors.Refusal("ProvisionedThroughputExceededException", "The level of …")
    error = errors.client_error(refusal, "PutItem")
    assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert error.operation_name == "PutItem"


@given(st.lists(calls.puts, max_size=4), calls.transaction())
def test_a_refused_transaction_changes_nothing(before, transaction):
    database = make()
    for each in before:
        database.call(*each)
    was = [dict(item) for item in database.items("things")]
    if oracles.answer(database.call, *transaction)[0] == "refused":
        assert list(database.items("things")) == was
