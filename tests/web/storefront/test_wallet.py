"""The balance as a member sees it: a real shop behind the faces."""

import re

import pytest
from chalice.test import Client

import app
from chalicelib.kit import clock, tenant
from chalicelib.membership import service as membership
from chalicelib.wallet import service as wallet
from tests import make
from tests.web.storefront.fake import Browser
from tests.web.storefront.markup import read

PIN = "135790"
LOGIN = "login=lili&password=correct+horse"


@pytest.fixture
def browser(shop):
    """A member of the shop, signed in."""
    with Client(app.app) as client:
        member = Browser(client, make.tenancy.site(shop.site).host)
        member.post("/signup", LOGIN.encode())
        yield member


def member_of(shop, browser):
    with tenant.acting_for(shop.site):
        found = membership.member_of(shop.site, browser.cookies["member"], now=shop.world.now)
        return found.member


def hidden(browser, path, name):
    return re.search(f'name="{name}" value="([^"]+)"', browser.get(path).body.decode())[1]


def post(browser, path, **fields):
    token = hidden(browser, "/wallet", "form_token")
    body = "&".join(f"{name}={value}" for name, value in {"form_token": token, **fields}.items())
    return browser.post(path, body.encode())


def set_password(browser, **changes):
    fields = {"login_password": "correct+horse", "pay_password": PIN, **changes}
    return post(browser, "/wallet/password", **fields)


def buy(browser, shop, **fields):
    path = f"/buy/{shop.goods_id}"
    key = hidden(browser, path, "key")
    filled = {
        "key": key,
        "quantity": 1,
        "contact": "13800138021",
        "query_password": "4321",
        "channel": "wechat",
        "waiver": 1,
        **fields,
    }
    return browser.post(path, "&".join(f"{name}={value}" for name, value in filled.items()).encode())


def fund(shop, browser, fen):
    shop.fund(fen, member=member_of(shop, browser))


def test_a_guest_is_asked_to_sign_in(browser):
    browser.cookies.clear()
    answer = browser.get("/wallet")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/wallet")
    assert browser.post("/wallet/topup", b"amount=100").status_code == 403


def test_an_empty_wallet_shows_what_to_do_next(browser):
    shown = read(browser.get("/wallet"))
    assert "还没有明细" in shown.text
    assert "未实名最多放 ¥1000.00" in shown.text


def test_a_top_up_is_paid_and_listed(browser, shop, world):
    key = hidden(browser, "/wallet", "key")
    answer = post(browser, "/wallet/topup", key=key, amount=0, other=88, channel="wechat")
    number = answer.headers["Location"].removeprefix("/pay/")
    order = shop.order(number)
    assert order.amount_fen == 8800
    assert "付完" not in read(browser.get(f"/pay/{number}")).text
    shop.pay(order)
    world.run("fulfil", "settle")
    assert "¥88.00 已经到余额" in read(browser.get(f"/orders/{number}")).text
    shown = read(browser.get("/wallet"))
    assert "充值" in shown.text
    assert "+¥88.00" in shown.text


@pytest.mark.parametrize(
    ("amount", "words"), [(1001, "余额会超过上限"), (-1, "这个数量买不了"), ("x", "有一项没填")]
)
def test_a_top_up_that_cannot_be_is_explained(browser, amount, words):
    answer = post(
        browser, "/wallet/topup", key=hidden(browser, "/wallet", "key"), amount=amount, channel="wechat"
    )
    assert answer.status_code == 422
    assert words in read(answer).text


def test_the_login_password_proves_who_sets_the_pay_password(browser, shop):
    wrong = set_password(browser, login_password="wrong+horse")
    assert wrong.status_code == 401
    assert "用户名或密码不对" in read(wrong).text
    assert "支付密码要 6 到 32 个字符" in read(set_password(browser, pay_password="1")).text
    answer = set_password(browser)
    assert answer.headers["Location"] == "/wallet?done=password"
    assert "支付密码已设好" in read(browser.get("/wallet?done=password")).text
    assert "支付密码已设好" not in read(browser.get("/wallet?done=nonsense")).text


def test_the_checkout_offers_the_balance_and_nothing_is_ticked(browser, shop):
    path = f"/buy/{shop.goods_id}"
    assert "balance_fen" not in browser.get(path).body.decode()
    fund(shop, browser, 2000)
    shown = read(browser.get(path))
    (box,) = shown.all("input", name="balance_fen")
    assert box["value"] == "2000"
    assert "checked" not in box
    assert "余额支付 −¥20.00 还需支付 ¥ 29 .50" in shown.text


