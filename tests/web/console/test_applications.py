"""入驻: from the public form to the open shop, by the pages alone."""

import re

import pytest

from chalicelib.kit import tenant
from chalicelib.tenancy import applications
from chalicelib.tenancy import service as tenancy

from .conftest import MAIN, Person, page, sign_in

FORM = {
    "slug": "campus",
    "name": "校园卡站",
    "company": "深圳某某科技有限公司",
    "licence": "914403001922038216",
    "licence_until": "2030-12-31",
    "contact": "张三",
    "phone": "13800138000",
    "login": "campus-owner",
    "password": "correct horse",
    "agreed": tenancy.AGREEMENT,
}


@pytest.fixture
def stranger(world, console):
    applications._filings._levels.clear()
    return Person(console, MAIN)


@pytest.fixture
def second(staff):
    """Another member of main's staff."""
    tenancy.enlist("main", "second", "correct horse", role="staff", now=0)
    return Person(staff.client, MAIN, sign_in("main", "second"))


def key_of(person):
    return re.search(r'name="key" value="(\w+)"', page(person.get("/apply")))[1]


def applied(person, **changes):
    return person.post_raw("/apply", {**FORM, "key": key_of(person), **changes})


def decide(person, number, act, **fields):
    return person.post(f"/console/applications/{number}", {"act": act, **fields})


def test_a_stranger_applies_pays_and_finds_the_shop_open(world, stranger, staff, second):
    place = applied(stranger).headers["Location"]
    number = place.split("/")[2][:8]
    shown = page(stranger.get(place))
    assert number in shown
    assert "核对资料" in shown
    assert "13800138000" not in shown
    assert "校园卡站" in page(staff.get("/console/applications"))
    assert "13800138000" in page(staff.get(f"/console/applications/{number}"))
    decide(staff, number, "propose", deposit="2000", plan="standard", months="12")
    assert "请转保证金 ¥2000.00" in page(stranger.get(place))
    site = tenancy.application(number).site
    staff.post(
        f"/console/payouts/party/{site}/deposit", {"amount": "2000", "proof": "2026-0001", "key": "k" * 16}
    )
    assert "，已到账" in page(stranger.get(place))
    answer = decide(staff, number, "confirm")
    assert (answer.status_code, "需要另一个人" in page(answer)) == (409, True)
    assert decide(second, number, "confirm").status_code == 303
    assert stranger.get(f"{place}/state").json_body == {"state": "asked"}
    assert world.run("provision", "publish") == []
    assert stranger.get(f"{place}/state").json_body == {"state": "active"}
    assert "店铺开门了" in page(stranger.get(place))
    tenancy.forget()
    owner = Person(stranger.client, "campus.cardmesh.test", sign_in(site, "campus-owner"))
    assert owner.get("/console").status_code == 200
    assert "看分站" in page(staff.get(f"/console/applications/{number}"))


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("slug", "admin", "站点名为"),
        ("licence", "914403001922038217", "末位校验不符"),
        ("licence_until", "2026-11-22", "已过有效期"),
        ("licence_until", "", "填营业执照的有效期"),
        ("licence_until", "soon", "日期请写成"),
        ("phone", "12345", "电话为"),
        ("agreed", "", "请先阅读并勾选"),
        ("password", "short", "密码为"),
    ],
)
def test_a_refused_field_says_why_and_the_rest_stays(stranger, field, typed, said):
    answer = applied(stranger, **{field: typed})
    assert answer.status_code == 422
    assert said in page(answer)
    assert 'value="张三"' in page(answer)
    assert "correct horse" not in page(answer)
    assert tenancy.applications() == []


def test_an_applicant_hears_that_there_is_no_room_yet_or_that_somebody_sees_to_it(stranger, staff, second):
    place = applied(stranger).headers["Location"]
    number = place.split("/")[2][:8]
    decide(staff, number, "propose", deposit="0", plan="standard", months="0")
    decide(second, number, "confirm")
    site = tenancy.application(number).site
    for note, says in ((tenancy.QUOTA, "之后每小时自动再试"), ("Continuous backups", "值班人员已收到提醒")):
        with tenant.acting_for(tenant.MAIN):
            tenancy.move(site, "failed", expected=("asked",), note=note)
        shown = page(stranger.get(place))
        assert (says in shown, "Continuous" in shown) == (True, False)
        tenancy.retry_site(site)


def test_a_licence_without_end_is_ticked(stranger):
    assert applied(stranger, licence_until="", forever="1").status_code == 303
    assert tenancy.applications()[0].licence_until == 0


def test_a_second_click_leads_to_the_same_application(stranger):
    key = key_of(stranger)
    places = {applied(stranger, key=key).headers["Location"] for _ in range(2)}
    assert len(places) == 1


def test_a_refusal_reaches_the_applicant_and_the_deposit_goes_back(world, stranger, staff, second):
    place = applied(stranger).headers["Location"]
    number = place.split("/")[2][:8]
    decide(staff, number, "propose", deposit="2000", plan="standard", months="0")
    home = f"/console/payouts/party/{tenancy.application(number).site}"
    assert staff.post(f"{home}/ask", {"key": "k" * 16}).status_code == 404
    staff.post(f"{home}/deposit", {"amount": "2000", "proof": "2026-0001", "key": "k" * 16})
    assert decide(staff, number, "refuse").status_code == 422
    decide(staff, number, "refuse", reason="执照与<公示系统>不符")
    assert "执照与&lt;公示系统&gt;不符" in page(stranger.get(place))
    assert "去退还" in page(staff.get(f"/console/applications/{number}"))
    bank = {
        "kind": "bank",
        "holder": "深圳某某科技有限公司",
        "number": "6222000011112222",
        "bank": "招行深圳分行",
    }
    staff.post(f"{home}/account", bank)
    second.post(home, {"rev": "1", "state": "verified"})
    assert "代为申请退还保证金" in page(staff.get(home))
    answer = staff.post(f"{home}/ask", {"key": "q" * 16})
    assert answer.status_code == 303
    assert "¥2000.00" in page(staff.get("/console/payouts"))


def test_a_plan_or_a_decision_that_does_not_exist_changes_nothing(stranger, staff):
    number = applied(stranger).headers["Location"].split("/")[2][:8]
    assert decide(staff, number, "propose", deposit="1", plan="gold").status_code == 422
    assert decide(staff, number, "propose", deposit="lots", plan="standard").status_code == 422
    assert decide(staff, number, "dance").status_code == 400
    assert tenancy.application(number).state == "filed"


def test_nobody_follows_what_is_not_theirs_and_sub_sites_take_no_applications(stranger, shop):
    applied(stranger)
    for path in ("/apply/zzzz", "/apply/" + "0" * 34, "/apply/%00"):
        assert stranger.get(path).status_code == 404
    assert Person(stranger.client, "demo.cardmesh.test").get("/apply").status_code == 404


def test_the_empty_list_shows_where_to_apply(staff):
    assert "/apply" in page(staff.get("/console/applications"))
    assert staff.get("/console/applications/zzzz").status_code == 404
