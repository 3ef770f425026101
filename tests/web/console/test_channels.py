"""渠道 in the consoles: secrets go in and never come out; the button's report is explained; owners need a licence."""

import pytest

from chalicelib.kit import tenant
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.payments.model import ProbeRow
from chalicelib.tenancy import service as tenancy
from sandbox import keys
from tests import make
from tests.sandbox.conftest import keys_folder

from .conftest import page

__all__ = ["keys_folder"]

REAL = dict(gateways.GATEWAYS)
LICENCE = "914403001922038216"
PLACE = "/console/channels"
NEW = f"{PLACE}/wechat/new"


@pytest.fixture
def typed(keys_folder, monkeypatch):
    """WeChat Pay's form, well filled in."""
    monkeypatch.setattr(gateways, "GATEWAYS", REAL)
    plain = keys.settings(keys_folder, "https://channel.test")["wechat"]
    secrets = {name: plain[name] for name in gateways.SECRETS}
    return {**payments.shown("wechat", plain), **secrets}


def report(channel, merchant, fault="", passed=payments.STEPS, at=make.NOON):
    with tenant.acting_for(tenant.MAIN):
        rows = ProbeRow.of(tenant.MAIN)
        told = {"at": at, "passed": passed, "fault": fault, "said": f"CODE: {fault}", "skew": 0}
        rows.change(f"PROBE#{channel}", merchant, [getattr(rows, n).set(v) for n, v in told.items()], None)


def license_site(shop):
    with tenant.acting_for(tenant.MAIN):
        tenancy.license_site(shop.site, LICENCE, by="admin", now=make.NOON)
    tenancy.forget()


def test_the_list_says_which_merchants_collect_and_how_they_were_tried(staff):
    with tenant.acting_for(tenant.MAIN):
        payments.put_channel("wechat", {"channel": "wechat", "merchant": "m2"})
    report("wechat", "m2")
    report("alipay", "malipay", fault="key", passed=("secrets",))
    shown = page(staff.get(PLACE))
    assert shown.count("收款中") == 2
    assert shown.count("只用于旧订单") == 1
    assert shown.count('state-green">正常') == shown.count("有问题") == shown.count("没有测试过") == 1
    for channel in payments.FIELDS:
        assert f'href="{PLACE}/{channel}/new"' in shown


def test_a_merchant_is_set_up_by_the_form_and_its_secrets_never_come_back(staff, shop, typed):
    assert 'name="api_v3_key"' in page(staff.get(NEW))
    answer = staff.post(NEW, typed)
    assert answer.headers["Location"] == f"{PLACE}/wechat/{keys.MCHID}?done=channel"
    shown = page(staff.get(answer.headers["Location"]))
    assert "半分钟内生效" in shown
    assert f'value="{keys.APPID}"' in shown
    assert "https://main.cardmesh.test/hooks/wechat/1900000001" in shown
    assert "PRIVATE KEY" not in shown
    assert typed["api_v3_key"] not in shown
    with tenant.acting_for(tenant.MAIN):
        assert payments.merchant_of("wechat", shop.site) == keys.MCHID


def test_a_wrong_field_is_shown_with_what_was_typed_except_secrets(staff, typed):
    answer = staff.post(NEW, {**typed, "serial": "xyz"})
    assert answer.status_code == 422
    assert "证书序列号是 40 位" in page(answer)
    assert f'value="{keys.MCHID}"' in page(answer)
    assert "PRIVATE KEY-----" not in page(answer)
    missing = staff.post(NEW, {**typed, "private_key_pem": ""})
    assert missing.status_code == 400
    assert "请填私钥" in page(missing)


def test_saving_without_secrets_keeps_them(staff, typed):
    staff.post(NEW, typed)
    path = f"{PLACE}/wechat/{keys.MCHID}"
    kept = {**typed, "private_key_pem": "", "api_v3_key": "", "appid": "wxanother000000001"}
    assert staff.post(path, kept).status_code == 303
    with tenant.acting_for(tenant.MAIN):
        assert payments.gateway("wechat", keys.MCHID).app == "wxanother000000001"


