"""The command reaches sites in every account, through the roles that the accounts give it."""

import itertools
import json
from dataclasses import replace

import boto3
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, NoCredentialsError

from cardmesh import health, place, stacks, waves
from chalicelib.kit import aws, cells, clock, config, tenant
from chalicelib.tenancy import moving
from chalicelib.tenancy import service as tenancy
from sim.iam import enforce
from tests import make
from tests.tenancy.test_cells import AWAY, HOME

CELLS = f"a@{HOME}:9,b@{AWAY}:9"
UP = "sites upgrade --watch 0 --yes --wave"
KEYS = (ReadOnlyCredentials("k", "s", "t", None), make.NOON + 3600)
_releases = itertools.count(1)


@pytest.fixture(scope="module")
def shops(cloud):
    """Two accounts with two shops each, by cell; each has sold something. Whoever works on them is no function."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("CELLS", CELLS)
        anew()
        found = {"a": [], "b": []}
        for n in range(4):
            shop = make.make_shop(cloud, slug=f"shop-{n}", codes=3)
            found[tenancy.site(shop.site).cell].append(shop)
            shop.order = shop.place()
            shop.pay(shop.order)
        assert cloud.run() == []
        patches.delenv("TENANT_ROLE")
        anew()
        yield found
    anew()


def anew():
    config.load.cache_clear()
    tenancy.forget()
    tenant._clients = {}
    cells._clients.clear()


@pytest.fixture(scope="module")
def cardmesh(cardmesh):
    """Typed by somebody who may do in other accounts what the operators' role there may, and no more."""

    def typed(words, **given):
        with enforce.acting_as("people", cold=False):
            return cardmesh(words, **given)

    return typed


@pytest.fixture
def coming(shops, monkeypatch):
    """A release that no site has."""
    told = json.loads(place.template()) | {"Metadata": {"Release": next(_releases)}}
    monkeypatch.setattr(place, "template", lambda: json.dumps(told))
    monkeypatch.setattr(waves, "_LOOK", 0)
    return stacks.release()


def codes(shops, cell):
    return {shop.site for shop in shops[cell]}


def reached(release):
    return {one.cell: one.site for one in tenancy.sites(fresh=True) if one.release == release}


def test_sites_are_listed_with_their_cells(cardmesh, shops):
    rows = cardmesh("sites list --json").rows
    assert {(row["site"], row["cell"]) for row in rows} == {(s.site, c) for c in "ab" for s in shops[c]}
    assert {row["site"] for row in cardmesh("sites list --cell b --json").rows} == codes(shops, "b")


def test_a_wave_begins_with_a_site_of_each_cell_and_names_the_cells(cardmesh, shops, coming):
    said = cardmesh(f"{UP} canary")
    assert (said.code, said.wrong) == (0, "")
    assert "2 sites are left:\n  cell a: " in said.out
    assert "\n  cell b: " in said.out
    assert set(reached(coming)) == {"a", "b"}
    away = reached(coming)["b"]
    assert stacks.look(away).template == stacks.wanted()
    summary = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    assert f"cardmesh-site-{away}" not in {one["StackName"] for one in summary}
    assert [cardmesh(f"{UP} {wave}").code for wave in ("10%", "all")] == [0, 0]
    assert {one.release for one in tenancy.sites(fresh=True)} == {coming}


def test_what_fails_in_one_cell_halts_the_wave_in_all(cardmesh, shops, coming, monkeypatch):
    cardmesh(f"{UP} canary")
    cardmesh(f"{UP} 10%")
    left = {one.site: one.cell for one in tenancy.sites(fresh=True) if one.release != coming}
    (away,) = (code for code, cell in left.items() if cell == "b")
    update = stacks.update
    monkeypatch.setattr(stacks, "update", lambda code: "no" if code == away else update(code))
    said = cardmesh(f"{UP} all --at-once 1")
    assert (said.code, f"Halted: {away} no" in said.out) == (1, True)
    monkeypatch.setattr(stacks, "update", update)
    assert cardmesh(f"{UP} all").code == 0


