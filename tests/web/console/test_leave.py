"""退出: the owner's way out, as pages; and what shoppers see of it."""

from chalicelib.kit import clock
from chalicelib.lifecycle.worker import tend_sites
from chalicelib.tenancy import service as tenancy
from tests import make

from .conftest import Person, buy, page, sign_in

HOST = "demo.cardmesh.test"


def leave(owner, name="demo"):
    answer = owner.post("/console/leave", {"act": "leave", "name": name})
    tenancy.forget()
    return answer


def test_an_owner_leaves_by_copying_the_name_and_may_take_it_back(shop, owner):
    assert "关店前要办完哪些" in page(owner.get("/console/leave"))
    wrong = leave(owner, "dmeo")
    assert (wrong.status_code, "照抄站点名" in page(wrong)) == (422, True)
    assert leave(owner).status_code == 303
    assert "店铺正在退出" in page(owner.get("/console"))
    assert "2026-12-25" in page(owner.get("/console/leave"))
    owner.post("/console/leave", {"act": "stay"})
    assert tenancy.site(shop.site, fresh=True).state == "active"
    assert owner.post("/console/leave", {"act": "dance"}).status_code == 400


def test_shoppers_are_told_and_find_their_orders(shop, owner):
    leave(owner)
    shopper = Person(owner.client, HOST)
    answer = shopper.get("/")
    assert (answer.status_code, "本店即将关闭" in page(answer)) == (503, True)
    assert shopper.get("/orders").status_code == 200
    assert shopper.get("/login").status_code == 200
    assert "暂停营业" in page(shopper.get("/status"))
    tenancy.stay(shop.site, by="demo-owner", now=make.NOON)
    tenancy.suspend(shop.site, "核对投诉", by="anna", now=make.NOON)
    assert shopper.get("/login").status_code == 503


def test_an_owner_takes_a_month_along(world, shop, owner):
    order = buy(world, shop)
    place = "/console/leave/export?what="
    assert order.number in page(owner.get(f"{place}orders&span=202611"))
    assert order.number in page(owner.get(f"{place}journals&span=20261123"))
    assert order.number not in page(owner.get(f"{place}orders&span=20261122"))
    for query in ("&span=202611", "codes&span=202611", "orders"):
        assert owner.get(place + query).status_code == 404
    for span in ("", "x", "2026", "20261301", "202613", "20261123x"):
        assert owner.get(f"{place}orders&span={span}").status_code == 404


def test_the_rest_is_taken_along_as_a_whole(shop, owner):
    shown = page(owner.get("/console/leave"))
    for what, words in (
        ("flows", "时间,事件"),
        ("goods", "Steam 充值卡"),
        ("settings", "demo.cardmesh.test"),
    ):
        assert f'href="/console/leave/export?what={what}"' in shown
        answer = owner.get(f"/console/leave/export?what={what}")
        assert words in page(answer)
        assert f'filename="demo-{what}.csv"' in answer.headers["Content-Disposition"]


def test_staff_reads_the_proof_of_a_closed_site(world, shop, staff):
    tenancy.leave(shop.site, by="demo-owner", now=world.now)
    path = f"/console/sites/{shop.site}"
    assert "公告至" in page(staff.get(path))
    world.now += 32 * clock.DAY
    for _ in range(2):
        make.fire(tend_sites)
    staff.token = sign_in("main", "admin")
    shown = page(staff.get(path))
    assert tenancy.site(shop.site, fresh=True).state == "closed"
    assert "销毁证明" in shown
    assert tenancy.site(shop.site).leaving.key in shown
    assert "已关店" in page(staff.get("/console/sites"))
