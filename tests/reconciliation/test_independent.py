"""The book of a site's own merchant, whose payments are split: the site bears its fees, and main settles none of it."""

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.reconciliation import service as reconciliation
from sandbox import keys
from tests.reconciliation.test_service import ASKED, Bills, differences, strike
from tests.sandbox.conftest import keys_folder
from tests.settlement.conftest import channels
from tests.settlement.test_splits import licensed, own, plan, terms

__all__ = ["channels", "keys_folder", "licensed", "own", "plan", "terms"]

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
