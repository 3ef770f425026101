"""A site goes from state to state along rules.MOVES: in provisioning, by people, and when its time is over."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

from pynamodb.expressions.update import Action

from chalicelib.kit import errors, log, queue, tenant

from . import registry, rules
from .model import SITES, SiteRow
from .record import Closure, Site, site_of

QUOTA = "quota"  # the note of a site for which the account has no room; it is tried again by itself


class Ended(errors.ShopError):
    """A site whose licence or term is over cannot be opened before it is renewed."""

    status = 409
    code = "ended"
    sentence = "Its licence or its term is over; renew it first."


def move(code: str, state: str, *, expected: Collection[str], note: str = "") -> bool:
    """A step of provisioning; False when another run took it already."""
    actions = [SiteRow.state.set(state), SiteRow.note.set(note[:300])]
    return _moved(code, state, actions, expected)


def retry_site(code: str) -> None:
    """Continue a provisioning that failed. Raises Conflict, NotFound."""
    _go(code, "failed", "asked", SiteRow.note.set(""))
    queue.send("provision", site=code)


def suspend(code: str, words: str, *, by: str, now: int) -> None:
    """Let a site sell nothing for now, and say why. Raises BadField, Conflict where it does not sell, NotFound."""
    words = rules.check_text(words, least=2, most=200, field="words")
    _go(code, "active", "suspended", SiteRow.closure.set(asdict(Closure("staff", words, by, now))))
    log.event("tenancy.suspended", site=code, kind="staff", by=by)


def resume(code: str, *, by: str, now: int) -> None:
    """Let a site sell again. Raises Ended, Conflict where it is not suspended, NotFound."""
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    if row is None:
        raise errors.NotFound
    site = site_of(row)
    if rules.warning(site.end[1], now=now) < 0:
        raise Ended
    _go(code, "suspended", "active", SiteRow.closure.remove())
    log.event("tenancy.resumed", site=code, by=by)


def set_term(code: str, until: int, *, now: int) -> None:
    """Until when a site is admitted; 0: for good. Raises BadField, NotFound."""
    if until and until <= now:
        raise rules.BadField("A term ends in the future.", field="term")
    registry.change(code, [SiteRow.term.set(until)])


def set_tier(code: str, tier: str) -> None:
    """What a site's table may take, from its stack's next update on. Raises BadField, NotFound."""
    if tier not in rules.TIERS:
        raise rules.BadField("There is no such tier.", field="tier")
    registry.change(code, [SiteRow.tier.set(tier)])


def end(site: Site, *, now: int) -> bool:
    """Suspend a site whose licence or term is over; whether this call did."""
    kind, until = site.end
    if site.state != "active" or rules.warning(until, now=now) >= 0:
        return False
    closure = Closure(kind, "", "", now)
    actions = [SiteRow.state.set("suspended"), SiteRow.closure.set(asdict(closure))]
    ended = _moved(site.site, "suspended", actions, ("active",))
    if ended:
        log.event("tenancy.suspended", site=site.site, kind=kind)
    return ended


def _go(code: str, source: str, state: str, *more: Action) -> None:
    registry.change(code, [SiteRow.state.set(state), *more], SiteRow.state == source)


def _moved(code: str, state: str, actions: Sequence[Action], expected: Collection[str]) -> bool:
    allowed = [source for source in expected if state in rules.MOVES[source]]
    try:
        registry.change(code, actions, SiteRow.state.is_in(*allowed))
    except errors.Conflict:
        return False
    return True
