"""A release reaches the sites' stacks wave by wave, halts at the first that is unwell, and goes on where it was."""

import itertools
import json

import pytest

from cardmesh import health, place, stacks, waves
from chalicelib.kit import clock, shape, tenant
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy

from ..tenancy.test_service import open_site

SLUGS = ("one", "two", "three")
UP = "sites upgrade --watch 0 --yes --wave"


_releases = itertools.count(1)


@pytest.fixture(scope="module")
def live(cloud):
    """Three live sites with stacks of their own."""
    opened = [open_site(cloud, slug).site for slug in SLUGS]
    for code in opened:
        with tenant.acting_for(code):
            provisioning.advance(code, now=cloud.now)
    return opened


@pytest.fixture
def codes(live, monkeypatch):
    """The sites in the order in which a release comes to them that is each test's own."""
    coming = json.loads(place.template()) | {"Metadata": {"Release": next(_releases)}}
    monkeypatch.setattr(place, "template", lambda: json.dumps(coming))
    monkeypatch.setattr(waves, "_LOOK", 0)
    return tenancy.members("all", dict.fromkeys(live, "a"), stacks.release())


def reached():
    return {site.site for site in tenancy.sites(fresh=True) if site.release == stacks.release()}


def is_next(code):
    return stacks.look(code).template == stacks.wanted()


def test_each_wave_brings_its_sites_to_the_release_and_the_others_wait(cardmesh, codes):
    assert cardmesh(f"{UP} canary").code == 0
    assert reached() == {codes[0]}
    assert [is_next(code) for code in codes] == [True, False, False]
    assert cardmesh(f"{UP} 10%").code == 0
    said = cardmesh(f"{UP} all")
    assert f"{codes[2]} is upgraded." in said.out
    assert reached() == set(codes)
    assert "0 sites are left" in cardmesh(f"{UP} all").out


def test_no_wave_comes_before_its_turn(cardmesh, codes):
    said = cardmesh(f"{UP} all")
    assert (said.code, said.wrong) == (3, "The wave before this one is not done.\n")
    assert cardmesh(f"{UP} some").wrong.startswith("There is no wave some; there are canary, 10%, all")
    assert reached() == set()


def test_a_rehearsal_names_the_sites_and_touches_none(cardmesh, codes):
    said = cardmesh("sites upgrade --wave canary --dry-run")
    assert f"1 sites are left:\n  cell a: {codes[0]}\n" in said.out
    assert (reached(), tenancy.wave_of(stacks.release())) == (set(), None)


def test_a_stack_that_fails_halts_the_wave_which_goes_on_once_that_is_mended(cardmesh, codes, monkeypatch):
    cardmesh(f"{UP} canary")
    cardmesh(f"{UP} 10%")
    update = stacks.update
    monkeypatch.setattr(stacks, "update", lambda code: "no" if code == codes[1] else update(code))
    said = cardmesh(f"{UP} all --at-once 1")
    assert (said.code, f"Halted: {codes[1]} no" in said.out) == (1, True)
    assert reached() == {codes[0]}
    monkeypatch.setattr(stacks, "update", update)
    said = cardmesh(f"{UP} all")
    assert f"all is halted since {_shown()}. {codes[1]} no" in said.out
    assert (said.code, reached()) == (0, set(codes))


def test_a_stack_that_rolled_back_by_itself_halts_the_wave(cardmesh, codes, monkeypatch):
    monkeypatch.setattr(stacks, "update", lambda _: "")
    assert "Halted" in (said := cardmesh(f"{UP} canary")).out
    assert f"{codes[0]} ended in " in said.out


def test_a_site_that_is_unwell_afterwards_halts_the_wave(cardmesh, codes, monkeypatch):
    looks = iter(
        [{"gets nothing paid through alipay"}, {"does not answer", "gets nothing paid through alipay"}]
    )
    monkeypatch.setattr(health, "ailments", lambda _: next(looks))
    said = cardmesh(f"{UP} canary")
    assert (said.code, f"Halted: {codes[0]} does not answer since" in said.out) == (1, True)
    assert reached() == set()


