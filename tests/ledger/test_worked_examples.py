"""Ten worked examples, to the fen. A row is what one event posts; amounts below zero are credits.

A sale and its fee are one journal, and what is released is not posted by order: closing a window brings it to the
account.
"""

from dataclasses import replace

import pytest

from chalicelib.kit import clock, table, tenant
from chalicelib.ledger import outside, rules
from chalicelib.ledger import service as ledger
from chalicelib.settlement import sharing
from tests import make

DAY = clock.day_of(make.NOON)
FIFTH = ledger.Plan("fifth", 1, 2000, 2000, fee_bps=0)  # a fifth of the gross for main, and no fee
OWN = ledger.Sale("s", "wechat", 10000, 0, own_goods=True)


def sold(sale, plan=FIFTH):
    return dict(ledger.sale_legs(sale, plan))


def left(*rows):
    """What stands on the accounts after these rows."""
    return {account: fen for account, fen in ledger.totals(row.items() for row in rows).items() if fen}


def test_e1_a_sale_at_the_sites_own_merchant_with_two_distributors():
    plan = replace(FIFTH, fee_bearer="site", fee_bps=60, l1_bps=500, l2_bps=200, second_level=True)
    sale = sold(replace(OWN, agents=("d1", "d2"), mode="independent"), plan)
    assert sale == {
        "clearing:wechat": 10000,
        "main:commission": -1300,
        "dist:d1:frozen": -500,
        "dist:d2:frozen": -200,
        "subsite:s:frozen": -7940,
        "fee_accrued:wechat": -60,
    }
    shares = sharing.dues(sale, "s", cap_fen=3000, independent=True)
    assert {due.party: due.fen for due in shares} == {"dist:d1": 500, "dist:d2": 200, "main": 1300}
    paid = [sharing.Outcome(due.party, due.fen) for due in shares]
    split = dict(sharing.split_legs(sale, "s", "wechat", paid, independent=True))
    assert split == {
        "bank:main": 1300,
        "dist:d1:frozen": 500,
        "dist:d2:frozen": 200,
        "clearing:wechat": -2000,
    }
    thawed = dict(sharing.thaw_legs(left(sale, split), "s", "wechat"))
    assert thawed == {"subsite:s:frozen": 7940, "fee_accrued:wechat": 60, "clearing:wechat": -8000}
    assert left(sale, split, thawed) == {"main:commission": -1300, "bank:main": 1300}


def test_e1_at_mains_merchant_everybody_waits_for_the_window():
    plan = replace(FIFTH, fee_bearer="site", fee_bps=60, l1_bps=500, l2_bps=200, second_level=True)
    sale = sold(replace(OWN, agents=("d1", "d2")), plan)
    assert {account: fen for account, fen in sale.items() if "pending" in account} == {
        "dist:d1:pending": -500,
        "dist:d2:pending": -200,
        "subsite:s:pending": -7940,
    }


def test_e2_a_top_up_whose_fee_eats_what_main_earns_is_refused():
    plan = ledger.Plan("thin", 1, 0, 0)
    sale = ledger.Sale("s", "wechat", 9980, 9900, own_goods=False, supply_fen=9850)
    paid = sold(sale, plan)
    assert paid == {
        "clearing:wechat": 9980,
        "main:sales": -9900,
        "subsite:s:pending": -80,
        "channel_fee_expense": 60,
        "fee_accrued:wechat": -60,
    }
    accepted, success = dict(outside.accepted_legs("x", 9850)), dict(outside.supplied_legs("x", 9850))
    assert accepted == {"supplier:x:in_flight": 9850, "supplier:x:prepaid": -9850}
    assert success == {"supplier_cost": 9850, "supplier:x:in_flight": -9850}
    books = left(paid, accepted, success)
    main = -books["main:sales"] - books["supplier_cost"] - books["channel_fee_expense"]
    assert main == ledger.earned(sale, plan).main_fen == 50 - 60
    with pytest.raises(rules.MainLoses):
        ledger.check_margin(sale, plan)


@pytest.mark.parametrize(
    ("who", "base", "legs"),
    [
        ("site", "gross", {"subsite:s:pending": -7000, "main:commission": -2000}),
        (
            "main",
            "gross",
            {"subsite:s:pending": -8000, "main:commission": -2000, "main:coupon_expense": 1000},
        ),
        ("site", "net", {"subsite:s:pending": -7200, "main:commission": -1800}),
    ],
)
def test_e3_a_coupon_costs_whoever_gives_it(who, base, legs):
    sale = replace(OWN, paid_fen=9000, list_fen=10000, coupon_by=who)
    assert sold(sale, replace(FIFTH, own_base=base)) == {"clearing:wechat": 9000, **legs}


