"""Sites by the operator's hand."""

import zipfile

import boto3
import pytest

from cardmesh import stacks
from chalicelib.kit import clock, tenant
from chalicelib.lifecycle.worker import tend_sites
from chalicelib.tenancy import registry
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SITES, SiteRow
from tests import make

OPEN = "sites create corner --name Corner --login corner-owner"
PASSWORD = {"CARDMESH_OWNER_PASSWORD": "correct horse"}


def test_sites_are_listed_as_a_table_or_as_json(cardmesh, shop):
    shown = cardmesh("sites list")
    assert shown.code == 0
    assert shown.out.splitlines()[0].split() == [
        "site",
        "name",
        "state",
        "host",
        "plan",
        "opened",
        "cell",
        "release",
    ]
    assert "demo.cardmesh.test" in shown.out
    assert [row["site"] for row in cardmesh("sites list --json").rows] == [shop.site]
    assert cardmesh("sites list --state failed").out == "There are no such sites.\n"


def test_a_site_is_found_by_its_code_and_by_its_name(cardmesh, shop):
    by_code, by_name = (cardmesh(f"sites show {named} --json").rows for named in (shop.site, "demo"))
    assert by_code == by_name
    assert (by_code["state"], by_code["licensed"]) == ("active", False)


def test_what_is_not_there_is_said_in_a_sentence_with_a_code_of_its_own(cardmesh, shop):
    said = cardmesh("sites show nowhere")
    assert (said.code, said.out, said.wrong) == (3, "", "There is no site nowhere.\n")
    assert cardmesh("sites show").code == 2


def test_a_site_is_asked_for_once_however_often_that_is_said(cardmesh, world):
    for _ in range(2):
        said = cardmesh(f"{OPEN} --no-wait", env=PASSWORD)
        assert said.code == 0
    (site,) = tenancy.sites(fresh=True)
    assert f"Site {site.site} is asked for." in said.out
    assert (site.state, site.slug) == ("asked", "corner")


def test_a_rehearsal_opens_nothing(cardmesh, world):
    said = cardmesh(f"{OPEN} --dry-run")
    assert "would answer at corner.cardmesh.test" in said.out
    assert tenancy.sites(fresh=True) == []


def test_a_reserved_name_is_refused_in_the_words_of_the_shop(cardmesh, world):
    said = cardmesh("sites create admin --name A --login admin-owner", env=PASSWORD)
    assert (said.code, said.wrong) == (3, "This site name is reserved.\n")


@pytest.mark.parametrize(("typed", "state"), [("y\n", "suspended"), ("n\n", "active")])
def test_suspending_asks_first(cardmesh, shop, typed, state):
    said = cardmesh("sites suspend demo", typed=typed)
    assert said.code == (0 if state == "suspended" else 3)
    assert tenancy.site(shop.site, fresh=True).state == state


def test_a_site_is_suspended_and_resumed_and_twice_is_once(cardmesh, shop):
    assert cardmesh("sites suspend demo --yes").code == 0
    assert "already" in cardmesh("sites suspend demo --yes").out
    assert cardmesh("sites resume demo --dry-run").code == 0
    assert tenancy.site(shop.site, fresh=True).state == "suspended"
    assert cardmesh("sites resume demo --yes").code == 0
    assert tenancy.site(shop.site, fresh=True).state == "active"


def test_without_a_deployment_it_says_how_to_name_one(cardmesh, world, monkeypatch):
    from chalicelib.kit import config

    monkeypatch.delenv("KEY_ID")
    config.load.cache_clear()
    said = cardmesh("sites list")
    assert (said.code, "--stack" in said.wrong) == (3, True)
    config.load.cache_clear()


def test_help_needs_no_deployment(cardmesh, monkeypatch):
    monkeypatch.delenv("KEY_ID")
    for words in ("--help", "sites --help", "dead redrive --help"):
        assert cardmesh(words).code == 0


def test_a_big_site_gets_a_table_of_more_and_its_stack_is_told(cardmesh, shop):
    said = cardmesh("sites tier demo dedicated --yes")
    assert (said.code, f"{shop.site} is dedicated" in said.out) == (0, True)
    assert tenancy.site(shop.site, fresh=True).tier == "dedicated"
    assert stacks.look(shop.site).parameters["Tier"] == "dedicated"
    assert cardmesh("sites show demo --json").rows["tier"] == "dedicated"


