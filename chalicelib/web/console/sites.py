"""Sub-sites as the main site sees them: open one by a form, watch it come up, suspend it, change its plan."""

from dataclasses import dataclass
from itertools import islice

import msgspec
from chalice.app import Response

from chalicelib.analytics import service as analytics
from chalicelib.kit import clock, config, errors
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, domains, values

face = faces.Face("console_sites", error_page=desk.error_page, enter=desk.enter_staff)

NEW = "new"
PAGE = 50
LONGEST_CODE = 8  # letters


@dataclass(frozen=True)
class Wanted:
    """What of the list is asked for: part of a name or a host, a state, and the code behind which the page begins."""

    q: str
    state: str
    after: str

    def takes(self, site: tenancy.Site) -> bool:
        """Whether a site is one of these."""
        hosts = (site.host, *(one.host for one in site.domains))
        named = (site.brand.name.casefold(), site.site, *hosts)
        return self.state in ("", site.state) and any(self.q in each for each in named)


class NewSite(msgspec.Struct):
    """The form that opens a sub-site."""

    slug: str = ""
    name: str = ""
    tagline: str = ""
    color: str = "#0f766e"
    logo: str = ""
    login: str = ""
    password: str = ""
    plan: str = ""


class Switch(msgspec.Struct):
    """Whether a site sells, "active" or "suspended", and why not."""

    state: str = ""
    words: str = ""


class Choice(msgspec.Struct):
    """The split plan of a site's next orders."""

    plan: str = ""


class LicenceForm(msgspec.Struct):
    """A business licence as it was looked at; no day: valid without end."""

    licence: str = ""
    licence_until: str = ""


class Term(msgspec.Struct):
    """The last day for which a site is admitted; none: for good."""

    term: str = ""


@face.get("/console/sites")
def index(visit: Visit) -> Response:
    """Sub-sites with today's turnover, a page behind the code `after`; `q` and `state` narrow the list."""
    asked = Wanted(
        visit.query.get("q", "").casefold().strip(),
        visit.query.get("state", ""),
        visit.query.get("after", "")[:LONGEST_CODE],
    )
    return _list(visit, asked)


@face.get("/console/sites/{site}")
def one(visit: Visit, site: str) -> Response:
    """One sub-site: its progress while it is made, then what can be changed; under "new" the form."""
    if site == NEW:
        return desk.page(visit, "site_form.html", plans=_plan_names(), domain=config.load().site_domain)
    found, plans, agents = tenancy.site(site, fresh=True), _plan_names(), _agents()
    shown = domains.shown(visit, found)
    return desk.page(visit, "site.html", site=found, plans=plans, agents=agents, **shown)


@face.get("/console/sites/{site}/state")
def state(_visit: Visit, site: str) -> Response:
    """How far a site is, for the page that waits for it."""
    found = tenancy.site(site, fresh=True)
    return faces.answer({"state": found.state, "note": found.note})


@face.post("/console/sites/{site}")
@desk.or_again(one)
def create(visit: Visit, site: str) -> Response:
    """Open a sub-site; its page shows how it comes up."""
    if site != NEW:
        raise errors.NotFound
    opened = _open(visit.fields(NewSite), now=visit.now)
    return desk.done(f"/console/sites/{opened.site}", "site_asked")


@face.post("/console/sites/{site}/switch")
@desk.or_again(one)
def switch(visit: Visit, site: str) -> Response:
    """Suspend a site, or let it sell again."""
    wanted, by = visit.fields(Switch), visit.account.staff.login
    if wanted.state == "suspended":
        tenancy.suspend(site, wanted.words, by=by, now=visit.now)
    elif wanted.state == "active":
        tenancy.resume(site, by=by, now=visit.now)
    else:
        raise errors.Invalid
    return desk.done(f"/console/sites/{site}", f"site_{wanted.state}")


