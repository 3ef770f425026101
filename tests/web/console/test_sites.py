import re
from urllib.parse import urlencode

import boto3
import pytest

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.lifecycle.worker import tend_sites
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy import stacks
from chalicelib.tenancy.model import SITES, SiteRow
from chalicelib.web.console import sites
from tests import make

from .conftest import Person, buy, page, sign_in

FORM = {
    "slug": "campus",
    "name": "校园卡站",
    "tagline": "学生特惠",
    "color": "#c2410c",
    "logo": "",
    "login": "campus-owner",
    "password": "correct horse",
    "plan": "standard",
}


def site(code):
    tenancy.forget()
    return tenancy.site(code)


def test_a_site_made_by_the_form_comes_up_while_its_page_watches(world, staff):
    place = staff.post("/console/sites/new", FORM).headers["Location"].split("?")[0]
    assert "data-poll" in page(staff.get(place))
    assert staff.get(f"{place}/state").json_body["state"] == "asked"
    assert world.run("provision") == []
    assert staff.get(f"{place}/state").json_body == {"state": "active", "note": ""}
    shown = page(staff.get(place))
    assert "data-poll" not in shown
    assert 'href="https://campus.cardmesh.test"' in shown
    tenancy.forget()
    code = place.rsplit("/", 1)[1]
    assert (
        Person(staff.client, "campus.cardmesh.test", sign_in(code, "campus-owner"))
        .get("/console")
        .status_code
        == 200
    )


def test_sending_the_form_twice_opens_one_site(staff):
    places = {staff.post("/console/sites/new", FORM).headers["Location"] for _ in range(2)}
    assert len(places) == 1
    assert len(tenancy.sites()) == 1


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("slug", "admin", "站点名为"),
        ("slug", "../etc", "站点名为"),
        ("name", "", "名称为"),
        ("color", "red", "颜色写成"),
        ("password", "short", "密码为"),
        ("login", "a b", "账号为"),
    ],
)
def test_a_refused_field_says_why_and_the_rest_stays(staff, field, typed, said):
    answer = staff.post("/console/sites/new", {**FORM, field: typed})
    assert answer.status_code == 422
    assert said in page(answer)
    assert 'value="学生特惠"' in page(answer)
    assert "correct horse" not in page(answer)
    assert tenancy.sites() == []


def test_a_name_that_is_taken_says_so_at_its_field_and_makes_nothing(staff, shop):
    answer = staff.post("/console/sites/new", {**FORM, "slug": "demo"})
    assert answer.status_code == 409
    assert re.search(r'name="slug"[^>]+aria-invalid="true"', page(answer))
    assert "已有别的店铺在用" in page(answer)
    assert 'value="学生特惠"' in page(answer)
    assert [one.slug for one in tenancy.sites()] == ["demo"]


@pytest.mark.parametrize(
    "host",
    ["nobody.cardmesh.test", "demo.cardmesh.test.evil.example", "-.cardmesh.test", "a b", "\u5206站", ""],
)
def test_a_host_that_is_nobody_s_shows_nothing_and_makes_nothing(staff, shop, host):
    answer = staff.client.http.get("/", headers={"Host": host})
    assert answer.status_code == 404
    assert "<h1>这个地址没有店铺</h1>" in page(answer)
    assert "Demo" not in page(answer)
    assert 'href="/' not in re.sub(r"<head>.*</head>", "", page(answer), flags=re.DOTALL)  # nothing leads on
    assert len(tenancy.sites()) == 1


def test_a_stack_that_fails_halfway_says_why_and_a_retry_leaves_one_site_and_no_orphan(world, staff):
    place = staff.post("/console/sites/new", FORM).headers["Location"].split("?")[0]
    code = place.rsplit("/", 1)[1]
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(stacks, "ask", lambda *_, **__: "")
        patches.setattr(stacks, "status_of", lambda *_: "CREATE_IN_PROGRESS")
        world.run("provision", rounds=1)
        patches.setattr(stacks, "status_of", lambda *_: "ROLLBACK_COMPLETE")
        patches.setattr(stacks, "reason_of", lambda *_: "Continuous backups <failed>")
        make.work("provision", [{"site": code}])
    shown = page(staff.get(place))
    assert "Continuous backups &lt;failed&gt;" in shown
    assert "重试创建" in shown
    assert staff.client.http.get("/", headers={"Host": "campus.cardmesh.test"}).status_code == 404
    for _ in range(2):  # a second click
        staff.post(f"{place}/retry", {})
    assert world.run("provision", "publish") == []
    assert site(code).state == "active"
    assert [one.slug for one in tenancy.sites()] == ["campus"]
    stacked = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    assert [(one["StackName"], one["StackStatus"]) for one in stacked] == [
        (f"cardmesh-site-{code}", "CREATE_COMPLETE")
    ]


def test_a_site_is_suspended_and_sells_again(shop, staff):
    path = f"/console/sites/{shop.site}"
    assert staff.post(f"{path}/switch", {"state": "suspended"}).status_code == 422
    for state, said in (("suspended", "核对投诉，"), ("active", "营业中")):
        answer = staff.post(f"{path}/switch", {"state": state, "words": "核对投诉"})
        assert site(shop.site).state == state
        assert said in page(staff.get(answer.headers["Location"]))
    assert staff.post(f"{path}/switch", {"state": "gone"}).status_code == 400
    assert site(shop.site).state == "active"


