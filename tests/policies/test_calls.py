"""What the code asks of AWS is what the policies allow: each verb under the policy of the function that calls it."""

import pytest

from chalicelib.analytics import service as analytics
from chalicelib.cases import service as cases
from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import aws, table, tenant
from chalicelib.ledger import accounts
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet
from sim.iam.enforce import Denied, acting_as
from tests import make


def work(world, *queues):
    """Let the workers of these queues work in this order, each under its own policy."""
    for queue in queues:
        with acting_as(make.WORKERS[queue][1]):
            assert world.run(queue) == []


def claim(shop, count=1):
    return stock.claim(tenant.MAIN, shop.goods_id, count, now=shop.world.now)


def give_back(shop, ranges):
    now = shop.world.now
    stock.give_back(tenant.MAIN, shop.goods_id, ranges, why="expired", at=now)


def test_a_site_is_asked_for_made_and_published(world):
    with acting_as("console"), tenant.acting_for(tenant.MAIN):
        goods = make.make_goods()
        make.make_codes(tenant.MAIN, goods.goods_id, 30)
        brand = tenancy.Brand(name="Demo")
        login = {"owner_login": "owner", "owner_password": "correct horse"}
        site = tenancy.open_site("demo", brand=brand, **login, plan="standard", now=world.now).site
    work(world, "provision", "publish")
    with acting_as("storefront"), tenant.acting_for(site):
        assert tenancy.site_at("demo.cardmesh.test").site == site
        assert [offer.goods_id for offer in catalog.shelf(site).offers] == [goods.goods_id]
        assert stock.levels([(tenant.MAIN, goods.goods_id)]) == {(tenant.MAIN, goods.goods_id): 30}
        checkout.health(site)
        assert orders.pulse(site, now=world.now).delivers


def test_an_owner_keeps_goods_and_codes_of_their_own(world):
    site = make.make_site(world)
    with acting_as("console"), tenant.acting_for(site):
        goods = make.make_goods(site)
        make.make_codes(site, goods.goods_id, 30)


def test_a_purchase_needs_no_more_than_the_policies_give(shop):
    with acting_as("checkout"):
        order = shop.place(quantity=2)
    with acting_as("hooks"):
        shop.pay(order)
    work(shop.world, "fulfil", "settle")
    with acting_as("receipts"), tenant.acting_for(shop.site):
        assert len(fulfilment.codes_of(shop.order(order.number))) == 2


def test_an_expiry_a_late_payment_and_a_refund_need_no_more_either(shop):
    with acting_as("checkout"):
        order = shop.place(quantity=10)
    shop.world.now = order.expires_at + 60
    with acting_as("drive_orders"):
        shop.drive(order)
    assert shop.order(order.number).status == "expired"
    with acting_as("checkout"):
        shop.place(quantity=10)
    with acting_as("hooks"):
        shop.pay(order)
    work(shop.world, "fulfil")
    assert shop.order(order.number).status == "refunding"
    work(shop.world, "refund")
    assert shop.order(order.number).status == "refunded"


def test_a_lost_callback_and_a_second_payment_stay_within_the_policies(shop):
    order = shop.place()
    payment = shop.payment(order)
    with acting_as("drive_orders"):
        shop.drive(order)
    work(shop.world, "fulfil")
    assert shop.order(order.number).status == "delivered"
    with acting_as("hooks"):
        shop.pay(order, transaction_id=payment.transaction_id + "2")
    work(shop.world, "refund", "settle")
    assert shop.world.channel.refunds


@pytest.mark.parametrize("function", ["checkout", "deliver_orders"])
def test_whoever_sells_claims_what_came_back(shop, function):
    with acting_as(function), tenant.acting_for(shop.site):
        claimed = claim(shop, 10)
        for _ in range(3):  # what came back comes back again, as part of another segment
            give_back(shop, claimed)
            claimed = [*claim(shop, 5), *claim(shop, 5)]
            assert sum(one.count for one in claimed) == 10


@pytest.mark.parametrize("function", ["hooks", "drive_orders", "refund_orders", "deliver_orders", "console"])
def test_whoever_ends_an_order_gives_its_stock_back_and_has_it_folded(shop, function):
    pool = (tenant.MAIN, shop.goods_id)
    with tenant.acting_for(shop.site):
        ranges = claim(shop, 10)
        with acting_as(function):
            checkout.return_ranges(shop.site, pool, ranges, why="raced", at=shop.world.now)
    assert shop.world.sent_to("timer")[-1]["fold"] == shop.goods_id


@pytest.mark.parametrize("function", ["hooks", "drive_orders"])
def test_whoever_hears_of_money_of_nobody_records_it(shop, function):
    payment = shop.payment(shop.place())
    with acting_as(function):
        payments.suspend(payment, "unknown order", now=shop.world.now)


@pytest.mark.parametrize("function", ["storefront", "checkout", "hooks", "drive_orders", "settle_orders"])
def test_only_whoever_delivers_reads_codes(shop, function):
    with tenant.acting_for(shop.site):
        ranges = claim(shop)
        with acting_as(function), pytest.raises(Denied):
            stock.read_codes(tenant.MAIN, ranges)


def test_a_window_is_closed_into_statement_and_account(shop):
    legs = [("clearing:wechat", 100), (f"subsite:{shop.site}:pending", -80), ("main:sales", -20)]
    with acting_as("settle_orders"), tenant.acting_for(shop.site):
        ledger.post(shop.site, "20261122", "A" * 28, "sale", legs, at=shop.world.now, about="Card")
        ledger.close(shop.site, "20261122", now=shop.world.now)
        assert ledger.available(shop.site) == 80


