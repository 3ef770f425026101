"""Tenants: a request reaches the data of the site it acts for, and signs as that site."""

import contextlib
import threading
from datetime import UTC, datetime

import botocore.session
import pytest

from chalicelib.kit import aws, clock, table, tenant
from tests import make

NOW = make.NOON


class Registry:
    """An STS that hands out keys that carry the site's name."""

    def __init__(self, *, stay=3600):
        self.calls = []
        self.stay = stay
        self.now = NOW

    def assume_role(self, **call):
        site = call["Tags"][0]["Value"]
        self.calls.append(call)
        until = datetime.fromtimestamp(self.now + self.stay, UTC)
        keys = {
            "AccessKeyId": f"key-{site}",
            "SecretAccessKey": f"secret-{site}",
            "SessionToken": f"token-{site}",
        }
        return {"Credentials": {**keys, "Expiration": until}}


@pytest.fixture
def sts(monkeypatch):
    registry = Registry()
    monkeypatch.setattr(aws, "client", lambda service: registry)
    monkeypatch.setattr(clock, "source", lambda: registry.now)
    return registry


class Thing(table.Row):
    """A row of the tests."""


def test_nobody_is_acted_for_until_somebody_is_named():
    with pytest.raises(tenant.ForeignSite, match="nobody"):
        tenant.acting()


def test_acting_nests_and_ends_even_with_an_error():
    with tenant.acting_for("aaaa"):
        with contextlib.suppress(KeyError), tenant.acting_for("bbbb"):
            assert tenant.acting() == "bbbb"
            raise KeyError
        assert tenant.acting() == "aaaa"
    with pytest.raises(tenant.ForeignSite):
        tenant.acting()


def test_the_main_sites_rows_are_open_to_all_who_act_and_a_sites_rows_to_itself():
    tenant.check(tenant.MAIN)
    with tenant.acting_for("aaaa"):
        tenant.check("aaaa")
        tenant.check(tenant.MAIN)


@pytest.mark.parametrize("acting", ["bbbb", tenant.MAIN])
def test_a_foreign_sites_table_is_refused(acting):
    with (
        tenant.acting_for(acting),
        pytest.raises(tenant.ForeignSite, match=f"acting for {acting}, not for aaaa"),
    ):
        Thing.of("aaaa")


def test_a_kind_bound_earlier_is_refused_too_once_another_site_is_acted_for(cloud):
    site = make.make_owner()
    with tenant.acting_for(site):
        bound = Thing.of(site)
        row = bound("x", ".").insert()
    with tenant.acting_for("bbbb"):
        for reach in (lambda: bound.read("x", "."), row.insert, lambda: list(bound.under("x"))):
            with pytest.raises(tenant.ForeignSite):
                reach()
        with pytest.raises(tenant.ForeignSite):
            table.Together(site, "")


def test_a_new_thread_acts_for_nobody():
    seen = []

    def look():
        try:
            seen.append(tenant.acting())
        except tenant.ForeignSite:
            seen.append("nobody")

    with tenant.acting_for("aaaa"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == ["nobody"]


def test_the_role_is_assumed_with_the_site_as_its_tag(sts):
    with tenant.acting_for("aaaa"):
        keys = tenant.SiteCredentials().get_frozen_credentials()
    assert (keys.access_key, keys.secret_key, keys.token) == ("key-aaaa", "secret-aaaa", "token-aaaa")
    (call,) = sts.calls
    assert call["Tags"] == [{"Key": "site", "Value": "aaaa"}]
    assert call["RoleArn"] == "arn:aws:iam::123456789012:role/cardmesh-tenant"


def test_credentials_are_kept_per_site_and_renewed_five_minutes_before_their_end(sts):
    held = tenant.SiteCredentials()
    for site in ("aaaa", "bbbb", "aaaa"):
        with tenant.acting_for(site):
            assert held.get_frozen_credentials().access_key == f"key-{site}"
    assert len(sts.calls) == 2
    with tenant.acting_for("aaaa"):
        sts.now += 3299
        held.get_frozen_credentials()
        assert len(sts.calls) == 2
        sts.now += 1
        held.get_frozen_credentials()
        assert len(sts.calls) == 3


def test_without_a_site_nothing_is_signed(sts):
    with pytest.raises(tenant.ForeignSite):
        tenant.SiteCredentials().get_frozen_credentials()
    assert sts.calls == []


def test_interleaved_threads_never_see_each_others_credentials(sts):
    held, wrong = tenant.SiteCredentials(), []
    together = threading.Barrier(4)

    def ask(site):
        with tenant.acting_for(site):
            for turn in range(200):
                if turn % 20 == 0:
                    together.wait(timeout=30)
                    held._by_site.clear()
                keys = held.get_frozen_credentials()
                if (keys.access_key, keys.token) != (f"key-{site}", f"token-{site}"):
                    wrong.append((site, keys.access_key))

    threads = [threading.Thread(target=ask, args=(site,)) for site in ("aaaa", "bbbb", "aaaa", "bbbb")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(sts.calls) >= 2


def test_one_shared_client_signs_each_call_as_the_site_acted_for(sts):
    client = aws.client_as("dynamodb", tenant.SiteCredentials())
    signed = []

    def stop(request, **_):
        signed.append(request.headers["Authorization"].decode())
        raise ConnectionAbortedError

    client.meta.events.register("before-send.dynamodb", stop)
    for site in ("aaaa", "bbbb", "aaaa"):
        with tenant.acting_for(site), pytest.raises(ConnectionAbortedError):
            client.list_tables()
    sites = [line.split("Credential=")[1].split("/")[0] for line in signed]
    assert sites == ["key-aaaa", "key-bbbb", "key-aaaa"]
    assert isinstance(aws.session(), botocore.session.Session)
