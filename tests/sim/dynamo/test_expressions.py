"""Expressions by AWS's own rules, where emulators are laxer, and the developer guide's examples."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sim.dynamo import grammar
from sim.dynamo.database import Database
from tests.sim.dynamo import calls, oracles

KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}
N1 = {":n": {"N": "1"}}


@pytest.fixture
def database():
    made = Database()
    made.create_table(**calls.TABLE)
    return made


def put(database, **attributes):
    database.call("PutItem", {"TableName": "things", "Item": KEY | attributes})


def update(database, expression, values=None, names=None, **more):
    params = {
        "TableName": "things",
        "Key": KEY,
        "UpdateExpression": expression,
        "ReturnValues": "ALL_NEW",
    } | more
    params |= {"ExpressionAttributeValues": values} if values else {}
    params |= {"ExpressionAttributeNames": names} if names else {}
    after = database.call("UpdateItem", params)["Attributes"]
    return {name: value for name, value in after.items() if name not in KEY}


def holds(database, condition, values=None):
    check = {"TableName": "things", "Key": KEY, "ConditionExpression": condition}
    check |= {"ExpressionAttributeValues": values} if values else {}
    said = oracles.answer(database.call, "TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]})
    assert said[1] in ({}, "TransactionCanceledException"), said
    return said[0] == "did"


@pytest.mark.parametrize(
    ("condition", "values", "message"),
    [
        ("num + :n > :n", N1, 'Syntax error; token: "+", near: "num + :n"'),
        ("num = :n - :n", N1, 'Syntax error; token: "-", near: ":n - :n"'),
        ("free >= :n", N1, "Attribute name is a reserved keyword; reserved keyword: free"),
        ("num = :n AND a.Next = :n", N1, "Attribute name is a reserved keyword; reserved keyword: Next"),
        ("((num = :n))", N1, "The expression has redundant parentheses;"),
        ("num = num", None, ("The first operand must be distinct from the remaining operands for this operator or "
         "function; operator: =, first operand: [num]")),
        ("size(num)", None, "The function is not allowed to be used this way in an expression; function: size"),
        ("attribute_exists(num) = :n", N1, ("The function is not allowed to be used this way in an expression; "
         "function: attribute_exists")),
        ("attribute_exists(:n)", N1, ("Operator or function requires a document path; "
         "operator or function: attribute_exists")),
        ("if_not_exists(num, :n)", N1, "Invalid function name; function: if_not_exists"),
        ("begins_with(num)", None, ("Incorrect number of operands for operator or function; "
         "operator or function: begins_with, number of operands: 1")),
        ("begins_with(num, :n)", N1, ("Incorrect operand type for operator or function; "
         "operator or function: begins_with, operand type: N")),
        ("num > :f", {":f": {"BOOL": True}}, ("Incorrect operand type for operator or function; "
         "operator: >, operand type: BOOL")),
        ("num BETWEEN :n AND :z", N1 | {":z": {"N": "0"}}, ("The BETWEEN operator requires upper bound to be greater "
         "than or equal to lower bound; lower bound operand: AttributeValue: {N:1}, "
         "upper bound operand: AttributeValue: {N:0}")),
        ("num", None, 'Syntax error; token: "<EOF>", near: "num"'),
        ("num = :n OR", N1, 'Syntax error; token: "<EOF>", near: "OR"'),
        ("NOT NOT num = :n", N1, 'Syntax error; token: "NOT", near: "NOT NOT num"'),
        ("num = $", None, 'Syntax error; token: "$", near: "= $"'),
        ("", None, "The expression can not be empty;"),
        ("num = :n AND " * 350 + "num = :n", N1, "Expression size has exceeded the maximum allowed size;"),
        ("num = :m", N1, "An expression attribute value used in expression is not defined; attribute value: :m"),
        ("#num = :n", N1, ("An expression attribute name used in the document path is not defined; "
         "attribute name: #num")),
    ],
)  # fmt: skip
def test_a_condition_AWS_refuses_is_refused_in_its_words(database, condition, values, message):
    params = {"TableName": "things", "Key": KEY, "ConditionExpression": condition}
    params |= {"ExpressionAttributeValues": values} if values else {}
    said = oracles.answer(database.call, "DeleteItem", params)
    assert said == ("refused", "ValidationException", (None, []), f"Invalid ConditionExpression: {message}")


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("SET num = :n, num = :n", N1, ("Invalid UpdateExpression: Two document paths overlap with each other; "
         "must remove or rewrite one of these paths; path one: [num], path two: [num]")),
        ("SET a.b = :n REMOVE a", N1, ("Invalid UpdateExpression: Two document paths overlap with each other; "
         "must remove or rewrite one of these paths; path one: [a, b], path two: [a]")),
        ("SET a.b = :n, a[0] = :n", N1, ("Invalid UpdateExpression: Two document paths conflict with each other; "
         "must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]")),
        ("SET a = :n SET b = :n", N1, ('Invalid UpdateExpression: The "SET" section can only be used once in an '
         "update expression;")),
        ("SET a = b + :n + :n", N1, 'Invalid UpdateExpression: Syntax error; token: "+", near: ":n + :n"'),
        ("SET a = size(b)", None, "Invalid UpdateExpression: Invalid function name; function: size"),
        ("SET a = b + :s", {":s": {"S": "x"}}, ("Invalid UpdateExpression: Incorrect operand type for operator or "
         "function; operator or function: +, operand type: S")),
        ("ADD a :s", {":s": {"S": "x"}}, ("Invalid UpdateExpression: Incorrect operand type for operator or function; "
         "operator: ADD, operand type: STRING")),
        ("DELETE a :n", N1, ("Invalid UpdateExpression: Incorrect operand type for operator or function; "
         "operator: DELETE, operand type: NUMBER")),
        ("SET pk = :n", N1, ("One or more parameter values were invalid: Cannot update attribute pk. "
         "This attribute is part of the key")),
        ("SET a = absent", None, "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a.b = :n", N1, "The document path provided in the update expression is invalid for update"),
        ("SET m = if_not_exists(m, :n)", N1, ("One or more parameter values were invalid: Type mismatch for Index Key "
         "m Expected: S Actual: N IndexName: member")),
        ("SET m = :e", {":e": {"S": ""}}, ("One or more parameter values are not valid. The update expression "
         "attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key "
         "attribute cannot contain an empty string value.")),
        ("SET a = :n", N1 | {":x": {"N": "2"}}, ("Value provided in ExpressionAttributeValues unused in expressions: "
         "keys: {:x}")),
        ("SET a = :x", {":x": {"SS": []}}, ("ExpressionAttributeValues contains invalid value: One or more parameter "
         "values were invalid: An string set  may not be empty for key :x")),
        ("SET a = :x", {":x": {"S": "x" * 410_000}}, "Item size to update has exceeded the maximum allowed size"),
    ],
)  # fmt: skip
def test_an_update_AWS_refuses_is_refused_in_its_words(database, expression, values, message):
    params = {"TableName": "things", "Key": KEY, "UpdateExpression": expression}
    params |= {"ExpressionAttributeValues": values} if values else {}
    said = oracles.answer(database.call, "UpdateItem", params)
    assert said == ("refused", "ValidationException", (None, []), message)
    assert list(database.items("things")) == []


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"pk": {"S": "p"}}, "One or more parameter values were invalid: Missing the key sk in the item"),
        (KEY | {"sk": {"S": ""}}, ("One or more parameter values are not valid. The AttributeValue for a key attribute "
         "cannot contain an empty string value. Key: sk")),
        (KEY | {"sk": {"N": "1"}}, ("One or more parameter values were invalid: Type mismatch for key sk expected: S "
         "actual: N")),
        (KEY | {"pk": {"S": "é" * 1025}}, ("One or more parameter values were invalid: Size of hashkey has exceeded "
         "the maximum size limit of2048 bytes")),
        (KEY | {"sk": {"S": "x" * 1025}}, ("One or more parameter values were invalid: Aggregated size of all range "
         "keys has exceeded the size limit of 1024 bytes")),
        (KEY | {"m": {"N": "1"}}, ("One or more parameter values were invalid: Type mismatch for Index Key m "
         "Expected: S Actual: N IndexName: member")),
        (KEY | {"a": {"NS": []}}, "One or more parameter values were invalid: An number set  may not be empty"),
        (KEY | {"a": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        (KEY | {"a": {"SS": ["x", ""]}}, ("One or more parameter values were invalid: An string set  may not have a "
         "empty string as a member")),
        (KEY | {"a": {"N": "1" * 39}}, "Attempting to store more than 38 significant digits in a Number"),
        (KEY | {"a": {"N": "1E126"}}, ("Number overflow. Attempting to store a number with magnitude larger than "
         "supported range")),
        (KEY | {"a": {"N": "1E-131"}}, ("Number underflow. Attempting to store a number with magnitude smaller than "
         "supported range")),
        (KEY | {"a": {"N": "NaN"}}, "The parameter cannot be converted to a numeric value: NaN"),
        (KEY | {"a": {}}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (KEY | {"a": {"NULL": False}}, ("One or more parameter values were invalid: Null attribute value types must "
         "have the value of true")),
        (KEY | {"a": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
)  # fmt: skip
def test_an_item_AWS_refuses_is_refused_in_its_words(database, item, message):
    said = oracles.answer(database.call, "PutItem", {"TableName": "things", "Item": item})
    assert said == ("refused", "ValidationException", (None, []), message)


def test_values_nest_32_deep_and_no_deeper(database):
    def nested(depth):
        return {"L": [nested(depth - 1)]} if depth else {"S": "x"}

    put(database, a=nested(32))
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        put(database, a=nested(33))
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        update(database, "SET a[0][0] = :deep", {":deep": nested(31)})


def test_every_right_hand_side_is_the_item_before(database):
    put(database, a={"N": "1"}, b={"N": "2"})
    assert update(database, "SET a = b, b = a + b REMOVE c") == {"a": {"N": "2"}, "b": {"N": "3"}}


def test_elements_are_removed_by_their_places_before_and_added_in_the_order_of_their_numbers(database):
    put(database, parts={"L": [{"S": each} for each in ("Hammer", "Nails", "Screws", "Hacksaw")]})
    assert update(database, "REMOVE parts[1], parts[2]") == {
        "parts": {"L": [{"S": "Hammer"}, {"S": "Hacksaw"}]}
    }
    values = {":x": {"S": "x"}, ":y": {"S": "y"}}
    after = update(database, "SET parts[9] = :y, parts[5] = :x REMOVE parts[0]", values)
    assert after == {"parts": {"L": [{"S": "Hacksaw"}, {"S": "x"}, {"S": "y"}]}}


def test_a_counter_and_a_list_begin_with_if_not_exists(database):
    values = {":n": {"N": "1"}, ":z": {"N": "0"}, ":e": {"L": []}, ":x": {"L": [{"S": "x"}]}}
    expression = "SET hits = if_not_exists(hits, :z) + :n, seen = list_append(if_not_exists(seen, :e), :x)"
    update(database, expression, values)
    assert update(database, expression, values) == {
        "hits": {"N": "2"},
        "seen": {"L": [{"S": "x"}, {"S": "x"}]},
    }


def test_sets_grow_and_vanish_when_they_are_empty(database):
    assert update(database, "ADD tags :t", {":t": {"SS": ["a", "b"]}}) == {"tags": {"SS": ["a", "b"]}}
    assert update(database, "DELETE tags :t", {":t": {"SS": ["b", "a"]}}) == {}
    assert update(database, "DELETE tags :t", {":t": {"SS": ["b"]}}) == {}


def test_numbers_keep_38_digits_and_no_more(database):
    assert update(database, "SET a = :n", {":n": {"N": "9" * 38}}) == {"a": {"N": "9" * 38}}
    with pytest.raises(ClientError, match="more than 38 significant digits"):
        update(database, "SET a = a + :n", {":n": {"N": "0.1"}})
    assert update(database, "SET a = :n", {":n": {"N": "-01.50E+1"}}) == {"a": {"N": "-15"}}


def test_an_index_key_keeps_its_type_whatever_is_copied_there(database):
    put(database, num={"N": "1"}, note={"S": "x"})
    with pytest.raises(ClientError, match="attempted to update the secondary index key to unsupported type"):
        update(database, "SET m = num")
    assert update(database, "SET m = note")["m"] == {"S": "x"}


def test_UPDATED_NEW_shows_what_the_paths_point_at(database):
    put(database, mapped={"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, note={"S": "t"})
    values = {":n": {"N": "9"}}
    assert update(database, "SET mapped.x = :n REMOVE note", values, ReturnValues="UPDATED_NEW") == {
        "mapped": {"M": {"x": {"N": "9"}}}
    }


def test_conditions_on_absent_attributes(database):
    put(database, num={"N": "5"}, note={"S": "abc"}, tags={"SS": ["x"]}, listed={"L": [{"N": "1"}]})
    assert holds(database, "absent <> :n", N1)
    assert not holds(database, "absent = :n", N1)
    assert not holds(
        database, "absent < :n OR absent >= :n OR absent BETWEEN :n AND :n OR absent IN (:n)", N1
    )
    assert holds(database, "attribute_not_exists(listed[1]) AND attribute_exists(listed[0])")
    assert not holds(database, "size(absent) >= :n OR size(num) >= :n", N1)
    assert holds(database, "size(tags) = :n AND size(note) > :n AND contains(listed, :n)", N1)
    assert holds(
        database, "contains(note, :s) AND begins_with(note, :a)", {":s": {"S": "bc"}, ":a": {"S": "ab"}}
    )


def test_the_precedence_is_NOT_then_AND_then_OR(database):
    put(database, num={"N": "5"})
    assert holds(database, "num = num1 AND num = num2 OR num <> num3")
    assert not holds(database, "num = num1 AND (num = num2 OR num <> num3)")
    assert not holds(
        database, "NOT attribute_exists(num) AND attribute_exists(num) OR NOT attribute_exists(pk)"
    )


def test_a_refused_condition_comes_with_the_item_at_the_top(database):
    put(database, num={"N": "5"})
    params = {
        "TableName": "things",
        "Key": KEY,
        "ConditionExpression": "num = :n",
        "ExpressionAttributeValues": N1,
    }
    with pytest.raises(ClientError) as silent:
        database.call("DeleteItem", params)
    assert "Item" not in silent.value.response
    with pytest.raises(ClientError) as telling:
        database.call("DeleteItem", params | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
    assert telling.value.response["Item"] == KEY | {"num": {"N": "5"}}
    assert telling.value.response["Error"]["Code"] == "ConditionalCheckFailedException"


@given(st.sampled_from(sorted(grammar.RESERVED)), st.booleans())
def test_no_reserved_word_stands_unaliased(word, small):
    word = word.lower() if small else word
    database = Database()
    database.create_table(**calls.TABLE)
    with pytest.raises(ClientError, match=f"keyword: {word}$|Syntax error"):
        update(database, f"SET {word} = :n", N1)
    assert update(database, "SET #w = :n", N1, {"#w": word}) == {word: {"N": "1"}}


def test_what_is_stored_is_shared_with_nobody(database):
    item = KEY | {"listed": {"L": [{"S": "x"}]}, "tags": {"SS": ["a"]}}
    database.call("PutItem", {"TableName": "things", "Item": item})
    item["listed"]["L"].append({"S": "y"})
    item["tags"]["SS"].append("b")
    shown = database.call("GetItem", {"TableName": "things", "Key": KEY})["Item"]
    assert shown == KEY | {"listed": {"L": [{"S": "x"}]}, "tags": {"SS": ["a"]}}
    shown["listed"]["L"].clear()
    shown["tags"]["SS"].clear()
    assert database.call("GetItem", {"TableName": "things", "Key": KEY})["Item"]["tags"] == {"SS": ["a"]}
