"""A refund after the money was paid out: the deposit pays, the rest is owed, and the next sales pay that off."""

from types import SimpleNamespace

import pytest

from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import files
from chalicelib.payouts import service as payouts
from chalicelib.settlement import service as settlement
from tests import make

from .conftest import ACCOUNT

pytestmark = pytest.mark.usefixtures("at_the_shop")


@pytest.fixture
def terms():
    """The worked example: own goods for 100.00, of which main has 20.00."""
    return {"own": True, "codes": 10, "wholesale_fen": 0, "floor_fen": 0, "suggest_fen": 10_000}


@pytest.fixture
def site(shop):
    """A site with a verified account."""
    payouts.register(shop.site, ACCOUNT, by="owner", now=make.NOON)
    payouts.judge(shop.site, 1, "verified", by="ann", note="", now=make.NOON)
    return shop.site


def sell(shop):
    order = shop.place()
    shop.pay(order)
    shop.world.run("fulfil", "settle")
    return shop.order(order.number)


def midnight(shop):
    """The next one passes, and the windows are closed."""
    shop.world.now = clock.day_start(clock.day_of(shop.world.now)) + clock.DAY + 1800
    settlement.close_windows(shop.site, now=shop.world.now)
    return ledger.balances(shop.site)


def sent(shop, fen):
    """A payout that is in today's file."""
    now = shop.world.now
    asked = payouts.request(shop.site, fen, key="k1", by="owner", now=now)
    payouts.approve(shop.site, asked.id, by="ann", now=now)
    return SimpleNamespace(id=asked.id, file=files.make(by="ann", now=now))


def bank_says(shop, payout, word, amount="80.00"):
    answer = f"{','.join(files.ANSWERED)}\n{payout.id},{amount},{word},"
    (line,) = files.read_answer(payout.file, answer, by="ann", now=shop.world.now)
    return line.outcome


def refund(shop, order, fen=10_000):
    order = shop.order(order.number)
    wish = settlement.Wish("used before", fen=fen)
    settlement.give(order, wish, by="demo:owner", seen=order.refunds, now=shop.world.now)
    assert shop.world.run("refund") == []


def deposit(shop, fen):
    payouts.pay_in(shop.site, fen, proof="ICBC-778", key="d1", by="ann", now=shop.world.now)


def books(shop):
    """Every journal there is, the site's and main's, by account."""
    days = [clock.day_of(make.NOON + n * clock.DAY) for n in range(-1, 5)]
    legs = [
        one.legs for owner in (shop.site, tenant.MAIN) for day in days for one in ledger.journals(owner, day)
    ]
    return {account: fen for account, fen in ledger.totals(legs).items() if fen}


@pytest.fixture
def paid_out(shop, site):
    """An order whose 80.00 for the site are at its bank."""
    order = sell(shop)
    assert midnight(shop) == ledger.Balances(8000, 0, 0, 0)
    assert bank_says(shop, sent(shop, 8000), "成功") == "success"
    assert ledger.balances(site) == ledger.Balances(0, 0, 0, 0)
    return order


def test_the_deposit_pays_what_it_holds_the_rest_is_owed_and_the_next_sale_pays_that(shop, site, paid_out):
    deposit(shop, 3000)
    refund(shop, paid_out)
    assert shop.order(paid_out.number).status == "refunded"
    assert ledger.balances(site) == ledger.Balances(0, 0, 0, 3000), "until the window closes"
    assert midnight(shop) == ledger.Balances(-5000, 0, 0, 0)
    assert midnight(shop) == ledger.Balances(-5000, 0, 0, 0), "once"
    with pytest.raises(payouts.BadAmount) as owing:
        payouts.request(site, 1000, key="k2", by="owner", now=shop.world.now)
    assert owing.value.detail["field"] == "owing"
    sell(shop)
    assert midnight(shop) == ledger.Balances(3000, 0, 0, 0)
    first, last = clock.day_of(make.NOON), clock.day_of(shop.world.now)
    told = payouts.statement(site, first, last)
    assert (told.opening_fen, told.closing_fen) == (0, 3000)
    assert told.sums == {"sale": 16_000, "refund": -8000, "recover": 3000, "payout": -8000}
    assert books(shop) == {
        "clearing:wechat": 10_000,
        "main:commission": -2000,
        f"subsite:{site}:pending": -8000,
        f"subsite:{site}:available": 5000,
        "bank:deposit": 3000,
        "bank:main": -8000,
        "channel_fee_expense": 120,
        "fee_accrued:wechat": -120,
    }


def test_a_deposit_is_touched_only_for_what_is_owed_and_not_given_back_meanwhile(shop, site, paid_out):
    deposit(shop, 9000)
    refund(shop, paid_out, fen=2500)
    assert midnight(shop) == ledger.Balances(0, 0, 0, 7000)
    refund(shop, paid_out, fen=7500)
    assert midnight(shop) == ledger.Balances(0, 0, 0, 1000)
    assert payouts.ask_back(site, None, key="k2", by="owner", now=shop.world.now).fen == 1000


def test_who_owes_more_than_the_deposit_is_given_nothing_back_and_asked_for_daily_in_vain(
    shop, site, paid_out
):
    payouts.set_auto(site, 1000)
    refund(shop, paid_out)
    assert midnight(shop) == ledger.Balances(-8000, 0, 0, 0)
    deposit(shop, 3000)
    with pytest.raises(payouts.BadAmount):
        payouts.ask_back(site, None, key="k2", by="owner", now=shop.world.now)
    make.work("payout", [{"party": site, "daily": True}])
    assert midnight(shop) == ledger.Balances(-5000, 0, 0, 0), "a deposit paid in later pays too"


def test_what_the_bank_returns_pays_what_a_refund_left_owing(shop, site):
    order = sell(shop)
    midnight(shop)
    payout = sent(shop, 8000)
    refund(shop, order)
    assert midnight(shop) == ledger.Balances(-8000, 0, 8000, 0)
    assert bank_says(shop, payout, "失败") == "failed"
    assert ledger.balances(site) == ledger.Balances(0, 0, 0, 0)
    assert midnight(shop) == ledger.Balances(0, 0, 0, 0)


def test_nobody_agrees_to_a_payout_while_its_party_owes_and_given_back_it_pays_that(shop, site, paid_out):
    sell(shop)
    midnight(shop)
    asked = payouts.request(site, 8000, key="k2", by="owner", now=shop.world.now)
    refund(shop, paid_out, 5000)
    assert midnight(shop) == ledger.Balances(-4000, 0, 8000, 0)
    with pytest.raises(payouts.BadAmount) as owing:
        payouts.approve(site, asked.id, by="ann", now=shop.world.now)
    assert owing.value.detail["field"] == "owing"
    payouts.reject(site, asked.id, by="ann", why="owes", now=shop.world.now)
    assert ledger.balances(site) == ledger.Balances(4000, 0, 0, 0)
