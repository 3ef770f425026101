"""Refunds as people at a console meet them."""

import re

import pytest

from chalicelib.kit import tenant
from chalicelib.settlement import service as settlement
from tests import make

from .conftest import MAIN, Person, buy, page, sign_in

ASK = {"amount": "49.50", "pieces": "", "reason": "卡密无效", "seen": "0"}


@pytest.fixture
def sold(world, shop):
    """Two codes for 99.00 yuan, delivered and in the books."""
    return buy(world, shop, quantity=2)


@pytest.fixture
def second(staff, console):
    """Another member of main's staff."""
    with tenant.acting_for(tenant.MAIN):
        make.tenancy.enlist("main", "boris", "correct horse", role="staff", now=make.clock.now())
    return Person(console, MAIN, sign_in(tenant.MAIN, "boris"))


def at(order, rest=""):
    return f"/console/orders/{order.number}/refunds{rest}"


def asked(shop, order, **wish):
    with tenant.acting_for(shop.site):
        return settlement.request(order, settlement.Wish("打不开", **wish), now=shop.world.now)


def refunds(shop, order):
    with tenant.acting_for(shop.site):
        return settlement.refunds_of(shop.order(order.number))


def amounts(shown):
    return re.findall(r'<td class="num">(-?[\d.]+)</td>', shown)


def test_an_owner_sees_who_bears_a_refund_and_then_gives_it(world, shop, owner, sold):
    assert "看看由谁承担" in page(owner.get(f"/console/orders/{sold.number}"))
    shown = page(owner.post(at(sold, "/preview"), ASK))
    assert amounts(shown) == ["49.50", "49.50", "7.60", "41.90", "49.50"]
    assert (refunds(shop, sold), world.channel.refunds) == ([], {})
    answer = owner.post(at(sold), ASK)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/console/orders/{sold.number}?done=refund_given",
    )
    world.run("refund")
    shown = page(owner.get(f"/console/orders/{sold.number}"))
    assert "已退给顾客" in shown
    assert "分站 demo-owner" in shown
    assert "售后退款到账" in shown
    assert 'value="49.50"' in shown, "what is left is proposed"


def test_pieces_are_reckoned(shop, owner, sold):
    shown = page(owner.post(at(sold, "/preview"), ASK | {"amount": "", "pieces": "2"}))
    assert amounts(shown)[0] == "99.00"
    assert "整单退清" in shown


def test_a_form_sent_twice_gives_back_once(shop, owner, sold):
    assert owner.post(at(sold), ASK).status_code == 303
    again = owner.post(at(sold), ASK)
    assert again.status_code == 409
    assert "刚刚有人改动过" in page(again)
    assert [one.fen for one in refunds(shop, sold)] == [4950]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "99.01"}, "不超过还没有退的部分"),
        ({"amount": "0"}, "不超过还没有退的部分"),
        ({"amount": "ten"}, "49.50 这样的形式"),
        ({"pieces": "3"}, "不超过还没有退的件数"),
        ({"pieces": "-1"}, "件数写成整数"),
        ({"pieces": "1234567"}, "件数写成整数"),
        ({"reason": " "}, "写一句退款原因"),
        ({"seen": "many"}, ""),
    ],
)
def test_what_cannot_be_given_back_is_refused_where_it_was_typed(shop, owner, sold, typed, said):
    for place in (at(sold, "/preview"), at(sold)):
        answer = owner.post(place, ASK | typed)
        if said or place == at(sold):
            assert answer.status_code in (409, 422)
            assert said in page(answer)
    assert refunds(shop, sold) == []


def test_beyond_the_limit_two_people_of_main_agree(world, shop, owner, staff, second, sold):
    assert (
        staff.post("/console/refunds/limit", {"limit": "20.00"}).headers["Location"].endswith("refund_limit")
    )
    assert "提交审核" in page(owner.post(at(sold, "/preview"), ASK))
    assert owner.post(at(sold), ASK).headers["Location"].endswith("refund_review")
    assert owner.post(at(sold, "/2/agree"), {}).status_code == 409
    assert "退款审核" in page(staff.get("/console/cases"))
    assert staff.post(at(sold, "/2/agree"), {}).headers["Location"].endswith("refund_review")
    assert "需要主站的另一个人同意" in page(staff.post(at(sold, "/2/agree"), {}))
    assert second.post(at(sold, "/2/agree"), {}).headers["Location"].endswith("refund_given")
    world.run("refund")
    assert [one.state for one in refunds(shop, sold)] == ["success"]


def test_a_request_is_listed_and_refused_with_a_reason(shop, owner, staff, sold):
    asked(shop, sold, pieces=1)
    for person in (owner, staff):
        listed = page(person.get("/console/refunds"))
        assert sold.number in listed
        assert "打不开" in listed
    assert "写一句拒绝的原因" in page(owner.post(at(sold, "/2/reject"), {"word": " "}))
    assert owner.post(at(sold, "/2/reject"), {"word": "已经兑换"}).status_code == 303
    assert sold.number not in page(owner.get("/console/refunds?tab=waiting"))
    assert sold.number in page(owner.get("/console/refunds?tab=over"))
    assert "已经兑换" in page(owner.get(f"/console/orders/{sold.number}"))


def test_what_a_channel_cannot_do_is_mains_to_set_going_or_to_pay(world, shop, owner, staff, sold):
    world.channel.refund_state = "abnormal"
    owner.post(at(sold), ASK)
    world.run("refund")
    assert "再向渠道申请一次" in page(staff.get(f"/console/orders/{sold.number}"))
    assert "再向渠道申请一次" not in page(owner.get(f"/console/orders/{sold.number}"))
    for verb in ("again", "paid"):
        assert owner.post(at(sold, f"/2/{verb}"), {"word": "回单 1"}).status_code == 404
    assert staff.post(at(sold, "/2/again"), {}).status_code == 303
    world.run("refund")
    assert "写明凭证" in page(staff.post(at(sold, "/2/paid"), {"word": ""}))
    assert staff.post(at(sold, "/2/paid"), {"word": "回单 1"}).status_code == 303
    assert "由人退给顾客，回单 1" in page(staff.get(f"/console/orders/{sold.number}"))


def test_a_site_sees_and_sets_nothing_of_others(owner, sold):
    assert owner.post("/console/refunds/limit", {"limit": "1"}).status_code == 404
    assert owner.post(at(sold, "/9/agree"), {}).status_code == 404
    assert owner.post(at(sold, "/x/agree"), {}).status_code == 404
    foreign = "ZZZZ" + sold.number[4:]
    assert owner.post(f"/console/orders/{foreign}/refunds", ASK).status_code == 404


def test_without_sites_there_are_no_refunds(staff):
    assert "没有要处理的退款" in page(staff.get("/console/refunds?tab=nonsense"))
