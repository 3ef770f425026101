"""The evaluator against the rules and examples of the IAM User Guide."""

import pytest

from sim.iam.evaluate import Request, allows

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/books"


def policy(effect="Allow", action="dynamodb:GetItem", resource=TABLE, **elements):
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **elements}]}


def when(condition, **context):
    named = {name.replace("__", ":").replace("_", "/"): value for name, value in context.items()}
    return allows(policy(Condition=condition), Request("dynamodb:GetItem", TABLE, named))


def test_what_nothing_allows_is_denied():
    assert not allows({"Statement": []}, Request("dynamodb:GetItem", TABLE))
    assert not allows(policy(), Request("dynamodb:PutItem", TABLE))
    assert not allows(policy(), Request("dynamodb:GetItem", TABLE + "2"))


def test_an_explicit_deny_wins_in_whichever_order():
    both = [policy("Deny", "dynamodb:*"), policy()]
    assert not allows(both, Request("dynamodb:GetItem", TABLE))
    assert not allows(reversed(both), Request("dynamodb:GetItem", TABLE))


def test_a_deny_that_does_not_apply_changes_nothing():
    assert allows([policy("Deny", "dynamodb:Scan"), policy()], Request("dynamodb:GetItem", TABLE))


def test_actions_ignore_case_and_resources_do_not():
    assert allows(policy(action="DynamoDB:getitem"), Request("dynamodb:GetItem", TABLE))
    assert not allows(policy(resource=TABLE.upper()), Request("dynamodb:GetItem", TABLE))


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("a*", "a", True),
        ("a*c", "a/b:c", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("*", "anything", True),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a${?}b${$}", "a?b$", True),
    ],
)
def test_wildcards_are_those_of_iam(pattern, value, matches):
    assert allows(policy(resource=pattern), Request("dynamodb:GetItem", value)) is matches


def test_not_action_allows_everything_else():
    document = {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}
    assert allows(document, Request("s3:GetObject", "x"))
    assert not allows(document, Request("iam:CreateUser", "x"))


def test_not_resource_spares_what_it_names():
    document = {"Statement": {"Effect": "Deny", "Action": "s3:*", "NotResource": "a"}}
    everything = policy(action="s3:*", resource="*")
    assert allows([document, everything], Request("s3:GetObject", "a"))
    assert not allows([document, everything], Request("s3:GetObject", "b"))


def test_a_variable_takes_its_value_from_the_request():
    own = policy(resource="arn:aws:s3:::home/${aws:PrincipalTag/site}")
    tagged = {"aws:PrincipalTag/site": "demo"}
    assert allows(own, Request("dynamodb:GetItem", "arn:aws:s3:::home/demo", tagged))
    assert not allows(own, Request("dynamodb:GetItem", "arn:aws:s3:::home/other", tagged))


def test_a_variable_without_value_matches_nothing_unless_it_has_a_default():
    assert not allows(policy(resource="${aws:username}"), Request("dynamodb:GetItem", "${aws:username}"))
    assert not allows(policy(resource="*${aws:username}"), Request("dynamodb:GetItem", ""))
    assert allows(policy(resource="${aws:username, 'nobody'}"), Request("dynamodb:GetItem", "nobody"))


def test_a_wildcard_inside_a_value_is_only_a_letter():
    own = policy(resource="home/${aws:PrincipalTag/site}")
    starred = {"aws:PrincipalTag/site": "*"}
    assert not allows(own, Request("dynamodb:GetItem", "home/demo", starred))
    assert allows(own, Request("dynamodb:GetItem", "home/*", starred))


@pytest.mark.parametrize(
    ("operator", "wanted", "absent", "equal", "other"),
    [
        ("StringEquals", "a", False, True, False),
        ("StringNotEquals", "a", True, False, True),
        ("StringLike", "a*", False, True, False),
        ("StringNotLike", "a*", True, False, True),
        ("StringEqualsIgnoreCase", "A", False, True, False),
        ("StringEqualsIfExists", "a", True, True, False),
        ("StringNotEqualsIfExists", "a", True, False, True),
        ("ForAllValues:StringEquals", "a", True, True, False),
        ("ForAnyValue:StringEquals", "a", False, True, False),
        ("ForAnyValue:StringEqualsIfExists", "a", True, True, False),
        ("ForAllValues:StringNotEquals", "a", True, False, True),
        ("Null", "true", True, False, False),
        ("Null", "false", False, True, True),
    ],
)
def test_an_operator_decides_for_an_absent_an_equal_and_another_value(operator, wanted, absent, equal, other):
    condition = {operator: {"aws:PrincipalTag/site": wanted}}
    assert when(condition) is absent
    assert when(condition, aws__PrincipalTag_site="a") is equal
    assert when(condition, aws__PrincipalTag_site="b") is other


def test_for_all_values_wants_each_and_for_any_value_wants_one():
    keys = ("SITE#1", "HOST#1")
    assert not when(
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "SITE#*"}}, dynamodb__LeadingKeys=keys
    )
    assert when(
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SITE#*", "HOST#*"]}},
        dynamodb__LeadingKeys=keys,
    )
    assert when({"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": "SITE#*"}}, dynamodb__LeadingKeys=keys)


def test_for_all_values_is_true_of_nothing_which_is_why_null_stands_beside_it():
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "SITE#*"}}
    assert when(keys)
    assert not when({**keys, "Null": {"dynamodb:LeadingKeys": "false"}})
    assert not when({**keys, "Null": {"dynamodb:LeadingKeys": "false"}}, dynamodb__LeadingKeys=())


def test_conditions_are_joined_by_and_values_by_or():
    condition = {"StringEquals": {"aws:a": ["1", "2"], "aws:b": "3"}}
    assert when(condition, aws__a="2", aws__b="3")
    assert not when(condition, aws__a="2")


def test_the_parts_of_an_arn_are_matched_one_by_one():
    condition = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1*:role/shop/*"}}
    assert when(condition, aws__PrincipalArn="arn:aws:iam::123:role/shop/x")
    assert not when(condition, aws__PrincipalArn="arn:aws:iam::123:user:role/shop/x")


def test_an_operator_that_is_not_known_is_no_permission():
    with pytest.raises(KeyError):
        when({"NumericLessThan": {"aws:a": "1"}}, aws__a="0")
