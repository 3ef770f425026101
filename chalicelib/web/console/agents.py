"""Distributors: who brought which sub-site, at most two levels deep, and what they may earn from."""

import msgspec
from chalice.app import Response

from chalicelib.kit import config
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_agents", error_page=desk.error_page, enter=desk.enter_staff)

PLACE = "/console/agents"


class NewAgent(msgspec.Struct):
    """The form that registers a distributor; `contacts` one a line. `key` makes two posts one."""

    name: str = ""
    contacts: str = ""
    parent: str = ""
    key: str = ""


class Switch(msgspec.Struct):
    """Whether a distributor earns: "active" or "stopped"."""

    state: str = ""


class Brought(msgspec.Struct):
    """Who brought a site; empty for nobody."""

    agent: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """All distributors with the sites they brought, and the form for one more."""
    return _index(visit)


@face.post(PLACE)
@desk.or_again(index)
def add(visit: Visit) -> Response:
    """Register a distributor."""
    typed = visit.fields(NewAgent)
    contacts = [orders.contact(line) for line in typed.contacts.split()]
    key = f"{typed.key}|{typed.name}|{typed.parent}"
    made = tenancy.add_agent(typed.name, contacts, parent=typed.parent, key=key, now=visit.now)
    return desk.done(f"/console/receivers/dist:{made.agent}", "agent")


@face.post("/console/agents/{agent}/switch")
def switch(visit: Visit, agent: str) -> Response:
    """Stop a distributor, or let them earn again."""
    wanted = visit.fields(Switch).state
    tenancy.switch_agent(agent, wanted)
    return desk.done(PLACE, f"agent_{wanted}")


@face.post("/console/agents/{agent}/invite")
def invite(visit: Visit, agent: str) -> Response:
    """Make a link by which a distributor chooses a login; it is shown this once."""
    secret = tenancy.invite(agent, now=visit.now)
    settings = config.load()
    link = settings.url_of(settings.main_host, f"/partner/join?invite={secret}")
    return _index(visit, link=link, invited=tenancy.agent(agent))


@face.post("/console/agents/{agent}/shut")
def shut_out(_visit: Visit, agent: str) -> Response:
    """End a distributor's login and sessions."""
    tenancy.shut_out(agent)
    return desk.done(PLACE, "agent_shut")


@face.post("/console/sites/{site}/agent")
def bring(visit: Visit, site: str) -> Response:
    """Say who brought a site; its next orders keep that."""
    tenancy.bring(site, visit.fields(Brought).agent)
    return desk.done(f"/console/sites/{site}", "brought")


def _index(visit: Visit, *, link: str = "", invited: tenancy.Agent | None = None) -> Response:
    found = tenancy.agents()
    return desk.page(
        visit,
        "agents.html",
        agents=found,
        names={one.agent: one.name for one in found},
        brought=_brought(),
        parents=[("", "没有上级"), *((one.agent, one.name) for one in found if not one.parent)],
        key=visit.now,
        link=link,
        invited=invited,
    )


def _brought() -> dict[str, list[tenancy.Site]]:
    """Sites by the distributor who brought them."""
    found: dict[str, list[tenancy.Site]] = {}
    for site in tenancy.sites():
        found.setdefault(site.agent, []).append(site)
    return found