def test_e4_a_balance_is_filled_spent_with_a_channel_and_given_back_as_it_came():
    member = replace(OWN, member="m")
    filled = dict(ledger.topup_legs(replace(member, paid_fen=50000), FIFTH))
    assert filled == {"clearing:wechat": 50000, "user:m:balance": -50000}
    sale = sold(replace(member, balance_fen=8000))
    assert sale == {
        "user:m:balance": 8000,
        "clearing:wechat": 2000,
        "subsite:s:pending": -8000,
        "main:commission": -2000,
    }
    first = dict(ledger.refund_legs(sale.items(), 10000, 0, 3000))
    assert first == {
        "user:m:balance": -2400,
        "refund_clearing:wechat": -600,
        "subsite:s:pending": 2400,
        "main:commission": 600,
    }
    back = dict(ledger.returned_legs("wechat", 600))
    assert back == {"refund_clearing:wechat": 600, "clearing:wechat": -600}
    last = dict(ledger.refund_legs(sale.items(), 10000, 3000, 7000))
    assert left(sale, first, back, last, dict(ledger.returned_legs("wechat", 1400))) == {}


def test_e5_a_refund_after_the_payout_takes_the_deposit_and_the_rest_is_offset(cloud):
    site = make.make_owner()
    with tenant.acting_for(site):
        post(site, "A", sold(replace(OWN, site=site)))
        post(site, "B", sold(replace(OWN, site=site, paid_fen=3750)))
        assert ledger.close(site, DAY, now=1) == 8000 + 3000
        move(site, available=-8000)  # paid out
        move(site, deposit=4000)
        refund = ledger.refund_legs(sold(replace(OWN, site=site)).items(), 10000, 0, 10000)
        assert dict(refund) == {
            f"subsite:{site}:pending": 8000,
            "main:commission": 2000,
            "refund_clearing:wechat": -10000,
        }
        post(site, "A", dict(refund), event="R2")
        ledger.close(site, DAY, now=2)
        assert ledger.available(site) == -5000
        assert ledger.recover(site, now=make.NOON) == 4000
        assert ledger.balances(site) == ledger.Balances(-1000, 0, 0, 0)  # the receivable
        post(site, "C", sold(replace(OWN, site=site, paid_fen=2500)))
        ledger.close(site, DAY, now=3)
        assert ledger.available(site) == 1000


def test_e6_tax_is_kept_back_from_what_includes_it():
    withheld = dict(outside.withheld_legs("s", 8000, 100))
    assert withheld == {"subsite:s:pending": 79, "tax_withheld:vat": -79}
    released = left(sold(OWN), withheld)
    assert released["subsite:s:pending"] == -7921
    assert dict(outside.remitted_legs(79)) == {"tax_withheld:vat": 79, "bank:main": -79}


def test_e7_points_are_owed_when_earned_and_pay_when_they_are_spent():
    earned = dict(outside.earned_points_legs(100))
    assert earned == {"points_expense": 100, "points_liability": -100}
    sale = sold(replace(OWN, paid_fen=4900, list_fen=5000, coupon_by="points"))
    assert sale == {
        "clearing:wechat": 4900,
        "points_liability": 100,
        "subsite:s:pending": -4000,
        "main:commission": -1000,
    }
    back = dict(ledger.refund_legs(sale.items(), 4900, 0, 4900))
    assert back["points_liability"] == -100  # spent points are restored
    assert left(earned, dict(outside.earned_points_legs(-100))) == {}  # earned ones are taken back


def test_e8_a_dispute_holds_what_was_earned_until_it_is_won_or_lost():
    hold, withdrawn = dict(outside.held_legs("s", 8000)), dict(outside.withdrawn_legs("wechat", 10000))
    assert hold == {"subsite:s:available": 8000, "subsite:s:held": -8000}
    assert withdrawn == {"dispute_receivable": 10000, "clearing:wechat": -10000}
    won = dict(outside.held_legs("s", -8000)), dict(outside.withdrawn_legs("wechat", -10000))
    assert left(hold, withdrawn, *won) == {}
    lost = dict(outside.lost_legs(sold(OWN).items(), 10000, 10000))
    assert lost == {"subsite:s:held": 8000, "main:commission": 2000, "dispute_receivable": -10000}
    with_fee = dict(outside.lost_legs(sold(OWN).items(), 10000, 10000, fee_fen=1500))
    assert (with_fee["channel_fee_expense"], with_fee["clearing:wechat"]) == (1500, -1500)


def test_e9_a_second_payment_is_nobodys_and_goes_back():
    taken, returned = dict(ledger.taken_legs("wechat", 10000)), dict(ledger.returned_legs("wechat", 10000))
    assert taken == {"clearing:wechat": 10000, "refund_clearing:wechat": -10000}
    assert left(taken, returned) == {}


def test_e10_goods_that_come_after_the_money_went_back_are_a_loss():
    assert dict(outside.late_legs("x", 9850)) == {"loss:late_success": 9850, "supplier:x:prepaid": -9850}


def post(site, number, legs, *, event="sale"):
    ledger.post(site, DAY, number, event, legs.items(), at=make.NOON)


def move(site, **amounts):
    with table.Together(tenant.MAIN, "") as write:
        ledger.move(write, site, ledger.Flow(1, "test", str(amounts), **amounts))
