"""A site goes from state to state along rules.MOVES: in provisioning, by people, and when its time is over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.kit import cells, errors, log, queue, table, tenant

from . import cells as rooms
from . import registry, rules
from .model import SITES, SiteRow
from .record import Closure, Leaving, Site, site_of

QUOTA = "quota"  # the note of a site for which the account has no room; it is tried again by itself
TAKEN = "taken"  # of one whose table stands already, left by an attempt that broke: a person looks into it


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
    if rules.warning(site_of(_row(code)).end[1], now=now) < 0:
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


def leave(code: str, *, by: str, now: int) -> None:
    """Begin to leave: nothing is sold from now on, and shoppers are told. Raises Conflict, NotFound."""
    told = asdict(Leaving(by, now, now + rules.NOTICE))
    actions = [SiteRow.state.set("leaving"), SiteRow.leaving.set(told)]
    registry.change(code, actions, SiteRow.state.is_in("active", "suspended"))
    log.event("tenancy.leaving", site=code, by=by)


def stay(code: str, *, by: str, now: int) -> None:
    """Stay after all: the site is as it was before. Raises Ended, Conflict where it does not leave, NotFound."""
    found = site_of(_row(code))
    if not found.closure and rules.warning(found.end[1], now=now) < 0:
        raise Ended
    _go(code, "leaving", "suspended" if found.closure else "active", SiteRow.leaving.remove())
    log.event("tenancy.stays", site=code, by=by)


def close(site: Site, *, now: int) -> None:
    """Shut the doors of a site that leaves. Raises Conflict."""
    _note(site, "leaving", "closed", closed_at=now)
    log.event("tenancy.closed", site=site.site)


def record(site: Site, **facts: object) -> None:
    """Note what was done of a closed site's leaving; each fact of record.Leaving once. Raises Conflict."""
    _note(site, "closed", "closed", **facts)


def bury(site: Site, *, by: str, now: int) -> None:
    """Nothing is left of a closed site but its row, which is the proof; its place is another's. Raises Conflict."""
    rows = SiteRow.of(tenant.MAIN)
    actions, as_read = _noted(site, "closed", "gone", {"deleted_at": now, "deleted_by": by})
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.update(rows(SITES, site.site), actions, condition=as_read)
            if cells.several():
                rooms.give(write, site.cell)
    except table.Refused:
        raise errors.Conflict from None
    registry.forget()
    log.event("tenancy.gone", site=site.site, by=by)


def _note(site: Site, source: str, state: str, **facts: object) -> None:
    registry.change(site.site, *_noted(site, source, state, facts))


def _noted(
    site: Site, source: str, state: str, facts: Mapping[str, object]
) -> tuple[list[Action], Condition]:
    """Write down more of how a site leaves, unless somebody wrote meanwhile."""
    before = _row(site.site).leaving
    as_read = (SiteRow.state == source) & (SiteRow.leaving == before)
    return [SiteRow.state.set(state), SiteRow.leaving.set({**(before or {}), **facts})], as_read


def _row(code: str) -> SiteRow:
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    if row is None:
        raise errors.NotFound
    return row


def _go(code: str, source: str, state: str, *more: Action) -> None:
    registry.change(code, [SiteRow.state.set(state), *more], SiteRow.state == source)


def _moved(code: str, state: str, actions: Sequence[Action], expected: Collection[str]) -> bool:
    allowed = [source for source in expected if state in rules.MOVES[source]]
    try:
        registry.change(code, actions, SiteRow.state.is_in(*allowed))
    except errors.Conflict:
        return False
    return True
