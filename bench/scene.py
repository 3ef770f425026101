"""What functions meet when their instructions are counted: a shop with orders in every state, and who calls next.

It is made once and handed to each function's process as it stands.
"""

import json
import tempfile
from functools import partial
from random import Random
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from chalice.local import LambdaEventConverter, RouteMatcher

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.kit import tenant
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from sandbox import keys as sandbox_keys
from sandbox.books import Books, Trade
from sandbox.faults import Faults, Plan
from sandbox.notify import Notice
from sandbox.wechat import WeChat
from sim.keys import Keys
from sim.stage import BEGIN, Stage

from .shop import Shop
from .wire import Scene

EVENTS = 5  # of each function
BATCH = 10  # messages in an event of a queue
_Event = dict[str, Any]


def make(stage: Stage) -> Scene:
    """The scene of a calm shop, all at one moment."""
    shop, site, goods = Shop(stage), stage.sites[1], stage.goods[0].goods_id
    _import_codes(goods, now=BEGIN)
    plenty = [shop.place(site, goods) for _ in range(EVENTS * (1 + BATCH * 2))]
    notified, fulfilled, settled = plenty[:EVENTS], plenty[EVENTS : EVENTS * 11], plenty[EVENTS * 11 :]
    for order in [*fulfilled, *settled]:
        shop.pay(order)
    shop.work("fulfil", [_message(order) for order in settled])
    events = {
        "storefront": [_request(_host(site), "GET", "/")] * EVENTS,
        "checkout": [_order(site, goods, BEGIN) for _ in range(EVENTS)],
        "receipts": [_receipt(order, BEGIN) for order in settled[:EVENTS]],
        "hooks": _notifications(notified, BEGIN),
        "console": [_request("main.cardmesh.test", "GET", "/console/login")] * EVENTS,
        "drive_orders": _batches(fulfilled, first=True),
        "deliver_orders": _batches(fulfilled),
        "settle_orders": _batches(settled),
    }
    rows = {name: (table.definition, dict(table.rows)) for name, table in shop.database.tables.items()}
    keys = Keys(Random(0).randbytes, partial(float, BEGIN)).with_keys_of(shop.keys)  # noqa: S311  as the shop's
    return Scene(BEGIN, rows, keys, events)


def _import_codes(goods: str, *, now: int) -> None:
    codes = "\n".join(f"PLENTY-{i:06}" for i in range(1000))
    with tenant.acting_for(tenant.MAIN):
        stock.import_codes(tenant.MAIN, goods, codes, note="bench", now=now)


def _host(site: str) -> str:
    return tenancy.site(site).host


def _request(host: str, method: str, path: str, *, body: bytes = b"", **headers: str) -> _Event:
    """What API Gateway makes of a request."""
    from app import app

    converter = LambdaEventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    event: _Event = converter.create_lambda_event(method, path, named, body or None)
    event["body"] = body.decode() or None
    return event


def _order(site: str, goods_id: str, now: int) -> _Event:
    with tenant.acting_for(site):
        key = checkout.new_key(site, now=now)
    form = {"key": key, "quantity": "1", "contact": "a@example.com", "query_password": "open sesame"}
    body = urlencode({**form, "channel": "wechat", "waiver": str(catalog.WAIVER)}).encode()
    kind = "application/x-www-form-urlencoded"
    return _request(_host(site), "POST", f"/buy/{goods_id}", body=body, content_type=kind)


def _receipt(order: orders.Order, now: int) -> _Event:
    with tenant.acting_for(order.site):
        cookie = orders.receipt_cookie(order.site, "", order.number, now=now)
    return _request(_host(order.site), "GET", f"/orders/{order.number}", cookie=f"receipts={cookie}")


def _notifications(placed: list[orders.Order], now: int) -> list[_Event]:
    """Payments as WeChat Pay tells them, signed and sealed."""
    merchant = placed[0].attempts[0].merchant
    with tempfile.TemporaryDirectory() as folder, tenant.acting_for(tenant.MAIN):
        settings = sandbox_keys.settings(folder, "https://channel.test")["wechat"]
        payments.put_channel("wechat", settings | {"mchid": merchant})
        channel = WeChat(
            sandbox_keys.load(folder), mock.Mock(spec=Books), mock.Mock(spec=Faults), cashier=str
        )
    return [_notification(channel, order, now) for order in placed]


def _notification(channel: WeChat, order: orders.Order, now: int) -> _Event:
    attempt = order.attempts[0]
    number = attempt.out_trade_no(order.number)
    trade = Trade(
        channel="wechat",
        merchant=attempt.merchant,
        app=sandbox_keys.APPID,
        out_trade_no=number,
        amount_fen=order.amount_fen,
        subject=order.goods_name,
        notify_url="",
        return_url="",
        kind="NATIVE",
        created_at=now,
        expires_at=now,
        state="paid",
        paid_at=now,
        transaction_id=f"42{number}",
    )
    headers, body = channel.compose(Notice(trade), Plan(), now=now)
    return _request("main.cardmesh.test", "POST", f"/hooks/wechat/{attempt.merchant}", body=body, **headers)


def _batches(some: list[orders.Order], **more: object) -> list[_Event]:
    groups = [some[i : i + BATCH] for i in range(0, len(some), BATCH)]
    return [{"Records": [_record(i, one, **more) for i, one in enumerate(group)]} for group in groups]


def _record(index: int, order: orders.Order, **more: object) -> _Event:
    return {"messageId": str(index), "body": _message(order, **more), "eventSource": "aws:sqs"}


def _message(order: orders.Order, **more: object) -> str:
    return json.dumps({"site": order.site, "order": order.number, **more})
