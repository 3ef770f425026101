"""Distributors and accounts for splits, as main's staff meets them."""

import re

import pytest

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.settlement import splits
from chalicelib.tenancy import service as tenancy
from sim.iam.enforce import acting_as
from tests import make
from tests.web.console.conftest import buy, page

FORM = {"name": "华东渠道", "contacts": "a@example.com 13800000000", "parent": "", "key": "k"}


def agents():
    with tenant.acting_for(tenant.MAIN):
        return tenancy.agents()


def test_a_distributor_is_registered_with_the_law_beside_the_form(staff):
    assert "禁止传销条例" in page(staff.get("/console/agents"))
    answer = staff.post("/console/agents", FORM)
    (made,) = agents()
    assert (answer.status_code, made.name, len(made.marks)) == (303, "华东渠道", 2)
    assert f"/console/receivers/dist:{made.agent}" in answer.headers["Location"]
    staff.post("/console/agents", FORM)
    assert len(agents()) == 1
    assert "华东渠道" in page(staff.get("/console/agents"))


def test_a_third_level_is_refused_in_words(staff):
    staff.post("/console/agents", FORM)
    first = agents()[0].agent
    staff.post("/console/agents", {**FORM, "name": "第二级", "parent": first, "key": "k2"})
    (second,) = [one for one in agents() if one.parent]
    refused = staff.post("/console/agents", {**FORM, "name": "第三级", "parent": second.agent, "key": "k3"})
    assert refused.status_code == 422
    assert "最多两级" in page(refused)


def test_a_site_is_brought_by_somebody_until_they_stop(staff, shop):
    staff.post("/console/agents", FORM)
    agent = agents()[0].agent
    staff.post(f"/console/sites/{shop.site}/agent", {"agent": agent})
    assert tenancy.site(shop.site, fresh=True).agents == (agent,)
    assert (
        "selected"
        in re.search(rf'<option value="{agent}"[^>]*>', page(staff.get(f"/console/sites/{shop.site}")))[0]
    )
    staff.post(f"/console/agents/{agent}/switch", {"state": "stopped"})
    assert tenancy.site(shop.site, fresh=True).agents == ()
    assert "已停止" in page(staff.get("/console/agents"))


@pytest.mark.parametrize("path", ["/console/receivers/zzzz", "/console/receivers/dist:zzzz"])
def test_nobody_unknown_gets_an_account(staff, path):
    assert staff.get(path).status_code == 404
    assert staff.post(f"{path}/wechat", {"account": "1900000109", "name": "某公司"}).status_code == 404


def test_an_account_is_kept_and_the_channel_asked_by_whoever_may_talk_to_it(staff, shop, world):
    path = f"/console/receivers/{shop.site}"
    typed = {"kind": "merchant", "account": "1900000777", "name": "分站公司", "direct": "1"}
    assert staff.post(f"{path}/wechat", typed).status_code == 303
    assert "正在询问渠道" in page(staff.get(path))
    assert tenancy.site(shop.site, fresh=True).splits == {"wechat"}
    assert world.run("refund") == []
    assert "渠道已接受" in page(staff.get(path))
    world.channel.down = True
    staff.post(f"{path}/wechat", {**typed, "direct": ""})
    assert world.run("refund") == []
    assert "渠道不接受" in page(staff.get(path))
    assert tenancy.site(shop.site, fresh=True).splits == set()


def test_an_account_that_is_removed_gets_no_parts_and_the_channel_forgets_it(staff, shop, world):
    path = f"/console/receivers/{shop.site}"
    typed = {"kind": "merchant", "account": "1900000777", "name": "分站公司", "direct": "1"}
    staff.post(f"{path}/wechat", typed)
    assert world.run("refund") == []
    assert world.channel.receivers == {("mwechat", "1900000777")}
    assert "移除这个收款账号" in page(staff.get(path))
    assert staff.post(f"{path}/wechat/remove", {}).status_code == 303
    assert "移除这个收款账号" not in page(staff.get(path))
    with tenant.acting_for(tenant.MAIN):
        assert (payments.cap_of(shop.site, "wechat"), payments.receiver_of(shop.site, "wechat")) == (0, None)
    assert tenancy.site(shop.site, fresh=True).splits == set()
    leaving = world.sent_to("refund")[-1]
    world.channel.down = True
    assert world.run("refund") == [leaving]  # and comes again
    world.channel.down = False
    for _ in range(2):
        with acting_as("refund_orders"):
            assert make.work("refund", [leaving]) == []
    assert world.channel.receivers == set()
    staff.post(f"{path}/wechat", typed)
    assert make.work("refund", [*world.messages("refund"), leaving]) == []
    assert world.channel.receivers == {("mwechat", "1900000777")}
    assert staff.post("/console/receivers/main/wechat/remove", {}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"account": "短"}, "6～64"),
        ({"name": ""}, "商户要填全称"),
        ({"kind": "company"}, "请选择类型"),
    ],
)
def test_an_account_that_can_be_none_is_refused_with_what_was_typed(staff, shop, wrong, sentence):
    typed = {"kind": "merchant", "account": "1900000777", "name": "分站公司", **wrong}
    answer = staff.post("/console/receivers/main/wechat", typed)
    assert answer.status_code == 422
    assert sentence in page(answer)
    with tenant.acting_for(tenant.MAIN):
        assert payments.receivers_of("main") == {}


def test_a_channel_that_splits_nothing_takes_no_account(staff, shop):
    typed = {"kind": "merchant", "account": "1900000777", "name": "分站公司"}
    assert staff.post("/console/receivers/main/unionpay", typed).status_code == 400


def test_an_orders_page_shows_how_its_split_stands(staff, owner, shop, world):
    tenancy.set_splits(shop.site, ["wechat"])
    order = buy(world, shop)
    for person in (staff, owner):
        shown = page(person.get(f"/console/orders/{order.number}"))
        assert "渠道分账" in shown
        assert "等待分账" in shown
    with tenant.acting_for(shop.site):
        split = splits.find(shop.site, order.number)
        shares = [
            splits.Share("main", 990),
            splits.Share("dist:ab12", 5, result="closed", word="NO_RELATION"),
        ]
        split = splits.submit(order, split, shares, [], now=world.now)
        splits.finish(split, shares, now=world.now)
    shown = page(owner.get(f"/console/orders/{order.number}"))
    for words in ("已分账，等待解冻", "合伙人 ab12", "渠道未登记", "9.90"):
        assert words in shown


def test_a_site_gets_no_plan_whose_share_its_own_merchant_could_not_split_off(staff, shop, world):
    with tenant.acting_for(tenant.MAIN):
        tenancy.license_site(shop.site, "91350100M000100Y43", by="admin", now=world.now)
        own = {"channel": "wechat", "merchant": "m5", "split_cap_bps": 2500}
        payments.put_channel("wechat", own, owner=shop.site)
        ledger.put_plan(ledger.Plan("steep", 0, 3000, 3000), now=world.now)
    refused = staff.post(f"/console/sites/{shop.site}/plan", {"plan": "steep"})
    assert refused.status_code == 422
    assert "最多分出 25%" in page(refused)
    assert tenancy.site(shop.site, fresh=True).plan == "standard"
    assert staff.post(f"/console/sites/{shop.site}/plan", {"plan": "standard"}).status_code == 303
    terms = {"name": "standard", "main": "20", "fee_bearer": "main"}
    refused = staff.post("/console/plans", {**terms, "own": "25.01"})
    assert (refused.status_code, "要分 25.01%" in page(refused)) == (422, True)
    assert staff.post("/console/plans", {**terms, "own": "25"}).status_code == 303
