"""Whose merchant collects: main's, or a licensed site's own."""

import pytest

from chalicelib.checkout import service as checkout
from chalicelib.kit import errors, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy
from tests import make


@pytest.fixture
def terms():
    """Goods of the site's own: main collects for main's, whoever sells them."""
    return {"own": True}


LICENCE = "91350100M000100Y43"  # the example of GB 32100-2015


@pytest.fixture(autouse=True)
def _main(shop):
    with tenant.acting_for(tenant.MAIN):
        yield


def own_merchant(site, merchant="m5", channel="wechat"):
    tenancy.license_site(site, LICENCE, by="admin", now=make.NOON)
    return payments.put_channel(channel, {"channel": channel, "merchant": merchant}, owner=site)


def test_a_site_without_a_verified_licence_collects_nothing_itself(shop):
    with pytest.raises(tenancy.Unlicensed):
        payments.put_channel("wechat", {"channel": "wechat", "merchant": "m5"}, owner=shop.site)
    with pytest.raises(tenancy.Unlicensed):
        tenancy.set_merchant(shop.site, "wechat", "m5")
    with pytest.raises(errors.NotFound):
        payments.gateway("wechat", "m5")
    assert payments.merchant_of("wechat", shop.site) == "mwechat"


def test_a_licensed_sites_orders_are_paid_to_its_own_merchant_and_stay_frozen(world, shop):
    assert own_merchant(shop.site) == "m5"
    order = shop.place()
    assert order.attempts[-1].merchant == "m5"
    with tenant.acting_for(shop.site):
        checkout.pay_link(shop.site, order, now=world.now)
    (trade,) = world.channel.trades.values()
    assert trade["splits"]
    assert payments.owner_of("wechat", "m5") == shop.site
    assert payments.splits_at_channel("wechat", "m5")
    shop.pay(order)
    assert shop.order(order.number).status == "paid"


def test_other_channels_and_other_sites_go_on_paying_main(world, shop):
    own_merchant(shop.site)
    order = shop.place(channel="alipay")
    assert order.attempts[-1].merchant == "malipay"
    with tenant.acting_for(shop.site):
        checkout.pay_link(shop.site, order, now=world.now)
    assert [trade["splits"] for trade in world.channel.trades.values()] == [False]
    assert payments.owner_of("alipay", "malipay") == tenant.MAIN
    assert payments.merchant_of("wechat", make.make_site(world, "other")) == "mwechat"


def test_a_shopper_who_switches_channels_pays_the_sites_own_merchant_there(shop):
    own_merchant(shop.site, channel="alipay")
    order = shop.place()
    with tenant.acting_for(shop.site):
        switched = checkout.switch_channel(shop.site, order.number, "alipay", device="pc")
    assert [one.merchant for one in switched.attempts] == ["mwechat", "m5"]


def test_a_revoked_licence_ends_collecting_but_not_what_is_under_way(shop):
    own_merchant(shop.site)
    order = shop.place()
    tenancy.revoke_licence(shop.site)
    assert payments.merchant_of("wechat", shop.site) == "mwechat"
    shop.pay(order)
    assert shop.order(order.number).status == "paid"
    assert payments.owner_of("wechat", "m5") == shop.site


def test_a_merchant_never_changes_hands(world, shop):
    other = make.make_site(world, "other")
    own_merchant(shop.site)
    with pytest.raises(errors.Conflict):
        own_merchant(other)
    with pytest.raises(errors.Conflict):
        payments.put_channel("wechat", {"channel": "wechat", "merchant": "m5"})
    with pytest.raises(errors.Conflict):
        own_merchant(shop.site, "mwechat")
    assert own_merchant(shop.site) == "m5"
    assert payments.merchant_of("wechat", other) == "mwechat"


def test_a_channel_that_does_not_split_collects_for_main_alone(shop, monkeypatch):
    tenancy.license_site(shop.site, LICENCE, by="admin", now=make.NOON)
    unsplit = make.replace(make.Merchant.capabilities, split_cap_bps=0)
    monkeypatch.setattr(make.Merchant, "capabilities", unsplit)
    with pytest.raises(errors.Invalid):
        payments.put_channel("wechat", {"channel": "wechat", "merchant": "m5"}, owner=shop.site)


def test_a_merchant_that_could_not_split_off_mains_share_is_refused_when_it_is_set(shop, monkeypatch):
    tenancy.license_site(shop.site, LICENCE, by="admin", now=make.NOON)
    with tenant.acting_for(tenant.MAIN):
        ledger.put_plan(ledger.Plan("standard", 0, 2000, 2001), now=make.NOON)
    low = make.replace(make.Merchant.capabilities, split_cap_bps=2000)
    monkeypatch.setattr(make.Merchant, "capabilities", low)
    with pytest.raises(payments.BeyondCap) as refused:
        own_merchant(shop.site)
    assert refused.value.detail["share"] == "20.01"
    assert tenancy.site(shop.site, fresh=True).merchants == {}
    monkeypatch.setattr(make.Merchant, "capabilities", make.replace(low, split_cap_bps=2001))
    assert own_merchant(shop.site) == "m5"


def test_whoever_owns_a_merchant_nobody_set_up_is_not_found(shop):
    with pytest.raises(errors.NotFound):
        payments.owner_of("wechat", "nobody")
    with pytest.raises(errors.NotFound):
        tenancy.set_merchant("zzzz", "wechat", "m5")


def test_two_changes_of_a_sites_merchants_at_once_do_not_lose_one(shop, monkeypatch):
    own_merchant(shop.site)
    real = tenancy.registry.change

    def meanwhile(code, actions, condition=None):
        monkeypatch.setattr(tenancy.registry, "change", real)
        tenancy.set_merchant(code, "alipay", "m6")
        real(code, actions, condition)

    monkeypatch.setattr(tenancy.registry, "change", meanwhile)
    with pytest.raises(errors.Conflict):
        tenancy.set_merchant(shop.site, "wechat", "m7")
    assert tenancy.site(shop.site, fresh=True).merchants == {"wechat": "m5", "alipay": "m6"}
