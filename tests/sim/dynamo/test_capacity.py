"""Capacity by the developer guide's rules and examples."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given

from sim.dynamo import values
from sim.dynamo.database import Database
from tests.sim.dynamo import calls, phrases

KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}
IN = {"TableName": "things"}


@pytest.fixture
def database():
    made = Database()
    made.create_table(**calls.TABLE)
    return made


def cost(database, operation, **params):
    """Units of one call by table ("") and index, as the ledger has them and as the answer tells them."""
    answer = database.call(operation, IN | {"ReturnConsumedCapacity": "INDEXES"} | params)
    found = {}
    for charge in database.units.last:
        found[charge.gsi] = found.get(charge.gsi, 0) + charge.units
    told = answer["ConsumedCapacity"]
    assert told["CapacityUnits"] == sum(found.values())
    assert told["Table"]["CapacityUnits"] == found.get("", 0)
    indexes = {name: each["CapacityUnits"] for name, each in told.get("GlobalSecondaryIndexes", {}).items()}
    assert indexes == {name: units for name, units in found.items() if name}
    return found


def sized(size):
    """An item of this many bytes, its key in it."""
    return KEY | {"x": {"S": "x" * (size - 7)}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é中"}, 5),
        ({"B": b"\x00\x01\x02"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 1),
        ({"N": "1"}, 2),
        ({"N": "-1"}, 3),
        ({"N": "99"}, 2),
        ({"N": "100"}, 2),
        ({"N": "1000"}, 2),
        ({"N": "123"}, 3),
        ({"N": "12.5"}, 3),
        ({"N": "0.001"}, 2),
        ({"N": "1" * 38}, 20),
        ({"N": "-" + "1" * 37 + "0"}, 21),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "100"]}, 4),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + (1 + 2) + (1 + 2)),
        ({"M": {"key": {"S": "ab"}}}, 3 + (1 + 3 + 2)),
    ],
)
def test_the_size_of_a_value(value, size):
    assert values.take(value)[1] == size
    assert values.size_of(values.take(value)[0]) == size


@given(phrases.values)
def test_a_value_is_measured_the_same_at_the_door_and_inside(value):
    taken, size = values.take(value)
    assert values.size_of(taken) == size
    assert values.take(taken) == (taken, size)
    assert values.same(taken, values.copy(taken))


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1024, 1), (1025, 2), (2049, 3)])
def test_a_write_costs_a_unit_per_KB(database, size, units):
    assert cost(database, "PutItem", Item=sized(size)) == {"": units}


def test_a_write_is_charged_by_the_larger_of_before_and_after(database):
    assert cost(database, "PutItem", Item=sized(3000)) == {"": 3}
    assert cost(database, "PutItem", Item=sized(100)) == {"": 3}
    assert cost(database, "DeleteItem", Key=KEY) == {"": 1}
    assert cost(database, "DeleteItem", Key=KEY) == {"": 1}
    grow = {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "x" * 2000}}}
    assert cost(database, "UpdateItem", Key=KEY, **grow) == {"": 2}
    assert cost(database, "UpdateItem", Key=KEY, UpdateExpression="REMOVE x") == {"": 2}


@pytest.mark.parametrize(("size", "strong"), [(100, 1), (4096, 1), (4097, 2), (9000, 3)])
def test_a_read_costs_a_unit_per_4_KB_and_half_of_it_when_eventual(database, size, strong):
    database.call("PutItem", IN | {"Item": sized(size)})
    assert cost(database, "GetItem", Key=KEY, ConsistentRead=True) == {"": strong}
    assert cost(database, "GetItem", Key=KEY, ProjectionExpression="sk") == {"": strong / 2}


def test_a_read_of_nothing_costs_the_least(database):
    assert cost(database, "GetItem", Key=KEY, ConsistentRead=True) == {"": 1}
    assert cost(database, "GetItem", Key=KEY) == {"": 0.5}


def test_a_query_adds_up_bytes_before_it_rounds_and_a_filter_saves_nothing(database):
    for number in range(10):
        database.call("PutItem", IN | {"Item": sized(512) | {"sk": {"S": str(number)}}})
    asked = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    assert cost(database, "Query", **asked) == {"": 1}
    assert cost(database, "Query", **asked, ConsistentRead=True) == {"": 2}
    assert cost(database, "Query", **asked, FilterExpression="attribute_exists(absent)", Select="COUNT") == {
        "": 1
    }


def test_a_batch_rounds_each_item(database):
    for sk, size in (("1", 1500), ("2", 6500)):
        database.call("PutItem", IN | {"Item": sized(size) | {"sk": {"S": sk}}})
    wanted = {"things": {"Keys": [KEY, KEY | {"sk": {"S": "2"}}], "ConsistentRead": True}}
    answer = database.call("BatchGetItem", {"RequestItems": wanted, "ReturnConsumedCapacity": "TOTAL"})
    assert answer["ConsumedCapacity"] == [{"TableName": "things", "CapacityUnits": 3.0}]
    puts = {"things": [{"PutRequest": {"Item": sized(1100) | {"sk": {"S": sk}}}} for sk in "34"]}
    answer = database.call("BatchWriteItem", {"RequestItems": puts, "ReturnConsumedCapacity": "TOTAL"})
    assert answer["ConsumedCapacity"] == [{"TableName": "things", "CapacityUnits": 4.0}]


def test_an_index_costs_only_what_it_sees_of_a_change(database):
    member = {"m": {"S": "me"}}
    assert cost(database, "PutItem", Item=sized(3000)) == {"": 3}
    assert cost(database, "PutItem", Item=sized(3000) | member) == {"": 3, "member": 1, "whole": 3}
    change = {"ExpressionAttributeValues": {":v": {"S": "v"}}, "Key": KEY}
    assert cost(database, "UpdateItem", UpdateExpression="SET y = :v", **change) == {"": 3, "whole": 3}
    assert cost(database, "UpdateItem", UpdateExpression="SET y = :v", **change) == {"": 3}
    assert cost(database, "UpdateItem", UpdateExpression="SET m = :v", **change) == {
        "": 3,
        "member": 2,
        "whole": 6,
    }
    assert cost(database, "UpdateItem", UpdateExpression="REMOVE m", Key=KEY) == {
        "": 3,
        "member": 1,
        "whole": 3,
    }


def test_a_query_of_an_index_costs_what_is_projected(database):
    for number in range(3):
        item = sized(4000) | {"sk": {"S": str(number)}, "m": {"S": "me"}}
        database.call("PutItem", IN | {"Item": item})
    asked = {"KeyConditionExpression": "m = :m", "ExpressionAttributeValues": {":m": {"S": "me"}}}
    assert cost(database, "Query", IndexName="member", **asked) == {"member": 0.5}
    assert cost(database, "Query", IndexName="whole", **asked) == {"whole": 1.5}


def test_a_transaction_costs_the_table_twice_and_an_index_once(database):
    puts = [{"Put": IN | {"Item": sized(1500) | {"sk": {"S": sk}, "m": {"S": "me"}}}} for sk in "12"]
    checks = [
        {
            "ConditionCheck": IN
            | {"Key": {"pk": {"S": "q"}, "sk": {"S": "1"}}, "ConditionExpression": "a <> b"}
        }
    ]
    asked = {"TransactItems": puts + checks, "ReturnConsumedCapacity": "INDEXES"}
    (told,) = database.call("TransactWriteItems", asked)["ConsumedCapacity"]
    assert told["CapacityUnits"] == told["WriteCapacityUnits"] == 16
    assert told["Table"]["WriteCapacityUnits"] == 2 * 2 + 2 * 2 + 2
    assert {name: each["CapacityUnits"] for name, each in told["GlobalSecondaryIndexes"].items()} == {
        "member": 2,
        "whole": 4,
    }


def test_a_transaction_reads_at_twice_the_price(database):
    database.call("PutItem", IN | {"Item": sized(5000)})
    gets = [{"Get": IN | {"Key": KEY}}, {"Get": IN | {"Key": KEY | {"sk": {"S": "2"}}}}]
    asked = {"TransactItems": gets, "ReturnConsumedCapacity": "TOTAL"}
    (told,) = database.call("TransactGetItems", asked)["ConsumedCapacity"]
    assert told == {"TableName": "things", "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}


def test_a_refused_condition_costs_the_larger_of_what_stands_there_and_what_was_put(database):
    never = {"ConditionExpression": "attribute_exists(absent)"}
    with pytest.raises(ClientError):
        database.call("DeleteItem", IN | {"Key": KEY} | never)
    assert database.units.total("write") == 1
    with pytest.raises(ClientError):
        database.call("PutItem", IN | {"Item": sized(3000)} | never)
    assert database.units.total("write") == 1 + 3
    database.call("PutItem", IN | {"Item": sized(2000)})
    with pytest.raises(ClientError):
        database.call("DeleteItem", IN | {"Key": KEY} | never)
    assert database.units.total("write") == 1 + 3 + 2 + 2
    assert database.units.requests == {"CreateTable": 1, "DeleteItem": 2, "PutItem": 2}


def test_a_claim_of_any_count_costs_one_unit(database):
    slots = {
        f"{kind}{i}": {"S": "x" * 16} if kind == "o" else {"N": "1000000"}
        for i in range(16)
        for kind in "osk"
    }
    database.call("PutItem", IN | {"Item": KEY | slots | {"next": {"N": "0"}, "free": {"N": "1000000"}}})
    claim = {
        "Key": KEY,
        "UpdateExpression": "SET o3 = :o, s3 = #next, k3 = :k, #next = #next + :k, #free = #free - :k",
        "ConditionExpression": "#free >= :k AND (attribute_not_exists(o3) OR o3 <> :o)",
        "ExpressionAttributeNames": {"#next": "next", "#free": "free"},
        "ExpressionAttributeValues": {":o": {"S": "y" * 16}, ":k": {"N": "10000"}},
    }
    assert cost(database, "UpdateItem", **claim) == {"": 1}
