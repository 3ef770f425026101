"""Sites in several accounts: placed where there is room, served by every function, each in its own table."""

import json

import boto3
import pytest
from moto.dynamodb.models import dynamodb_backends

from chalicelib.kit import cells, config, tenant, vault
from chalicelib.tenancy import cells as rooms
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import CELLS, CellRow
from tests import make
from tests.tenancy.test_service import open_site

HOME, AWAY = "123456789012", "222222222222"
ROLES = f"arn:aws:iam::{AWAY}:role/cardmesh/cells"
TWO = {
    "a": {"takes": 2},
    "b": {"takes": 2, "tenant": f"{ROLES}/tenant/t", "operator": f"{ROLES}/operator/o"},
}


@pytest.fixture
def spread(world, monkeypatch):
    """A deployment with a second account; its shop `demo` was there before."""
    world.shop = make.make_shop(world)
    monkeypatch.setenv("CELLS", json.dumps(TWO))
    config.load.cache_clear()
    tenancy.forget()
    tenant._clients.clear()
    cells._clients.clear()
    with tenant.acting_for(tenant.MAIN):
        CellRow.of(tenant.MAIN)(CELLS, "a", used=1).insert()
    yield world
    tenant._clients.clear()
    cells._clients.clear()


def tables(account):
    known = dynamodb_backends[account]["us-east-1"].tables
    return {name for name in known if "-site-" in name}


def used():
    return {room.cell: room.used for room in rooms.rooms()}


def test_a_new_site_comes_up_in_the_emptier_account_and_sells_there(spread):
    shop = make.make_shop(spread, slug="away")
    assert tenancy.site(shop.site).cell == "b"
    assert f"cardmesh-site-{shop.site}" in tables(AWAY)
    assert f"cardmesh-site-{shop.site}" not in tables(HOME)
    order = shop.place()
    shop.pay(order)
    assert spread.run() == []
    assert shop.order(order.number).status == "delivered"


def test_the_sites_that_were_there_before_stay_and_sell_where_they_are(spread):
    order = spread.shop.place()
    spread.shop.pay(order)
    assert spread.run() == []
    assert spread.shop.order(order.number).status == "delivered"
    assert tenancy.site(spread.shop.site).cell == "a"
    assert tables(AWAY) == set()


def test_its_data_key_is_wrapped_by_the_deployments_own_key(spread):
    code = make.make_site(spread, "away")
    with tenant.acting_for(code):
        sealed = vault.seal(code, b"code", "here")
        vault.forget()
        assert vault.unseal(code, sealed, "here") == b"code"
    assert boto3.client("kms").list_keys()["Keys"]


def test_sites_fill_the_accounts_evenly_and_are_refused_when_all_are_full(spread):
    for n in range(3):
        open_site(spread, f"many-{n}")
    assert used() == {"a": 2, "b": 2}
    with pytest.raises(rooms.NoRoom, match="further account"):
        open_site(spread, "one-too-many")
    assert used() == {"a": 2, "b": 2}
    assert "one-too-many" not in {one.slug for one in tenancy.sites()}


def test_asking_twice_takes_one_place(spread):
    first, again = open_site(spread, "twice"), open_site(spread, "twice")
    assert first == again
    assert sum(used().values()) == 2


def test_another_code_is_tried_where_one_is_taken_and_its_place_is_not(spread, monkeypatch):
    monkeypatch.setattr(tenancy, "code_of", lambda slug, salt: f"zz{min(salt, 1)}{'x' if salt else 'y'}")
    open_site(spread, "first-one")
    second = open_site(spread, "second-one")
    assert second.site == "zz1x"
    assert sum(used().values()) == 3


def test_a_place_that_somebody_else_just_took_is_not_given_twice(spread, monkeypatch):
    real = rooms.rules.place

    def raced(known):
        monkeypatch.setattr(rooms.rules, "place", real)
        with tenant.acting_for(tenant.MAIN):
            CellRow.of(tenant.MAIN).change(CELLS, "b", [CellRow.used.set(2)], None)
        return real(known)

    monkeypatch.setattr(rooms.rules, "place", raced)
    assert open_site(spread, "late").cell == "a"
    assert used() == {"a": 2, "b": 2}


def test_a_deployment_without_cells_counts_nothing(world):
    assert rooms.rooms() == []
    assert open_site(world, "plain").cell == "a"
    assert cells.place_of("zzzz") == cells.Place("a", frozen=False)
