"""Domains of owners' own: wished, looked at, let go. What machines do in between stands in binding.py.

A wish reserves nothing, or strangers would take what is not theirs: the host is the site's once its DNS leads to the
site's own address, which only whoever holds the domain can do. Both are written in one transaction.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.kit import config, errors, log, queue, table, tenant

from . import registry, rules
from .model import SITES, HostRow, SiteRow
from .record import Domain, Site, site_of

QUOTA = "quota"  # why one failed for which there is no room; it is tried again by itself
_TRIES = 3  # against whoever changes another domain of the site meanwhile


class NotOffered(errors.ShopError):
    """This deployment's edge takes no domains of owners' own."""

    status = 409
    code = "no_domains"
    sentence = "Domains of one's own are not to be had here."


class Taken(errors.Conflict):
    """Another site answers at this host."""

    code = "domain_taken"
    sentence = "Another shop answers at this domain."


class TooManyDomains(errors.Conflict):
    """A site has as many as it may."""

    code = "domain_full"
    sentence = "A shop has three domains at most."


def bind(code: str, host: str, *, now: int) -> str:
    """Wish for a domain; the host in its stored form. Doing it again looks once more.

    Raises BadField, NotOffered, Taken, TooManyDomains, Conflict where the site does not stand, NotFound.
    """
    settings = config.load()
    if settings.edge is None:
        raise NotOffered
    host = rules.check_host(host, settings.site_domain.partition(":")[0])
    row = _row(code)
    if host not in (row.bound or {}):
        if row.state not in ("active", "suspended"):
            raise errors.Conflict
        if len(row.bound or {}) >= rules.MOST_DOMAINS:
            raise TooManyDomains(field="domain")
        if holder_of(host) not in ("", code):
            raise Taken(field="domain")
        registry.change(code, *_written(row, host, Domain(host, "dns", now)))
    send(code, host)
    return host


def look(code: str, host: str, *, now: int) -> None:
    """Take a domain's next step now; one that failed begins anew. Raises NotFound."""
    if _known(code, host).state == "failed":
        move(code, host, "dns", expected="failed", now=now)
    send(code, host)


def unbind(code: str, host: str, *, now: int) -> None:
    """Let a domain go: its stack goes, then the host is free. Doing it again changes nothing.

    Raises NotFound, Conflict after some tries.
    """
    for _ in range(_TRIES):
        state = _known(code, host).state
        if state == "going" or move(code, host, "going", expected=state, now=now):
            return send(code, host)
    raise errors.Conflict


def go_on(site: Site, *, now: int) -> None:
    """Take the next step of whatever waits, and of what found no room; a closed site lets its domains go."""
    for one in site.domains:
        if site.state in ("closed", "gone") and one.state != "going":
            unbind(site.site, one.host, now=now)
        elif one.moves:
            send(site.site, one.host)
        elif one.why == QUOTA:
            look(site.site, one.host, now=now)


def send(code: str, host: str, *, delay: int = 0) -> None:
    """Have a domain's next step taken."""
    queue.send("provision", site=code, domain=host, delay=delay)


def holder_of(host: str) -> str:
    """The code of the site that a host leads to; empty for none."""
    row = HostRow.of(tenant.MAIN).read(f"HOST#{host}", ".")
    return row.site if row else ""


def move(code: str, host: str, state: str, *, expected: str, now: int, why: str = "", told: str = "") -> bool:
    """A step of a domain; False when another run took it, or it was let go. Raises Conflict after some tries."""
    if state not in rules.BINDS[expected]:
        raise ValueError(state)
    return _changed(code, host, expected, Domain(host, state, now, why=why, told=told[:300]))


def note_look(code: str, host: str, *, now: int) -> None:
    """Write down that its DNS was asked, in vain."""
    found = site_of(_row(code)).domain(host)
    if found:
        _changed(code, host, "dns", replace(found, looked=now))


def claim(code: str, host: str, *, now: int) -> bool:
    """A domain whose DNS leads here is the site's from now on; False where another site has it, or it was let go.

    Raises Conflict after some tries.
    """
    hosts = HostRow.of(tenant.MAIN)
    free = hosts.site.does_not_exist() | hosts.site.is_in("", code)
    for _ in range(_TRIES):
        row = _row(code)
        found = site_of(row).domain(host)
        if found is None or found.state != "dns" or holder_of(host) not in ("", code):
            return False
        if _together(row, host, Domain(host, "stack", now), [hosts.site.set(code)], free):
            return True
    raise errors.Conflict


def drop(code: str, host: str) -> None:
    """Forget a domain that has gone; its host is free. Raises Conflict after some tries."""
    hosts = HostRow.of(tenant.MAIN)
    for _ in range(_TRIES):
        row = _row(code)
        if host not in (row.bound or {}):
            return
        freed: list[Action] = [hosts.site.set("")] if holder_of(host) == code else []
        if _together(row, host, None, freed, hosts.site == code):
            log.event("tenancy.domain_gone", site=code, host=host)
            return
    raise errors.Conflict


def _together(
    row: SiteRow, host: str, after: Domain | None, host_actions: list[Action], when: Condition
) -> bool:
    """The site's row and its host's, both or neither; False where either has changed meanwhile."""
    actions, as_read = _written(row, host, after)
    sites, hosts = SiteRow.of(tenant.MAIN), HostRow.of(tenant.MAIN)
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.update(sites(SITES, row.sk), actions, condition=as_read)
            if host_actions:
                write.update(hosts(f"HOST#{host}", "."), host_actions, condition=when)
    except table.Refused:
        return False
    finally:
        registry.forget()
    return True


def _changed(code: str, host: str, expected: str, after: Domain) -> bool:
    for _ in range(_TRIES):
        row = _row(code)
        found = site_of(row).domain(host)
        if found is None or found.state != expected:
            return False
        with contextlib.suppress(errors.Conflict):
            registry.change(code, *_written(row, host, after))
            return True
    raise errors.Conflict


def _written(row: SiteRow, host: str, after: Domain | None) -> tuple[list[Action], Condition]:
    """The site's domains with one of them changed or left out, unless anybody changed them meanwhile."""
    before = row.bound or {}
    others = {known: one for known, one in before.items() if known != host}
    changed = {**others, host: _stored(after)} if after else others
    as_read = SiteRow.bound == before if before else SiteRow.bound.does_not_exist()
    return [SiteRow.bound.set(changed) if changed else SiteRow.bound.remove()], as_read


def _stored(one: Domain) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "host" and value}


def _known(code: str, host: str) -> Domain:
    found = site_of(_row(code)).domain(host)
    if found is None:
        raise errors.NotFound
    return found


def _row(code: str) -> SiteRow:
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    if row is None:
        raise errors.NotFound
    return row
