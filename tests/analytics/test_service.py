from dataclasses import replace

import pytest

from chalicelib.analytics import service as analytics
from chalicelib.kit import clock, config, errors, tenant
from chalicelib.orders import feed
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SITES, SiteRow
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

TODAY = clock.day_of(make.NOON)


def sell(shop, **ask):
    order = shop.place(**ask)
    shop.pay(order)
    shop.world.run("fulfil")
    return order


def board(shop, day=TODAY):
    with tenant.acting_for(tenant.MAIN):
        return analytics.board(tenancy.sites(), day, now=shop.world.now)


def listed(shop, **page):
    with tenant.acting_for(tenant.MAIN):
        found, cursor = analytics.all_orders(now=shop.world.now, **page)
    return [one.number for one in found], cursor


def test_a_board_counts_placed_paid_and_delivered_by_hour(shop, world):
    sell(shop, quantity=2)
    shop.pay(shop.place())
    shop.place()
    row = board(shop).totals
    assert (row.placed, row.paid, row.delivered, row.gmv_fen) == (3, 2, 1, 14850)
    assert row.conversion_bps == 6666
    assert [hour for hour, fen in enumerate(row.hours) if fen] == [12]
    assert sum(board(shop).hours) == row.gmv_fen


def test_what_a_balance_is_filled_with_counts_once_it_is_spent(shop, world):
    sell(shop, member="m1", goods_id="topup", quantity=100)
    assert board(shop).totals.placed == 0
    shop.fund(1)
    shop.place_from(4950)
    world.now += 61
    row = board(shop).totals
    assert (row.placed, row.paid, row.delivered, row.gmv_fen) == (1, 1, 1, 4950)


def test_a_day_without_orders_counts_nothing(shop):
    row = board(shop).totals
    assert (row.placed, row.gmv_fen, row.conversion_bps) == (0, 0, 0)


def test_a_running_day_is_counted_again_after_a_minute(shop, world):
    assert board(shop).totals.placed == 0
    shop.place()
    world.now += 60
    assert board(shop).totals.placed == 0
    world.now += 1
    assert board(shop).totals.placed == 1


def test_a_day_long_over_keeps_its_last_count(shop, world):
    shop.place()
    world.now += 3 * clock.DAY
    assert board(shop).totals.placed == 1
    counted_at = board(shop).rows[0].at
    world.now += clock.DAY
    assert board(shop).rows[0].at == counted_at


def test_a_board_shows_the_same_weekday_of_last_week(shop, world):
    sell(shop)
    world.now += 7 * clock.DAY
    shown = board(shop, clock.day_of(world.now))
    assert (shown.totals.paid, shown.last_week.paid) == (0, 1)


def test_a_day_to_come_is_not_counted(shop):
    assert board(shop, clock.day_of(make.NOON + clock.DAY)).rows == ()


def test_the_best_site_stands_first_and_a_failed_one_is_left_out(shop, world):
    other = make.make_site(world, "alpha")
    with tenant.acting_for(tenant.MAIN):
        assert [row.name for row in board(shop).rows] == ["Alpha", "Demo"]
    world.now += 61
    sell(shop)
    assert [row.name for row in board(shop).rows] == ["Demo", "Alpha"]
    with tenant.acting_for(tenant.MAIN):
        SiteRow.of(tenant.MAIN).change(SITES, other, [SiteRow.state.set("failed")], None)
        tenancy.forget()
    assert [row.name for row in board(shop).rows] == ["Demo"]


def test_only_so_many_sites_are_counted_for_one_view(shop, world, monkeypatch):
    make.make_site(world, "alpha")
    monkeypatch.setattr(analytics, "_COUNT_AT_ONCE", 1)
    assert len(board(shop).rows) == 1
    assert len(board(shop).rows) == 2


