"""Every change of an account has a line that says why; the lines add up to the account."""

import pytest

from chalicelib.kit import clock, table, tenant
from chalicelib.ledger import service as ledger
from tests import make

AFTER = make.NOON + clock.DAY
DAY = clock.day_of(make.NOON)
SALE = [("clearing:wechat", 5000), ("main:sales", -4000), ("main:commission", -200)]


@pytest.fixture
def site(cloud):
    code = make.make_owner()
    with tenant.acting_for(code):
        yield code


def move(party, at=1, **amounts):
    with table.Together(tenant.MAIN, "") as write:
        ledger.move(write, party, ledger.Flow(at, "test", f"T{at}", **amounts))


def amounts(flow):
    return flow.available, flow.held, flow.transit, flow.deposit


def test_what_moved_adds_up_to_what_is_there(site):
    move(site, 1, available=500, deposit=70)
    move(site, 2, available=-200, transit=200)
    move(site, 3, transit=-200, deposit=-20)
    found = ledger.flows_since(site, 0)
    assert [flow.at for flow in found] == [1, 2, 3]
    held = ledger.balances(site)
    assert amounts(ledger.sum_of(found)) == (held.available, held.held, held.transit, held.deposit)
    assert [flow.at for flow in ledger.flows_since(site, 2)] == [2, 3]


@pytest.mark.parametrize("taken", [{"available": -1}, {"transit": -1}, {"deposit": -1}])
def test_what_is_not_there_cannot_be_taken_and_leaves_no_line(site, taken):
    with pytest.raises(table.Refused):
        move(site, **taken)
    assert ledger.flows_since(site, 0) == []


def test_the_same_line_is_never_written_twice(site):
    move(site, available=5)
    with pytest.raises(table.Refused):
        move(site, available=5)
    assert ledger.available(site) == 5


def test_a_release_says_what_it_is_made_of_and_a_later_one_what_came_late(site):
    own = f"subsite:{site}:pending"
    ledger.post(site, DAY, "A1", "sale", [*SALE, (own, -800), (own, 30), ("fee_accrued:wechat", -30)], at=1)
    ledger.close(site, DAY, now=AFTER)
    ledger.post(site, DAY, "A1", "refund1", [(own, 400), ("refund_clearing:wechat", -400)], at=2)
    ledger.close(site, DAY, now=AFTER + 1)
    first, second = ledger.flows_since(site, 0)
    assert (first.available, first.parts) == (770, {"sale": 800, "fee": -30})
    assert (second.available, second.parts) == (-400, {"refund": -400})
    assert (first.event, first.ref) == ("release", f"{DAY}#1")
    assert ledger.close(site, DAY, now=AFTER + 2) == 0
    assert len(ledger.flows_since(site, 0)) == 2


def test_a_fee_that_main_bears_is_no_part_of_a_site_s_release(site):
    own = f"subsite:{site}:pending"
    legs = [*SALE, (own, -800), ("channel_fee_expense", 30), ("fee_accrued:wechat", -30)]
    ledger.post(site, DAY, "B1", "sale", legs, at=1)
    ledger.close(site, DAY, now=AFTER)
    (flow,) = ledger.flows_since(site, 0)
    assert (flow.available, flow.parts) == (800, {"sale": 800})


def test_a_distributor_s_release_names_the_site_and_its_window(site):
    legs = [*SALE, (f"subsite:{site}:pending", -700), ("dist:d1:pending", -100)]
    ledger.post(site, DAY, "C1", "sale", legs, at=1)
    ledger.close(site, DAY, now=AFTER)
    (flow,) = ledger.flows_since("dist:d1", 0)
    assert (flow.available, flow.ref, ledger.available("dist:d1")) == (100, f"{site}@{DAY}#1", 100)
    assert ledger.sum_of(ledger.flows_since(site, 0)).available == ledger.available(site) == 700
