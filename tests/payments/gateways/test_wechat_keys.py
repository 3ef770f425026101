"""WeChat Pay changes its certificate: whoever does not know the next one asks for it, rarely, and believes the seal."""

import pytest

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import certificates
from chalicelib.payments.gateways.wechat import line
from sandbox import keys
from sandbox.faults import Plan
from sandbox.notify import Notice
from tests.sandbox import shop as shops

from .conftest import paid_trade


@pytest.fixture(autouse=True)
def _nothing_learned():
    line._learned.clear()
    yield
    line._learned.clear()


@pytest.fixture
def plain(shop, keys_folder):
    """Settings that know of the present key alone."""
    found = keys.settings(keys_folder, shop.address)["wechat"]
    return found | {"platform_keys": {keys.PUB_KEY_ID: found["platform_keys"][keys.PUB_KEY_ID]}}


@pytest.fixture
def calls(monkeypatch):
    """The addresses that were called."""
    made, really = [], outbound.call

    def call(method, url, **asked):
        made.append(url.rsplit("/", 1)[1].partition("?")[0])
        return really(method, url, **asked)

    monkeypatch.setattr(outbound, "call", call)
    return made


def built(plain):
    return gateways.GATEWAYS["wechat"](plain)


def test_a_mid_day_rotation_is_learned_from_the_first_answer_and_remembered(shop, plain, calls):
    order_no = shops.order_no(77)
    shop.open(order_no + "1")
    calls.clear()
    shop.post("/faults", {"rotated": True})
    for _ in range(2):
        assert built(plain).query(order_no + "1", now=shop.clock()) is None
    assert calls == [order_no + "1", "certificates", order_no + "1"]  # and the second found the key in memory


def test_a_notification_under_a_new_key_is_readable_once_the_key_was_learned(shop, plain):
    shop.post("/faults", {"rotated": True})
    gateway, now = built(plain), shop.clock()
    headers, body = shop.sandbox.wechat.compose(Notice(paid_trade("wechat")), Plan(), now=now)
    with pytest.raises(gateways.UnknownKey):
        gateway.parse_notify(headers, body, now=now)
    assert gateway.learn(now=now)
    assert gateway.parse_notify(headers, body, now=now).amount_fen == 4950


def test_names_are_sealed_for_the_newest_certificate_where_there_is_no_public_key(shop, plain):
    del plain["platform_keys"]
    gateway = built(plain)
    with pytest.raises(outbound.NotSent):
        gateway.sealed("张三")
    shop.post("/faults", {"rotated": True})
    assert gateway.learn(now=shop.clock())
    assert gateway._key_serial() == keys.NEXT_SERIAL
    assert gateway.sealed("张三")


def test_strangers_who_name_unknown_keys_make_one_call_in_five_minutes(shop, plain, calls):
    gateway, now = built(plain), shop.clock()
    assert gateway.learn(now=now)
    assert not gateway.learn(now=now + 299)
    assert not gateway.learn(now=now + 300)
    assert calls == ["certificates"] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"api_v3_key": "x" * 32},
        {"serial": "00"},
        {"base_url": "http://127.0.0.1:9"},
    ],
)
def test_certificates_that_cannot_be_had_or_opened_teach_nothing(shop, plain, change):
    gateway = built(plain | change)
    assert not gateway.learn(now=shop.clock())
    assert gateway._keys().keys() == {keys.PUB_KEY_ID}


def test_certificates_in_an_answer_that_nobody_signed_teach_nothing(shop, plain, monkeypatch):
    really = outbound.call

    def tampered(*asked, **more):
        reply = really(*asked, **more)
        return outbound.Reply(reply.status, reply.headers | {"wechatpay-nonce": "another"}, reply.body)

    monkeypatch.setattr(outbound, "call", tampered)
    assert not built(plain).learn(now=shop.clock())


def test_a_certificate_that_is_over_teaches_nothing(shop, plain, monkeypatch):
    really, century = certificates.key_in, 100 * 366 * 86400
    monkeypatch.setattr(certificates, "key_in", lambda pem, *, now: really(pem, now=now + century))
    with pytest.raises(outbound.Unknown, match="not valid now"):
        built(plain).download_keys(now=shop.clock())
    assert not built(plain).learn(now=shop.clock())


def test_an_answer_under_a_key_that_cannot_be_learned_is_unknown(shop, plain):
    trade_no = shops.order_no(78) + "1"
    shop.open(trade_no)
    shop.post("/faults", {"rotated": True})
    with pytest.raises(outbound.Unknown, match="unknown key serial"):
        built(plain | {"api_v3_key": "x" * 32}).query(trade_no, now=shop.clock())


def test_channels_that_bring_or_fix_their_key_have_none_to_learn(shop):
    for channel in ("alipay", "unionpay", "ecny"):
        assert not shop.gateways[channel].learn(now=shop.clock())
