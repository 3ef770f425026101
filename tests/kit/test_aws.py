"""Clients: made from descriptions of services that are read once, and only of the services in use."""

import re
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError

from chalicelib.kit import aws, tenant

SOURCES = [path.read_text() for path in Path(aws.__file__).parents[1].rglob("*.py")]


def test_every_service_that_the_shop_calls_is_known(world):
    called = {name for text in SOURCES for name in re.findall(r'(?:client|operator)\("(\w+)"', text)}
    assert called == set(aws.SERVICES)
    assert {aws.client(name).meta.service_model.service_name for name in called} == called


def test_a_service_that_nobody_calls_is_refused():
    with pytest.raises(UnknownServiceError):
        aws.client("ec2")


def test_clients_of_all_identities_share_what_was_read(world):
    aws.client("kms")
    loader = aws.session().get_component("data_loader")
    read = set(loader._cache)
    own = aws.client_as("kms", tenant.SiteCredentials())
    assert own.meta.service_model is not aws.client("kms").meta.service_model
    assert read == set(loader._cache) != set()


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_is_that_of_lambda_or_of_the_command_line(monkeypatch, name):
    """Lambda sets both; the AWS CLI reads the first, the SDK by itself the second only."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv(name, "eu-south-2")
    assert aws.client_as("kms", tenant.SiteCredentials()).meta.region_name == "eu-south-2"
