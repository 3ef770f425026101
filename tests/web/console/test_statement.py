import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.catalog import service as catalog
from chalicelib.kit import tenant
from chalicelib.web.console import statement
from tests import make

from .conftest import buy, page


@pytest.fixture
def sold(world, shop):
    """One order, delivered and settled at noon."""
    return buy(world, shop)


def test_the_day_s_splits_and_their_totals_are_shown(owner, sold):
    shown = page(owner.get("/console/statement"))
    # 49.50 paid, 40.00 wholesale, main takes 20 % of 9.50 and bears the fee of 0.30.
    assert (
        '<td class="num">49.50</td><td class="num">7.60</td><td class="num">41.60</td><td class="num">0.30</td>'
        in shown
    )
    assert "合计 1 笔" in shown
    assert "未结账" in shown


def test_staff_read_the_statement_of_any_site(staff, shop, sold):
    shown = page(staff.get(f"/console/statement?site={shop.site}"))
    assert "合计 1 笔" in shown
    assert "分站所得" in shown
    assert page(staff.get("/console/statement")) == shown
    answer = staff.get(f"/console/statement/csv?day=20261123&site={shop.site}")
    assert sold.number in page(answer)
    assert staff.get("/console/statement?site=zzzz").status_code == 404


def test_an_owner_cannot_ask_for_another_site_s_statement(owner, sold):
    assert "合计 1 笔" in page(owner.get("/console/statement?site=zzzz"))


def test_every_event_of_the_journals_has_its_words():
    assert [statement.named(event) for event in ("sale", "taken", "returned")] == ["成交", "待退款", "已退款"]
    assert statement.named("Dabc-returned") == "重复付款已退"


def test_another_day_is_empty_and_the_future_is_today(owner, sold):
    assert "这一天没有分账" in page(owner.get("/console/statement?day=2026-11-01"))
    for day in ("2030-01-01", "never", "2026-13-45", "%27"):
        assert "合计 1 笔" in page(owner.get(f"/console/statement?day={day}"))


def test_the_file_holds_the_same_rows_for_spreadsheets(owner, sold):
    answer = owner.get("/console/statement/csv?day=20261123")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="statement-demo-20261123.csv"'
    text = page(answer)
    assert text.startswith("\ufeff")
    heading, row = csv.reader(io.StringIO(text[1:]))
    assert tuple(heading) == statement.HEADINGS
    assert row == [
        "2026-11-23 12:00:00",
        sold.number,
        "成交",
        "Steam 充值卡 ¥50",
        "49.50",
        "7.60",
        "41.60",
        "0.00",
        "0.30",
    ]


def test_a_name_that_is_a_formula_stays_a_name(world, owner, shop):
    with tenant.acting_for(shop.site):
        goods = make.make_goods(name='=HYPERLINK("//evil.test")')
        make.make_codes(tenant.MAIN, goods.goods_id, 1)
        catalog.publish(shop.site, now=world.now)
        catalog.forget()
    buy(world, shop, goods_id=goods.goods_id)
    _, row = csv.reader(io.StringIO(page(owner.get("/console/statement/csv"))[1:]))
    assert row[3] == '\'=HYPERLINK("//evil.test")'


@given(st.text())
def test_no_cell_begins_a_formula(text):
    cell = statement.inert(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == text
    if cell and cell[0] in "=+-@\t\r\n":
        assert cell[0] == "-"
        assert float(cell) <= 0