def test_a_part_from_the_balance_leaves_the_rest_to_the_channel(browser, shop, world):
    fund(shop, browser, 2000)
    answer = buy(browser, shop, balance_fen=2000, pay_password=PIN)
    number = answer.headers["Location"].removeprefix("/pay/")
    shown = read(browser.get(f"/pay/{number}"))
    assert "¥ 29 .50" in shown.text
    assert "余额已预留 ¥20.00" in shown.text
    assert "另有 ¥20.00 预留给待付款的订单" in read(browser.get("/wallet")).text
    shop.pay(shop.order(number))
    world.run("fulfil")
    paid = read(browser.get(f"/orders/{number}")).text
    assert "余额 ¥20.00" in paid
    assert "微信支付 ¥29.50" in paid


def test_the_whole_from_the_balance_goes_straight_to_the_codes(browser, shop):
    fund(shop, browser, 5000)
    answer = buy(browser, shop, balance_fen=4950, pay_password=PIN)
    number = answer.headers["Location"].removeprefix("/pay/")
    assert browser.get(f"/pay/{number}").headers["Location"] == f"/orders/{number}"
    assert "CODE-" in read(browser.get(f"/orders/{number}")).text.replace(" ", "")


def test_a_wrong_pay_password_comes_back_with_the_form(browser, shop):
    fund(shop, browser, 5000)
    answer = buy(browser, shop, balance_fen=4950, pay_password="000000")
    shown = read(answer)
    assert answer.status_code == 422
    assert "支付密码不对，没有扣款" in shown.text
    assert "checked" in shown.all("input", name="balance_fen")[0]
    assert "value" not in shown.all("input", name="pay_password")[0]


def test_small_sums_without_password_are_agreed_to_used_listed_and_stopped(browser, shop):
    fund(shop, browser, 30_000)
    answer = post(browser, "/wallet/free", cap=5000, pay_password=PIN)
    assert answer.headers["Location"] == "/wallet?done=free"
    assert buy(browser, shop, balance_fen=4950).status_code == 422  # the contact is new
    assert buy(browser, shop, balance_fen=4950, pay_password=PIN).status_code == 303
    assert "本机已开免密" in read(browser.get(f"/buy/{shop.goods_id}")).text
    assert buy(browser, shop, balance_fen=4950).status_code == 303
    shown = read(browser.get("/wallet")).text
    assert "免密" in shown
    assert f"同意每笔 ¥50.00 以内免密 · {wallet.CONSENT}" in shown
    assert post(browser, "/wallet/free", cap=0).headers["Location"] == "/wallet?done=stopped"
    assert buy(browser, shop, balance_fen=4950).status_code == 422


def test_another_device_asks_for_the_password(browser, shop):
    fund(shop, browser, 30_000)
    post(browser, "/wallet/free", cap=5000, pay_password=PIN)
    buy(browser, shop, balance_fen=4950, pay_password=PIN)
    del browser.cookies["payer"]
    assert buy(browser, shop, balance_fen=4950).status_code == 422
    assert "（在另一台设备上）" in read(browser.get("/wallet")).text
    assert "付款时用，不是登录密码" in read(browser.get(f"/buy/{shop.goods_id}")).text


def test_no_agreement_with_a_wrong_password(browser, shop):
    fund(shop, browser, 100)
    answer = post(browser, "/wallet/free", cap=5000, pay_password="000000")
    assert answer.status_code == 422
    assert "支付密码不对" in read(answer).text


def test_an_unspent_top_up_goes_back_with_one_tap_and_a_spent_one_does_not(browser, shop, world):
    key = hidden(browser, "/wallet", "key")
    number = post(browser, "/wallet/topup", key=key, amount=100, channel="wechat").headers["Location"][5:]
    shop.pay(shop.order(number))
    world.run("fulfil", "settle")
    assert "退回这笔充值" in read(browser.get("/wallet")).text
    world.now += 7 * clock.DAY + 1
    assert "退回这笔充值" not in read(browser.get("/wallet")).text
    world.now -= 1
    assert post(browser, "/wallet/back", order=number).headers["Location"] == "/wallet?done=back"
    assert "正在退回" in read(browser.get("/wallet?done=back")).text
    assert "退回这笔充值" not in read(browser.get("/wallet")).text
    again = post(browser, "/wallet/back", order=number)
    assert (again.status_code, "这一笔现在不能退" in read(again).text) == (409, True)
    world.run("refund")
    assert list(world.channel.refunds.values()) == [10_000]
    assert "已退回" in read(browser.get(f"/orders/{number}")).text


