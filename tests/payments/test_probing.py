"""The trial of a merchant's settings names what is wrong: each fault against the sandbox, as a person would make it."""

import threading
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest

from chalicelib.kit import errors, outbound, tenant
from chalicelib.payments import gateways, probing
from chalicelib.payments import service as payments
from chalicelib.payments.gateways.wechat import line
from sandbox import keys
from sandbox.server import Sandbox
from tests import make
from tests.payments.test_fields import CURVE, pem, public_pem
from tests.sandbox.conftest import keys_folder

__all__ = ["keys_folder"]

REAL = dict(gateways.GATEWAYS)
MERCHANTS = {
    "wechat": keys.MCHID,
    "alipay": keys.SELLER_ID,
    "unionpay": keys.MER_ID,
    "ecny": keys.ECNY_MERCHANT,
}


AHEAD = SimpleNamespace(seconds=0)  # the channel's clock


def at():
    return make.NOON + AHEAD.seconds


@pytest.fixture(scope="module")
def server(keys_folder, tmp_path_factory):
    running = Sandbox(0, folder=keys_folder, state=tmp_path_factory.mktemp("state") / "books.json", now=at)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.stop()
    thread.join()


@pytest.fixture
def channels(world, server, keys_folder, monkeypatch):
    """The sandbox at the world's time, called by the real gateways; `settings` are right at first."""
    monkeypatch.setattr(gateways, "GATEWAYS", REAL)
    moment = make.datetime.fromtimestamp
    monkeypatch.setattr(probing, "parsedate_to_datetime", lambda _: moment(at(), make.UTC))
    line._learned.clear()
    yield SimpleNamespace(
        settings=keys.settings(keys_folder, server.url), faults=server.faults, books=server.books
    )
    line._learned.clear()
    AHEAD.seconds = 0
    server.faults.set({})


@pytest.fixture(autouse=True)
def _main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


def tried(channels, channel, **changes):
    """The report on right settings with these changes."""
    merchant = payments.put_channel(channel, {**channels.settings[channel], **changes})
    payments.probe(channel, merchant, now=make.NOON)
    return payments.last_report(channel, merchant)


@pytest.mark.parametrize("channel", ["wechat", "alipay", "unionpay", "ecny"])
def test_right_settings_pass_every_step_and_leave_no_trade_open(world, channels, channel):
    report = tried(channels, channel)
    assert (report.fault, report.passed, report.at) == ("", payments.STEPS, make.NOON)
    assert payments.reports() == {(channel, MERCHANTS[channel]): report}
    trades = channels.books.view(now=world.now)["trades"]
    assert [one["state"] for one in trades if one["state"] != "closed"] in (
        [],
        ["open"],
    )  # Alipay: nobody scanned it


def others(keys_folder):
    """Keys that are as good as ours but not ours."""
    return keys.settings(keys_folder / "stranger", "https://channel.test")


@pytest.mark.parametrize(
    ("channel", "name", "fault"),
    [
        ("wechat", "private_key_pem", "key"),
        ("alipay", "private_key_pem", "key"),
        ("unionpay", "private_key_pem", "key"),
        ("wechat", "api_v3_key", "api_v3_key"),
        ("ecny", "private_key_pem", "key"),
        ("ecny", "institution_key_pem", "channel_key"),
        ("alipay", "alipay_public_key_pem", "channel_key"),
        ("unionpay", "middle_cert_pem", "channel_key"),
        ("unionpay", "root_cert_pem", "channel_key"),
        ("wechat", "platform_keys", "channel_key"),
    ],
)
def test_a_key_of_somebody_else_is_named(channels, keys_folder, channel, name, fault):
    report = tried(channels, channel, **{name: others(keys_folder)[channel][name]})
    assert report.fault == fault
    assert set(report.passed) >= {"secrets", "reach", "clock"}
    assert "product" not in report.passed


@pytest.mark.parametrize(
    ("channel", "changes", "fault"),
    [
        ("wechat", {"serial": "00"}, "key"),
        ("wechat", {"appid": "wxanother000000001"}, "app"),
        ("wechat", {"mchid": "1900000009"}, "key"),
        ("alipay", {"app_id": "2021000000000009"}, "app"),
        ("unionpay", {"mer_id": "777290000000009"}, "merchant"),
        ("unionpay", {"cert_id": "1"}, "declined"),
        ("ecny", {"merchant_no": "840100000000009"}, "merchant"),
        ("ecny", {"wallet_id": "0022000000000009"}, "app"),
    ],
)
def test_a_number_that_is_wrong_is_named(channels, channel, changes, fault):
    assert tried(channels, channel, **changes).fault == fault


