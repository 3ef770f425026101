"""The check of the live books: quiet where all is well, and each lie is found."""

import pytest

from cardmesh import books
from chalicelib.kit import clock, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.ledger.model import AccountRow, JournalRow, StatementRow
from chalicelib.orders import service as orders
from chalicelib.orders.feed import FeedRow
from chalicelib.orders.model import OrderRow
from chalicelib.orders.rules import partition
from chalicelib.settlement import service as settlement
from chalicelib.wallet import service as wallet
from chalicelib.wallet.model import EntryRow
from tests import make

DAY = clock.day_of(make.NOON)


@pytest.fixture
def sold(shop, world):
    """Two delivered orders, in the books, their day closed, and it is the next one."""
    found = [shop.place() for _ in range(2)]
    for order in found:
        shop.pay(order)
    world.run("fulfil", "settle")
    orders.add_to_feed([one.number for one in found], now=world.now)
    world.now = clock.day_start(DAY) + clock.DAY + 600
    with tenant.acting_for(shop.site):
        settlement.close_windows(shop.site, now=world.now)
    return [shop.order(order.number) for order in found]


def findings(cardmesh):
    said = cardmesh("books check --json")
    return said.code, [(row["what"], row["about"]) for row in said.rows]


def test_books_that_hold_together_are_said_to(cardmesh, sold):
    said = cardmesh("books check")
    assert (said.code, said.out) == (0, "1 sites: the books hold together.\n")
    assert cardmesh("books check --site demo --days 1").code == 0


def test_a_journal_that_does_not_add_up_is_found(cardmesh, sold, shop):
    with tenant.acting_for(shop.site):
        (row,) = [one for one in _journals(shop.site) if one.sk.startswith(sold[0].number)]
        row.legs = [*row.legs, ("main:sales", 1)]
        row.save()
    code, found = findings(cardmesh)
    assert code == 1
    assert ("a journal does not add up to nothing", f"{sold[0].number}#sale") in found


def test_a_delivery_without_its_sale_and_a_sale_without_its_delivery_are_found(cardmesh, sold, shop):
    with tenant.acting_for(shop.site):
        next(one for one in _journals(shop.site) if one.sk.startswith(sold[0].number)).delete()
        legs = [("main:sales", -5), ("clearing:wechat", 5)]
        ledger.post(shop.site, DAY, "0" * 28, "sale", legs, at=make.NOON)
    code, found = findings(cardmesh)
    assert code == 1
    assert ("a delivered order without its sale", sold[0].number) in found
    assert ("a sale of no delivered order", "0" * 28) in found


def test_a_statement_that_lags_behind_its_journals_passes_until_nobody_closes_it_again(
    cardmesh, sold, shop, world
):
    with tenant.acting_for(shop.site):
        legs = [("main:sales", -5), ("clearing:wechat", 5)]
        ledger.post(shop.site, DAY, sold[0].number, "late", legs, at=make.NOON)
    lags = ("a statement is not the sum of its journals", "clearing:wechat main:sales")
    assert findings(cardmesh) == (0, [lags])
    world.now += 32 * clock.DAY
    said = cardmesh("books check --days 40 --json")
    assert (said.code, [row["what"] for row in said.rows]) == (1, [lags[0]])


def test_an_account_and_a_statement_that_somebody_changed_are_found(cardmesh, sold, shop):
    account = AccountRow.of(tenant.MAIN).read(f"ACC#{shop.site}", ".")
    account.available += 7
    account.save()
    row = StatementRow.of(tenant.MAIN).read(f"STMT#{shop.site}", DAY)
    row.released = {shop.site: 1}
    row.save()
    code, found = findings(cardmesh)
    assert (code, [what for what, _ in found]) == (
        1,
        ["a statement released another sum", "an account is not what moved it"],
    )


def test_an_account_that_is_overdrawn_is_found(cardmesh, sold, shop):
    account = AccountRow.of(tenant.MAIN).read(f"ACC#{shop.site}", ".")
    account.held = -3
    account.save()
    code, found = findings(cardmesh)
    assert (code, ("an account is overdrawn", "held: -3 fen") in found) == (1, True)


def test_a_position_that_two_orders_have_is_found(cardmesh, sold, shop):
    with tenant.acting_for(shop.site):
        row = OrderRow.of(shop.site).read(partition(sold[1].number), sold[1].number)
        row.ranges = " ".join(f"{one.seg}:{one.start}:{one.count}" for one in sold[0].ranges)
        row.save()
    code, found = findings(cardmesh)
    assert code == 1
    assert [about for what, about in found if "given out twice" in what] == [
        " ".join(sorted(one.number for one in sold))
    ]


def test_an_order_that_stands_still_for_a_day_is_found(cardmesh, shop, world):
    order = shop.place()
    shop.pay(order)
    orders.add_to_feed([order.number], now=world.now)
    world.now += clock.DAY
    assert findings(cardmesh) == (1, [("an order is still paid", order.number)])


