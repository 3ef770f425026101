"""Whatever begins or ends with a star in a policy has a reason that somebody wrote down."""

import pytest

from sim.iam import report, wildcards


def test_every_wildcard_has_a_reason_and_every_reason_a_wildcard():
    assert wildcards.found() == set(wildcards.REASONS)


def test_a_reason_is_a_sentence():
    assert all(reason.endswith(".") and len(reason) > 40 for reason in wildcards.REASONS.values())


def test_the_page_has_them_all():
    assert report.starred() in report.PAGE.read_text(), "wildcards have changed: run `make isolation`"


@pytest.mark.parametrize("element", ["Action", "NotAction", "Resource", "NotResource"])
@pytest.mark.parametrize("value", ["*", "dynamodb:*", "dynamodb:Get?tem"])
def test_a_planted_wildcard_is_found(element, value):
    planted = {"Statement": {"Sid": "Planted", "Effect": "Allow", element: ["s3:GetObject", value]}}
    assert [found for found, _ in wildcards.starred(planted)] == [value]


def test_policies_inside_templates_are_looked_at_too():
    assert {"tenant", "console", "main.yaml TenantRole", "main.yaml Key"} <= {
        name for name, _ in wildcards.written()
    }
