from dataclasses import replace

import pytest

from tests.web.storefront.markup import read

GOOD = b"login=lili&password=correct+horse"


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_entering_sets_a_cookie_that_scripts_cannot_read_and_goes_on(browser, path):
    answer = browser.post(path, GOOD + b"&next=/goods/tx-month")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/goods/tx-month")
    assert "HttpOnly; SameSite=Lax" in answer.headers["Set-Cookie"][0]
    assert browser.cookies["member"] == "a-token"


def test_a_wrong_password_comes_back_with_the_login_but_not_the_password(browser):
    answer = browser.post("/login", b"login=lili&password=wrong+horse")
    shown = read(answer)
    assert answer.status_code == 401
    assert "用户名或密码不对" in shown.text
    assert shown.all("input", name="login")[0]["value"] == "lili"
    assert shown.all("input", name="password")[0]["value"] == ""


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie:a=b"]
)
def test_going_on_never_leaves_the_shop(browser, place):
    answer = browser.post("/login", GOOD + b"&next=" + place.encode().replace(b"\r\n", b"%0d%0a"))
    assert answer.headers["Location"] == "/orders"


def test_an_empty_form_is_explained(browser):
    answer = browser.post("/signup", b"")
    assert answer.status_code == 422
    assert "有一项没填" in read(answer).text


def test_a_shop_without_members_has_no_login(browser, store):
    store.site = replace(store.site, blocks=frozenset())
    assert browser.get("/login").status_code == 404
    assert browser.post("/signup", GOOD).status_code == 404
    assert not read(browser.get("/")).all("a", href="/login")


def test_leaving_needs_the_form_of_this_session(browser):
    browser.post("/login", GOOD)
    assert browser.post("/logout", b"form_token=forged").status_code == 403
    token = read(browser.get("/orders")).all("input", name="form_token")[0]["value"]
    answer = browser.post("/logout", f"form_token={token}".encode())
    assert answer.status_code == 303
    assert browser.cookies["member"] == ""
