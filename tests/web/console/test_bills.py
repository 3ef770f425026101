"""Reconciliation as main's staff see it."""

import re

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import tenant
from chalicelib.payments import service as payments
from chalicelib.reconciliation import rules
from tests import make
from tests.reconciliation.test_service import ASKED, BOOK, Bills, reconcile, row, sell

from .conftest import page, sign_in

PLACE = f"/console/bills/{BOOK.replace('#', '-')}"


@pytest.fixture
def bill(shop, world, monkeypatch, staff):
    """A bill with one payment that fits, one whose fee does not, and one that is nobody's."""
    found = Bills(monkeypatch)
    first, second = sell(shop, world, 2)
    strange = row(first, transaction_id="x", amount_fen=777, out_trade_no="=cmd()")
    found.rows["20261123"] = [row(first), row(second, fee_fen=35), strange]
    return found


def the_day_after(staff, world):
    """The hour of bills has struck, and staff have signed in again."""
    closed = reconcile(world, ASKED)
    staff.token = sign_in(tenant.MAIN, "admin")
    return closed


def test_a_day_shows_its_sums_its_differences_and_its_files(staff, bill, world, shop):
    closed = the_day_after(staff, world)
    shown = page(staff.get("/console/bills?month=2026-11"))
    assert PLACE in shown
    assert "有差异" in shown
    shown = page(staff.get(PLACE))
    for said in (
        "99.00",
        "7.77",
        "无法解释",
        "账单多出",
        "手续费已调整",
        'href="/console/cases?kind=difference"',
    ):
        assert said in shown
    case = cases.open_ones(kind="difference")[0]
    assert "<dd>2026-11-23</dd>" in page(staff.get(f"/console/cases/{case.case_id}"))
    assert closed.totals["unexplained_fen"] == 0
    trades = page(staff.get(f"{PLACE}/csv?what=trades"))
    assert trades.count("付款") == 3
    assert ",'=cmd()," in trades
    assert "Demo" in page(staff.get(f"{PLACE}/csv?what=sites"))
    assert "账单多出" in page(staff.get(f"{PLACE}/csv?what=differences"))
    assert staff.get(f"{PLACE}/csv?what=else").status_code == 404


def test_a_day_is_done_again_with_a_corrected_bill(staff, bill, world):
    the_day_after(staff, world)
    bill.digest, bill.rows["20261123"] = "d2", bill.rows["20261123"][:2]
    answer = staff.post(f"{PLACE}/again", {})
    assert answer.headers["Location"] == f"{PLACE}?done=bill_again"
    the_day_after(staff, world)
    assert "已对平" in page(staff.get("/console/bills"))
    assert "待办" not in page(staff.get(PLACE)).split("<main")[1]


def test_a_day_whose_bill_has_not_come_says_so(staff, shop, world, monkeypatch):
    Bills(monkeypatch)
    the_day_after(staff, world)
    assert "账单未出" in page(staff.get(PLACE))
    assert "还没有结果" in page(staff.get(PLACE))


def test_an_empty_month_says_when_bills_come(staff):
    assert "这个月还没有账单" in page(staff.get("/console/bills?month=2020-01"))


@pytest.mark.parametrize("place", ["x", "20261123-wechat", "20261123-wechat-nobody", "20261123-wechat-m%2F1"])
def test_a_day_nobody_asked_for_is_not_found(staff, place):
    assert staff.get(f"/console/bills/{place}").status_code == 404


def test_money_without_an_owner_is_given_back_from_its_case(staff, shop, world):
    with tenant.acting_for(tenant.MAIN):
        payments.suspend(shop.payment(shop.place(), transaction_id="odd"), "unknown order", now=world.now)
    path = f"/console/cases/{cases.open_ones()[0].case_id}"
    assert "原路退回 ¥49.50" in page(staff.get(path))
    assert staff.post(f"{path}/back", {}).headers["Location"] == f"{path}?done=case_back"
    assert "开始原路退回" in page(staff.get(path))
    assert staff.post(f"{path}/back", {}).status_code == 409
    world.run("refund")
    assert "已原路退回，退款单号" in page(staff.get(path))


def test_a_payment_is_claimed_by_its_order_or_said_to_fit_nothing(staff, shop, world):
    order = shop.place()
    for payment in (shop.payment(order), make.replace(shop.payment(order), transaction_id="b", amount_fen=1)):
        with tenant.acting_for(tenant.MAIN):
            payments.suspend(payment, "unknown order", now=world.now)
    fits, odd = (
        f"/console/cases/{cases.id_of('suspense', f'wechat#{name}')}" for name in (f"t{order.number}01", "b")
    )
    answer = staff.post(f"{odd}/claim", {})
    assert answer.status_code == 409
    assert "仍然对不上任何订单" in page(answer)
    assert staff.post(f"{fits}/claim", {}).headers["Location"] == f"{fits}?done=case_claimed"
    assert shop.order(order.number).status == "paid"


def test_a_case_of_many_differences_has_the_list_of_exactly_these(staff, bill, world, shop, monkeypatch):
    monkeypatch.setattr(rules, "MOST_CASES", 0)
    lost = make.replace(bill.rows["20261123"][0], transaction_id="another", amount_fen=50)
    bill.rows["20261123"].append(lost)
    the_day_after(staff, world)
    (case,) = [one for one in cases.open_ones(kind="difference") if one.facts["site"] == shop.site]
    shown = page(staff.get(f"/console/cases/{case.case_id}"))
    link = re.search(r'href="([^"]+)" download', shown)[1].replace("&amp;", "&")
    listed = page(staff.get(link))
    assert (listed.count("账单多出"), "another" in listed, "7.77" in listed) == (1, True, False)
