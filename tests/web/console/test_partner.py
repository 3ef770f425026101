"""A distributor at their own desk: invited, signed in, paid, and blind to everybody else's."""

import csv
import io
import re

import pytest

from chalicelib.kit import errors, money, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.payouts import worker
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy
from tests import make

from .conftest import MAIN, SECRET, Partner, Person, buy, east_party, invitation, join, page, taken

BANK = {"kind": "bank", "holder": "华东渠道有限公司", "number": "6222 0000 1111 2222", "bank": "建设银行"}
PAGES = ("", "/orders", "/account", "/account/csv", "/account/pdf", "/withdraw")


def close(world, shop):
    """What the day brought so far reaches everybody's account."""
    with tenant.acting_for(shop.site):
        return ledger.close(shop.site, make.clock.day_of(world.now), now=world.now)


def test_who_was_invited_chooses_a_login_and_is_signed_in(console, staff, agents):
    link = invitation(staff, agents[0].agent)
    visitor = Person(console, MAIN)
    shown = page(visitor.get(f"/partner/join?invite={link}"))
    assert ("华东渠道" in shown, f'value="{link}"' in shown) == (True, True)
    fields = {"invite": link, "login": "East ", "password": SECRET}
    desk = taken(console, visitor.post_raw("/partner/join", fields))
    assert "华东渠道" in page(desk.get("/partner"))
    assert "east" in page(staff.get("/console/agents"))
    again = visitor.post_raw(
        "/partner/login", {"login": "east", "password": SECRET, "next": "/partner/orders"}
    )
    assert (again.status_code, again.headers["Location"]) == (303, "/partner/orders")
    wrong = visitor.post_raw("/partner/login", {"login": "east", "password": "hunter2hunter2"})
    assert (wrong.status_code, "账号或密码不对" in page(wrong)) == (401, True)
    left = desk.post("/partner/logout", {})
    assert left.headers["Location"] == "/partner/login"
    assert desk.get("/partner").headers["Location"].startswith("/partner/login?next=")


def test_an_invitation_is_good_once_and_for_three_days_and_until_the_next_one(console, staff, agents, world):
    agent = agents[0].agent
    first, second = invitation(staff, agent), invitation(staff, agent)
    visitor = Person(console, MAIN)
    for gone in (first, "", agent, f"{agent}{'A' * 26}", f"zzzz{second[4:]}", "😀" * 40):
        assert (
            visitor.post_raw("/partner/join", {"invite": gone, "login": "x", "password": SECRET}).status_code
            == 404
        )
        assert (
            visitor.get(
                f"/partner/join?invite={gone.encode().hex() if gone[:1] == '😀' else gone}"
            ).status_code
            == 404
        )
    bad = visitor.post_raw("/partner/join", {"invite": second, "login": "x", "password": SECRET})
    assert (bad.status_code, "账号为 3～64 位" in page(bad)) == (422, True)
    world.now += 3 * 86_400
    assert visitor.get(f"/partner/join?invite={second}").status_code == 404
    with tenant.acting_for(tenant.MAIN):
        third = tenancy.invite(agent, now=world.now)
    fields = {"invite": third, "login": "east", "password": SECRET}
    assert visitor.post_raw("/partner/join", fields).status_code == 303
    assert visitor.post_raw("/partner/join", {**fields, "login": "thief"}).status_code == 404


def test_nobody_takes_the_login_of_another_distributor(console, staff, agents, east):
    link = invitation(staff, agents[1].agent)
    fields = {"invite": link, "login": "east", "password": "another password"}
    refused = Person(console, MAIN).post_raw("/partner/join", fields)
    assert (refused.status_code, "这个账号已被使用" in page(refused)) == (409, True)
    assert east.get("/partner").status_code == 200
    fields["login"] = "south"
    south = taken(console, Person(console, MAIN).post_raw("/partner/join", fields))
    assert "华南渠道" in page(south.get("/partner"))