def test_a_sale_of_an_order_placed_days_before_is_none_too_many(cardmesh, shop, world):
    order = shop.place()
    orders.add_to_feed([order.number], now=world.now)
    world.now += 4 * clock.DAY
    shop.pay(order)
    world.run("fulfil", "settle")
    assert shop.order(order.number).delivered_at == world.now
    assert findings(cardmesh) == (0, [])


def test_a_day_that_is_not_over_is_not_held_against_its_statement():
    early = ledger.Posted({"main:sales": 1}, {}, make.NOON)
    assert list(books.closed("demo", DAY, [], early, make.NOON)) == []
    assert list(books.closed("demo", DAY, [], None, make.NOON)) == []


def test_an_order_that_the_list_of_all_lacks_is_found(cardmesh, sold):
    for row in FeedRow.of(tenant.MAIN).under(f"FEED#{DAY}"):
        row.delete()
    code, found = findings(cardmesh)
    assert (code, {what for what, _ in found}) == (1, {"an order is not in main's list"})
    assert {about for _, about in found} == {one.number for one in sold}


def test_a_day_that_nobody_closed_passes_for_a_night_and_no_longer(cardmesh, sold, shop, world):
    StatementRow.of(tenant.MAIN).read(f"STMT#{shop.site}", DAY).delete()
    AccountRow.of(tenant.MAIN).read(f"ACC#{shop.site}", ".").delete()
    assert findings(cardmesh) == (0, [])
    world.now += 2 * 3600
    assert findings(cardmesh) == (0, [("a day was not closed", "2 journals")])
    world.now += clock.DAY
    assert findings(cardmesh) == (1, [("a day was not closed", "2 journals")])


def test_a_sale_that_is_divided_another_way_is_found(cardmesh, sold, shop):
    with tenant.acting_for(shop.site):
        row = next(one for one in _journals(shop.site) if one.sk.startswith(sold[0].number))
        row.legs = [
            (account, fen + {"main:sales": 5, "main:commission": -5}.get(account, 0))
            for account, fen in row.legs
        ]
        row.save()
    code, found = findings(cardmesh)
    assert (code, ("a sale is not divided as its plan says", sold[0].number) in found) == (1, True)


def test_refunds_that_an_order_does_not_count_are_found(cardmesh, sold, shop):
    with tenant.acting_for(shop.site):
        row = OrderRow.of(shop.site).read(partition(sold[1].number), sold[1].number)
        row.refunded_fen = 70
        row.save()
    what = f"{sold[1].number}: 70 fen counted, 0 asked for, {sold[1].amount_fen} paid"
    assert findings(cardmesh) == (1, [("refunds do not fit their order", what)])


@pytest.fixture
def filled(shop, world):
    """A member who put 100 yuan on the balance and spent some, all in the books."""
    topup = shop.place(member="m1", goods_id="topup", quantity=100)
    shop.pay(topup)
    world.run("fulfil", "settle")
    with tenant.acting_for(shop.site):
        wallet.set_password(shop.site, "m1", "135790")
    bought = shop.place_from(4950)
    world.run("fulfil", "settle")
    orders.add_to_feed([topup.number, bought.number], now=world.now)
    world.now += 3600
    return bought


def test_balances_that_are_what_happened_are_said_to_be(cardmesh, filled, shop, world):
    assert shop.wallet() == (5050, 0)
    assert findings(cardmesh) == (0, [])
    world.now = clock.day_start(DAY) + clock.DAY + 600
    with tenant.acting_for(shop.site):
        settlement.close_windows(shop.site, now=world.now)
    world.now += 2 * clock.DAY
    assert cardmesh("books check --days 3").code == 0
    again = shop.place_from(4950)
    world.run("fulfil", "settle")
    assert shop.order(again.number).status == "delivered"
    assert findings(cardmesh) == (0, [])


def test_a_balance_that_somebody_changed_is_found(cardmesh, filled, shop):
    with tenant.acting_for(shop.site):
        row = next(EntryRow.of(shop.site).under("WENT#m1", newest_first=True))
        row.available += 1000
        row.save()
    assert findings(cardmesh) == (1, [("a balance is not the sum of its entries", "m1")])


def test_a_balance_that_the_ledger_does_not_owe_is_found(cardmesh, filled, shop, world):
    with tenant.acting_for(shop.site), table.Together(shop.site, "") as write:
        wallet.enter(write, shop.site, "m1", "refund", 1000, about=filled.number, now=world.now)
    what = "m1: 6050 fen, owed 5050"
    assert findings(cardmesh) == (1, [("a balance is not what the ledger owes", what)])


def test_a_balance_of_an_order_that_is_under_way_may_differ(cardmesh, filled, shop, world):
    order = shop.place_from(100)
    shop.pay(order)
    assert shop.order(order.number).status == "paid"
    (row,) = cardmesh("books check --json").rows
    assert (row["what"], row["about"]) == ("a balance is not what the ledger owes", "m1: 4950 fen, owed 5050")
    assert (row["passes"], cardmesh("books check").code) == ("by itself", 0)


def _journals(site):
    return [row for bucket in range(ledger.BUCKETS) for row in JournalRow.of(site).under(f"J#{DAY}#{bucket}")]