def test_a_site_whose_table_cannot_be_read_is_shown_as_such_beside_the_others(shop, world):
    other = make.make_site(world, "alpha")
    order = sell(shop)
    orders.add_to_feed([order.number], now=world.now)
    assert [row.unreadable for row in board(shop).rows] == [False, False]
    make.lose_table(shop.site)
    world.now += 61
    demo, alpha = board(shop).rows
    assert (demo.site, demo.unreadable, demo.gmv_fen, demo.at) == (shop.site, True, 4950, world.now - 61)
    assert (alpha.site, alpha.unreadable, alpha.at) == (other, False, world.now)
    assert listed(shop) == ([], "")
    with tenant.acting_for(tenant.MAIN):
        some = analytics.days(tenancy.sites(), clock.day_of(world.now + clock.DAY), now=world.now + clock.DAY)
    assert {site: row.unreadable for site, row in some.items()} == {shop.site: True, other: False}


def test_a_sites_own_board_is_counted_now(shop, world):
    board(shop)
    sell(shop)
    row = analytics.site_board(shop.site, TODAY, now=world.now)
    assert (row.site, row.name, row.paid, row.at) == (shop.site, "Demo", 1, world.now)


def test_all_orders_are_listed_newest_first_and_once(shop, world):
    numbers = []
    for _ in range(4):
        numbers.append(shop.place().number)
        orders.add_to_feed(numbers[-2:], now=world.now)  # a repeat in another batch
        orders.add_to_feed(numbers[-2:], now=world.now)  # the same batch again
        world.now += 1
    assert listed(shop) == (numbers[::-1], "")


def test_nothing_new_writes_no_row(world, shop):
    orders.add_to_feed([], now=world.now)
    assert list(feed.FeedRow.of(tenant.MAIN).under(f"FEED#{TODAY}", consistent=True)) == []


def test_a_list_goes_on_where_its_page_ended(shop, world, monkeypatch):
    monkeypatch.setattr(analytics, "_PAGE", 2)
    numbers = []
    for hours in (-30, -20, -1, 0, 1):
        world.now = make.NOON + hours * 3600
        numbers.append(shop.place().number)
        orders.add_to_feed(numbers[-1:], now=world.now)
    pages, cursor = [], ""
    for _ in range(3):
        found, cursor = listed(shop, before=cursor)
        pages.append(found)
    newest = numbers[::-1]
    assert (pages, cursor) == ([newest[:2], newest[2:4], newest[4:]], "")


def test_a_broken_cursor_begins_at_now(shop, world):
    number = shop.place().number
    orders.add_to_feed([number], now=world.now)
    assert listed(shop, before="zzz") == ([number], "")


def test_a_foreign_number_in_the_feed_is_left_out(shop, world):
    number = shop.place().number
    ghost = f"{shop.site.upper()}{'0' * 24}"
    orders.add_to_feed([ghost, number], now=world.now)
    assert listed(shop) == ([number], "")


def test_an_order_of_any_site_is_found_by_its_number(shop):
    order = shop.place()
    with tenant.acting_for(tenant.MAIN):
        typed = f" {order.number[:8].lower()} {order.number[8:]} "
        assert analytics.find_order(typed).number == order.number


@pytest.mark.parametrize("number", ["", "0" * 28, "ZZZZ" + "0" * 24, "'; DROP TABLE --", "🀄" * 28])
def test_an_unknown_or_malformed_number_finds_nothing(shop, number):
    with tenant.acting_for(tenant.MAIN), pytest.raises(errors.NotFound):
        analytics.find_order(number)


def test_queues_are_healthy_until_a_message_has_failed_for_good(shop, world):
    assert {one.what for one in analytics.health()} == set(config.QUEUES)
    assert all(one.ok for one in analytics.health())
    dead = f"{config.load().queues['refund']}-dead"
    world.sqs.send_message(QueueUrl=dead, MessageBody="{}")
    (sick,) = [one for one in analytics.health() if not one.ok]
    assert (sick.what, sick.note) == ("refund", "1 dead")


def test_a_queue_that_does_not_answer_is_shown_as_down(shop, monkeypatch):
    changed = replace(config.load(), queues={"fulfil": "https://sqs.us-east-1.amazonaws.com/1/none"})
    monkeypatch.setattr(config, "load", lambda: changed)
    (health,) = analytics.health()
    assert (health.ok, health.what) == (False, "fulfil")
