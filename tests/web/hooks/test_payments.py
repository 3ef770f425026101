import json
from dataclasses import asdict

import pytest
from chalice.test import Client

from chalicelib.cases import service as cases
from chalicelib.payments import gateways
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

MAIN = "main.cardmesh.test"
GOOD = {"x-signature": "good"}


@pytest.fixture
def hooks(shop):
    """Post to a path as a channel does."""
    from app import app

    with Client(app) as client:

        def post(path, body, *, host=MAIN, kind="application/json", **headers):
            sent = {"Host": host, "Content-Type": kind, **headers}
            return client.http.post(path, headers=sent, body=body)

        yield post


def notification(shop, order, **changes):
    return json.dumps(asdict(shop.payment(order, **changes))).encode()


def arrive(hooks, shop, order, **changes):
    return hooks("/hooks/wechat/mwechat", notification(shop, order, **changes), **GOOD)


def test_a_good_notification_is_accepted_in_the_channels_dialect(hooks, shop):
    order = shop.place()
    answer = arrive(hooks, shop, order)
    assert (answer.status_code, answer.body) == (200, b"success")
    assert answer.headers["Content-Type"] == "text/plain"
    assert shop.order(order.number).status == "paid"


def test_repeats_are_accepted_for_ever(hooks, shop, world):
    order = shop.place()
    for _ in range(4):
        assert arrive(hooks, shop, order).status_code == 200
        world.run("fulfil", "refund")
    assert (shop.order(order.number).status, world.channel.refunds) == ("delivered", {})


@pytest.mark.parametrize("headers", [{}, {"x-signature": "bad"}])
def test_a_forged_notification_is_refused_and_pays_nothing(hooks, shop, headers):
    order = shop.place()
    answer = hooks("/hooks/wechat/mwechat", notification(shop, order), **headers)
    assert (answer.status_code, answer.body) == (400, b"fail")
    assert shop.order(order.number).status == "pending"


def test_a_notification_that_tells_of_no_payment_is_accepted(hooks, shop, world, monkeypatch):
    monkeypatch.setattr(make.Merchant, "parse_notify", lambda *_named, **_fields: None)
    answer = hooks("/hooks/wechat/mwechat", b"{}", **GOOD)
    assert (answer.status_code, answer.body, world.sent) == (200, b"success", [])


@pytest.mark.parametrize(("trade", "sent"), [("{0}01", 1), ("nobody's", 0)])
def test_a_notification_of_a_refund_has_it_looked_at(hooks, shop, world, monkeypatch, trade, sent):
    order = shop.place()
    refund = gateways.Refund(f"{order.number}01R2", "success")
    notice = gateways.RefundNotice("wechat", "mwechat", trade.format(order.number), refund, "e1")
    monkeypatch.setattr(make.Merchant, "parse_notify", lambda *_named, **_fields: notice)
    answer = hooks("/hooks/wechat/mwechat", b"{}", **GOOD)
    assert (answer.status_code, answer.body) == (200, b"success")
    assert world.sent_to("refund") == [{"site": shop.site, "order": order.number, "told": "R2"}] * sent


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/wechat/nobody",
        "/hooks/wechat/current",
        "/hooks/wechat/%F0%9F%80%84",
        "/hooks/cheque/mwechat",
        "/hooks/wechat/" + "m" * 200,
        "/hooks/wechat/'%3B--",
    ],
)
def test_an_unknown_merchant_or_channel_is_not_found(hooks, shop, path):
    order = shop.place()
    answer = hooks(path, notification(shop, order), **GOOD)
    assert answer.status_code == 404
    assert json.loads(answer.body)["code"] == "not_found"
    assert shop.order(order.number).status == "pending"


@pytest.mark.parametrize(("size", "status"), [(128 * 1024, 400), (128 * 1024 + 1, 413)])
def test_a_huge_body_is_refused_before_it_is_read(hooks, shop, size, status):
    assert hooks("/hooks/wechat/mwechat", b"x" * size).status_code == status


def test_a_sites_own_host_takes_no_notifications(hooks, shop):
    order = shop.place()
    answer = hooks("/hooks/wechat/mwechat", notification(shop, order), host="demo.cardmesh.test", **GOOD)
    assert answer.status_code == 404
    assert shop.order(order.number).status == "pending"


def test_a_host_nobody_knows_takes_no_notifications(hooks, shop):
    order = shop.place()
    answer = hooks("/hooks/wechat/mwechat", notification(shop, order), host="evil.test", **GOOD)
    assert answer.status_code == 404


@pytest.mark.parametrize("change", [{"amount_fen": 1}, {"merchant": "mother"}, {"currency": "USD"}])
def test_money_that_fits_no_order_is_acknowledged_and_kept(hooks, shop, change):
    order = shop.place()
    for _ in range(2):
        assert arrive(hooks, shop, order, **change).body == b"success"
    assert cases.count_open() == {"suspense": 1}
    assert shop.order(order.number).status == "pending"


def test_our_own_failure_makes_the_channel_send_again(hooks, shop, monkeypatch):
    from chalicelib.kit import queue

    order = shop.place()
    really = queue.send

    def fails(*_named, **_fields):
        raise RuntimeError("the queue is down: secret-queue-name")

    monkeypatch.setattr(queue, "send", fails)
    answer = arrive(hooks, shop, order)
    assert answer.status_code == 500
    assert b"secret" not in answer.body
    monkeypatch.setattr(queue, "send", really)
    assert arrive(hooks, shop, order).status_code == 200
    shop.world.run("fulfil")
    assert shop.order(order.number).status == "delivered"


def test_both_channels_arrive_at_their_own_path(hooks, shop):
    order = shop.place(channel="alipay")
    body = notification(shop, order)
    form = "application/x-www-form-urlencoded"
    assert hooks("/hooks/alipay/malipay", body, kind=form, **GOOD).status_code == 200
    assert shop.order(order.number).status == "paid"


def test_a_channel_s_request_and_the_messages_it_leads_to_are_followed_under_one_name(hooks, shop, world):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = notification(shop, shop.place())
    answer = hooks("/hooks/wechat/mwechat", body, **GOOD, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["X-Trace"] == trace
    assert [message["trace"] for message in world.messages("fulfil")] == [trace]


def test_every_line_from_the_payment_to_the_books_has_the_name_of_the_channel_s_request(
    hooks, shop, world, caplog
):
    caplog.set_level("INFO", "cardmesh")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    order = shop.place()
    caplog.clear()
    body = notification(shop, order)
    hooks("/hooks/wechat/mwechat", body, **GOOD, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    world.run("fulfil", "settle")
    told = [(line.message, line.order, line.trace) for line in caplog.records]
    assert {(order.number, trace)} == {(number, followed) for _, number, followed in told}
    assert {"checkout.paid", "orders.moved", "fulfilment.delivered", "settlement.posted"} <= {
        name for name, *_ in told
    }