def test_a_site_that_moves_is_left_for_later(cardmesh, shops, coming, monkeypatch):
    for wave in ("canary", "10%"):
        cardmesh(f"{UP} {wave}")
    homes = {one.site: one.cell for one in tenancy.sites(fresh=True)}
    *_, last = tenancy.members("all", homes, coming)
    moving_on = [replace(one, moving=one.site == last) for one in tenancy.sites(fresh=True)]
    with monkeypatch.context() as patches:
        patches.setattr(tenancy, "each_site", lambda **_: iter(moving_on))
        said = cardmesh(f"{UP} all")
    assert (said.code, "1 more move to another cell now" in said.out) == (0, True)
    assert {one.site for one in tenancy.sites(fresh=True) if one.release != coming} == {last}
    assert "1 sites are left" in cardmesh(f"{UP} all").out


def test_a_site_that_begins_to_move_meanwhile_is_not_counted_as_reached(cardmesh, shops, coming, monkeypatch):
    def frozen(code, release):
        raise cells.Moving

    monkeypatch.setattr(tenancy, "reached", frozen)
    said = cardmesh(f"{UP} canary")
    assert said.out.count("moves to another cell now; type this line again") == 2
    assert (said.code, reached(coming)) == (0, {})


def test_the_health_of_a_site_is_read_in_its_own_account(shops):
    assert [health.ailments(shop.site) for cell in "ab" for shop in shops[cell]] == [set()] * 4


def test_the_books_of_all_cells_are_held_together_and_each_lie_is_found(cardmesh, shops):
    assert cardmesh("books check").out == "4 sites: the books hold together.\n"
    assert cardmesh("books check --cell b").out == "2 sites: the books hold together.\n"
    shop = shops["b"][0]
    client = cells.operator("dynamodb", "b")
    name = f"cardmesh-site-{shop.site}"
    (row,) = (one for one in client.scan(TableName=name)["Items"] if one["sk"]["S"].endswith("#sale"))
    client.delete_item(TableName=name, Key={key: row[key] for key in ("pk", "sk")})
    found = cardmesh("books check --days 1 --json").rows
    assert [(one["site"], one["what"]) for one in found] == [
        (shop.site, "a delivered order without its sale")
    ]
    client.put_item(TableName=name, Item=row)


def test_what_is_there_of_no_site_is_found_in_every_cell(cardmesh, shops):
    for cell in "ab":
        cells.operator("cloudformation", cell).create_stack(
            StackName=f"cardmesh-site-zz0{cell}",
            TemplateBody=place.template(),
            Parameters=[{"ParameterKey": "Site", "ParameterValue": f"zz0{cell}"}],
        )
    found = [row for row in cardmesh("drift --json").rows if row["setting"] in ("stack", "table")]
    assert {(row["site"], row["is"]) for row in found} == {
        (f"cardmesh-site-zz0{cell}", f"there, in the cell {cell}") for cell in "ab"
    }
    assert {row["should be"] for row in found} == {"of no site"}
    found = cardmesh("drift --cell a --json").rows
    assert {row["site"] for row in found if "zz0" in row["site"]} == {"cardmesh-site-zz0a"}
    for cell in "ab":
        _gone(cell, f"cardmesh-site-zz0{cell}")


def test_a_table_of_a_site_that_lives_elsewhere_is_found_unless_it_moves_or_moved(
    cardmesh, shops, monkeypatch
):
    site = shops["b"][0].site
    cells.operator("cloudformation", "a").create_stack(
        StackName=f"cardmesh-site-{site}",
        TemplateBody=place.template(),
        Parameters=[{"ParameterKey": "Site", "ParameterValue": site}],
    )

    def strays():
        rows = cardmesh("drift --cell a --json").rows
        return {(row["setting"], row["should be"]) for row in rows if site in row["site"]}

    assert strays() == {("stack", "in the cell b"), ("table", "in the cell b")}
    for state, found in (("preparing", set()), ("over", strays())):
        move = moving.Move(site, "b", "a", state, 0, "staff")
        monkeypatch.setattr(moving, "move_of", lambda _, move=move: move)
        assert strays() == found
    _gone("a", f"cardmesh-site-{site}")


