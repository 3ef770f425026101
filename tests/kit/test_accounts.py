"""Accounts and sessions: wrong is wrong in one way, and a session opens the one door it was made for."""

import dataclasses

import boto3
import pytest

from chalicelib.kit import accounts, errors, password, tenant
from tests import make

STAFF = accounts.Realm(tenant.MAIN, "staff", "main", 3600)
SECRET = "correct horse"


@pytest.fixture
def realm(cloud):
    """A realm with the account `ada` in it, and nobody else."""
    fresh = dataclasses.replace(STAFF, scope=f"s{cloud.now}")
    cloud.now += 1
    accounts.enlist(fresh, "Ada@example.com", SECRET, role="owner", now=cloud.now)
    return fresh


def sign_in(cloud, realm, login="ada@example.com", secret=SECRET, address="1.1.1.1"):
    return accounts.sign_in(realm, login, secret, address=address, now=cloud.now)


def test_who_signs_in_is_known_by_the_sessions_token(cloud, realm):
    account, token = sign_in(cloud, realm, " ADA@example.com ")
    assert (account.login, account.role) == ("ada@example.com", "owner")
    assert accounts.who(realm, token, now=cloud.now) == account


def test_unknown_login_and_wrong_password_look_the_same_and_cost_the_same(cloud, realm, monkeypatch):
    hashes, seen = [], []
    real = password._derive
    monkeypatch.setattr(password, "_derive", lambda *call: hashes.append(call[2:]) or real(*call))
    for login, secret in (
        ("ada@example.com", "wrong horse"),
        ("nobody", SECRET),
        ("x" * 999, ""),
        ("'--", "🔑"),
    ):
        with pytest.raises(accounts.WrongLogin) as refused:
            sign_in(cloud, realm, login, secret)
        seen.append((str(refused.value), refused.value.status, refused.value.code, refused.value.detail))
    assert len(set(map(str, seen))) == 1
    assert len(hashes) == 4
    assert len(set(hashes)) == 1


def test_ten_tries_are_free_then_even_the_right_password_waits(cloud, realm):
    for _ in range(10):
        with pytest.raises(accounts.WrongLogin):
            sign_in(cloud, realm, secret="wrong horse")
    with pytest.raises(errors.TooMany) as refused:
        sign_in(cloud, realm)
    assert sign_in(cloud, realm, address="2.2.2.2")
    cloud.now += refused.value.detail["retry_after"]
    assert sign_in(cloud, realm)


def test_a_session_ends_with_its_time(cloud, realm):
    _, token = sign_in(cloud, realm)
    assert accounts.who(realm, token, now=cloud.now + 3599)
    assert accounts.who(realm, token, now=cloud.now + 3600) is None


def test_a_session_ends_with_its_sign_out_and_the_others_stay(cloud, realm):
    (_, token), (_, other) = sign_in(cloud, realm), sign_in(cloud, realm)
    for _ in range(2):
        accounts.sign_out(realm, token)
    assert accounts.who(realm, token, now=cloud.now) is None
    assert accounts.who(realm, other, now=cloud.now)


@pytest.mark.parametrize("token", ["", "x", "0" * 26, "SESSION#"])
def test_a_token_nobody_was_given_is_nobody(cloud, realm, token):
    assert accounts.who(realm, token, now=cloud.now) is None
    accounts.sign_out(realm, token)


@pytest.mark.parametrize(
    "change", [{"kind": "member"}, {"scope": "k3f9"}, {"kind": "", "scope": "staff#main"}]
)
def test_a_token_of_another_realm_is_nobody_and_cannot_be_ended_there(cloud, realm, change):
    other = dataclasses.replace(realm, **change)
    _, token = sign_in(cloud, realm)
    assert accounts.who(other, token, now=cloud.now) is None
    accounts.sign_out(other, token)
    assert accounts.who(realm, token, now=cloud.now)


def test_the_table_holds_neither_tokens_nor_passwords(cloud, realm):
    _, token = sign_in(cloud, realm)
    rows = str(boto3.client("dynamodb").scan(TableName="cardmesh-main")["Items"])
    assert "SESSION#" in rows
    assert token not in rows
    assert SECRET not in rows


def test_enlisting_again_changes_nothing_and_another_password_is_refused(cloud, realm):
    first, _ = sign_in(cloud, realm)
    again = accounts.enlist(realm, "ADA@EXAMPLE.com", SECRET, role="thief", now=cloud.now)
    assert again == first
    with pytest.raises(accounts.Taken):
        accounts.enlist(realm, "ada@example.com", "another horse", role="owner", now=cloud.now)
    assert sign_in(cloud, realm)[0] == first


@pytest.mark.parametrize("login", ["", "ab", "a b c", "x" * 65, "a#b", "ada|x", "<b>ada", "🔑🔑🔑"])
def test_a_login_that_cannot_be_one_is_refused(cloud, login):
    with pytest.raises(accounts.BadLogin) as refused:
        accounts.enlist(STAFF, login, SECRET, role="r", now=cloud.now)
    assert refused.value.detail == {"field": "login"}


@pytest.mark.parametrize(("length", "fits"), [(7, False), (8, True), (128, True), (129, False)])
def test_a_password_has_8_to_128_characters(cloud, length, fits):
    login = f"length{length}"
    if fits:
        assert accounts.enlist(STAFF, login, "x" * length, role="r", now=cloud.now).login == login
        return
    with pytest.raises(accounts.BadLogin) as refused:
        accounts.enlist(STAFF, login, "x" * length, role="r", now=cloud.now)
    assert refused.value.detail == {"field": "password"}


def test_a_form_goes_with_its_session_and_realm_alone():
    token = accounts.form_token(STAFF, "session-1")
    accounts.check_form(STAFF, "session-1", token)
    member = dataclasses.replace(STAFF, kind="member")
    for realm, session, given in (
        (STAFF, "session-2", token),
        (member, "session-1", token),
        (STAFF, "", accounts.form_token(STAFF, "")),
        (STAFF, "session-1", ""),
        (STAFF, "session-1", token.upper()),
        (STAFF, "session-1", "é🔑"),
    ):
        with pytest.raises(accounts.Forbidden):
            accounts.check_form(realm, session, given)


def test_accounts_of_one_site_are_unknown_at_another(cloud):
    sites = [make.make_owner(), make.make_owner()]
    here, there = (accounts.Realm(site, "member", site, 3600) for site in sites)
    with tenant.acting_for(here.owner):
        accounts.enlist(here, "ada", SECRET, role="member", now=cloud.now)
        _, token = sign_in(cloud, here, "ada")
    with tenant.acting_for(there.owner):
        assert accounts.who(there, token, now=cloud.now) is None
        with pytest.raises(accounts.WrongLogin):
            sign_in(cloud, there, "ada")
        with pytest.raises(tenant.ForeignSite):
            accounts.who(here, token, now=cloud.now)