def test_a_deposit_pays_what_a_window_left_owing(shop):
    legs = [("clearing:wechat", -100), (f"subsite:{shop.site}:pending", 100)]
    with table.Together(tenant.MAIN, "") as write:
        accounts.change_deposit(write, shop.site, 60)
    with acting_as("settle_orders"), tenant.acting_for(shop.site):
        ledger.post(shop.site, "20261122", "A" * 28, "refund", legs, at=shop.world.now, about="Card")
        ledger.close(shop.site, "20261122", now=shop.world.now)
        assert ledger.recover(shop.site, now=shop.world.now) == 60
        assert ledger.available(shop.site) == -40


def test_a_deposit_that_could_not_be_paid_back_is_there_again(shop):
    with acting_as("pay_out"), table.Together(tenant.MAIN, "") as write:
        accounts.change_deposit(write, shop.site, 60)
    with tenant.acting_for(tenant.MAIN):
        assert ledger.balances(shop.site).deposit == 60


@pytest.mark.parametrize("function", ["settle_orders", "refund_orders", "reconcile_books"])
def test_whoever_posts_sales_knows_whose_merchant_collected_and_who_gets_parts(shop, function):
    with acting_as(function):
        assert not payments.splits_at_channel("wechat", "mwechat")
        assert payments.cap_of(shop.site, "wechat") == 0


def test_a_refund_finds_its_site_and_a_trial_of_an_account_is_kept(shop):
    told = gateways.Receiver("merchant", "1900000001", "Shop Ltd")
    with tenant.acting_for(tenant.MAIN):
        payments.put_receiver(shop.site, "wechat", told)
        with acting_as("refund_orders"):
            assert tenancy.site(shop.site).site == shop.site
            assert payments.try_receiver(shop.site, "wechat", now=shop.world.now) == "ok"


def test_money_that_goes_back_is_asked_for_again_every_hour(shop):
    payments.suspend(shop.payment(shop.place()), "unknown order", now=shop.world.now)
    (case,) = cases.open_ones(kind=payments.SUSPENSE, limit=10)
    with tenant.acting_for(tenant.MAIN):
        settlement.give_back(case.case_id, staff="an", now=shop.world.now)
        with acting_as("ask_for_bills"):
            assert settlement.drive_all() == 1


def test_the_schedules_reach_every_site(shop):
    with acting_as("walk_sites"):
        assert checkout.walk_all(now=shop.world.now) == 1
    with acting_as("close_windows"):
        assert settlement.close_all() == 1
    with acting_as("audit_pools"):
        assert checkout.audit_all() == 2
    work(shop.world, "timer", "settle")


def test_the_console_shows_how_the_queues_are(world):
    with acting_as("console"):
        assert all(part.ok for part in analytics.health())


def test_a_call_outside_the_policy_is_denied_where_it_is_made(shop):
    own, other = f"cardmesh-site-{shop.site}", "cardmesh-site-othr"
    key = {"pk": {"S": "A"}, "sk": {"S": "A"}}
    with acting_as("console"), tenant.acting_for(shop.site):
        with pytest.raises(Denied, match="Scan"):
            tenant.client("dynamodb").scan(TableName=own)
        with pytest.raises(Denied, match="othr"):
            tenant.client("dynamodb").get_item(TableName=other, Key=key)
        with pytest.raises(Denied, match=own):
            aws.client("dynamodb").get_item(TableName=own, Key=key)
    with acting_as("storefront"), pytest.raises(Denied, match="FEED#"):
        checkout.walk_all(now=shop.world.now)


def test_a_balance_is_filled_spent_checked_and_given_back_under_the_policies(shop, world):
    with acting_as("checkout"):
        filled = shop.place(member="m1", goods_id="topup", quantity=100)
    with acting_as("hooks"):
        shop.pay(filled)
    work(world, "fulfil", "settle")
    with acting_as("checkout"), tenant.acting_for(shop.site):
        wallet.set_password(shop.site, "m1", "135790")
        agreed = {"secret": "135790", "address": "1.2.3.4", "now": world.now}
        assert wallet.agree(shop.site, "m1", 5000, **agreed)
        shop.place_from(4950)
        in_part, unpaid = shop.place_from(1000), shop.place_from(1000)
    with acting_as("hooks"):
        shop.pay(in_part)
    work(world, "fulfil", "settle")
    world.now = unpaid.expires_at
    with acting_as("drive_orders"):
        shop.drive(unpaid)
        assert make.work("timer", [{"site": shop.site, "audit": True}]) == []
    assert shop.wallet() == (10_000 - 4950 - 1000, 0)


def test_a_top_up_is_taken_back_under_the_policies(shop, world):
    with acting_as("checkout"):
        filled = shop.place(member="m1", goods_id="topup", quantity=100)
    with acting_as("hooks"):
        shop.pay(filled)
    work(world, "fulfil", "settle")
    with acting_as("checkout"), tenant.acting_for(shop.site):
        settlement.take_back(shop.order(filled.number), now=world.now)
    work(world, "refund")
    assert shop.order(filled.number).status == "refunded"


def test_merchants_are_set_up_in_the_console_and_tried_where_secrets_are_read(world):
    settings = {"channel": "wechat", "merchant": "m2", "private_key_pem": "open sesame"}
    with acting_as("console"), tenant.acting_for(tenant.MAIN):
        payments.put_channel("wechat", settings)
        assert {one.merchant for one in payments.all_merchants()} == {"mwechat", "m2", "malipay"}
        assert payments.reports() == {}
    with acting_as("refund_orders"), tenant.acting_for(tenant.MAIN):
        payments.probe("wechat", "m2", now=world.now)
    with acting_as("console"), tenant.acting_for(tenant.MAIN):
        assert payments.last_report("wechat", "m2").at == world.now
        with pytest.raises(Denied):
            payments.gateway("wechat", "m2")
