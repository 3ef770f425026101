"""Channels: the merchants money is collected with, their settings with write-only secrets, and a button to try them.

Main's staff see all merchants and change main's; the owner of a licensed site sees and changes the site's own.
"""

from typing import Any

from chalice.app import Response

from chalicelib.kit import clock, errors, queue, tenant
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

PLACE = "/console/channels"
NEW = "new"


def enter(visit: Visit) -> None:
    """Let staff in, and owners whose site may collect money itself. Raises NotFound for others."""
    desk.enter(visit)
    if visit.site is not None and visit.site.licence is None:
        raise errors.NotFound


face = faces.Face("console_channels", error_page=desk.error_page, enter=enter)


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """The merchants, which of them are in use, and how their last trial went."""
    scope = visit.account.scope
    return desk.page(
        visit,
        "channels.html",
        merchants=[one for one in payments.all_merchants() if scope in (tenant.MAIN, one.owner)],
        current=_current(scope),
        reports=payments.reports(),
        channels=_offered(scope),
    )


@face.get("/console/channels/{channel}/{merchant}")
def one(visit: Visit, channel: str, merchant: str) -> Response:
    """A merchant's settings and its trial; under "new" the empty form."""
    scope = visit.account.scope
    found = _asked(scope, channel, merchant)
    return desk.page(
        visit,
        "channel.html",
        channel=channel,
        merchant=found,
        since=_since(visit),
        **_form(scope, channel, found),
    )


@face.get("/console/channels/{channel}/{merchant}/state")
def state(visit: Visit, channel: str, merchant: str) -> Response:
    """Whether the trial that was asked for has ended, for the page that waits for it."""
    _seen(visit.account.scope, channel, merchant)
    found = payments.last_report(channel, merchant)
    return faces.answer({"state": "done" if found and found.at >= _since(visit) else "trying"})


@face.post("/console/channels/{channel}/{merchant}")
@desk.or_again(one)
def save(visit: Visit, channel: str, merchant: str) -> Response:
    """Keep the settings and collect with them from now on."""
    scope = visit.account.scope
    if merchant != NEW and _seen(scope, channel, merchant).owner != scope:
        raise errors.NotFound
    if channel not in _offered(scope):
        raise errors.NotFound
    typed = {name: text for name, text in visit.form.items() if name != "form_token"}
    kept = payments.save(channel, typed, owner=scope)
    return desk.done(f"{PLACE}/{channel}/{kept}", "channel")


@face.post("/console/channels/{channel}/{merchant}/probe")
def probe(visit: Visit, channel: str, merchant: str) -> Response:
    """Have the settings tried by a function that may read the secrets; this one may not."""
    _seen(visit.account.scope, channel, merchant)
    queue.send("refund", site=tenant.MAIN, probe=True, channel=channel, merchant=merchant)
    return faces.go(f"{PLACE}/{channel}/{merchant}?since={visit.now}")


def _asked(scope: str, channel: str, merchant: str) -> payments.Merchant | None:
    """A merchant that this console shows, or none yet. Raises NotFound."""
    if merchant != NEW:
        return _seen(scope, channel, merchant)
    if channel not in _offered(scope):
        raise errors.NotFound
    return None


def _form(scope: str, channel: str, found: payments.Merchant | None) -> dict[str, Any]:
    """What the page shows of a merchant, or of none yet."""
    shown: dict[str, Any] = {
        "mine": found is None or found.owner == scope,
        "fields": payments.FIELDS[channel],
        "typed": payments.shown(channel, found.settings if found else {}),
        "steps": payments.STEPS,
    }
    if found:
        shown["report"] = payments.last_report(channel, found.merchant)
        shown["notify_url"] = payments.notify_url(channel, found.merchant)
    return shown


def _seen(scope: str, channel: str, merchant: str) -> payments.Merchant:
    """A merchant that this console shows. Raises NotFound."""
    found = payments.known_merchant(channel, merchant)
    if scope not in (tenant.MAIN, found.owner):
        raise errors.NotFound
    return found


def _offered(scope: str) -> list[str]:
    """The channels to set up: a site needs one that splits."""
    return [name for name in payments.FIELDS if scope == tenant.MAIN or name in payments.SPLITTING]


def _current(scope: str) -> set[tuple[str, str]]:
    """Channel and merchant of what new orders are paid to."""
    if scope == tenant.MAIN:
        own = {(name, payments.in_use(name)) for name in payments.FIELDS}
        return own | {pair for site in tenancy.sites() for pair in site.merchants.items()}
    return set(tenancy.site(scope, fresh=True).merchants.items())


def _since(visit: Visit) -> int:
    """The second in which a trial was asked for; 0 once that is long ago."""
    asked = visit.query.get("since", "")
    at = int(asked) if asked.isdecimal() and len(asked) < 12 else 0
    return at if visit.now - at < clock.DAY else 0
