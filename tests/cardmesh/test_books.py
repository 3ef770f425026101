"""The check of the live books: quiet where all is well, and each lie is found."""

import pytest

from cardmesh import books
from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.ledger.model import AccountRow, JournalRow, StatementRow
from chalicelib.orders.model import OrderRow
from chalicelib.orders.rules import partition
from chalicelib.settlement import service as settlement
from tests import make

DAY = clock.day_of(make.NOON)


@pytest.fixture
def sold(shop, world):
    """Two delivered orders, in the books, their day closed, and it is the next one."""
    found = [shop.place() for _ in range(2)]
    for order in found:
        shop.pay(order)
    world.run("fulfil", "settle")
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
    world.now += clock.DAY
    assert findings(cardmesh) == (1, [("an order is still paid", order.number)])


def test_a_sale_of_an_order_placed_days_before_is_none_too_many(cardmesh, shop, world):
    order = shop.place()
    world.now += 4 * clock.DAY
    shop.pay(order)
    world.run("fulfil", "settle")
    assert shop.order(order.number).delivered_at == world.now
    assert findings(cardmesh) == (0, [])


def test_a_day_that_is_not_over_is_not_held_against_its_statement():
    early = ledger.Posted({"main:sales": 1}, {}, make.NOON)
    assert list(books.closed("demo", DAY, [], early, make.NOON)) == []
    assert list(books.closed("demo", DAY, [], None, make.NOON)) == []


def _journals(site):
    return [row for bucket in range(ledger.BUCKETS) for row in JournalRow.of(site).under(f"J#{DAY}#{bucket}")]
