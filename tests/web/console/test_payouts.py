"""Being paid, as an owner and main's staff do it in their consoles."""

import base64
import re

import pytest

from chalicelib.kit import clock, config, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.tenancy import service as tenancy

from .conftest import MAIN, Person, page, sign_in

ACCOUNT = {
    "kind": "bank",
    "holder": "杭州卡卡科技有限公司",
    "number": "6217 0000 1000 1234 567",
    "bank": "建设银行杭州西湖支行",
}
OWN, DESK = "/console/withdraw", "/console/payouts"


def give(shop, fen):
    with tenant.acting_for(tenant.MAIN), table.Together(tenant.MAIN, "") as write:
        ledger.move(
            write, shop.site, ledger.Flow(clock.now(), "release", str(fen), available=fen), floor=False
        )


def key_of(person, path=OWN):
    return re.search(r'name="key" value="(\w+)"', page(person.get(path)))[1]


def ask(owner, **typed):
    return owner.post(OWN, {"key": key_of(owner), **typed})


@pytest.fixture
def ready(shop, owner, staff):
    """The owner has 100 yuan and a verified account."""
    give(shop, 10_000)
    assert owner.post(f"{OWN}/account", ACCOUNT).status_code == 303
    party = f"{DESK}/party/{shop.site}"
    assert "6217000010001234567" in page(staff.get(party))
    assert staff.post(party, {"rev": "1", "state": "verified"}).status_code == 303
    assert "6217000010001234567" not in page(staff.get(party))
    return shop


def decide(staff, payout, act, **more):
    return staff.post(DESK, {"party": payout.party, "payout": payout.id, "act": act, **more})


def test_an_owner_is_led_to_an_account_then_to_the_first_withdrawal(shop, owner, staff):
    assert "先登记收款账户" in page(owner.get(OWN))
    owner.post(f"{OWN}/account", ACCOUNT)
    shown = page(owner.get(OWN))
    assert "正在核实" in shown
    assert "****4567" in shown
    assert "62170000" not in shown
    assert "待核实的收款账户" in page(staff.get(DESK))


def test_money_asked_for_is_agreed_to_by_staff(ready, owner, staff):
    key = key_of(owner)
    for _ in range(2):
        assert owner.post(OWN, {"key": key, "amount": "80.00"}).status_code == 303
    (payout,) = payouts.of_party(ready.site)
    assert "¥80.00" in page(staff.get(DESK))
    assert decide(staff, payout, "approve").status_code == 303
    assert payouts.get(ready.site, payout.id).state == "approved"
    assert "已通过，待付款" in page(owner.get(OWN))
    assert decide(staff, payout, "approve").status_code == 409


def test_all_can_be_asked_for_with_one_tap_and_taken_back(ready, owner):
    assert ask(owner, everything="1").status_code == 303
    (payout,) = payouts.of_party(ready.site)
    assert payout.fen == 10_000
    assert "撤回" in page(owner.get(OWN))
    owner.post(f"{OWN}/back", {"payout": payout.id})
    assert ledger.available(ready.site) == 10_000


@pytest.mark.parametrize("typed", ["", "0", "9.99", "100.01", "-5", "1e3", "八十"])
def test_an_amount_that_cannot_be_is_said_at_the_form(ready, owner, typed):
    answer = ask(owner, amount=typed)
    assert answer.status_code == 422
    assert 'role="alert"' in page(answer)
    assert payouts.of_party(ready.site) == []


def test_staff_must_say_why_they_give_back(ready, owner, staff):
    ask(owner, amount="80")
    (payout,) = payouts.of_party(ready.site)
    assert decide(staff, payout, "reject").status_code == 422
    assert decide(staff, payout, "reject", why="户名不符").status_code == 303
    assert "户名不符" in page(owner.get(OWN))


