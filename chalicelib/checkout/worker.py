"""Queue TIMER and the schedules that watch over orders."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, Rate, SQSEvent

from chalicelib.kit import clock, queue, tenant, worker
from chalicelib.orders import service as orders
from chalicelib.stock import service as stock
from chalicelib.wallet import service as wallet

from . import service

blueprint = Blueprint(__name__)


@blueprint.on_sqs_message(
    queue_arn="placeholder-timer",
    name="drive_orders",
    batch_size=10,
    maximum_batching_window_in_seconds=2,
)
def drive_orders(event: SQSEvent) -> dict[str, Any]:
    """Drive each named order on; list the new ones for the main site, a row per batch."""
    seen: list[str] = []
    now = clock.now()
    answer = worker.each_message(event.to_dict(), lambda message: _drive(message, seen, now))
    orders.add_to_feed(seen, now=now)
    return answer


@blueprint.schedule(Rate(15, unit=Rate.MINUTES), name="walk_sites")
def walk_sites(_event: CloudWatchEvent) -> dict[str, int]:
    """Have every site walked for orders whose message was lost."""
    return {"sites": service.walk_all(now=clock.now())}


@blueprint.schedule(Cron("30", "19", "*", "*", "?", "*"), name="audit_pools")
def audit_pools(_event: CloudWatchEvent) -> dict[str, int]:
    """At 03:30 in Beijing, have all pools held against the orders."""
    return {"owners": service.audit_all()}


def _drive(message: worker.Message, seen: list[str], now: int) -> None:
    if message.get("walk"):
        service.walk(message["site"], now=now, whole=message["walk"] is True)
    elif message.get("audit"):
        _audit(message, now)
    elif message.get("fold"):
        while stock.fold(message["owner"], message["fold"], now=now):
            continue
    elif message.get("named"):
        wallet.show_name(message["site"], message["named"], now=now)
    elif message.get("watched"):
        service.look_after(message["site"], message["order"], now=now)
    else:
        _look(message, seen, now)


def _audit(message: worker.Message, now: int) -> None:
    owner = message["site"]
    service.audit(owner, now=now, begun=message.get("begun"))
    if owner != tenant.MAIN:
        service.check_wallets(owner, now=now)
        wallet.show_names(owner, now=now)


def _look(message: worker.Message, seen: list[str], now: int) -> None:
    site, number, first = message["site"], message["order"], bool(message.get("first"))
    known = service.drive(site, number, now=now, first=first)
    if known and first:
        seen.append(number)
    elif first and not message.get("again"):
        # Whoever is to put the order may be slow; no function lives longer than a message may be delayed.
        queue.send("timer", site=site, order=number, first=True, again=True, delay=queue.LONGEST_DELAY)
