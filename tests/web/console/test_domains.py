"""域名: what an owner sees and types while a domain of the shop's own comes to answer."""

import re

import pytest

from chalicelib.tenancy import edge
from chalicelib.tenancy import service as tenancy
from chalicelib.web.console import domains

from .conftest import page, put_domains

HOST = "cards.example.org"


def wish(person, act="bind", host=HOST, place=domains.PLACE):
    return person.post(place, {"act": act, "domain": host})


def set_state(shop, state, **more):
    """Put a domain into a state, as a worker that came so far."""
    put_domains(shop, {HOST: {"state": state, "since": shop.world.now, **more}})


def test_an_owner_binds_a_domain_reads_the_record_to_set_and_has_it_looked_at(world, tenants, owner, shop):
    assert "绑定自己的域名" in page(owner.get(domains.PLACE))
    answer = wish(owner)
    assert answer.headers["Location"] == f"{domains.PLACE}?done=domain_bind"
    shown = page(owner.get(answer.headers["Location"]))
    for words in ("CNAME", HOST, 'value="demo.cardmesh.test"', "data-poll", "每小时自动检查"):
        assert words in shown
    world.run("provision")
    shown = page(owner.get(domains.PLACE))
    assert "查过，还没有看到这条记录" in shown
    assert "data-poll" not in shown  # this may take days
    tenants.setattr(edge, "leads_to", lambda *_: True)
    assert wish(owner, "look").status_code == 303
    world.run("provision", rounds=3)
    shown = page(owner.get(domains.PLACE))
    assert "部署中" in shown
    assert (
        owner.get(f"{domains.PLACE}/state").json_body["state"] == re.search(r'data-now="([^"]+)"', shown)[1]
    )
    assert "解绑" in page(owner.get(wish(owner, "unbind").headers["Location"]))
    world.run("provision")
    assert HOST not in page(owner.get(domains.PLACE))


def test_a_second_click_binds_one_domain(tenants, owner, shop):
    assert [wish(owner).status_code for _ in range(2)] == [303, 303]
    assert len(tenancy.site(shop.site, fresh=True).domains) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("https://a.example.org/x", "域名写成"),
        ("<script>alert(1)</script>", "域名写成"),
        ("main.cardmesh.test", "平台自己的域名不用绑定"),
        ("cardrnesh.test", "容易被认成"),
        ("c\u0430rds.example.com", "容易被认成"),
    ],
)
def test_a_domain_that_cannot_be_is_refused_at_its_field_with_what_was_typed(
    tenants, owner, shop, typed, said
):
    answer = wish(owner, host=typed)
    assert answer.status_code == 422
    assert said in page(answer)
    assert "<script>alert" not in page(answer)
    assert 'aria-invalid="true"' in page(answer)
    assert tenancy.site(shop.site, fresh=True).domains == ()


@pytest.mark.parametrize("why", ["dns", "taken", "elsewhere", "quota", "stack", "certificate"])
def test_a_failure_says_what_to_do_and_its_inner_words_are_main_s(tenants, owner, staff, shop, why):
    set_state(shop, "failed", why=why, told="Resource handler returned <message>")
    for_owner, for_staff = page(owner.get(domains.PLACE)), page(staff.get(f"/console/sites/{shop.site}"))
    assert "没有完成" in for_owner
    assert "handler returned" not in for_owner
    assert "handler returned &lt;message&gt;" in for_staff
    assert 'value="look"' in for_owner


def test_main_s_staff_bind_look_and_unbind_for_an_owner(tenants, staff, shop):
    place = f"/console/sites/{shop.site}/domain"
    assert wish(staff, place=place).headers["Location"] == f"/console/sites/{shop.site}?done=domain_bind"
    assert HOST in page(staff.get(f"/console/sites/{shop.site}"))
    assert wish(staff, "look", place=place).status_code == 303
    assert wish(staff, "unbind", place=place).status_code == 303
    assert wish(staff, host="x", place=place).status_code == 422


def test_what_nobody_offers_is_not_done(tenants, owner, shop):
    assert wish(owner, "seize").status_code == 400
    assert wish(owner, "look").status_code == 404
    assert wish(owner, "unbind", "other.example.org").status_code == 404


def test_a_live_domain_is_a_link_and_a_fourth_is_refused(tenants, owner, shop):
    set_state(shop, "live")
    assert f'<a href="https://{HOST}"' in page(owner.get(domains.PLACE))
    for n in range(2):
        wish(owner, host=f"n{n}.example.org")
    assert "绑定自己的域名" not in page(owner.get(domains.PLACE))
    answer = wish(owner, host="n3.example.org")
    assert (answer.status_code, "最多绑三个" in page(answer)) == (409, True)


def test_where_the_edge_takes_none_the_page_says_so(owner, staff, shop):
    assert "这里不能绑自己的域名" in page(owner.get(domains.PLACE))
    assert wish(owner).status_code == 409
    assert "中国大陆没有这项功能" in page(staff.get(f"/console/sites/{shop.site}"))


def test_domains_are_the_owner_s_own_page(staff):
    assert staff.get(domains.PLACE).status_code == 404