def test_a_new_invitation_taken_ends_the_old_login_and_staff_can_end_it_altogether(
    console, staff, agents, east
):
    agent = agents[0].agent
    newer = join(console, staff, agent, "east-2")
    assert (east.get("/partner").status_code, newer.get("/partner").status_code) == (303, 200)
    old = {"login": "east", "password": SECRET}
    assert Person(console, MAIN).post_raw("/partner/login", old).status_code == 401
    forgot = join(console, staff, agent, "east-2")
    assert (newer.get("/partner").status_code, forgot.get("/partner").status_code) == (303, 200)
    assert staff.post(f"/console/agents/{agent}/shut", {}).status_code == 303
    assert forgot.get("/partner").status_code == 303
    assert staff.post("/console/agents/zzzz/invite", {}).status_code == 404
    assert staff.post("/console/agents/zzzz/shut", {}).status_code == 404


def test_each_order_earns_what_the_books_say_and_a_refund_takes_it_back(world, shop, staff, east):
    order = buy(world, shop, quantity=2)
    empty = page(east.get("/partner/orders?day=2020-01-01"))
    assert "这一天没有佣金" in empty
    with tenant.acting_for(shop.site):
        (row,) = settlement.earned(shop.site, make.clock.day_of(world.now), east_party())
        assert (row.number, row.event, row.fen > 0, row.direct_fen) == (order.number, "sale", True, 0)
    shown = page(east.get("/partner/orders"))
    assert f"尾号 {order.number[-6:]}" in shown
    assert money.yuan(row.fen) in shown
    assert "buyer@example.com" not in shown
    assert order.number not in shown
    with tenant.acting_for(shop.site):
        settlement.give(order, settlement.Wish("坏码", pieces=1), by="main:admin", seen=0, now=world.now)
        world.run("refund")
        (back,) = [
            one
            for one in settlement.earned(shop.site, make.clock.day_of(world.now), east_party())
            if one.event != "sale"
        ]
    assert -row.fen <= back.fen < 0
    assert "售后退款" in page(east.get("/partner/orders"))


def test_a_closed_day_is_in_the_balance_the_statement_and_the_file(world, shop, staff, east):
    buy(world, shop, quantity=2)
    close(world, shop)
    with tenant.acting_for(tenant.MAIN):
        earned = money.yuan(ledger.available(east_party()))
    assert earned != "0.00"
    for path in ("/partner", "/partner/account"):
        assert earned in page(east.get(path)), path
    rows = list(csv.reader(io.StringIO(page(east.get("/partner/account/csv")).lstrip("\ufeff"))))
    assert (rows[0][5], rows[-1][4]) == ("佣金", earned)
    paper = east.get("/partner/account/pdf")
    assert paper.headers["Content-Type"] == "application/pdf"
    assert "dist-" in paper.headers["Content-Disposition"]


def test_money_is_asked_for_and_taken_back_and_paid_to_nobody_unverified(world, shop, staff, east):
    buy(world, shop, quantity=2)
    party = east_party()
    with tenant.acting_for(tenant.MAIN), make.table.Together(tenant.MAIN, "") as write:
        ledger.move(write, party, ledger.Flow(world.now, "release", "x@20261101#1", available=50_000))
    key = re.search(r'name="key" value="(\w+)"', page(east.get("/partner/withdraw")))[1]
    asked = {"amount": "123.45", "key": key}
    assert east.post("/partner/withdraw", asked).status_code == 409
    told = east.post("/partner/withdraw/account", BANK)
    assert told.headers["Location"].startswith("/partner/withdraw?")
    staff.post(f"/console/payouts/party/{party}", {"rev": 1, "state": "verified"})
    for _ in range(2):
        assert east.post("/partner/withdraw", asked).status_code == 303
    with tenant.acting_for(tenant.MAIN):
        (one,) = payouts.of_party(party)
    assert (one.fen, one.state, one.asked_by) == (12_345, "requested", "east")
    assert one.id in page(staff.get("/console/payouts"))
    assert "123.45" in page(east.get("/partner/withdraw"))
    east.post("/partner/withdraw/back", {"payout": one.id})
    with tenant.acting_for(tenant.MAIN):
        assert payouts.get(party, one.id).state == "rejected"


def test_a_stopped_distributor_still_sees_and_withdraws_what_was_earned(world, shop, staff, agents, east):
    staff.post(f"/console/agents/{agents[0].agent}/switch", {"state": "stopped"})
    assert "计佣已停止" in page(east.get("/partner"))
    assert east.get("/partner/withdraw").status_code == 200


