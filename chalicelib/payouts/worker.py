"""Queue PAYOUT, which alone talks to the bank, and the hourly look for what is due."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, SQSEvent

from chalicelib.kit import clock, worker
from chalicelib.tenancy import service as tenancy

from . import service

blueprint = Blueprint(__name__)
DAILY = 3  # Beijing's hour in which those who want it are paid, after the closing of yesterday


@blueprint.on_sqs_message(queue_arn="placeholder-payout", name="pay_out", batch_size=1)
def pay_out(event: SQSEvent) -> dict[str, Any]:
    """Take the named payout one step further, or ask for a party's daily one."""
    return worker.each_message(event.to_dict(), _pay)


@blueprint.schedule(Cron("45", "*", "*", "*", "?", "*"), name="plan_payouts")
def plan_payouts(_event: CloudWatchEvent) -> dict[str, int]:
    """Have everything looked at that is due; once a day, have those paid who want that."""
    now = clock.now()
    due = service.send_due(now=now)
    if clock.beijing(now).hour != DAILY:
        return {"due": due}
    return {"due": due, "daily": service.ask_daily([site.site for site in tenancy.sites()])}


def _pay(message: worker.Message) -> None:
    if message.get("daily"):
        service.request_daily(message["party"], now=clock.now())
    else:
        service.drive(message["party"], message["payout"], now=clock.now())
