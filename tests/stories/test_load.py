"""Many at once: every paid order gets a code of its own or its money back, and both sides' books agree."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from localcloud import demo
from tests.stories.shopper import key
from tests.stories.staff import Person

pytestmark = pytest.mark.cloud

SHELF = 30  # seconds until goods of the main site stand in every shop


@pytest.fixture
def on_sale(place, shops):
    """Puts goods with codes on the shelves of both shops; their id."""

    def put(name, codes):
        with Person(place, "main", *demo.STAFF) as staff:
            goods_id = staff.open_goods(name, codes)
        end = time.monotonic() + SHELF
        while not all(_stock(shop, goods_id) == len(codes) for shop in shops.values()):
            assert time.monotonic() < end, f"{name} did not reach every shelf with its codes"
            time.sleep(0.5)
        return goods_id

    return put


def _stock(shop, goods_id):
    return shop.goods().get(goods_id, {}).get("stock")


def buy(shop, sandbox, goods_id, *, contact, copies):
    """One shopper from the shelf to the end: the order's number (none if sold out) and what became of it."""
    channel = random.choice(["wechat", "alipay"])
    placed = shop.place(goods_id, contact=contact, channel=channel, idempotency_key=key())
    if placed.status_code == 409:
        return "", {"status": placed.json()["code"], "codes": [], "amount_fen": 0}
    assert placed.status_code == 201, placed.text
    number = placed.json()["order_no"]
    for _ in range(copies):
        sandbox.pay(number)
    return number, shop.wait(number, contact=contact)


def crowd(shops, sandbox, goods_id, *, orders, at_once):
    """That many shoppers in all shops; each callback is sent one to three times."""
    shop_of, name = cycle(shops.values()), f"{goods_id}-{orders}-{at_once}"
    asked = [(next(shop_of), f"{name}-{i}@b.cn", 1 + i % 3) for i in range(orders)]
    with ThreadPoolExecutor(at_once) as pool:
        done = pool.map(lambda one: buy(one[0], sandbox, goods_id, contact=one[1], copies=one[2]), asked)
        return list(done)


def books_agree(sandbox, done):
    """Hold the channels' books against what the shops say: paid, amounts, refunds."""
    ours = {number: order for number, order in done if number}
    trades = sandbox.trades(ours)
    assert {number: trade["state"] for number, trade in trades.items()} == dict.fromkeys(ours, "paid")
    received = {number: trade["amount_fen"] for number, trade in trades.items()}
    returned = {number: sum(each["amount_fen"] for each in trades[number]["refunds"]) for number in ours}
    assert received == {number: order["amount_fen"] for number, order in ours.items()}
    assert returned == {
        number: order["amount_fen"] if order["status"] == "refunded" else 0 for number, order in ours.items()
    }


def test_two_hundred_orders_at_once_get_two_hundred_codes(shops, sandbox, on_sale, say):
    codes = [f"LOAD-{number:06}" for number in range(2000)]
    goods_id, done = on_sale("压测卡", codes), []
    for orders, at_once in ((60, 8), (70, 32), (70, 64)):
        began = time.monotonic()
        done += crowd(shops, sandbox, goods_id, orders=orders, at_once=at_once)
        say(f"{orders} orders, {at_once} at a time: {orders / (time.monotonic() - began):.1f} a second")
    given = [code for _, order in done for code in order["codes"]]
    assert Counter(order["status"] for _, order in done) == {"delivered": 200}
    assert [len(order["codes"]) for _, order in done] == [1] * 200
    assert len(set(given)) == 200
    assert set(given) <= set(codes)
    assert {_stock(shop, goods_id) for shop in shops.values()} == {1800}
    books_agree(sandbox, done)


def test_sixty_orders_for_twenty_codes_leave_nobody_paid_without_a_code(shops, sandbox, on_sale, say):
    codes = [f"RARE-{number:03}" for number in range(20)]
    goods_id = on_sale("抢购卡", codes)
    began = time.monotonic()
    done = crowd(shops, sandbox, goods_id, orders=60, at_once=32)
    ended = Counter(order["status"] for _, order in done)
    say(f"60 orders for 20 codes: {dict(ended)} in {time.monotonic() - began:.1f} s")
    assert ended["delivered"] == 20
    assert ended["sold_out"] + ended["refunded"] == 40
    assert sorted(code for _, order in done for code in order["codes"]) == codes
    books_agree(sandbox, done)
