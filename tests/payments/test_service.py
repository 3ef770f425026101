import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, log, outbound, tenant
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from tests import make


@pytest.fixture(autouse=True)
def _main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


def charge(**changes):
    base = payments.Charge("DEMO" + "0" * 26, 4950, "card", make.NOON + 900, "https://main.test/hooks", "pc")
    return make.replace(base, **changes)


def test_an_unknown_channel_has_no_settings_no_merchant_and_no_gateway(shop):
    with pytest.raises(errors.Invalid):
        payments.put_channel("cheque", {})
    with pytest.raises(payments.ChannelDown):
        payments.merchant_of("cheque", shop.site)
    with pytest.raises(errors.NotFound):
        payments.gateway("cheque", "m1")


@pytest.mark.parametrize("merchant", ["", "nobody", "current/../x", "m" * 65, "current", "🀄"])
def test_a_merchant_nobody_set_up_is_not_found(merchant):
    with pytest.raises(errors.NotFound):
        payments.gateway("wechat", merchant)


def test_settings_are_remembered_for_half_a_minute_and_then_read_again(world, shop):
    first = payments.gateway("wechat", "mwechat")
    assert payments.merchant_of("wechat", shop.site) == "mwechat"
    client = make.aws.client("dynamodb")
    key = {"pk": {"S": "CHANNEL#wechat"}, "sk": {"S": "current"}}
    client.update_item(
        TableName="cardmesh-main",
        Key=key,
        UpdateExpression="SET merchant = :m",
        ExpressionAttributeValues={":m": {"S": "mnext"}},
    )
    world.now += 29
    assert payments.gateway("wechat", "mwechat") is first
    assert payments.merchant_of("wechat", shop.site) == "mwechat"
    world.now += 1
    assert payments.gateway("wechat", "mwechat") is not first
    assert payments.merchant_of("wechat", shop.site) == "mnext"


def test_starting_a_charge_again_finds_the_same_trade(world):
    first = payments.start("wechat", "mwechat", charge(), now=world.now)
    assert payments.start("wechat", "mwechat", charge(), now=world.now) == first
    assert len(world.channel.trades) == 1


@pytest.mark.parametrize(
    "trouble", [payments.Declined("X", "no"), outbound.NotSent("x"), outbound.Unknown("x")]
)
def test_a_channel_in_trouble_is_down_and_says_nothing_internal(monkeypatch, trouble):
    def fails(*_named, **_fields):
        raise trouble

    monkeypatch.setattr(make.Merchant, "create", fails)
    with pytest.raises(payments.ChannelDown) as refused:
        payments.start("wechat", "mwechat", charge(), now=make.NOON)
    assert str(refused.value) == payments.ChannelDown.sentence


def test_a_channel_notifies_the_main_host_under_its_merchant():
    assert payments.notify_url("wechat", "m1") == "https://main.cardmesh.test/hooks/wechat/m1"


def test_money_in_suspense_is_a_case_once_with_one_alarm(monkeypatch):
    alarms = []
    monkeypatch.setattr(log, "alarm", lambda name, **fields: alarms.append((name, fields["amount_fen"])))
    paid = gateways.Payment("wechat", "m1", "a1", "X" * 99, "T" * 99, 4950, "CNY", make.NOON, "e1")
    for later in (0, 5 * clock.DAY):
        payments.suspend(paid, "unknown order", now=make.NOON + later)
    payments.suspend(make.replace(paid, transaction_id="other"), "no words for it", now=make.NOON + 1)
    found = [(case.key, case.why, case.facts["out_trade_no"], case.at) for case in cases.open_ones()]
    assert found == [
        ("wechat#other", "no words for it", "X" * 64, make.NOON + 1),
        (f"wechat#{'T' * 64}", "查无此订单", "X" * 64, make.NOON),
    ]
    assert alarms == [("cases.opened", "4950")] * 2


class Rotating:
    """A gateway whose channel signs with a key that has to be learned first."""

    def __init__(self, *, teachable):
        self.teachable, self.known = teachable, False

    def parse_notify(self, headers, body, *, now):
        if not self.known:
            raise gateways.UnknownKey("an unknown key serial")

    def learn(self, *, now):
        self.known = self.teachable
        return self.teachable


def test_a_notification_under_an_unknown_key_is_read_once_the_channel_told_of_it(monkeypatch):
    monkeypatch.setattr(payments, "gateway", lambda *_: rotating)
    rotating = Rotating(teachable=True)
    assert payments.hear("wechat", "mwechat", {}, b"", now=make.NOON) is None
    rotating = Rotating(teachable=False)
    with pytest.raises(payments.Forged):
        payments.hear("wechat", "mwechat", {}, b"", now=make.NOON)
