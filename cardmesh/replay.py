"""`cardmesh replay`: a notification that fitted no order, heard again by what hears all of them."""

import getpass
from typing import Annotated, Any

import typer

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, money, queue, tenant
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from . import shown

app = typer.Typer(no_args_is_help=True, help="Payments that fit no order: list them, hear one again.")


@app.command("list")
def list_(*, as_json: shown.AsJson = False) -> None:
    """The payments in suspense, newest first."""
    found = [_line(one) for one in cases.open_ones(kind=payments.SUSPENSE, limit=1000)]
    shown.rows(found, as_json=as_json, none="No payment is in suspense.")


@app.command()
def callback(
    case: Annotated[str, typer.Argument(help="The case of the payment, as `replay list` names it.")],
    by: Annotated[str, typer.Option(help="Who does it; the case keeps the name.")] = "",
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Hear a payment in suspense again: it goes to the order it names if that takes it now."""
    found = cases.case(case)
    shown.one({"why": found.why, **dict(map(_read, found.facts.items()))}, as_json=False)
    shown.say(f"Order: {_state(found.facts.get('out_trade_no', ''))}")
    if shown.agreed("Hear it again?", dry_run=dry_run, yes=yes):
        with tenant.acting_for(tenant.MAIN):
            order = settlement.claim(case, staff=by or getpass.getuser(), now=clock.now())
        shown.say(f"The payment is that of order {order.number}, which is {order.status}.")


@app.command("order")
def order_(
    number: Annotated[str, typer.Argument(help="The order's number.")],
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Have an order's channel asked whether it was paid, as if its notification never came."""
    named = orders.parse_number(number)
    site = tenancy.site(orders.site_of(named)).site
    with tenant.acting_for(site):
        order = orders.order(site, named)
    shown.say(f"{named} is {order.status}; {order.channel or 'no channel'} would be asked by way of TIMER.")
    if shown.agreed("Ask?", dry_run=dry_run, yes=yes):
        queue.send("timer", site=site, order=named)
        shown.say("Asked for. Look again in a moment.")


def _line(case: cases.Case) -> dict[str, Any]:
    facts = case.facts
    return {
        "case": case.case_id,
        "since": shown.when(case.at),
        "channel": facts.get("channel", ""),
        "number there": facts.get("out_trade_no", ""),
        "yuan": money.yuan(int(facts.get("amount_fen", 0))),
        "begun": case.begun,
        "why": case.why,
    }


def _read(fact: tuple[str, str]) -> tuple[str, str]:
    """A fact of a case as people read it: yuan for fen, a moment for seconds."""
    name, text = fact
    if name.endswith("_fen"):
        return name.replace("_fen", ""), f"{money.yuan(int(text))} yuan"
    return name, shown.when(int(text)) if name.endswith("_at") and text.isdecimal() else text


def _state(out_trade_no: str) -> str:
    """How the order stands that a payment names."""
    try:
        number, _ = orders.split_trade_no(out_trade_no)
        site = tenancy.site(orders.site_of(number)).site
        with tenant.acting_for(site):
            return orders.order(site, number).status
    except errors.NotFound:
        return "there is none of that number"
