"""What the code asks of AWS is what the policies allow: each verb under the policy of the function that calls it."""

from types import SimpleNamespace

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import aws, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.payments.gateways import GATEWAYS
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy
from tests.policies.enforce import Denied, acting_as

NOW = 1_790_000_000


@pytest.fixture(scope="module")
def site(deployment):
    """The code of an open sub-site."""
    with acting_as("console"):
        ledger.put_plan(ledger.Plan("standard", 0, 2000, 2000), now=NOW)
        code = tenancy.open_site(
            "demo",
            brand=tenancy.Brand(name="Demo"),
            owner_login="owner",
            owner_password="correct horse",
            plan="standard",
            now=NOW,
        ).site
    with acting_as("provision_sites"), tenant.acting_for(code):
        provisioning.advance(code)
        provisioning.advance(code)
    return code


@pytest.fixture
def sku(site):
    """Main goods with two codes, on the shelf of the site that the test then acts for."""
    draft = catalog.GoodsDraft("Card", "Games", wholesale_fen=800, suggest_fen=1000, floor_fen=900)
    with acting_as("console"):
        goods = catalog.put_goods(tenant.MAIN, draft)
        stock.import_codes(tenant.MAIN, goods.goods_id, "AAA-1\nAAA-2\n", note="first", now=NOW)
    with tenant.acting_for(site):
        with acting_as("publish_catalogs"):
            catalog.publish(site, now=NOW)
        yield goods.goods_id


def claimed(sku, function, count=1):
    with acting_as(function):
        return stock.claim(tenant.MAIN, sku, count, now=NOW)


def test_a_site_comes_up_and_shows_its_shelf(site, sku):
    with acting_as("storefront"):
        assert tenancy.site_at("demo.shop.example").site == site
        assert sku in [offer.goods_id for offer in catalog.shelf(site).offers]
        assert stock.levels([(tenant.MAIN, sku)]) == {(tenant.MAIN, sku): 2}
        checkout.health(site)


@pytest.mark.parametrize("function", ["checkout", "deliver_orders"])
def test_whoever_sells_claims_gives_back_and_claims_what_came_back(sku, function):
    ranges = claimed(sku, function, 2)
    with acting_as(function):
        stock.give_back(tenant.MAIN, sku, ranges, why="expired", at=NOW, now=NOW)
    assert sum(one.count for one in claimed(sku, function, 2)) == 2


@pytest.mark.parametrize("function", ["deliver_orders", "receipts"])
def test_whoever_delivers_reads_codes(sku, function):
    ranges = claimed(sku, "checkout")
    with acting_as(function):
        assert stock.read_codes(tenant.MAIN, ranges) == ["AAA-1"]


@pytest.mark.parametrize("function", ["storefront", "checkout", "hooks", "drive_orders", "refund_orders"])
def test_nobody_else_reads_codes(sku, function):
    ranges = claimed(sku, "checkout")
    with acting_as(function), pytest.raises(Denied):
        stock.read_codes(tenant.MAIN, ranges)


@pytest.mark.parametrize("function", ["hooks", "drive_orders", "refund_orders"])
def test_whoever_ends_an_order_gives_its_stock_back(sku, function):
    ranges = claimed(sku, "checkout")
    with acting_as(function):
        stock.give_back(tenant.MAIN, sku, ranges, why="expired", at=NOW, now=NOW)


@pytest.mark.parametrize("function", ["hooks", "drive_orders"])
def test_money_of_nobody_is_recorded_by_whoever_hears_of_it(sku, function):
    payment = payments.Payment("wechat", "1900000001", "app", "unknown", "t1", 100, "CNY", NOW, "e1")
    with acting_as(function):
        payments.suspend(payment, "unknown order", now=NOW)


@pytest.mark.parametrize("function", ["checkout", "settle_orders"])
def test_whoever_splits_reads_the_plans(sku, function):
    with acting_as(function):
        assert ledger.plan_in_force("standard").version == 1


