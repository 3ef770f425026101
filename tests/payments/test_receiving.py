"""Accounts that get parts of payments: kept whole, tried by the function that may, told as the channel answers."""

import pytest

from chalicelib.kit import errors, outbound, tenant
from chalicelib.payments import receivers
from chalicelib.payments import service as payments
from sim.iam import enforce
from tests import make

FIRST, SECOND = "oFirst0000000000000000000001", "oSecond000000000000000000001"


@pytest.fixture(autouse=True)
def _main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


@pytest.fixture
def asked(monkeypatch):
    """Accounts that the channel was asked to know, in order."""
    found = []
    real = make.Merchant.add_receiver

    def add(merchant, receiver, *, now):
        real(merchant, receiver, now=now)
        found.append(receiver.account)

    monkeypatch.setattr(make.Merchant, "add_receiver", add)
    return found


def put(account=FIRST, *, party="dist:ann", channel="wechat"):
    payments.put_receiver(party, channel, payments.Receiver("person", account))


def tried():
    """What the function that talks to channels leaves behind."""
    message = {"site": "main", "receiver": "dist:ann", "channel": "wechat"}
    assert make.work("refund", [message]) == []
    known = payments.receiver_of("dist:ann", "wechat")
    return known and known.said


def test_an_account_is_tried_and_has_the_channel_s_word(asked):
    put()
    assert payments.receiver_of("dist:ann", "wechat").said == ""
    assert (tried(), asked) == ("ok", [FIRST])
    assert (tried(), asked) == ("ok", [FIRST, FIRST]), "tried again is asked again"


def test_what_the_channel_has_against_an_account_is_kept(world):
    put()
    world.channel.down = True
    assert tried() == "down"


def test_a_channel_that_does_not_answer_is_asked_again(monkeypatch):
    put()

    def silent(*_asked, **_more):
        raise outbound.Unknown("lost")

    monkeypatch.setattr(make.Merchant, "add_receiver", silent)
    message = {"site": "main", "receiver": "dist:ann", "channel": "wechat"}
    assert make.work("refund", [message]) == [message]
    assert payments.receiver_of("dist:ann", "wechat").said == ""


def test_an_account_that_nobody_has_is_not_tried(asked):
    assert (tried(), asked) == (None, [])


def test_an_account_that_is_changed_while_it_is_tried_has_no_word_yet(monkeypatch):
    put()
    monkeypatch.setattr(make.Merchant, "add_receiver", lambda *_asked, **_more: put(SECOND))
    assert tried() == ""
    assert payments.receiver_of("dist:ann", "wechat").receiver.account == SECOND


def test_a_channel_is_told_of_an_account_once_while_there_is_room_to_remember(asked, monkeypatch):
    monkeypatch.setattr(receivers, "_MOST_KNOWN", 1)
    for account in (FIRST, FIRST, SECOND, FIRST):
        payments.introduce("wechat", "mwechat", payments.Receiver("person", account), now=make.NOON)
    assert asked == [FIRST, SECOND, FIRST]


@pytest.mark.parametrize(
    ("field", "receiver"),
    [
        ("kind", payments.Receiver("cousin", FIRST)),
        ("account", payments.Receiver("person", "no spaces")),
        ("name", payments.Receiver("merchant", "1900000777")),
        ("name", payments.Receiver("person", FIRST, "Ann")),
        ("name", payments.Receiver("merchant", "1900000777", "长" * 61)),
    ],
)
def test_an_account_that_can_be_none_is_refused_at_its_field(field, receiver):
    with pytest.raises(payments.BadReceiver) as refused:
        payments.put_receiver("dist:ann", "wechat", receiver)
    assert refused.value.detail["field"] == field
    assert payments.receivers_of("dist:ann") == {}


def test_a_channel_that_splits_nothing_has_no_receivers():
    with pytest.raises(errors.Invalid):
        put(channel="unionpay")


@pytest.mark.parametrize(("agreed", "cap"), [("", 3000), ("2000", 2000)])
def test_a_channel_splits_what_was_agreed_with_it(agreed, cap):
    payments.put_channel(
        "wechat", {"channel": "wechat", "api_v3_key": "open sesame", "split_cap_bps": agreed}
    )
    put()
    assert (payments.cap_of("dist:ann", "wechat"), payments.cap_of("dist:bo", "wechat")) == (cap, 0)


# Accounts that are dropped.


def leave(merchant="mwechat"):
    """The channel is asked to forget a party, by the function that may."""
    message = {
        "site": "main",
        "receiver": "dist:ann",
        "channel": "wechat",
        "leaves": True,
        "merchant": merchant,
    }
    assert make.work("refund", [message]) == []


def known_at_the_channel(world):
    return {account for _, account in world.channel.receivers}


def test_a_party_that_is_dropped_has_no_account_and_the_channel_forgets_it_however_often_it_is_told(world):
    put()
    tried()
    assert payments.drop_receiver("dist:ann", "wechat") == ["mwechat"]
    assert payments.receiver_of("dist:ann", "wechat") is None
    assert payments.receivers_of("dist:ann") == {}
    assert known_at_the_channel(world) == {FIRST}
    for _ in range(2):
        leave()
        assert known_at_the_channel(world) == set()
    assert payments.receiver_of("dist:ann", "wechat") is None


def test_a_party_without_an_account_cannot_be_dropped():
    with pytest.raises(errors.NotFound):
        payments.drop_receiver("dist:ann", "wechat")


def test_who_has_an_account_or_never_had_one_is_not_forgotten(world):
    leave()
    put()
    tried()
    leave()
    assert known_at_the_channel(world) == {FIRST}


def test_who_is_given_an_account_while_it_is_forgotten_has_that_one(monkeypatch):
    put()
    payments.drop_receiver("dist:ann", "wechat")
    monkeypatch.setattr(make.Merchant, "remove_receiver", lambda *_asked, **_more: put(SECOND))
    leave()
    assert payments.receiver_of("dist:ann", "wechat").receiver.account == SECOND


@pytest.mark.parametrize("gone", [False, True])
def test_who_is_dropped_while_its_account_is_tried_stays_dropped(monkeypatch, gone):
    put()

    def dropped(*_asked, **_more):
        with enforce.acting_as("console", cold=False):
            payments.drop_receiver("dist:ann", "wechat")
        if gone:
            leave()

    monkeypatch.setattr(make.Merchant, "add_receiver", dropped)
    assert tried() is None
