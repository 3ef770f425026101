"""Queue PAYOUT, which alone talks to the bank, and the hourly look for what is due."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, SQSEvent

from chalicelib.kit import clock, queue, tenant, worker
from chalicelib.tenancy import service as tenancy

from . import service

blueprint = Blueprint(__name__)
DAILY = 3  # Beijing's hour in which those who want it are paid, after the closing of yesterday


@blueprint.on_sqs_message(queue_arn="placeholder-payout", name="pay_out", batch_size=1)
def pay_out(event: SQSEvent) -> dict[str, Any]:
    """Take the named payout one step further, ask for a party's daily one, or look for late deposits."""
    return worker.each_message(event.to_dict(), _pay)


@blueprint.schedule(Cron("45", "*", "*", "*", "?", "*"), name="plan_payouts")
def plan_payouts(_event: CloudWatchEvent) -> dict[str, int]:
    """Have everything looked at that is due, and deposits that are late; once a day, have those paid who want that."""
    now = clock.now()
    due = service.send_due(now=now)
    queue.send("payout", site=tenant.MAIN, deposits=True)
    if clock.beijing(now).hour != DAILY:
        return {"due": due}
    parties = [site.site for site in tenancy.each_site()] + [agent.party for agent in tenancy.agents()]
    return {"due": due, "daily": service.ask_daily(parties)}


def _pay(message: worker.Message) -> None:
    if message.get("deposits"):
        service.look_for_late_deposits(now=clock.now())
    elif message.get("daily"):
        service.request_daily(message["party"], now=clock.now())
    else:
        service.drive(message["party"], message["payout"], now=clock.now())
