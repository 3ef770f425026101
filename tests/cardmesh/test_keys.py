"""Data keys are wrapped anew by the operator's hand, and nobody is refused meanwhile."""

import pytest

from chalicelib.kit import aws, config, table, tenant, vault
from tests import make


@pytest.fixture
def moved(shop, monkeypatch):
    """A deployment whose KMS key was replaced after a site and main had sealed something."""
    with tenant.acting_for(shop.site):
        sealed = vault.seal(shop.site, b"codes", "here")
    mains = vault.seal(tenant.MAIN, b"main's", "there")
    monkeypatch.setenv("KEY_ID", aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    config.load.cache_clear()
    yield lambda: (_opened(shop.site, sealed, "here"), _opened(tenant.MAIN, mains, "there"))
    config.load.cache_clear()


def _opened(owner, sealed, place):
    vault.forget()
    with tenant.acting_for(owner):
        return vault.unseal(owner, sealed, place)


def test_what_was_sealed_opens_before_and_after_its_key_was_wrapped_anew(cardmesh, shop, moved):
    assert moved() == (b"codes", b"main's")
    said = cardmesh("keys rewrap --dry-run")
    assert said.out.splitlines()[0].endswith(" data keys are wrapped by another KMS key.")
    assert cardmesh("keys rewrap --dry-run").out == said.out
    assert cardmesh(f"keys rewrap {shop.site} --yes").out.startswith("1 of 1 ")
    assert cardmesh(f"keys rewrap {shop.site} --yes").out.startswith("0 of 1 ")
    assert cardmesh("keys rewrap --yes").code == 0
    assert cardmesh("keys rewrap --yes").out.startswith("0 of ")
    assert moved() == (b"codes", b"main's")


def test_without_the_key_so_far_the_deployments_own_opens_what_was_wrapped_anew(cardmesh, shop, moved):
    cardmesh("keys rewrap --yes")
    opened = aws.client("kms").decrypt(
        CiphertextBlob=vault._wrapped(tenant.MAIN).wrapped, EncryptionContext={"site": tenant.MAIN}
    )
    assert opened["KeyId"] == config.load().key_id
    assert moved()


def test_a_key_that_was_destroyed_stays_so_and_one_that_never_was_is_passed_over(cardmesh, shop, moved):
    with tenant.acting_for(shop.site):
        vault.destroy(shop.site)
    assert cardmesh(f"keys rewrap {shop.site} --yes").out.startswith("0 of 1 ")
    bare = make.make_shop(shop.world, slug="bare", codes=0)
    key = {"pk": {"S": f"KEY#{bare.site}"}, "sk": {"S": "1"}}
    aws.client("dynamodb").delete_item(TableName=table.name_of(bare.site), Key=key)
    assert cardmesh(f"keys rewrap {bare.site} --yes").out.startswith("0 of 1 ")


def test_an_owner_that_is_not_is_named(cardmesh, shop):
    assert cardmesh("keys rewrap nobody").wrong == "There is no nobody.\n"
