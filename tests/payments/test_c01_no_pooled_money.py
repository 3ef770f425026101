"""C-01: nobody pools the proceeds of others (Regulations on Non-bank Payment Institutions, articles 2, 6, 22, 30).

A seller is paid under its own merchant number at a licensed channel, or main is the seller; nobody is paid out but by
a bank. What a licensed site collects itself is tested in test_owners.
"""

import pytest

from chalicelib.kit import config, errors, tenant
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.payouts import rules as payout_rules
from chalicelib.payouts.adapters import BANKS
from chalicelib.tenancy import service as tenancy
from tests import make

CHANNELS = {
    "wechat",
    "alipay",
    "unionpay",
    "ecny",
}  # of licensed institutions, each under a merchant's contract
REAL = dict(gateways.GATEWAYS)
MERCHANT = {"channel": "wechat", "merchant": "m5"}


def test_c01_there_are_the_channels_of_licensed_institutions_and_no_others():
    assert REAL.keys() == payments.FIELDS.keys() == CHANNELS
    assert set(tenancy.CHANNELS) <= CHANNELS


@pytest.mark.parametrize("code", ["qr", "personal", "bank_card", "usdt", "wechat_personal", ""])
def test_c01_a_personal_code_or_a_bank_card_is_no_channel(world, code):
    with tenant.acting_for(tenant.MAIN):
        with pytest.raises(payments.BadSetting):
            payments.save(code, {"picture": "qr.png"}, owner=tenant.MAIN)
        with pytest.raises(errors.Invalid):
            payments.put_channel(code, MERCHANT)


def test_c01_a_picture_of_a_code_is_no_setting_of_a_merchant(world):
    with tenant.acting_for(tenant.MAIN), pytest.raises(payments.BadSetting):
        payments.save("wechat", {"mchid": "1900000109", "qr_code": "wxp://f2f0"}, owner=tenant.MAIN)


def test_c01_a_site_collects_itself_only_between_its_licence_and_its_end(world, shop):
    with tenant.acting_for(tenant.MAIN):
        with pytest.raises(tenancy.Unlicensed):
            payments.put_channel("wechat", MERCHANT, owner=shop.site)
        tenancy.license_site(shop.site, "91350100M000100Y43", by="admin", now=make.NOON)
        payments.put_channel("wechat", MERCHANT, owner=shop.site)
        assert payments.merchant_of("wechat", shop.site) == "m5"
        tenancy.revoke_licence(shop.site)
        assert payments.merchant_of("wechat", shop.site) == "mwechat"
        with pytest.raises(tenancy.Unlicensed):
            payments.put_channel("wechat", MERCHANT, owner=shop.site)


def test_c01_a_site_cannot_have_its_money_collected_by_another_ones_merchant(world, shop):
    with tenant.acting_for(tenant.MAIN):
        tenancy.license_site(shop.site, "91350100M000100Y43", by="admin", now=make.NOON)
        with pytest.raises(errors.Conflict):
            payments.put_channel("wechat", {"channel": "wechat", "merchant": "mwechat"}, owner=shop.site)


def test_c01_payouts_go_by_a_bank_and_by_nothing_else():
    for via in config.PAYOUTS_VIA:
        assert via == "file" or via in BANKS
    assert payout_rules.KINDS == ("bank", "alipay", "wechat")
    for other in ("cash", "personal", "wallet", ""):
        with pytest.raises(config.Misconfigured):
            config.read({"PAYOUT_VIA": other, "KEY_ID": "k", "SITE_DOMAIN": "x.test"})
