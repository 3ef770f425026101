"""What one paid order costs in DynamoDB: write units counted from the items themselves, indexes included."""

import math

import botocore.client
import pytest
from botocore.exceptions import ClientError

from chalicelib.kit import tenant
from tests import make

WRITES = ("PutItem", "UpdateItem", "DeleteItem")
TOGETHER = "TransactWriteItems"  # each write in it costs twice
NEVER = ("BatchWriteItem",)
INDEX = "m"


class Meter:
    """Counts DynamoDB requests and the units of writes that happened.

    Items are measured here: the capacity that emulators report is wrong.
    """

    def __init__(self, monkeypatch):
        self.reset()
        self.real = botocore.client.BaseClient._make_api_call

        def measured(*call):
            return self.call(*call)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", measured)

    def call(self, client, operation, asked):
        if client.meta.service_model.service_name != "dynamodb":
            return self.real(client, operation, asked)
        assert operation not in NEVER
        self.requests += 1
        if operation == TOGETHER:
            return self.together(client, asked)
        if operation not in WRITES:
            return self.real(client, operation, asked)
        key = asked.get("Key") or {name: asked["Item"][name] for name in ("pk", "sk")}
        before = self.stored(client, asked["TableName"], key)
        try:
            answer = self.real(client, operation, asked)
        except ClientError:
            self.refused.append(key["pk"]["S"].split("#")[0])
            raise
        self.count(key, before, self.stored(client, asked["TableName"], key))
        return answer

    def together(self, client, asked):
        """Count what a transaction of new rows wrote."""
        answer = self.real(client, TOGETHER, asked)
        for one in asked["TransactItems"]:
            item = one["Put"]["Item"]
            self.count(item, {}, item)
            self.units += math.ceil(make.item_size(item) / 1024)
        return answer

    def stored(self, client, name, key):
        return self.real(client, "GetItem", {"TableName": name, "Key": key}).get("Item", {})

    def count(self, key, before, after):
        """A write costs its larger item by the KB; a keys-only index entry is written when it appears or changes."""
        self.units += max(1, math.ceil(max(make.item_size(before), make.item_size(after)) / 1024))
        self.units += before.get(INDEX) != after.get(INDEX)
        self.written.append(key["pk"]["S"].split("#")[0])

    def reset(self):
        self.requests, self.units, self.written, self.refused = 0, 0, [], []


@pytest.fixture
def meter(world, shop, monkeypatch):
    """A meter at a shop whose functions are warm: one order went before."""
    life(world, shop)
    return Meter(monkeypatch)


def life(world, shop):
    order = shop.place()
    shop.pay(order)
    world.run("fulfil", "settle")
    assert shop.order(order.number).status == "delivered"


def test_a_guests_order_costs_five_units_and_seven_requests(world, shop, meter):
    meter.reset()
    order = shop.place()
    shop.pay(order)
    world.run("fulfil", "settle")
    assert meter.written == ["PTR", "O", "O", "O", "J"]
    assert meter.units == 5
    assert meter.requests <= 7


def test_many_codes_in_one_order_cost_no_more_than_one(world, shop, meter):
    shop.place(quantity=8)
    assert meter.units == 2


def test_a_members_order_costs_one_unit_more_for_the_index(world, shop, meter):
    order = shop.place(member="member-of-the-shop")
    shop.pay(order)
    world.run("fulfil", "settle")
    assert meter.written == ["PTR", "O", "O", "O", "J"]
    assert meter.units == 6
    assert meter.requests <= 8


def test_paying_from_the_balance_costs_six_units_and_one_for_the_index_and_six_requests(world, shop, meter):
    shop.fund(9000)
    shop.place_from(10)  # warm, and something to be read before
    meter.reset()
    order = shop.place_from(4950)
    world.run("fulfil", "settle")
    assert shop.order(order.number).status == "delivered"
    assert meter.written == ["PTR", "WENT", "O", "J"]
    assert meter.units == 7
    assert meter.requests - 1 <= 6  # the last one is this test's own look


def test_repeats_of_a_notification_change_nothing(world, shop, meter):
    order = shop.place()
    shop.pay(order)
    world.run("fulfil", "settle")
    meter.reset()
    for _ in range(3):
        shop.pay(order)
    world.run("fulfil", "settle")
    assert (meter.written, meter.requests) == ([], 3)
    assert meter.refused == ["O", "O", "O"]


def test_a_sold_out_shopper_writes_nothing(world, meter, shop):
    shop.place(quantity=9)
    with pytest.raises(make.stock.SoldOut):
        shop.place()
    meter.reset()
    with pytest.raises(make.stock.SoldOut):
        shop.place()
    assert meter.units == 0


def test_the_feed_costs_one_unit_for_a_batch_of_orders(world, shop, meter):
    placed = [shop.place(contact=f"buyer{i}@example.com") for i in range(8)]
    meter.reset()
    batch = [{"site": shop.site, "order": one.number, "first": True} for one in placed]
    assert make.work("timer", batch) == []
    assert meter.written == ["FEED"]
    assert meter.units == 1


def test_a_meter_counts_larger_items_and_index_entries(world, shop, meter):
    client = make.aws.client("dynamodb")
    table = {"TableName": "cardmesh-main"}
    client.put_item(
        **table, Item={"pk": {"S": "X"}, "sk": {"S": "1"}, "m": {"S": "x"}, "b": {"B": b"x" * 1024}}
    )
    assert meter.units == 3
    with tenant.acting_for(shop.site):
        assert shop.free() == 9
    assert meter.units == 3
