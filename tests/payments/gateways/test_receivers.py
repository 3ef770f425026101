"""Receivers of parts come and go, at the channels that know any."""

import itertools

import pytest

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from tests.sandbox import shop as shops

COUNT = itertools.count(5000)
KINDS = {"wechat": ("merchant", "19000001{:02}"), "alipay": ("person", "20880000000002{:02}")}
SPLITTING = pytest.mark.parametrize("channel", list(KINDS))


def receiver(channel, number):
    kind, account = KINDS[channel]
    return gateways.Receiver(kind, account.format(number), "某某公司")


@SPLITTING
def test_who_was_removed_gets_no_part_and_who_comes_back_does(shop, channel):
    gateway, now = shop.gateways[channel], shop.clock()
    one, order_no = receiver(channel, 7), shops.order_no(next(COUNT))
    shop.open(order_no + "1", channel, splits=True)
    paid = shop.pay(order_no)["transaction_id"]
    shop.clock.ahead = 120

    def part(name):
        done = gateway.split(
            paid,
            out_split_no=f"{order_no}{name}",
            parts=[gateways.Part(one, 100, "佣金")],
            finish=False,
            now=shop.clock(),
        )
        return gateway.query_split(paid, done.out_split_no, now=shop.clock()).parts[0].state

    gateway.add_receiver(one, now=now)
    assert part("S1") == "success"
    for _ in range(2):
        gateway.remove_receiver(one, now=now)
    assert part("S2") == "closed"
    gateway.add_receiver(one, now=now)
    assert part("S3") == "success"


def test_alipay_tells_who_is_bound_page_by_page(shop, monkeypatch):
    gateway, now = shop.gateways["alipay"], shop.clock()
    mine = [receiver("alipay", number) for number in range(20, 25)]
    before = gateway.bound(now=now)
    for one in mine:
        gateway.add_receiver(one, now=now)
    monkeypatch.setattr("chalicelib.payments.gateways.alipay.splitting._PAGE", 2)
    assert gateway.bound(now=now) == before | {one.account for one in mine}
    gateway.remove_receiver(mine[0], now=now)
    assert mine[0].account not in gateway.bound(now=now)


@pytest.mark.parametrize("answer", [{}, {"receiver_list": [{}], "total_page_num": 1}, {"receiver_list": []}])
def test_a_list_of_receivers_that_makes_no_sense_is_unknown(alipay, monkeypatch, answer):
    monkeypatch.setattr(alipay, "call", lambda *_, **__: answer)
    with pytest.raises(outbound.Unknown):
        alipay.bound(now=0)


def test_a_relation_that_does_not_change_is_declined(alipay, monkeypatch):
    monkeypatch.setattr(alipay, "call", lambda *_, **__: {"result_code": "FAIL"})
    with pytest.raises(gateways.Declined):
        alipay.remove_receiver(receiver("alipay", 1), now=0)


def test_another_refusal_to_remove_is_not_swallowed(wechat, monkeypatch):
    def refuses(*_, **__):
        raise gateways.Declined("NO_AUTH", "no")

    monkeypatch.setattr(wechat, "call", refuses)
    with pytest.raises(gateways.Declined):
        wechat.remove_receiver(receiver("wechat", 1), now=0)


def test_channels_that_do_not_split_know_no_receivers(unionpay):
    with pytest.raises(gateways.Declined):
        unionpay.remove_receiver(receiver("wechat", 1), now=0)
