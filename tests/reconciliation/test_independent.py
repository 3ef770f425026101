"""The book of a site's own merchant, whose payments are split: the site bears its fees, and main settles none of it."""

import pytest

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments.gateways.wechat import WeChat
from chalicelib.reconciliation import service as reconciliation
from sandbox import keys
from tests import make
from tests.reconciliation.test_service import ASKED, Bills, differences, strike
from tests.sandbox.conftest import keys_folder
from tests.settlement.conftest import channels
from tests.settlement.test_splits import give_back, licensed, own, plan, shared, split_now, terms

__all__ = ["channels", "keys_folder", "licensed", "own", "plan", "shared", "terms"]

SOLD, SPLIT = "20261123", "20261124"


def book(day, merchant):
    with tenant.acting_for(tenant.MAIN):
        return reconciliation.find(f"{day}#wechat#{merchant}")


def journals(owner, day):
    with tenant.acting_for(owner):
        return ledger.journals(owner, day)


def test_it_matches_the_channel_s_bill_also_on_the_day_of_the_split(own, world, shop, monkeypatch):
    order = own.sell()
    own.pass_(86_400)
    own.pass_(30)
    assert own.state(order).state == "unfrozen"
    assert {one.event for one in journals(order.site, SPLIT)} == {"S1", "U1"}
    bill = Bills(monkeypatch)
    bill.rows = dict.fromkeys((SOLD, SPLIT), ())
    for at in (ASKED + clock.DAY, ASKED + clock.DAY, ASKED + 2 * clock.DAY):
        assert strike(world, at) == []
    for day, counts in ((SOLD, {"matched": [1, 10_000]}), (SPLIT, {})):
        closed = book(day, keys.MCHID)
        assert (closed.state, closed.totals["counts"]) == ("closed", counts)
        assert (closed.totals["unexplained_fen"], differences()) == (0, [])
        assert book(day, "mwechat").totals["unexplained_fen"] == 0, "it is in no other merchant's book"
        assert [one for one in journals(tenant.MAIN, day) if one.event.startswith("settled-")] == []


@pytest.mark.parametrize(
    ("bearer", "left"),
    [("site", {}), ("main", {"channel_fee_expense": 61, "subsite:{site}:pending": -1})],
)
def test_a_fee_that_nobody_expected_was_paid_by_the_site_and_is_owed_to_it_where_main_bears_fees(
    own, world, monkeypatch, bearer, left
):
    with tenant.acting_for(tenant.MAIN):
        terms = {"l1_bps": 500, "l2_bps": 200, "second_level": True}
        ledger.put_plan(ledger.Plan("standard", 0, 2000, 2000, bearer, **terms), now=make.NOON)
    ask_more(monkeypatch)
    order = own.sell()
    split_now(own, order)
    Bills(monkeypatch).rows = {SOLD: ()}
    for at in (ASKED + clock.DAY, ASKED + clock.DAY, ASKED + 2 * clock.DAY):
        assert strike(world, at) == []
    got = 1300 - left.get("channel_fee_expense", 1) + 1
    left = {account.format(site=order.site): fen for account, fen in left.items()}
    assert own.balance(order) == {"main:commission": -1300, "bank:main": got} | left


def test_what_receivers_gave_back_for_a_refund_is_in_no_bill(own, world, monkeypatch):
    order = own.sell()
    split_now(own, order)
    assert give_back(own, order, 3000).state == "success"
    day = clock.day_of(world.now)
    Bills(monkeypatch).rows = {day: ()}
    for at in (1, 1, 2):
        assert strike(world, ASKED + clock.DAY * (at + 1)) == []
    assert book(day, keys.MCHID).totals["counts"] == {"matched": [1, -3000]}
    assert book(day, keys.MCHID).totals["unexplained_fen"] == 0


def test_what_is_split_of_main_s_collection_is_missing_in_main_s_bank_once_its_bill_is_settled(shared, world):
    order = shared.sell()
    split_now(shared, order)
    for _ in range(2):
        with tenant.acting_for(tenant.MAIN):
            reconciliation.drive(f"{SOLD}#wechat#{keys.MCHID}", now=world.now)
        assert world.run("reconcile") == []
    posted = [
        one.legs
        for day in (SOLD, SPLIT)
        for owner in (order.site, tenant.MAIN)
        for one in journals(owner, day)
    ]
    sums = ledger.totals(posted)
    assert book(SOLD, keys.MCHID).state == "closed"
    assert (sums["clearing:wechat"], sums["fee_accrued:wechat"]) == (0, 0)
    assert sums["bank:main"] == 10_000 - 60 - 3000


def ask_more(monkeypatch):
    """The channel's bills have a fen more of each fee than was agreed."""
    download = WeChat.download_bill

    def dearer(line, day, *, now):
        bill = download(line, day, now=now)
        rows = tuple(make.replace(row, fee_fen=row.fee_fen + 1) for row in bill.rows)
        return make.replace(bill, rows=rows)

    monkeypatch.setattr(WeChat, "download_bill", dearer)