def test_a_failed_site_shows_why_and_can_be_retried(world, staff):
    code = staff.post("/console/sites/new", FORM).headers["Location"].split("?")[0].rsplit("/", 1)[1]
    with tenant.acting_for(tenant.MAIN):
        tenancy.move(code, "failed", expected=("asked",), note="The stack ended in <ROLLBACK>.")
    assert "&lt;ROLLBACK&gt;" in page(staff.get(f"/console/sites/{code}"))
    assert "创建失败" in page(staff.get("/console/sites"))
    staff.post(f"/console/sites/{code}/retry", {})
    assert site(code).state == "asked"
    for note, says in ((tenancy.QUOTA, "配额已满"), (tenancy.TAKEN, f"cardmesh sites tidy {code}")):
        with tenant.acting_for(tenant.MAIN):
            tenancy.move(code, "failed", expected=("asked",), note=note)
        assert says in page(staff.get(f"/console/sites/{code}"))
        staff.post(f"/console/sites/{code}/retry", {})


def test_the_next_orders_of_a_site_follow_another_plan(shop, staff):
    with tenant.acting_for(tenant.MAIN):
        ledger.put_plan(ledger.Plan("partner", 0, 1000, 1500), now=make.NOON)
    staff.post(f"/console/sites/{shop.site}/plan", {"plan": "partner"})
    assert site(shop.site).plan == "partner"


def test_a_plan_that_does_not_exist_is_not_chosen(shop, staff):
    assert staff.post(f"/console/sites/{shop.site}/plan", {"plan": "gold"}).status_code == 422
    assert site(shop.site).plan == "standard"
    assert staff.post("/console/sites/new", {**FORM, "plan": "gold"}).status_code == 422
    assert [s.slug for s in tenancy.sites()] == ["demo"]


def test_an_owner_reads_why_the_shop_is_closed_and_what_ends_soon(world, shop, staff, owner):
    path = f"/console/sites/{shop.site}"
    staff.post(f"{path}/term", {"term": "2026-11-30"})
    assert "入驻期限2026-11-30 到期（不到 30 天）" in page(owner.get("/console"))
    staff.post(f"{path}/licence", {"licence": "914403001922038216", "licence_until": "2026-11-24"})
    assert "营业执照2026-11-24 到期（不到 7 天）" in page(owner.get("/console"))
    assert "有效期至 2026-11-24" in page(staff.get(path))
    world.now += 2 * 86_400
    make.fire(tend_sites)
    owner.token, staff.token = sign_in(shop.site, "demo-owner"), sign_in("main", "admin")
    assert "店铺已停业：营业执照已到期" in page(owner.get("/console"))
    answer = staff.post(f"{path}/switch", {"state": "active"})
    assert (answer.status_code, "先登记新的有效期" in page(answer)) == (409, True)
    assert staff.post(f"{path}/term", {"term": "soon"}).status_code == 422


def listed(staff, **query):
    """The names on a page of the list, and the code behind which the next one begins."""
    shown = page(staff.get(f"/console/sites?{urlencode(query)}"))
    after = re.search(r"after=(\w+)\">下一页", shown)
    return re.findall(r"</i>([^<]+)</a>", shown), after[1] if after else ""


def enter_many(count):
    """Rows of the registry without anything behind them."""
    with tenant.acting_for(tenant.MAIN):
        for i in range(count):
            brand = {"name": f"店{i}", "tagline": "", "color": "#0f766e", "logo": "店"}
            known = {"slug": f"shop{i}", "state": "suspended", "plan": "standard", "opened": make.NOON}
            SiteRow.of(tenant.MAIN)(SITES, f"z{i:03}", brand=brand, **known).insert()
    tenancy.forget()


def test_thousands_of_sites_are_listed_page_by_page_and_found_by_name_host_and_state(
    shop, staff, monkeypatch
):
    monkeypatch.setattr(sites, "PAGE", 3)
    enter_many(7)
    seen, after = [], ""
    for _ in range(3):
        names, after = listed(staff, after=after)
        seen.append(names)
    assert [len(names) for names in seen] == [3, 3, 2]
    assert (len({name for names in seen for name in names}), after) == (8, "")
    assert listed(staff, q="店5") == (["店5"], "")
    assert listed(staff, q="SHOP6.cardmesh") == (["店6"], "")
    assert listed(staff, state="active") == (["Demo"], "")
    names, after = listed(staff, state="suspended", q="shop")
    assert (names, listed(staff, state="suspended", q="shop", after=after)[0]) == (
        ["店0", "店1", "店2"],
        ["店3", "店4", "店5"],
    )
    nothing = page(staff.get("/console/sites?q=%3Cb%3E&state=%22&after=%00"))
    assert "没有符合条件的分站" in nothing
    assert "<b>" not in nothing


def test_a_long_list_stays_small(shop, staff):
    enter_many(sites.PAGE + 1)
    assert len(page(staff.get("/console/sites"))) < 60_000


def test_a_site_whose_table_cannot_be_read_takes_nobody_else_down(world, shop, staff):
    make.make_site(world, "alpha")
    buy(world, shop)
    make.lose_table(shop.site)
    for path in ("/console", "/console/sites", "/console/orders"):
        answer = staff.get(path)
        assert (path, answer.status_code) == (path, 200)
    for path in ("/console", "/console/sites"):
        shown = page(staff.get(path))
        assert shown.count("读不到数据表") == 1
        assert "Alpha" in shown
        assert "Demo" in shown


def test_an_unknown_site_is_not_found(staff):
    assert staff.get("/console/sites/zzzz").status_code == 404
    assert staff.get("/console/sites/zzzz/state", Accept="application/json").json_body["code"] == "not_found"
    assert staff.post("/console/sites/zzzz", FORM).status_code == 404
