"""The shop on the embedded cloud, from checkout to settlement."""

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import worker as fulfilment_worker
from chalicelib.kit import clock, config, log, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.settlement import worker as settlement_worker
from chalicelib.stock import service as stock
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy
from localcloud import stack
from localcloud.place import ROOT, Place

_CHANNEL = "wechat"
_PLAN = ledger.Plan("standard", 0, main_bps=2000, own_bps=2000)


def opened(place: Place, *, codes: int) -> Callable[[int], float]:
    """A shop with so many codes; how to buy one. Changes this process's environment."""
    os.environ.update(_settings(stack.deploy(place)))
    config.load.cache_clear()
    log.logger.setLevel("CRITICAL")
    with tenant.acting_for(tenant.MAIN):
        goods_id = _goods(codes)
        site = tenancy.open_site(
            "bench",
            brand=tenancy.Brand(name="Bench"),
            owner_login="bench-owner",
            owner_password="correct horse",  # noqa: S106
            plan=_PLAN.name,
            now=clock.now(),
        ).site
    _provision(site)
    return partial(_buy, site, goods_id)


def _settings(outputs: Mapping[str, str]) -> dict[str, str]:
    return {
        **{f"QUEUE_{name.upper()}": outputs[f"Queue{name.capitalize()}"] for name in config.QUEUES},
        "KEY_ID": outputs["KeyId"],
        "TENANT_ROLE": outputs["TenantRoleArn"],
        "SUBSITE_TEMPLATE": (ROOT / "infra/subsite.yaml").read_text(),
        "SITE_DOMAIN": "bench.test",
        "HASH_MEMORY_KIB": "64",
        "HASH_PASSES": "1",
        "HOLDS_PER_CONTACT": "1000000",
        "HOLDS_PER_ADDRESS": "1000000",
    }


def _goods(codes: int) -> str:
    """Everything the main site needs before it can sell."""
    now = clock.now()
    vault.make_key(tenant.MAIN)
    ledger.put_plan(_PLAN, now=now)
    payments.put_channel(_CHANNEL, _MERCHANT)
    draft = catalog.GoodsDraft(
        "Code", "cards", wholesale_fen=4000, floor_fen=4500, suggest_fen=4950, notes=""
    )
    goods_id = catalog.put_goods(tenant.MAIN, draft).goods_id
    text = "\n".join(f"CODE-{i:06}" for i in range(codes))
    stock.import_codes(tenant.MAIN, goods_id, text, note="bench", now=now)
    return goods_id


_MERCHANT = {
    "mchid": "1900000001",
    "appid": "bench",
    "serial": "0",
    "private_key_pem": "a key that nothing is signed with",
    "api_v3_key": "a key that nothing is sealed with",
    "platform_keys": {},
}


def _provision(site: str) -> None:
    with tenant.acting_for(site):
        while tenancy.site(site, fresh=True).state != "active":
            provisioning.advance(site, now=clock.now())
            time.sleep(0.1)
        catalog.publish(site, now=clock.now())


def _buy(site: str, goods_id: str, number: int) -> float:
    """One purchase from end to end; the seconds from callback to code. Raises RuntimeError where there is none."""
    now = clock.now()
    key = str(UUID(int=(now * 1000) << 80 | 7 << 76 | 2 << 62 | number))
    ask = checkout.Ask(goods_id, 1, "a@example.com", "open sesame", _CHANNEL, key, now, waiver=catalog.WAIVER)
    with tenant.acting_for(site):
        order = checkout.place(site, ask, member=None, address="192.0.2.1", device="pc", now=now).order
    event = _event(site, order.number)
    began = time.perf_counter()
    checkout.accept_payment(_payment(order, now), now=now)
    delivered = fulfilment_worker.deliver_orders(event, None)
    seconds = time.perf_counter() - began
    settled = settlement_worker.settle_orders(event, None)
    if delivered["batchItemFailures"] or settled["batchItemFailures"]:
        raise RuntimeError(f"order {order.number} was not delivered")
    return seconds


def _payment(order: orders.Order, now: int) -> gateways.Payment:
    attempt = order.attempts[0]
    trade = attempt.out_trade_no(order.number)
    return gateways.Payment(
        _CHANNEL, attempt.merchant, "bench", trade, f"42{trade}", order.amount_fen, "CNY", now, trade
    )


def _event(site: str, number: str) -> dict[str, Any]:
    body = json.dumps({"site": site, "order": number})
    return {"Records": [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}]}