def test_an_alarm_that_did_not_ring_before_halts_the_wave(cardmesh, codes, monkeypatch):
    looks = iter([{"old"}, {"old", "LogAlarm"}])
    monkeypatch.setattr(health, "ringing", lambda: next(looks))
    assert "Halted: LogAlarm rings" in cardmesh(f"{UP} canary").out


def test_rows_of_a_new_shape_wait_until_the_deployment_has_settled(cardmesh, codes, cloud, monkeypatch):
    monkeypatch.setattr(shape, "KNOWN", 2)
    monkeypatch.setattr(place, "deployed_at", lambda: cloud.now - 60)
    said = cardmesh(f"{UP} canary")
    assert (said.code, said.wrong.startswith("The deployment is too young")) == (3, True)
    assert reached() == set()
    monkeypatch.setattr(place, "deployed_at", lambda: cloud.now - 3 * shape.KEEP)
    assert cardmesh(f"{UP} canary").code == 0
    (first,) = reached()
    monkeypatch.setattr(shape, "KNOWN", 1)
    shape.forget()
    assert health.ailments(first) == {"does not answer"}
    with tenant.acting_for(first):
        tenant.client("dynamodb").delete_item(
            TableName=f"cardmesh-site-{first}", Key={"pk": {"S": "SHAPE"}, "sk": {"S": "."}}
        )


def test_when_a_stack_was_deployed_is_asked_of_it(live, monkeypatch):
    assert place.deployed_at() == 0
    monkeypatch.setenv("CARDMESH_STACK", f"cardmesh-site-{live[0]}")
    assert place.deployed_at() > 0


def test_whoever_dies_goes_on_where_they_were(cardmesh, codes, monkeypatch):
    class Died(BaseException):
        pass

    def die(*_, **__):
        raise Died

    for dies_at in ("begin_wave", "reached", "end_wave"):
        with monkeypatch.context() as patches:
            patches.setattr(tenancy, dies_at, die)
            with pytest.raises(Died):
                cardmesh(f"{UP} canary")
    assert cardmesh(f"{UP} canary").code == 0
    assert reached() == {codes[0]}


def test_a_stack_that_takes_too_long_or_is_gone_is_said(cardmesh, codes, monkeypatch, cloud):
    def slow(code):
        cloud.now += waves._PATIENCE + 1
        return stacks.Stack("UPDATE_IN_PROGRESS", "", {})

    monkeypatch.setattr(stacks, "look", slow)
    assert f"{codes[0]} takes too long" in cardmesh(f"{UP} canary").out
    monkeypatch.setattr(stacks, "look", lambda _: None)
    assert f"{codes[0]} has no stack" in cardmesh(f"{UP} canary").out


@pytest.mark.parametrize(
    ("code", "message", "why"),
    [
        ("Throttling", "Rate exceeded", ""),
        ("ValidationError", "No updates are to be performed.", ""),
        ("ValidationError", "Stack is in UPDATE_IN_PROGRESS state and can not be updated.", ""),
        ("ValidationError", "Stack is in ROLLBACK_COMPLETE state", "Stack is in ROLLBACK_COMPLETE state"),
    ],
)
def test_what_passes_is_looked_at_again_and_the_rest_is_said(monkeypatch, cloud, code, message, why):
    from botocore.exceptions import ClientError

    from chalicelib.kit import aws

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "UpdateStack")

    monkeypatch.setattr(aws.client("cloudformation"), "update_stack", refuse)
    monkeypatch.setattr(stacks, "parameters", lambda _: {"Site": "x"})
    assert stacks.update("x") == why


def _shown():
    return clock.beijing(clock.now()).strftime("%Y-%m-%d %H:%M:%S")