@face.post("/console/sites/{site}/term")
@desk.or_again(one)
def set_term(visit: Visit, site: str) -> Response:
    """Until when the site is admitted."""
    tenancy.set_term(site, values.end_of_day(visit.fields(Term).term, field="term"), now=visit.now)
    return desk.done(f"/console/sites/{site}", "site_term")


@face.post("/console/sites/{site}/retry")
@desk.or_again(one)
def retry(_visit: Visit, site: str) -> Response:
    """Continue a provisioning that failed."""
    tenancy.retry_site(site)
    return desk.done(f"/console/sites/{site}", "site_asked")


@face.post("/console/sites/{site}/plan")
@desk.or_again(one)
def choose_plan(visit: Visit, site: str) -> Response:
    """Change which split plan the site's next orders follow."""
    tenancy.set_plan(site, _fitting(site, visit.fields(Choice).plan))
    return desk.done(f"/console/sites/{site}", "site_plan")


@face.post("/console/sites/{site}/domain")
@desk.or_again(one)
def decide_domain(visit: Visit, site: str) -> Response:
    """Bind a domain of the owner's, have one looked at, let one go."""
    return desk.done(f"/console/sites/{site}", domains.act(visit, site))


@face.post("/console/sites/{site}/licence")
@desk.or_again(one)
def license_site(visit: Visit, site: str) -> Response:
    """Record that the business licence was verified: the site may collect money itself."""
    typed, by = visit.fields(LicenceForm), visit.account.staff.login
    until = values.end_of_day(typed.licence_until, field="licence_until")
    tenancy.license_site(site, typed.licence, by=by, now=visit.now, until=until)
    return desk.done(f"/console/sites/{site}", "licensed")


@face.post("/console/sites/{site}/unlicense")
@desk.or_again(one)
def unlicense(_visit: Visit, site: str) -> Response:
    """Take it back: new orders are paid to the main site again."""
    tenancy.revoke_licence(site)
    return desk.done(f"/console/sites/{site}", "unlicensed")


def _list(visit: Visit, asked: Wanted) -> Response:
    """Reads the registry no further than the page goes, which without a filter is its first rows."""
    found = [*islice(filter(asked.takes, tenancy.each_site(after=asked.after)), PAGE + 1)]
    shown = found[:PAGE]
    return desk.page(
        visit,
        "sites.html",
        sites=shown,
        more=shown[-1].site if len(found) > PAGE else "",
        today=analytics.days(shown, clock.day_of(visit.now), now=visit.now),
        address=config.load().url_of,
        asked=asked,
    )


def _open(asked: NewSite, *, now: int) -> tenancy.Site:
    return tenancy.open_site(
        asked.slug,
        brand=tenancy.Brand(asked.name, asked.tagline, asked.color, asked.logo or asked.name[:1]),
        owner_login=asked.login,
        owner_password=asked.password,
        plan=_known(asked.plan),
        now=now,
    )


def _fitting(site: str, plan: str) -> str:
    """A plan whose share the channels split off what the site's own merchants collect. Raises BadValue, BeyondCap."""
    terms = ledger.plan_in_force(_known(plan))
    payments.check_plan(tenancy.site(site, fresh=True), terms)
    return plan


def _agents() -> list[tuple[str, str]]:
    """The distributors to choose from."""
    found = [(one.agent, one.name) for one in tenancy.agents() if one.state == "active"]
    return [("", "没有合伙人"), *found]


def _known(plan: str) -> str:
    """The name of a plan that exists. Raises BadValue."""
    if plan not in {known.name for known in ledger.plans()}:
        raise values.BadValue("没有这个分账方案，请重新选择。", field="plan")
    return plan


def _plan_names() -> list[tuple[str, str]]:
    """The plans to choose from, each with what it takes: its newest version counts."""
    return [
        (
            p.name,
            f"{p.name}（主站商品 {p.main_bps / 100:g}%，自有商品 {p.own_bps / 100:g}%，{p.release} 到账）",
        )
        for p in ledger.plans_in_force()
    ]
