"""Sites in several accounts: placed where there is room, served by every function, each in its own table."""

import itertools

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from cardmesh import drift, stacks
from chalicelib.kit import cells, config, table, tenant, vault
from chalicelib.tenancy import cells as rooms
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy import stacks as told_by
from chalicelib.tenancy.model import CELLS, CellRow
from sim.iam import enforce
from tests import make
from tests.dying import Died
from tests.tenancy.test_service import dying_at, open_site

HOME, AWAY = "123456789012", "222222222222"
TWO = f"a:2,b@{AWAY}:2"


@pytest.fixture
def spread(world, monkeypatch):
    """A deployment with a second account; its shop `demo` was there before."""
    world.shop = make.make_shop(world)
    monkeypatch.setenv("CELLS", TWO)
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


def test_what_happened_to_a_stack_is_read_in_its_own_account(spread):
    code = make.make_site(spread, "away")
    with enforce.acting_as("provision_sites", cold=False):
        assert told_by.why(code, "b") == ""  # nothing failed there
        with pytest.raises(ClientError, match="does not exist"):
            told_by.why(code, cells.HOME)


def test_sites_fill_the_accounts_evenly_and_wait_when_all_are_full(spread):
    codes = [make.make_site(spread, f"many-{n}") for n in range(3)]
    assert sorted(tenancy.site(code).cell for code in codes) == ["a", "b", "b"]
    late = open_site(spread, "one-too-many")
    spread.run("provision")
    waits = tenancy.site(late.site, fresh=True)
    assert (waits.state, waits.note) == ("failed", tenancy.QUOTA)
    assert used() == {"a": 2, "b": 2}


def test_dying_at_any_call_takes_one_place(spread, monkeypatch):
    for number in itertools.count():
        code = open_site(spread, f"dying-{number}").site
        with monkeypatch.context() as patches, tenant.acting_for(code):
            patches.setenv("CELLS", f"a:2,b@{AWAY}:1000")
            config.load.cache_clear()
            before = sum(used().values())
            dying_at(patches, number)
            try:
                provisioning.advance(code, now=spread.now)
                break
            except Died:
                cells._clients.clear()
        with monkeypatch.context() as patches, tenant.acting_for(code):
            patches.setenv("CELLS", f"a:2,b@{AWAY}:1000")
            config.load.cache_clear()
            provisioning.advance(code, now=spread.now)
            assert tenancy.site(code, fresh=True).state == "active"
            assert sum(used().values()) == before + 1
    assert number >= 8


def test_a_place_that_somebody_else_just_took_is_not_given_twice(spread, monkeypatch):
    real = rooms.rules.place

    def raced(known, code):
        monkeypatch.setattr(rooms.rules, "place", real)
        with tenant.acting_for(tenant.MAIN):
            CellRow.of(tenant.MAIN).change(CELLS, "b", [CellRow.used.set(2)], None)
        return real(known, code)

    monkeypatch.setattr(rooms.rules, "place", raced)
    assert tenancy.site(make.make_site(spread, "late"), fresh=True).cell == "a"
    assert used() == {"a": 2, "b": 2}


def full(monkeypatch, *accounts):
    """CloudFormation refuses to make another stack in these."""
    real = provisioning.stacks.create

    def create(site, cell):
        return tenancy.QUOTA if cell in accounts else real(site, cell)

    monkeypatch.setattr(provisioning.stacks, "create", create)


def test_a_site_whose_account_turns_out_to_be_full_goes_to_another(spread, monkeypatch):
    full(monkeypatch, "b")
    site = tenancy.site(make.make_site(spread, "away"), fresh=True)
    assert (site.state, site.cell, site.note) == ("active", "a", "")
    assert used() == {"a": 2, "b": 0}


def test_where_all_accounts_turn_out_to_be_full_it_waits_with_one_place(spread, monkeypatch):
    with monkeypatch.context() as patches:
        full(patches, "a", "b")
        code = open_site(spread, "waits").site
        spread.run("provision")
        assert (tenancy.site(code, fresh=True).state, tenancy.site(code).note) == ("failed", tenancy.QUOTA)
        assert sum(used().values()) == 2
    tenancy.retry_site(code)
    spread.run("provision")
    assert tenancy.site(code, fresh=True).state == "active"
    assert sum(used().values()) == 2


def test_a_place_taken_meanwhile_leaves_the_site_where_it_is(spread):
    code = open_site(spread, "slow").site
    with tenant.acting_for(code):
        assert rooms.assign(code)
        CellRow.of(tenant.MAIN).change(CELLS, "a", [CellRow.used.set(2)], None)
        rooms.change(code, "a")
        assert tenancy.site(code, fresh=True).cell == "b"
        rooms.change(code, "b")
        rooms.change("none", "b")
    assert used() == {"a": 2, "b": 1}


def test_a_site_that_has_no_place_yet_goes_nowhere_else(spread):
    code = open_site(spread, "new").site
    with tenant.acting_for(code):
        assert rooms.elsewhere(code) == ""
        rooms.change(code, "b")
    assert used() == {"a": 1, "b": 0}


def test_who_finds_the_count_busy_each_time_comes_again_and_is_not_told_that_all_is_full(spread, monkeypatch):
    def held(*_):
        raise table.Refused

    code = open_site(spread, "late").site
    with monkeypatch.context() as patches:
        patches.setattr(rooms, "_settle", held)
        provisioning.advance(code, now=spread.now)
    assert (tenancy.site(code, fresh=True).state, used()["b"]) == ("asked", 0)
    spread.run("provision")
    assert tenancy.site(code, fresh=True).state == "active"


def test_two_runs_for_the_same_site_agree_on_its_place(spread, monkeypatch):
    code = open_site(spread, "twice").site
    real = rooms._settle

    def second(site, cell):
        monkeypatch.setattr(rooms, "_settle", real)
        assert rooms.assign(site)
        real(site, cell)

    monkeypatch.setattr(rooms, "_settle", second)
    with tenant.acting_for(tenant.MAIN):
        assert rooms.assign(code)
    assert tenancy.site(code, fresh=True).cell == "b"
    assert used() == {"a": 1, "b": 1}


def test_a_deployment_without_cells_counts_nothing(world):
    assert rooms.rooms() == []
    assert open_site(world, "plain").cell == "a"
    assert cells.place_of("zzzz") == cells.Place("a", frozen=False)


def test_a_release_reaches_the_stack_of_a_site_in_another_account(spread):
    code = make.make_site(spread, "away")
    assert stacks.look(code).status == "CREATE_COMPLETE"
    coming = stacks.update(code)
    assert coming == ""
    assert stacks.look(code).status == "UPDATE_COMPLETE"
    assert drift.described(code)["protected"] is True