def test_the_button_has_the_settings_tried_and_the_page_waits(world, staff):
    path = f"{PLACE}/wechat/mwechat"
    place = staff.post(f"{path}/probe", {}).headers["Location"]
    assert place == f"{path}?since={make.NOON}"
    (message,) = world.sent_to("refund")
    assert message == {"site": "main", "probe": True, "channel": "wechat", "merchant": "mwechat"}
    assert f'data-poll="{path}/state?since={make.NOON}"' in page(staff.get(place))
    assert staff.get(f"{path}/state?since={make.NOON}").json_body == {"state": "trying"}
    report("wechat", "mwechat", at=make.NOON - 1)
    assert staff.get(f"{path}/state?since={make.NOON}").json_body == {"state": "trying"}
    report("wechat", "mwechat")
    assert staff.get(f"{path}/state?since={make.NOON}").json_body == {"state": "done"}
    shown = page(staff.get(place))
    assert "data-poll" not in shown
    assert "一切正常" in shown


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        ("missing_secret", "密钥不见了"),
        ("settings", "配置不完整"),
        ("reach", "连不上渠道"),
        ("clock", "时间不对"),
        ("key", "私钥或证书序列号不对"),
        ("app", "应用号不对"),
        ("merchant", "商户号不对"),
        ("contract", "产品还没有开通"),
        ("api_v3_key", "APIv3 密钥不对"),
        ("channel_key", "渠道的公钥不对"),
        ("unreadable_key", "密钥读不出来"),
        ("declined", "渠道拒绝了"),
        ("odd", "渠道的回应异常"),
    ],
)
def test_each_fault_is_explained_with_the_channels_own_words(staff, fault, title):
    report("wechat", "mwechat", fault=fault, passed=("secrets", "reach"))
    shown = page(staff.get(f"{PLACE}/wechat/mwechat"))
    assert title in shown
    assert f"CODE: {fault}" in shown
    assert shown.count('class="past"') == 2
    assert shown.count('class="bad"') == 1


def test_an_owner_without_a_licence_finds_no_channels(owner):
    for path in (PLACE, NEW, f"{PLACE}/wechat/mwechat"):
        assert owner.get(path).status_code == 404
    assert PLACE not in page(owner.get("/console"))


def test_a_licensed_owner_sets_up_a_merchant_of_their_own_and_sees_no_other(shop, owner, staff, typed):
    license_site(shop)
    assert PLACE in page(owner.get("/console"))
    assert "mwechat" not in page(owner.get(PLACE))
    assert owner.get(f"{PLACE}/wechat/mwechat").status_code == 404
    assert owner.get(f"{PLACE}/unionpay/new").status_code == 404
    assert owner.post(f"{PLACE}/unionpay/new", {}).status_code == 404
    assert owner.post(f"{PLACE}/wechat/mwechat/probe", {}).status_code == 404
    assert owner.post(NEW, typed).status_code == 303
    with tenant.acting_for(tenant.MAIN):
        tenancy.forget()
        assert payments.owner_of("wechat", keys.MCHID) == shop.site
        assert payments.merchant_of("wechat", shop.site) == keys.MCHID
    assert "收款中" in page(owner.get(PLACE))
    mains = page(staff.get(f"{PLACE}/wechat/{keys.MCHID}"))
    assert "由分站自己维护" in mains
    assert "测试此渠道" in mains
    assert staff.post(f"{PLACE}/wechat/{keys.MCHID}", typed).status_code == 404
    assert staff.post(NEW, typed).status_code == 409


def test_a_licence_is_recorded_by_staff_and_taken_back(shop, staff):
    path = f"/console/sites/{shop.site}"
    wrong = staff.post(f"{path}/licence", {"licence": "914403001922038217"})
    assert wrong.status_code == 422
    assert "末位校验不符" in page(wrong)
    staff.post(f"{path}/licence", {"licence": LICENCE})
    tenancy.forget()
    assert tenancy.site(shop.site).licence == tenancy.Licence(LICENCE, "admin", make.NOON)
    assert LICENCE in page(staff.get(path))
    staff.post(f"{path}/unlicense", {})
    tenancy.forget()
    assert tenancy.site(shop.site).licence is None


def test_what_is_no_channel_or_merchant_is_not_found(staff):
    assert staff.get(f"{PLACE}/cheque/new").status_code == 404
    assert staff.get(f"{PLACE}/wechat/nobody").status_code == 404
    assert staff.get(f"{PLACE}/wechat/nobody/state", Accept="application/json").status_code == 404
