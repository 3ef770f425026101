import re

import pytest

from tests import make

from .conftest import MAIN, Person, page

STAFF_ONLY = (
    "/console/applications",
    "/console/sites",
    "/console/sites/new",
    "/console/plans",
    "/console/cases",
    "/console/bills",
    "/console/agents",
    "/console/payouts",
)
OWNER_ONLY = (
    "/console/domains",
    "/console/domains/state",
    "/console/leave",
    "/console/leave/export",
    "/console/listing",
    "/console/settings",
    "/console/withdraw",
)


@pytest.fixture
def nobody(console):
    return Person(console, MAIN)


def paths(client, method, **parts):
    """Every path of the console that answers to a method, with its parts filled in."""
    named = {
        "goods_id": "g1",
        "number": "N" * 28,
        "case_id": "0" * 20,
        "seq": "2",
        "day": "20261123",
        **parts,
    }
    for path, entries in client._app.routes.items():
        if path.startswith("/console") and method in entries:
            yield re.sub(r"{(\w+)}", lambda part: named.get(part[1], "zzzz"), path)


def test_the_right_password_opens_a_session_that_scripts_cannot_read(staff, console):
    visitor = Person(console, MAIN)
    answer = visitor.post_raw(
        "/console/login", {"login": "Admin ", "password": "correct horse", "next": "/console/sites"}
    )
    cookie = answer.headers["Set-Cookie"][0]
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/sites")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    visitor.token = cookie.split(";")[0].removeprefix("staff=")
    assert visitor.get("/console/sites").status_code == 200


def test_a_wrong_password_keeps_the_login_typed_and_not_the_password(staff, console):
    answer = Person(console, MAIN).post_raw(
        "/console/login", {"login": "admin", "password": "hunter2hunter2"}
    )
    assert answer.status_code == 401
    assert "账号或密码不对" in page(answer)
    assert 'value="admin"' in page(answer)
    assert "hunter2" not in page(answer)


@pytest.mark.parametrize(
    "place",
    [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "/consolex",
        "/console/\r\nX: y",
        "javascript:alert(1)",
    ],
)
def test_signing_in_never_leads_to_another_site(staff, console, place):
    visitor = Person(console, MAIN)
    answer = visitor.post_raw(
        "/console/login", {"login": "admin", "password": "correct horse", "next": place}
    )
    assert answer.headers["Location"] == "/console"


def test_every_page_sends_a_stranger_to_sign_in_and_back(world, nobody):
    for path in paths(nobody.client, "GET"):
        if path == "/console/login" or path in OWNER_ONLY:
            continue
        answer = nobody.get(path + "?day=2026-11-23")
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/console/login"), path
        assert "%3Fday%3D2026-11-23" in answer.headers["Location"]


def test_a_stranger_who_asks_for_json_gets_a_plain_refusal(world, nobody):
    answer = nobody.get("/console/sites/zzzz/state", Accept="application/json")
    assert (answer.status_code, answer.json_body["code"]) == (401, "sign_in_first")


def test_every_form_needs_the_token_of_its_own_session(staff, owner):
    foreign = Person(owner.client, MAIN, staff.token)
    for person, other in ((foreign, owner), (owner, foreign)):
        wrong_host = (*STAFF_ONLY, "/console/receivers") if person is owner else OWNER_ONLY
        for path in paths(person.client, "POST"):
            if path == "/console/login" or path.startswith(wrong_host):
                continue
            for given in ({}, {"form_token": ""}, {"form_token": other.form_token}, {"form_token": "é"}):
                assert person.post_raw(path, given).status_code == 403, path


def test_a_session_of_one_console_opens_no_other(world, owner, staff):
    make.make_site(world, "campus")
    for host in (MAIN, "campus.cardmesh.test"):
        assert Person(owner.client, host, owner.token).get("/console").status_code == 303
    assert Person(owner.client, "demo.cardmesh.test", staff.token).get("/console").status_code == 303


def test_pages_of_the_other_audience_do_not_exist(staff, owner):
    for path in STAFF_ONLY:
        assert owner.get(path).status_code == 404, path
    for path in OWNER_ONLY:
        assert staff.get(path).status_code == 404, path


def test_signing_out_ends_the_session_itself(owner):
    answer = owner.post("/console/logout", {})
    assert "Max-Age=0" in answer.headers["Set-Cookie"][0]
    assert owner.get("/console").status_code == 303


def test_a_session_ends_after_half_a_day(world, staff):
    world.now += 12 * 3600
    assert staff.get("/console").status_code == 303


def test_guessing_is_slowed_down(staff, console):
    visitor = Person(console, MAIN)
    answers = [
        visitor.post_raw("/console/login", {"login": "admin", "password": f"guess {i}"}) for i in range(12)
    ]
    assert answers[-1].status_code == 429
