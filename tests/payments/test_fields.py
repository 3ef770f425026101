"""What merchants type, as they have it: PEM or bare base64, numbers with stray blanks; what is wrong is named."""

import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import tenant
from chalicelib.payments import fields, gateways
from chalicelib.payments import service as payments
from chalicelib.payments.model import ChannelRow
from sandbox import keys
from tests import make
from tests.sandbox.conftest import keys_folder

__all__ = ["keys_folder"]

REAL = dict(gateways.GATEWAYS)
CURVE = ec.generate_private_key(ec.SECP256R1())
SHORT = rsa.generate_private_key(65537, 1024)


def pem(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.fixture
def plain(keys_folder):
    return keys.settings(keys_folder, "https://channel.test")


@pytest.fixture(autouse=True)
def _main(world, monkeypatch):
    monkeypatch.setattr(gateways, "GATEWAYS", REAL)
    with tenant.acting_for(tenant.MAIN):
        yield


def typed(plain, channel, **changes):
    """A form as it is sent."""
    secrets = {name: plain[channel][name] for name in gateways.SECRETS & plain[channel].keys()}
    return {**payments.shown(channel, plain[channel]), **secrets, **changes}


def stored(channel, merchant):
    return ChannelRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", merchant).settings


@pytest.mark.parametrize("channel", payments.FIELDS)
def test_what_is_shown_can_be_saved_again_and_builds_the_same_gateway(plain, channel):
    merchant = payments.save(channel, typed(plain, channel), owner=tenant.MAIN)
    once = payments.known_merchant(channel, merchant).settings
    again = payments.shown(channel, once)
    assert payments.save(channel, again, owner=tenant.MAIN) == merchant
    assert stored(channel, merchant) == once
    assert payments.gateway(channel, merchant).merchant == merchant


def test_no_secret_is_shown_or_stored(plain):
    for channel in payments.FIELDS:
        merchant = payments.save(channel, typed(plain, channel), owner=tenant.MAIN)
        settings = payments.known_merchant(channel, merchant).settings
        text = f"{settings}{payments.shown(channel, settings)}"
        assert "PRIVATE KEY" not in text
        assert plain["wechat"]["api_v3_key"] not in text


def test_keys_may_come_without_their_frame(plain):
    bare = re.sub(r"-----.*-----|\n", "", plain["alipay"]["private_key_pem"])
    form = typed(plain, "alipay", private_key_pem=f" {bare}\n")
    merchant = payments.save("alipay", form, owner=tenant.MAIN)
    name = f"/cardmesh/channels/main/alipay/{merchant}/key/private_key_pem"
    kept = make.aws.client("ssm").get_parameters(Names=[name], WithDecryption=True)["Parameters"][0]["Value"]
    assert kept == plain["alipay"]["private_key_pem"]


def test_two_keys_of_wechat_pay_are_valid_at_once(plain):
    merchant = payments.save("wechat", typed(plain, "wechat"), owner=tenant.MAIN)
    assert stored("wechat", merchant)["platform_keys"].keys() == {keys.PUB_KEY_ID, keys.NEXT_SERIAL}
    assert stored("wechat", merchant)["refund_notify_url"] == payments.notify_url("wechat", merchant)


@pytest.mark.parametrize(
    ("channel", "name", "text"),
    [
        ("wechat", "mchid", ""),
        ("wechat", "mchid", "19000000a1"),
        ("wechat", "appid", "https://evil.test"),
        ("wechat", "serial", "5157f0"),
        ("wechat", "api_v3_key", "short"),
        ("wechat", "platform_keys", "PUB_KEY_ID_X nothing"),
        ("wechat", "split_cap_bps", "101"),
        ("wechat", "split_cap_bps", "-1"),
        ("alipay", "private_key_pem", "-----BEGIN PRIVATE KEY-----"),
        ("alipay", "private_key_pem", "MIIB"),
        ("alipay", "private_key_pem", pem(CURVE)),
        ("alipay", "private_key_pem", pem(SHORT)),
        ("alipay", "alipay_public_key_pem", public_pem(CURVE)),
        ("alipay", "alipay_public_key_pem", "\N{SNOWMAN}"),
        ("alipay", "seller_id", "1088000000000001"),
        ("unionpay", "middle_cert_pem", "MIIB"),
        ("unionpay", "root_cert_pem", ""),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_kept(plain, channel, name, text):
    with pytest.raises(payments.BadSetting) as refused:
        payments.save(channel, typed(plain, channel, **{name: text}), owner=tenant.MAIN)
    assert refused.value.detail["field"] == name
    assert not [one for one in payments.all_merchants() if one.settings.get("private_key_pem")]


@pytest.mark.parametrize("channel", payments.FIELDS)
def test_a_field_that_there_is_not_is_named_where_it_is_typed(plain, channel):
    with pytest.raises(payments.BadSetting) as refused:
        payments.save(channel, typed(plain, channel, colour="red"), owner=tenant.MAIN)
    assert refused.value.detail["field"] == "colour"


@pytest.mark.parametrize("channel", payments.FIELDS)
def test_what_a_later_release_has_written_is_left_alone_and_kept(plain, channel):
    merchant = payments.put_channel(channel, {**plain[channel], "of_a_later_release": {"x": "1"}})
    assert payments.gateway(channel, merchant).merchant == merchant
    assert payments.save(channel, typed(plain, channel), owner=tenant.MAIN) == merchant
    assert stored(channel, merchant)["of_a_later_release"] == {"x": "1"}


def test_there_is_no_form_for_a_channel_that_is_none(plain):
    with pytest.raises(payments.BadSetting):
        payments.save("cheque", {}, owner=tenant.MAIN)


@given(st.sampled_from([each for every in payments.FIELDS.values() for each in every]), st.text(max_size=200))
def test_whatever_is_typed_is_taken_or_named(field, text):
    named = field.name
    try:
        fields._read(field, text)
    except payments.BadSetting as refused:
        named = refused.detail["field"]
    assert named == field.name


def test_where_the_sandbox_runs_its_addresses_are_used(plain, monkeypatch):
    monkeypatch.setenv("SANDBOX_URL", "http://localhost:8081")
    make.config.load.cache_clear()
    merchant = payments.save("unionpay", typed(plain, "unionpay"), owner=tenant.MAIN)
    assert payments.gateway("unionpay", merchant).home == "http://localhost:8081"
    assert stored("unionpay", merchant)["origins"] == "http://localhost:8081"
