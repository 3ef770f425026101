"""The DynamoDB of tests: through all of botocore, and stricter than moto."""

import copy

import pytest
from botocore.exceptions import ClientError

from chalicelib.kit import aws
from tests import make

NAME = "cardmesh-things"
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def dynamodb(world):
    make.make_table(NAME)
    return aws.client("dynamodb")


def put(token, text):
    return {
        "TransactItems": [{"Put": {"TableName": NAME, "Item": {**KEY, "text": {"S": text}}}}],
        "ClientRequestToken": token,
    }


@pytest.mark.parametrize(
    "value",
    [
        {"B": b"\0\xff"},
        {"BS": [b"\0", b"\xff"]},
        {"M": {"B": {"S": "of one letter"}}},
        {"N": "12"},
        {"BOOL": True},
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_was(dynamodb, value):
    dynamodb.put_item(TableName=NAME, Item={**KEY, "B": value})
    assert dynamodb.get_item(TableName=NAME, Key=KEY)["Item"]["B"] == value


def test_moto_tells_how_many_rows_a_table_has(dynamodb):
    dynamodb.put_item(TableName=NAME, Item=KEY)
    dynamodb.put_item(TableName=NAME, Item={**KEY, "sk": {"S": "c"}})
    assert dynamodb.describe_table(TableName=NAME)["Table"]["ItemCount"] == 2


def test_a_table_that_is_made_anew_is_empty(dynamodb):
    dynamodb.put_item(TableName=NAME, Item=KEY)
    dynamodb.delete_table(TableName=NAME)
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName=NAME, Key=KEY)
    make.make_table(NAME)
    assert "Item" not in dynamodb.get_item(TableName=NAME, Key=KEY)


def test_a_copy_of_a_cloud_shares_no_rows(dynamodb):
    dynamodb.put_item(TableName=NAME, Item=KEY)
    table = make.dynamodb_backends[make._ACCOUNT][make._REGION].tables[NAME]
    picture = copy.deepcopy(table.items)
    dynamodb.delete_item(TableName=NAME, Key=KEY)
    assert (len(picture.rows), len(table.items.rows)) == (1, 0)
    table.items = picture
    assert dynamodb.query(**asking_for("a"))["Count"] == 1


def asking_for(pk):
    return {
        "TableName": NAME,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
    }


def test_a_refusal_tells_what_stands_there(dynamodb):
    dynamodb.put_item(TableName=NAME, Item={**KEY, "text": {"S": "first"}})
    told = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(TableName=NAME, Item=KEY, **told)
    assert refused.value.response["Item"]["text"] == {"S": "first"}


def test_a_transaction_that_comes_again_is_done_once(dynamodb, world):
    """As AWS does for ten minutes; moto knows no tokens."""
    dynamodb.transact_write_items(**put("token", "first"))
    dynamodb.delete_item(TableName=NAME, Key=KEY)
    dynamodb.transact_write_items(**put("token", "first"))
    assert "Item" not in dynamodb.get_item(TableName=NAME, Key=KEY)
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        dynamodb.transact_write_items(**put("token", "second"))
    world.now += 600
    dynamodb.transact_write_items(**put("token", "second"))
    assert dynamodb.get_item(TableName=NAME, Key=KEY)["Item"]["text"] == {"S": "second"}


def test_what_breaks_a_rule_of_the_service_is_refused(dynamodb):
    item = {**KEY, "text": {"S": "x"}}
    twice = [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": KEY}}]
    with pytest.raises(ClientError, match="duplicates"):
        dynamodb.batch_write_item(RequestItems={NAME: twice})
