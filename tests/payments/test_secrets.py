"""A merchant's settings are public facts and references; what they refer to changes without a deploy."""

import json

import pytest
from botocore.exceptions import ClientError

from chalicelib.kit import errors, parameters, tenant
from chalicelib.payments import merchants
from chalicelib.payments import service as payments
from chalicelib.payments.model import ChannelRow
from tests import make

PLACE = "ssm:/cardmesh/channels/main/wechat/mwechat"


@pytest.fixture(autouse=True)
def _main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


@pytest.fixture
def built(world, monkeypatch):
    """The settings that gateways were built from, newest last."""
    seen = []
    monkeypatch.setitem(make.gateways.GATEWAYS, "wechat", lambda s: seen.append(s) or world.channel.as_(s))
    return seen


def settings(**changes):
    return {"channel": "wechat", "serial": "5157F0", "private_key_pem": "open sesame", **changes}


def stored():
    return ChannelRow.of(tenant.MAIN).read("CHANNEL#wechat", "mwechat").settings


def test_settings_hold_no_secret_but_where_it_is(built, shop):
    assert payments.put_channel("wechat", settings()) == "mwechat"
    assert stored() == settings(private_key_pem=f"{PLACE}/5157F0/private_key_pem")
    assert payments.merchant_of("wechat", shop.site) == "mwechat"
    assert payments.gateway("wechat", "mwechat").merchant == "mwechat"
    assert built[-1] == settings()


def test_a_secret_is_sealed_under_the_deployments_key(built):
    payments.put_channel("wechat", settings())
    ssm = make.aws.client("ssm")
    (kept,) = ssm.get_parameters(Names=[f"{PLACE[4:]}/5157F0/private_key_pem"])["Parameters"]
    assert kept["Type"] == "SecureString"
    assert "sesame" not in json.dumps(kept, default=str).replace("kms:alias/cardmesh:open sesame", "")
    assert kept["Value"].startswith("kms:alias/cardmesh:")


def test_a_new_version_of_a_secret_is_in_use_within_a_minute(world, built):
    payments.put_channel("wechat", settings())
    first = payments.gateway("wechat", "mwechat")
    name = f"{PLACE[4:]}/5157F0/private_key_pem"
    make.aws.client("ssm").put_parameter(Name=name, Value="new", Type="SecureString", Overwrite=True)
    world.now += 29
    assert payments.gateway("wechat", "mwechat") is first
    world.now += 31
    payments.gateway("wechat", "mwechat")
    assert built[-1] == settings(private_key_pem="new")


def test_a_new_key_and_its_name_come_into_use_together(built):
    payments.put_channel("wechat", settings())
    before = stored()
    payments.put_channel("wechat", settings(serial="ABCDEF", private_key_pem="next"))
    assert parameters.read([before["private_key_pem"]]) == {before["private_key_pem"]: "open sesame"}
    payments.gateway("wechat", "mwechat")
    assert built[-1] == settings(serial="ABCDEF", private_key_pem="next")


def test_an_empty_secret_is_the_one_that_is_kept(built):
    payments.put_channel("wechat", settings())
    payments.put_channel("wechat", settings(private_key_pem="", appid="wx2"))
    payments.gateway("wechat", "mwechat")
    assert built[-1] == settings(appid="wx2")


def test_a_secret_that_never_was_given_is_missed(built):
    with pytest.raises(errors.Invalid) as refused:
        payments.put_channel("wechat", settings(merchant="m2", private_key_pem=""))
    assert refused.value.detail["field"] == "private_key_pem"


def test_a_reference_that_somebody_types_opens_nothing(built):
    payments.put_channel("wechat", settings())
    typed = f"{PLACE}/5157F0/private_key_pem"
    payments.put_channel("wechat", settings(merchant="m2", private_key_pem=typed, appid=typed))
    payments.gateway("wechat", "m2")
    assert (built[-1]["private_key_pem"], built[-1]["appid"]) == (typed, typed)


def test_a_secret_that_was_deleted_is_named_not_guessed(built):
    payments.put_channel("wechat", settings())
    make.aws.client("ssm").delete_parameter(Name=f"{PLACE[4:]}/5157F0/private_key_pem")
    with pytest.raises(parameters.Missing, match="5157F0/private_key_pem"):
        payments.gateway("wechat", "mwechat")


def test_more_secrets_than_one_call_takes_are_read_in_several(world):
    kept = {parameters.keep(f"channels/x/{i}", f"v{i}"): f"v{i}" for i in range(12)}
    assert parameters.read(kept) == kept
    assert parameters.read([]) == {}


def throttled(*_, **__):
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "GetParameters")


def test_who_reads_too_fast_goes_on_with_what_it_has_and_asks_again_half_a_minute_later(
    world, built, monkeypatch
):
    payments.put_channel("wechat", settings())
    first = payments.gateway("wechat", "mwechat")
    world.now += 60
    with monkeypatch.context() as patches:
        patches.setattr(parameters, "read", throttled)
        assert payments.gateway("wechat", "mwechat") is first
    world.now += 60
    assert payments.gateway("wechat", "mwechat") is not first


def test_an_instance_without_secrets_that_reads_too_fast_says_so(built, monkeypatch):
    payments.put_channel("wechat", settings())
    merchants._gateways.clear()
    monkeypatch.setattr(parameters, "read", throttled)
    with pytest.raises(ClientError, match="Rate exceeded"):
        payments.gateway("wechat", "mwechat")


def test_what_is_refused_for_another_reason_is_not_passed_over(world, built, monkeypatch):
    payments.put_channel("wechat", settings())
    payments.gateway("wechat", "mwechat")
    make.aws.client("ssm").delete_parameter(Name=f"{PLACE[4:]}/5157F0/private_key_pem")
    world.now += 60
    with pytest.raises(parameters.Missing):
        payments.gateway("wechat", "mwechat")


def test_instances_that_start_together_do_not_read_together(monkeypatch):
    seen = set()
    for number in range(100):
        monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", f"2026/11/23/[1]{number:032x}")
        seen.add(parameters.spread(15))
    assert seen == set(range(16))