@pytest.mark.parametrize("wrong", [{"kind": "qr"}, {"number": "wxp://f2f0"}, {"holder": ""}, {"bank": ""}])
def test_an_account_that_cannot_be_is_said_at_its_field(owner, wrong):
    answer = owner.post(f"{OWN}/account", {**ACCOUNT, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in page(answer)


def test_a_debt_is_said_plainly(ready, owner):
    give(ready, -15_000)
    shown = page(owner.get(OWN))
    assert "从后续货款中抵扣" in shown
    assert "¥50.00" in shown
    assert 'name="everything"' not in shown


def test_being_paid_daily_is_switched_on_and_off(ready, owner):
    owner.post(f"{OWN}/daily", {"on": "1", "least": "50.00"})
    assert payouts.auto([ready.site]) == {ready.site: 5_000}
    owner.post(f"{OWN}/daily", {"least": "50.00"})
    assert payouts.auto([ready.site]) == {}


def test_a_deposit_comes_in_is_set_aside_and_asked_back(ready, owner, staff):
    party = f"{DESK}/party/{ready.site}"
    key = key_of(staff, party)
    for _ in range(2):
        staff.post(f"{party}/deposit", {"amount": "500", "proof": "ICBC-778", "key": key})
    assert owner.post(f"{OWN}/aside", {"amount": "20", "key": key_of(owner)}).status_code == 303
    assert ledger.balances(ready.site).deposit == 52_000
    assert owner.post(f"{OWN}/deposit", {"everything": "1", "key": key_of(owner)}).status_code == 303
    assert "退还保证金" in page(staff.get(DESK))
    assert "最迟 2026-12-08 退还" in page(owner.get(OWN))


def test_the_bank_s_file_is_made_handed_over_and_answered(ready, owner, staff):
    ask(owner, amount="80")
    (payout,) = payouts.of_party(ready.site)
    decide(staff, payout, "approve")
    assert "生成今天的文件：1 笔" in page(staff.get(DESK))
    made = staff.post(f"{DESK}/files", {})
    place = made.headers["Location"].partition("?")[0]
    carried = re.search(r"data:text/csv;base64,([\w+/=]+)", page(staff.get(place)))[1]
    assert f"{payout.id},杭州卡卡科技有限公司,6217000010001234567" in base64.b64decode(carried).decode("gbk")
    assert staff.post(place, {"answer": ""}).status_code == 422
    told = f"客户流水号,金额,结果,原因\n{payout.id},80.00,成功,\nPXX,1,成功,"
    shown = page(staff.post(place, {"answer": told}))
    assert "没有采信" in shown
    assert payouts.get(ready.site, payout.id).state == "success"
    assert staff.get(f"{DESK}/files/20200101").status_code == 404


def test_one_person_is_not_enough_for_a_large_amount(ready, owner, staff, world):
    give(ready, config.load().payout_two_fen)
    ask(owner, everything="1")
    (payout,) = payouts.of_party(ready.site)
    decide(staff, payout, "approve")
    assert "1 / 2" in page(staff.get(DESK))
    assert decide(staff, payout, "approve").status_code == 409
    with tenant.acting_for(tenant.MAIN):
        tenancy.enlist("main", "second", "correct horse", role="staff", now=world.now)
    second = Person(staff.client, MAIN, sign_in(tenant.MAIN, "second"))
    assert decide(second, payout, "approve").status_code == 303


def test_a_distributor_is_paid_through_two_people_of_staff(world, staff):
    with tenant.acting_for(tenant.MAIN):
        agent = tenancy.add_agent("王老师", ["13900000000"], parent="", key="k1", now=world.now)
        party = f"dist:{agent.agent}"
        with table.Together(tenant.MAIN, "") as write:
            ledger.move(write, party, ledger.Flow(world.now, "release", "x", available=5_000))
        tenancy.enlist("main", "second", "correct horse", role="staff", now=world.now)
    second = Person(staff.client, MAIN, sign_in(tenant.MAIN, "second"))
    place = f"{DESK}/party/{party}"
    account = {"kind": "bank", "holder": "王小明", "number": "6217000010001234567", "bank": "工商银行"}
    assert staff.post(f"{place}/account", account).status_code == 303
    assert staff.post(place, {"rev": "1", "state": "verified"}).status_code == 409
    assert second.post(place, {"rev": "1", "state": "verified"}).status_code == 303
    assert staff.post(f"{place}/ask", {"key": key_of(staff, place)}).status_code == 303
    (payout,) = payouts.of_party(party)
    assert decide(staff, payout, "approve").status_code == 409
    assert decide(second, payout, "approve").status_code == 303


def test_nobody_reaches_what_is_not_theirs(ready, owner, staff):
    assert owner.get(DESK).status_code == 404
    assert owner.get(f"{DESK}/party/{ready.site}").status_code == 404
    assert staff.get(OWN).status_code == 404
    assert staff.get(f"{DESK}/party/zzzz").status_code == 404
    assert staff.get(f"{DESK}/party/dist:none").status_code == 404
    assert staff.post(f"{DESK}/party/{ready.site}/ask", {"key": "k" * 26}).status_code == 404
    assert owner.post(f"{OWN}/back", {"payout": "P" + "0" * 20}).status_code == 404