def _gone(cell, name):
    client = cells.operator("dynamodb", cell)
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=name)
    cells.operator("cloudformation", cell).delete_stack(StackName=name)


def test_a_table_in_another_account_is_exported_and_given_its_tier(cardmesh, shops):
    shop = shops["b"][0]
    day = clock.day_of(make.NOON)
    assert shop.order.number in cardmesh(f"sites export {shop.site} --since {day} --until {day}").out
    said = cardmesh(f"sites tier {shop.site} dedicated --yes")
    assert (said.code, stacks.look(shop.site).parameters["Tier"]) == (0, "dedicated")
    assert cardmesh(f"sites tier {shop.site} shared --yes").code == 0


def test_a_dead_letter_of_a_site_elsewhere_is_shown_with_its_order_and_sent_again(
    cardmesh, shops, cloud, monkeypatch
):
    shop = shops["b"][0]
    body = json.dumps({"site": shop.site, "order": shop.order.number})
    url = f"{config.load().queues['settle']}-dead"
    cloud.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=shop.site)
    assert [row["is"] for row in cardmesh("dead show settle --json").rows] == ["delivered"]

    def nobody(*_, **__):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

    with monkeypatch.context() as patches:
        patches.setattr(cells, "assume", nobody)
        tenant._clients.clear()
        assert [row["is"] for row in cardmesh("dead show settle --json").rows] == ["out of reach"]
        assert "1 sent again." in cardmesh("dead redrive settle --yes").out
    assert cloud.run("settle") == []


def test_an_order_elsewhere_is_asked_about_again(cardmesh, shops, cloud):
    number = shops["b"][0].order.number
    assert f"{number} is delivered;" in cardmesh(f"replay order {number} --yes").out
    assert cloud.run("timer") == []


def test_nothing_is_begun_where_a_cell_lets_nobody_in(cardmesh, shops, coming, monkeypatch):
    def nobody(*_, **__):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "AssumeRole")

    monkeypatch.setattr(cells, "assume", nobody)
    monkeypatch.setattr(cells, "_clients", {})
    for words in (f"{UP} canary", "books check", "drift", f"sites export {shops['b'][0].site}"):
        said = cardmesh(words)
        assert (said.code, said.out) == (3, "")
        assert said.wrong == (
            "The cell b lets in whom its infra/cell.yaml names as People. AccessDenied: not you\n"
        )
    assert cardmesh("books check --cell a").code == 0
    assert reached(coming) == {}


def test_a_cell_of_which_the_command_is_told_nothing_is_named(cardmesh, shops, monkeypatch):
    monkeypatch.setenv("CELLS", f"a@{HOME}:9")
    config.load.cache_clear()
    said = cardmesh("drift")
    monkeypatch.undo()
    config.load.cache_clear()
    assert said.wrong == "The deployment's Cells names no roles in the cell b, where some sites are.\n"


def test_somebody_at_a_shell_acts_at_home_with_their_own_credentials(shops, monkeypatch):
    with tenant.acting_for(shops["a"][0].site):
        signer = tenant.client("dynamodb")._request_signer._credentials
        assert signer.get_frozen_credentials() == aws.session().get_credentials().get_frozen_credentials()
    asked = []
    with monkeypatch.context() as patches, tenant.acting_for(shops["b"][0].site):
        patches.setattr(cells, "assume", lambda role, session, **tags: asked.append((role, tags)) or KEYS)
        assert tenant.SiteCredentials().get_frozen_credentials() == KEYS[0]
    assert asked == [(config.load().cells["b"].tenant_role, {"site": shops["b"][0].site})]
    monkeypatch.setattr(aws.session(), "get_credentials", lambda: None)
    with pytest.raises(NoCredentialsError):
        aws.own_credentials()