def test_an_unknown_tier_and_a_rehearsal_change_nothing(cardmesh, shop):
    assert cardmesh("sites tier demo golden --yes").code == 3
    assert cardmesh("sites tier demo dedicated --dry-run").code == 0
    assert tenancy.site(shop.site, fresh=True).tier == "shared"
    assert stacks.look(shop.site).parameters["Tier"] == "shared"


def test_a_stack_that_knows_no_tiers_yet_is_left_to_its_upgrade(cardmesh, shop, monkeypatch):
    monkeypatch.setattr(
        stacks, "update", lambda _, *, release: "Parameters: [Tier] do not exist in the template"
    )
    said = cardmesh("sites tier demo dedicated --yes")
    assert (said.code, "until it is upgraded: Parameters" in said.wrong) == (3, True)
    assert tenancy.site(shop.site, fresh=True).tier == "dedicated"


def test_tables_are_printed_as_csv_or_written_into_one_file(cardmesh, shop, tmp_path):
    assert cardmesh("sites export demo").out.startswith("订单号,状态")
    said = cardmesh("sites export demo --what journals --since 20261122 --until 20261123")
    assert (said.code, said.out.count("\n")) == (0, 1)
    assert cardmesh("sites export demo --what codes").code == 3
    place = tmp_path / "demo.zip"
    for _ in range(2):
        assert f"{place} has orders, journals" in cardmesh(f"sites export demo --zip {place}").out
    with zipfile.ZipFile(place) as whole:
        assert whole.read("订单.csv").decode().startswith("\ufeff订单号,状态")
    assert [path.name for path in tmp_path.iterdir()] == ["demo.zip"]
    assert cardmesh("sites export demo --since 2026").code == 3


def test_only_a_site_that_closed_three_years_ago_is_deleted_and_after_asking(cardmesh, world, shop):
    assert "only a site that has left" in cardmesh("sites delete demo --yes").wrong
    tenancy.leave(shop.site, by="demo-owner", now=world.now)
    world.now += 32 * clock.DAY
    for _ in range(2):
        make.fire(tend_sites)
    assert cardmesh("sites delete demo --yes").code == 3
    world.now += tenancy.KEPT
    assert cardmesh("sites delete demo", typed="n\n").code == 3
    assert tenancy.site(shop.site, fresh=True).state == "closed"
    assert cardmesh("sites delete demo --yes").code == 0
    assert tenancy.site(shop.site, fresh=True).state == "gone"


@pytest.fixture
def failed(world):
    """A site that could not be opened, whose table stands."""
    make.make_site(world, "half")
    (site,) = tenancy.sites(fresh=True)
    SiteRow.of(tenant.MAIN).change(
        SITES, site.site, [SiteRow.state.set("failed"), SiteRow.note.set("taken")], None
    )
    registry.forget()
    return site.site


def tables():
    return [name for name in boto3.client("dynamodb").list_tables()["TableNames"] if "-site-" in name]


def empty(code):
    rows = boto3.resource("dynamodb").Table(f"cardmesh-site-{code}")
    for row in rows.scan()["Items"]:
        rows.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})


def test_what_a_failed_attempt_left_is_removed_and_the_site_tried_again(cardmesh, world, failed):
    empty(failed)
    assert cardmesh("sites tidy half --dry-run").code == 0
    assert tables() == [f"cardmesh-site-{failed}"]
    said = cardmesh("sites tidy half --yes")
    assert f"{failed} is tried again." in said.out
    assert tables() == []
    world.run("provision")
    assert tenancy.site(failed, fresh=True).state == "active"


def test_a_table_with_rows_is_left_to_a_person(cardmesh, failed):
    boto3.resource("dynamodb").Table(f"cardmesh-site-{failed}").put_item(Item={"pk": "a", "sk": "b"})
    said = cardmesh("sites tidy half --yes")
    assert said.code == 3
    assert "holds rows" in said.wrong
    assert tables() == [f"cardmesh-site-{failed}"]


def test_a_site_that_sells_is_not_tidied_up(cardmesh, shop):
    said = cardmesh("sites tidy demo --yes")
    assert (said.code, "only a site that could not be opened" in said.wrong) == (3, True)