def test_a_window_is_closed_into_statement_and_account(site, sku):
    legs = [("clearing:wechat", 100), (f"subsite:{site}:pending", -80), ("main:sales", -20)]
    with acting_as("settle_orders"):
        ledger.post(site, "20260921", "A" * 28, "sale", legs, at=NOW, about="Card")
        ledger.close(site, "20260921", now=NOW)
        assert ledger.available(site) == 80


def test_the_schedules_find_every_site(site):
    with acting_as("walk_sites"):
        assert checkout.walk_all() == 1
    with acting_as("close_windows"):
        assert settlement.close_all() == 1


def test_a_call_outside_the_policy_is_denied_where_it_is_made(site, sku):
    with acting_as("storefront"), pytest.raises(Denied, match="SITE#all"):
        checkout.walk_all()
    with acting_as("console"), pytest.raises(Denied, match="Scan"):
        tenant.client("dynamodb").scan(TableName=f"cardmesh-site-{site}")
    with acting_as("console"), pytest.raises(Denied, match="cardmesh-site"):
        aws.client("dynamodb").get_item(TableName=f"cardmesh-site-{site}", Key={"pk": {"S": "A"}})


def test_credentials_of_a_site_do_not_open_another(sku):
    with acting_as("checkout"), pytest.raises(Denied, match="othr"):
        tenant.client("dynamodb").get_item(TableName="cardmesh-site-othr", Key={"pk": {"S": "A"}})


class Obliging:
    """A channel that does whatever it is asked and has heard of no payment."""

    merchant = "1900000001"

    def __init__(self, settings):
        assert settings == {"name": "obliging"}

    def create(self, charge, *, now):
        return payments.PayLink("qr", charge.out_trade_no)

    def query(self, out_trade_no, *, now):
        return None

    def close(self, out_trade_no, *, now):
        return True

    def refund(self, out_trade_no, **asked):
        return SimpleNamespace(state="success")


@pytest.fixture
def channel(sku, monkeypatch):
    monkeypatch.setitem(GATEWAYS, "wechat", Obliging)
    with acting_as("console"):
        payments.put_channel("wechat", {"name": "obliging"})


def placed(site, sku, key):
    ask = checkout.Ask(sku, 2, "a@example.com", "correct horse", "wechat", key, NOW)
    with acting_as("checkout"):
        return checkout.place(site, ask, member=None, address="192.0.2.1", device="pc", now=NOW).order


def pay(order, *, now, transaction="t1"):
    (attempt,) = order.attempts
    trade = attempt.out_trade_no(order.number)
    with acting_as("hooks"):
        checkout.accept_payment(
            payments.Payment(
                "wechat", Obliging.merchant, "app", trade, transaction, order.amount_fen, "CNY", now, "e1"
            ),
            now=now,
        )


def test_a_purchase_needs_no_more_than_the_policies_give(site, sku, channel):
    order = placed(site, sku, "purchase")
    pay(order, now=NOW + 5)
    with acting_as("deliver_orders"):
        fulfilment.deliver(site, order.number, now=NOW + 6)
    with acting_as("settle_orders"):
        assert settlement.settle(site, order.number, now=NOW + 7)
    with acting_as("receipts"):
        assert fulfilment.codes_of(orders.order(site, order.number)) == ["AAA-1", "AAA-2"]


def test_an_expiry_a_late_payment_and_a_refund_need_no_more_either(site, sku, channel):
    order, late = placed(site, sku, "too late"), NOW + 3600
    with acting_as("drive_orders"):
        checkout.drive(site, order.number, now=late)
    assert orders.order(site, order.number).status == "expired"
    placed(site, sku, "faster")
    pay(order, now=late)
    with acting_as("deliver_orders"):
        fulfilment.deliver(site, order.number, now=late)
    assert orders.order(site, order.number).status == "refunding"
    with acting_as("refund_orders"):
        settlement.refund(site, order.number, now=late)
    assert orders.order(site, order.number).status == "refunded"


def test_a_second_payment_is_returned_within_the_policies(site, sku, channel):
    order = placed(site, sku, "twice")
    pay(order, now=NOW)
    pay(order, now=NOW + 1, transaction="t2")
    with acting_as("refund_orders"):
        settlement.refund(site, order.number, now=NOW + 2)
    assert not list(orders.todos_of(site, order.number))