def test_a_top_up_whose_way_back_the_channel_closed_may_go_back_again(browser, shop, world):
    key = hidden(browser, "/wallet", "key")
    number = post(browser, "/wallet/topup", key=key, amount=100, channel="wechat").headers["Location"][5:]
    shop.pay(shop.order(number))
    world.run("fulfil", "settle")
    world.channel.refund_state = "closed"
    post(browser, "/wallet/back", order=number)
    assert "退回这笔充值" not in read(browser.get("/wallet")).text
    world.run("refund")
    assert "退回这笔充值" in read(browser.get("/wallet")).text
    world.channel.refund_state = "success"
    assert post(browser, "/wallet/back", order=number).headers["Location"] == "/wallet?done=back"
    world.run("refund")
    assert list(world.channel.refunds.values()) == [10_000]


def test_what_is_left_of_an_older_top_up_is_asked_for(browser, shop, world):
    key = hidden(browser, "/wallet", "key")
    number = post(browser, "/wallet/topup", key=key, amount=100, channel="wechat").headers["Location"][5:]
    shop.pay(shop.order(number))
    world.run("fulfil", "settle")
    assert "申请退回剩余本金" not in read(browser.get("/wallet")).text
    world.now += 7 * clock.DAY + 1
    assert "申请退回剩余本金" in read(browser.get("/wallet")).text
    assert post(browser, "/wallet/back", order=number).headers["Location"] == "/wallet?done=asked"
    shown = read(browser.get("/wallet?done=asked")).text
    assert ("申请已提交" in shown, "申请退回剩余本金" in shown) == (True, False)


def test_nobody_takes_another_s_top_up_back(browser, shop, world):
    order = shop.place(member="m2", goods_id="topup", quantity=100)
    shop.pay(order)
    world.run("fulfil")
    assert post(browser, "/wallet/back", order=order.number).status_code == 404
    assert shop.wallet("m2") == (10_000, 0)


def judge(shop, browser, rev, state, note):
    with tenant.acting_for(shop.site):
        member = member_of(shop, browser)
        wallet.judge_name(shop.site, member, rev, state, by="main:ann", note=note, now=shop.world.now)


def test_a_member_tells_a_name_and_sees_how_far_it_is_and_what_it_gains(browser, shop):
    before = read(browser.get("/wallet")).text
    assert "余额最多可放 ¥5000.00，现在是 ¥1000.00" in before
    wrong = post(browser, "/wallet/name", name="42")
    assert (wrong.status_code, "姓名为 2 到 40 个字" in read(wrong).text) == (422, True)
    assert post(browser, "/wallet/name", name="Li+Li").headers["Location"] == "/wallet?done=named"
    shown = read(browser.get("/wallet?done=named"))
    assert ("L** 正在核对" in shown.text, shown.all("input", name="name")) == (True, [])
    assert post(browser, "/wallet/name", name="Li+Lu").status_code == 409
    judge(shop, browser, 1, "refused", "与证件不一致")
    assert "L** 没有通过：与证件不一致" in read(browser.get("/wallet")).text
    post(browser, "/wallet/name", name="Li+Lu")
    judge(shop, browser, 2, "verified", "seen")
    shown = read(browser.get("/wallet")).text
    assert "L** 已核对，余额最多可放 ¥5000.00" in shown
    assert "已实名，最多放 ¥5000.00" in shown
    assert "seen" not in shown
    key = hidden(browser, "/wallet", "key")
    assert post(browser, "/wallet/topup", key=key, amount=0, other=2000, channel="wechat").status_code == 303


def test_a_form_of_another_session_is_refused(browser):
    assert browser.post("/wallet/password", b"form_token=x").status_code == 403


def test_a_long_history_has_pages(browser, shop):
    member = member_of(shop, browser)
    with tenant.acting_for(shop.site):
        for n in range(31):
            with make.table.Together(shop.site, "") as write:
                wallet.enter(write, shop.site, member, "topup", n + 1, about=f"o{n}", now=clock.now())
    assert "+¥0.01" not in read(browser.get("/wallet")).text
    assert "/wallet?before=2" in browser.get("/wallet").body.decode()
    assert "+¥0.01" in read(browser.get("/wallet?before=2")).text
    assert "+¥0.31" in read(browser.get("/wallet?before=x")).text