@pytest.mark.parametrize("channel", ["wechat", "alipay", "ecny"])
def test_a_product_that_was_not_signed_up_for_is_named(channels, channel):
    channels.faults.set({"uncontracted": True})
    report = tried(channels, channel)
    assert (report.fault, report.passed) == ("contract", payments.STEPS[:-1])


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_clock_that_is_off_is_named_before_the_channel_blames_the_signature(channels, seconds):
    AHEAD.seconds = seconds
    report = tried(channels, "wechat")
    assert (report.fault, report.skew) == ("clock", -seconds)


def test_a_channel_out_of_reach_is_named(channels):
    report = tried(channels, "wechat", base_url="http://127.0.0.1:9")
    assert (report.fault, report.passed) == ("reach", ("secrets",))


def test_a_channel_that_goes_away_in_between_is_named(channels, monkeypatch):
    real = outbound.call

    def call(method, url, **asked):
        if "certificates" in url:
            raise outbound.NotSent("gone")
        return real(method, url, **asked)

    monkeypatch.setattr(outbound, "call", call)
    assert tried(channels, "wechat").fault == "reach"


def test_an_answer_that_makes_no_sense_is_odd(channels, monkeypatch):
    monkeypatch.setattr(outbound, "call", lambda *_, **__: outbound.Reply(200, {}, b"<html>"))
    assert tried(channels, "alipay").fault == "odd"


def test_a_merchant_with_a_public_key_needs_no_certificates(channels, monkeypatch):
    def none(*_, **__):
        raise gateways.Declined("RESOURCE_NOT_EXISTS", "无可用的平台证书")

    monkeypatch.setattr(line.Line, "download_keys", none)
    assert tried(channels, "wechat").fault == ""


def test_a_deleted_secret_and_a_broken_key_are_named(channels):
    assert tried(channels, "wechat", private_key_pem="no key").fault == "unreadable_key"
    serial = channels.settings["wechat"]["serial"]
    name = f"/cardmesh/channels/main/wechat/{keys.MCHID}/{serial}/private_key_pem"
    make.aws.client("ssm").delete_parameter(Name=name)
    payments.probe("wechat", keys.MCHID, now=make.NOON)
    report = payments.last_report("wechat", keys.MCHID)
    assert (report.fault, report.passed) == ("missing_secret", ())


def test_settings_of_an_older_shape_are_incomplete(channels):
    payments.put_channel("alipay", channels.settings["alipay"])
    client = make.aws.client("dynamodb")
    key = {"pk": {"S": "CHANNEL#alipay"}, "sk": {"S": keys.SELLER_ID}}
    settings = {":s": {"S": '{"seller_id": "2088000000000001"}'}}
    change = "SET settings = :s"
    client.update_item(
        TableName="cardmesh-main", Key=key, UpdateExpression=change, ExpressionAttributeValues=settings
    )
    payments.probe("alipay", keys.SELLER_ID, now=make.NOON)
    assert payments.last_report("alipay", keys.SELLER_ID).fault == "settings"


@pytest.mark.parametrize("name", ["private_key_pem", "alipay_public_key_pem"])
def test_a_key_of_another_kind_is_unreadable(channels, name):
    key = pem(CURVE) if name == "private_key_pem" else public_pem(CURVE)
    assert tried(channels, "alipay", **{name: key}).fault == "unreadable_key"


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_host_that_does_not_tell_the_time_is_not_blamed_for_it(channels, monkeypatch, date):
    real = outbound.call

    def call(method, url, **asked):
        reply = real(method, url, **asked)
        return outbound.Reply(reply.status, reply.headers | {"date": date}, reply.body)

    monkeypatch.setattr(outbound, "call", call)
    monkeypatch.setattr(probing, "parsedate_to_datetime", parsedate_to_datetime)
    report = tried(channels, "wechat")
    assert (report.fault, report.skew) == ("", 0)


def test_a_late_trial_does_not_hide_a_newer_one(channels):
    newer = tried(channels, "unionpay")
    payments.probe("unionpay", keys.MER_ID, now=make.NOON - 60)
    assert payments.last_report("unionpay", keys.MER_ID) == newer


def test_nobody_is_tried_who_was_never_set_up(channels):
    with pytest.raises(errors.NotFound):
        payments.probe("wechat", "nobody", now=make.NOON)
    assert payments.last_report("wechat", "nobody") is None
