"""Queries page by page, indexes, stale replicas, scans, and what expires."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sim.dynamo.database import Database
from tests.sim.dynamo import calls

IN = {"TableName": "things"}
NUMBERED = {
    "TableName": "numbered",
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "B"},
        {"AttributeName": "at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
}


def make(**options):
    made = Database(**options)
    made.create_table(**calls.TABLE)
    return made


def put(database, sk, **attributes):
    database.call("PutItem", IN | {"Item": {"pk": {"S": "p"}, "sk": {"S": sk}} | attributes})


def query(database, condition="pk = :v", value="p", **more):
    asked = IN | {"KeyConditionExpression": condition, "ExpressionAttributeValues": {":v": {"S": value}}}
    return database.call("Query", asked | more)


def found(answer):
    return [item["sk"]["S"] for item in answer["Items"]]


def pages(database, **more):
    while True:
        answer = query(database, **more)
        yield found(answer)
        if "LastEvaluatedKey" not in answer:
            return
        more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def test_a_page_ends_before_1_MB():
    database = make()
    for number in range(6):
        put(database, str(number), x={"S": "x" * 300_000})
    assert list(pages(database)) == [["0", "1", "2"], ["3", "4", "5"]]
    assert list(pages(database, ScanIndexForward=False)) == [["5", "4", "3"], ["2", "1", "0"]]


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.integers(1, 4), st.booleans(), st.booleans())
def test_pages_of_any_size_show_everything_once_and_in_order(sks, limit, forward, indexed):
    database = make()
    for sk in sks:
        put(database, sk, m={"S": "p"})
    index = {"IndexName": "member", "condition": "m = :v"} if indexed else {}
    shown = list(pages(database, Limit=limit, ScanIndexForward=forward, **index))
    assert [sk for page in shown for sk in page] == sorted(sks, reverse=not forward)
    assert all(len(page) == limit for page in shown[:-1])


def test_a_limit_met_by_the_last_item_still_names_it():
    database = make()
    put(database, "1")
    assert query(database, Limit=1)["LastEvaluatedKey"] == {"pk": {"S": "p"}, "sk": {"S": "1"}}
    assert "LastEvaluatedKey" not in query(database, Limit=2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"condition": "sk = :v"}, "Query condition missed key schema element: pk"),
        ({"condition": "pk > :v"}, "Query key condition not supported"),
        ({"condition": "pk = :v OR sk = :v"}, "Invalid operator used in KeyConditionExpression: OR"),
        ({"condition": "pk = :v AND sk <> :v"}, "Invalid operator used in KeyConditionExpression: <>"),
        ({"condition": "pk = :v AND pk = :v"}, "must only contain one condition per key"),
        ({"condition": "pk = :v AND num = :v"}, "Query condition missed key schema element: sk"),
        (
            {"condition": "pk = :v AND contains(sk, :v)"},
            "Invalid operator used in KeyConditionExpression: contains",
        ),
        ({"FilterExpression": "sk = :v"}, "Filter Expression can only contain non-primary key attributes"),
        ({"IndexName": "none"}, "The table does not have the specified index: none"),
        (
            {"IndexName": "member", "condition": "m = :v", "ConsistentRead": True},
            "Consistent reads are not supported",
        ),
        ({"IndexName": "member", "condition": "m = :v", "ProjectionExpression": "num"}, "does not project"),
        (
            {"IndexName": "member", "condition": "m = :v", "Select": "ALL_ATTRIBUTES"},
            "projection type is not ALL",
        ),
        ({"Limit": 0}, "greater than or equal to 1"),
        ({"ExclusiveStartKey": {"pk": {"S": "p"}}}, "The provided starting key is invalid"),
        ({"ExclusiveStartKey": {"pk": {"S": "q"}, "sk": {"S": "1"}}}, "outside query boundaries"),
    ],
)
def test_a_query_AWS_refuses_is_refused(more, message):
    with pytest.raises(ClientError, match=message) as refused:
        query(make(), **more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@given(st.lists(st.decimals(-1000, 1000, places=2), unique=True, max_size=6))
def test_numbers_are_in_order_of_magnitude_and_keys_may_be_binary(numbers):
    database = Database()
    database.create_table(**NUMBERED)
    for number in numbers:
        item = {"id": {"B": b"\x01"}, "at": {"N": str(number)}}
        database.call("PutItem", {"TableName": "numbered", "Item": item})
    values = {":i": {"B": b"\x01"}, ":n": {"N": "0"}}
    asked = {"KeyConditionExpression": ":i = id AND :n <= #at", "ExpressionAttributeNames": {"#at": "at"}}
    answer = database.call("Query", asked | {"TableName": "numbered", "ExpressionAttributeValues": values})
    assert [float(item["at"]["N"]) for item in answer["Items"]] == sorted(float(n) for n in numbers if n >= 0)


def test_an_eventual_read_sees_as_many_versions_behind_as_the_hook_says():
    behind = {"": 0, "member": 0}
    database = make(staleness=lambda _table, index, _key: behind.get(index, 0))
    for num, member in (("1", "me"), ("2", "me"), ("3", "you")):
        put(database, "1", num={"N": num}, m={"S": member})
    key = IN | {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}}}
    for lag, seen in ((0, "3"), (1, "2"), (2, "1")):
        behind[""] = lag
        assert database.call("GetItem", key)["Item"]["num"] == {"N": seen}
        assert query(database)["Items"][0]["num"] == {"N": seen}
    for lag in (3, 99):
        behind[""] = lag
        assert "Item" not in database.call("GetItem", key)
        assert query(database)["Count"] == 0
    assert database.call("GetItem", key | {"ConsistentRead": True})["Item"]["num"] == {"N": "3"}
    assert query(database, ConsistentRead=True)["Count"] == 1


def test_an_index_lags_behind_its_table():
    behind = {"": 0, "member": 0}
    database = make(staleness=lambda _table, index, _key: behind.get(index, 0))
    put(database, "1", m={"S": "me"})
    put(database, "1", m={"S": "you"})
    database.call("DeleteItem", IN | {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}}})
    seen = []
    for lag in range(4):
        behind["member"] = lag
        counts = [query(database, "m = :v", member, IndexName="member")["Count"] for member in ("me", "you")]
        seen.append(counts)
    assert seen == [[0, 0], [0, 1], [1, 0], [0, 0]]


def test_a_scan_is_refused_unless_asked_for():
    with pytest.raises(ClientError, match="AccessDenied"):
        make().call("Scan", IN)
    database = make(scans=True)
    for sk in "312":
        put(database, sk, num={"N": sk})
    asked = IN | {"FilterExpression": "num > :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "Limit": 2}
    first = database.call("Scan", asked)
    assert (found(first), first["ScannedCount"]) == (["2"], 2)
    assert found(database.call("Scan", asked | {"ExclusiveStartKey": first["LastEvaluatedKey"]})) == ["3"]


def test_what_is_past_its_time_goes_when_it_is_swept():
    database = make()
    now = 1_795_406_400
    for sk, ttl in (("past", now - 1), ("now", now), ("years", now - 6 * 365 * 86_400)):
        put(database, sk, ttl={"N": str(ttl)}, m={"S": "p"})
    put(database, "never")
    assert database.expire(now) == 0
    wanted = {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}}
    database.call("UpdateTimeToLive", IN | wanted)
    spent = database.units.total("write")
    assert database.expire(now) == 1
    assert found(query(database)) == ["never", "now", "years"]
    assert found(query(database, "m = :v", IndexName="member")) == ["now", "years"]
    assert database.units.total("write") == spent


def test_a_batch_beyond_16_MB_comes_back_in_part():
    database = make()
    sks = [f"{n:02}" for n in range(45)]
    for sk in sks:
        put(database, sk, x={"S": "x" * 400_000})
    keys = [{"pk": {"S": "p"}, "sk": {"S": sk}} for sk in sks]
    answer = database.call("BatchGetItem", {"RequestItems": {"things": {"Keys": keys}}})
    assert len(answer["Responses"]["things"]) == 41
    assert answer["UnprocessedKeys"] == {"things": {"Keys": keys[41:]}}


def test_a_table_describes_itself_and_is_missed_when_it_is_not_there():
    database = make()
    put(database, "1")
    told = database.call("DescribeTable", IN)["Table"]
    assert (told["TableStatus"], told["ItemCount"]) == ("ACTIVE", 1)
    assert [each["IndexName"] for each in told["GlobalSecondaryIndexes"]] == ["member", "whole"]
    with pytest.raises(ClientError, match="ResourceInUse"):
        database.create_table(**calls.TABLE)
    database.call("DeleteTable", IN)
    for operation, params in (("DescribeTable", IN), ("GetItem", IN | {"Key": {}})):
        with pytest.raises(ClientError, match="Requested resource not found"):
            database.call(operation, params)


def test_parameters_that_expressions_have_replaced_are_not_ignored():
    with pytest.raises(NotImplementedError):
        make().call("GetItem", IN | {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}}, "AttributesToGet": ["num"]})


def test_a_table_without_sort_keys_forgets_what_is_deleted():
    database = Database()
    key = {"TableName": "plain", "Key": {"id": {"S": "a"}}}
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    kinds = [{"AttributeName": "id", "AttributeType": "S"}]
    database.create_table(TableName="plain", KeySchema=keys, AttributeDefinitions=kinds)
    for _ in range(2):
        database.call("PutItem", {"TableName": "plain", "Item": {"id": {"S": "a"}}})
        database.call("DeleteItem", key)
    assert database.call("GetItem", key) == {}
