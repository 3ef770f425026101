"""The list of splits: what waits, what is stuck, and what a person does about it."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, tenant
from chalicelib.settlement import dividing, splits
from chalicelib.tenancy import service as tenancy
from tests import make

from .conftest import buy, page


@pytest.fixture
def sold(world, shop):
    """Four orders of a shop that splits: planned, held, at the channel, and one of which a part did not arrive."""
    tenancy.set_splits(shop.site, ["wechat"])
    tenancy.forget()
    planned, held, moving, stuck = (buy(world, shop, contact=f"c{n}@example.com") for n in range(4))
    shares = [splits.Share("main", 990), splits.Share("dist:ab12", 5, result="closed", word="NO_RELATION")]
    with tenant.acting_for(shop.site):
        splits.hold(splits.find(shop.site, held.number))
        for order in (moving, stuck):
            splits.submit(order, splits.find(shop.site, order.number), shares, [], now=world.now)
        done = splits.finish(splits.find(shop.site, stuck.number), shares, now=world.now)
        splits.unfreeze(done, now=world.now)
    with tenant.acting_for(tenant.MAIN):
        dividing._call_somebody(stuck, "parts_closed", world.now, shares[1:])
    return {"planned": planned, "held": held, "moving": moving, "stuck": stuck}


def listed(person, sold, query=""):
    """Which of the orders a list shows."""
    shown = page(person.get(f"/console/splits{query}"))
    return {name for name, order in sold.items() if f"/console/orders/{order.number}" in shown}


def test_what_is_not_over_is_listed_with_what_to_do(staff, owner, sold):
    for person in (staff, owner):
        assert listed(person, sold) == {"planned", "held", "moving"}
        shown = page(person.get("/console/splits"))
        for words in ("起自动分账", "办完这笔订单的退款", "系统会一直问到渠道有结果"):
            assert words in shown


@pytest.mark.parametrize("name", ["planned", "held", "moving", "stuck"])
def test_a_day_is_narrowed_by_state(staff, owner, sold, world, name):
    day = f"day={clock.beijing(world.now):%Y-%m-%d}"
    for person in (staff, owner):
        assert listed(person, sold, f"?{day}") == set(sold)
        assert listed(person, sold, f"?{day}&tab={name}") == {name}
        assert listed(person, sold, "?day=2026-01-01") == set()


def test_what_is_stuck_leads_main_to_its_case_and_tells_the_owner_why(staff, owner, sold, world, shop):
    day = f"?day={clock.beijing(world.now):%Y-%m-%d}&tab=stuck"
    case = cases.id_of("split", f"{sold['stuck'].number}#parts_closed")
    for person, there in ((staff, True), (owner, False)):
        shown = page(person.get(f"/console/splits{day}"))
        assert "分账里有收款方没有收到" in shown
        assert (f"/console/cases/{case}" in shown) is there
    staff.post(f"/console/cases/{case}/settle", {"note": "已请合伙人更正账号"})
    assert listed(staff, sold, day) == set()


def test_a_site_sees_no_other_ones_and_the_menu_leads_there_where_money_is_split(
    staff, owner, sold, shop, world
):
    other = make.make_shop(world, slug="other")
    tenancy.set_splits(other.site, ["wechat"])
    tenancy.forget()
    everything = {**sold, "theirs": buy(world, other)}
    mine = {"planned", "held", "moving"}
    assert listed(owner, everything, f"?site={other.site}") == mine
    assert listed(staff, everything) == {*mine, "theirs"}
    assert listed(staff, everything, f"?site={other.site}") == {"theirs"}
    assert 'href="/console/splits"' in page(owner.get("/console"))
    tenancy.set_splits(shop.site, [])
    tenancy.forget()
    assert 'href="/console/splits"' not in page(owner.get("/console"))


def test_where_nothing_is_split_the_page_says_how_it_would_be(staff, shop):
    assert "没有在渠道分账的分站" in page(staff.get("/console/splits"))
