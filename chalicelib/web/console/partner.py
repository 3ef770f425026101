"""A distributor's own desk: what they have, what each order earned them, their shops to share: 合伙人后台.

Statements and withdrawals are those of owners, for another party. Whose desk it is comes from the session alone.
"""

from chalice.app import Response

from chalicelib.kit import clock, config, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import account, desk, statement, values, withdraw

face = faces.Face("console_partner", error_page=desk.error_page, enter=desk.enter_partner)

AT_ONCE = 20  # shops whose day is shown together

face.get("/partner/account")(account.index)
face.get("/partner/account/csv")(account.download)
face.get("/partner/account/pdf")(account.print_out)
face.get("/partner/withdraw")(withdraw.index)
face.post("/partner/withdraw")(withdraw.ask)
face.post("/partner/withdraw/account")(withdraw.account)
face.post("/partner/withdraw/back")(withdraw.take_back)
face.post("/partner/withdraw/daily")(withdraw.daily)
face.post("/partner/withdraw/aside")(withdraw.set_aside)
face.post("/partner/withdraw/deposit")(withdraw.ask_deposit)


@face.get("/partner")
def index(visit: Visit) -> Response:
    """What there is, what this month brought, and the shops to share."""
    from chalicelib.web import qr

    agent: tenancy.Agent = visit.account.agent
    today = clock.day_of(visit.now)
    month = payouts.statement(agent.party, f"{today[:6]}01", today)
    shops = [(shop, _address(shop), shop.agent == agent.agent) for shop in _shops(agent)]
    held = ledger.balances(agent.party)
    return desk.page(visit, "partner.html", agent=agent, held=held, month=month, shops=shops, draw=qr.svg)


@face.get("/partner/orders")
def orders(visit: Visit) -> Response:
    """What each order of a Beijing day earned, at one shop or at all."""
    agent, today = visit.account.agent, clock.day_of(visit.now)
    day = min(values.day(visit.query.get("day", ""), otherwise=today), today)
    shops = _shops(agent)
    chosen = [shop for shop in shops if shop.site == visit.query.get("site")] or shops[:AT_ONCE]
    rows = _earned(chosen, day, agent.party)
    days = values.days_about(day, today)
    return desk.page(
        visit, "partner_orders.html", shops=shops, chosen=chosen, rows=rows, named=statement.named, **days
    )


def _shops(agent: tenancy.Agent) -> list[tenancy.Site]:
    """The shops they brought, then those brought by whom they brought."""
    under = {one.agent for one in tenancy.agents() if one.parent == agent.agent}
    found = [shop for shop in tenancy.sites() if shop.agent == agent.agent or shop.agent in under]
    return sorted(found, key=lambda shop: shop.agent != agent.agent)


def _address(shop: tenancy.Site) -> str:
    return config.load().url_of(shop.host)


def _earned(shops: list[tenancy.Site], day: str, party: str) -> list[tuple[tenancy.Site, settlement.Earned]]:
    """A day's rows of shops, newest first."""
    found = []
    for shop in shops:
        with tenant.acting_for(shop.site):
            found += [(shop, one) for one in settlement.earned(shop.site, day, party)]
    return sorted(found, key=lambda row: (row[1].at, row[1].number), reverse=True)
