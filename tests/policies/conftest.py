"""A deployment in moto, made of the project's own templates, with one sub-site."""

from pathlib import Path

import pytest
from moto import mock_aws

from chalicelib.kit import aws, config, tenant, vault
from tests.policies.enforce import grow_cold

INFRA = Path(__file__).parents[2] / "infra"
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "SITE_DOMAIN": "shop.example",
    "HASH_MEMORY_KIB": "64",
    "HASH_PASSES": "1",
}


@pytest.fixture(scope="module")
def deployment():
    """The main stack and the data keys; the tenant role is really assumed."""
    _forget()
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        for name, value in SETTINGS.items():
            monkeypatch.setenv(name, value)
        outputs = _deploy("cardmesh-main", "main.yaml", SiteDomain="shop.example")
        for name, value in outputs.items():
            if name.startswith("Queue") and not name.endswith("Arn"):
                monkeypatch.setenv(f"QUEUE_{name.removeprefix('Queue').upper()}", value)
        monkeypatch.setenv("KEY_ID", outputs["KeyId"])
        monkeypatch.setenv("TENANT_ROLE", outputs["TenantRoleArn"])
        monkeypatch.setenv("SUBSITE_TEMPLATE", (INFRA / "subsite.yaml").read_text())
        _forget()
        vault.make_key(tenant.MAIN)
        vault.make_key(vault.CHANNELS)
        yield
    _forget()


def _deploy(name, file, **parameters):
    formation = aws.session().create_client("cloudformation")
    formation.create_stack(
        StackName=name,
        TemplateBody=(INFRA / file).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _forget():
    """Nothing of another test's deployment may stay in memory."""
    config.load.cache_clear()
    aws.session.cache_clear()
    aws.client.cache_clear()
    tenant._clients.clear()
    grow_cold()