def test_who_is_paid_every_day_may_be_a_distributor(world, shop, staff, east, monkeypatch):
    east.post("/partner/withdraw/daily", {"on": "1", "least": "200"})
    asked = []
    monkeypatch.setattr(payouts, "ask_daily", lambda parties: asked.extend(parties) or len(parties))
    monkeypatch.setattr(make.clock, "source", lambda: make.clock.day_start("20261123") + 3 * 3600 + 2700)
    make.fire(worker.plan_payouts)
    assert {shop.site, east_party()} <= set(asked)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_else_sits_at_this_desk(console, staff, owner, east, shop, path):
    for token in (staff.token, owner.token, "", "A" * 26):
        assert (
            Partner(console, MAIN, token)
            .get(f"/partner{path}")
            .headers["Location"]
            .startswith("/partner/login")
        )
    assert Partner(console, owner.host, east.token).get(f"/partner{path}").status_code == 404
    for host in (MAIN, owner.host):
        behind = Person(console, host, east.token).get("/console/account")
        assert behind.headers["Location"].startswith("/console/login")


def test_what_is_asked_for_in_an_address_or_a_form_is_never_anybody_elses(
    world, shop, staff, console, agents, east
):
    """The other one asks with every name of the first one's things that they could know."""
    order = buy(world, shop, quantity=2)
    close(world, shop)
    first, second = agents
    with tenant.acting_for(tenant.MAIN), make.table.Together(tenant.MAIN, "") as write:
        ledger.move(write, first.party, ledger.Flow(world.now, "release", "x@20261101#1", available=50_000))
    east.post(
        "/partner/withdraw/account",
        {"kind": "bank", "holder": "华东渠道有限公司", "number": "6222000011112222", "bank": "建设银行"},
    )
    staff.post(f"/console/payouts/party/{first.party}", {"rev": 1, "state": "verified"})
    key = re.search(r'name="key" value="(\w+)"', page(east.get("/partner/withdraw")))[1]
    east.post("/partner/withdraw", {"amount": "100", "key": key})
    with tenant.acting_for(tenant.MAIN):
        (payout,) = payouts.of_party(first.party)
    south = join(console, staff, second.agent, "south")
    names = f"party={first.party}&site={shop.site}&agent={first.agent}&payout={payout.id}&day=2026-11-22"
    for path in PAGES:
        shown = page(south.get(f"/partner{path}?{names}"))
        for theirs in (order.number[-6:], first.name, first.agent, payout.id, "500.", "Demo", shop.site):
            assert theirs not in shown, (path, theirs)
    form = {"payout": payout.id, "party": first.party, "site": shop.site, "agent": first.agent, "key": key}
    for what in ("", "/back", "/account", "/daily", "/aside", "/deposit"):
        typed = {
            **form,
            "amount": "1",
            "everything": "1",
            "kind": "bank",
            "holder": "x",
            "number": "1",
            "bank": "y",
        }
        assert south.post(f"/partner/withdraw{what}", typed).status_code in (303, 404, 409, 422), what
    with tenant.acting_for(tenant.MAIN):
        assert payouts.get(first.party, payout.id).state == "requested"
        assert payouts.payee(first.party).holder == "华东渠道有限公司"
        assert payouts.auto([first.party]) == {}
        assert payouts.of_party(second.party) == []
        with pytest.raises(errors.NotFound):
            payouts.get(second.party, payout.id)


def test_forms_of_another_session_are_refused(console, staff, agents, east):
    south = join(console, staff, agents[1].agent, "south")
    for token in (south.form_token, staff.form_token, ""):
        assert east.post_raw("/partner/withdraw/daily", {"form_token": token, "on": "1"}).status_code == 403


@pytest.mark.parametrize("typed", ["%00..%2f..", "%F0%9F%98%80%27%22%3E", "0001-01-01", "9999-99-99"])
def test_no_page_of_a_distributor_breaks_by_its_address(east, typed):
    for path in PAGES:
        answer = east.get(f"/partner{path}?day={typed}&site={typed}&first={typed}&last={typed}&done={typed}")
        assert answer.status_code in (200, 400), path
        assert "<script>" not in page(answer)
