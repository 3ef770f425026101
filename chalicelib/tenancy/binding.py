"""A domain of an owner's comes to answer: its DNS leads here → stack → certificate → live; or it goes.

Every step reads the state it starts from and may be killed and repeated: CreateStack is asked for under the domain's
own name, and each state is written under the condition that nobody moved on or let go. A step that has to wait for
somebody else sends itself a message for an hour; after that the hourly look goes on.
"""

from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from chalicelib.kit import clock, log

from . import domains, edge, rules, service, stacks
from .record import Domain

_BY_MESSAGES = 3600  # seconds for which a step that waits looks again by itself
WAITS_FOR_DNS = 14 * clock.DAY
WAITS_FOR_CERTIFICATE = 3 * clock.DAY  # after which CloudFront's request has run out
_GOES = clock.DAY  # by then a person looks why it does not

Step = Callable[[str, Domain, int], None]


def advance(code: str, host: str, *, now: int) -> None:
    """Take the next step of a site's domain."""
    site = service.site(code, fresh=True)
    one = site.domain(host)
    if one is None or one.state not in _STEPS:
        return
    try:
        _STEPS[one.state](code, one, now)
    except ClientError as error:
        if error.response["Error"]["Code"] not in stacks.TOO_FAST:
            raise
        _again(code, one, now)


def _ask_dns(code: str, one: Domain, now: int) -> None:
    if edge.leads_to(one.host, service.site(code).host):
        if domains.claim(code, one.host, now=now):
            domains.send(code, one.host)
        elif domains.holder_of(one.host) not in ("", code):
            _fail(code, one, "taken", now=now)
    elif now - one.since >= WAITS_FOR_DNS:
        _fail(code, one, "dns", now=now)
    else:
        domains.note_look(code, one.host, now=now)


def _deploy(code: str, one: Domain, now: int) -> None:
    status = edge.status(code, one.host) or edge.create(code, one.host)
    if status == service.QUOTA:
        _fail(code, one, status, now=now)
    elif status in stacks.DONE:
        domains.move(code, one.host, "certificate", expected="stack", now=now)
        domains.send(code, one.host)
    elif status in stacks.FAILED:
        told = edge.reason(code, one.host)
        edge.delete(code, one.host)
        _fail(code, one, rules.why_failed(told), now=now, told=told)
    else:
        _again(code, one, now)


def _see_certificate(code: str, one: Domain, now: int) -> None:
    if edge.serves(one.host):
        if domains.move(code, one.host, "live", expected="certificate", now=now):
            log.event("tenancy.domain_live", site=code, host=one.host)
    elif now - one.since >= WAITS_FOR_CERTIFICATE:
        edge.delete(code, one.host)
        _fail(code, one, "certificate", now=now)
    else:
        _again(code, one, now)


def _go(code: str, one: Domain, now: int) -> None:
    status = edge.status(code, one.host)
    if not status:
        domains.drop(code, one.host)
        return
    if status != "DELETE_IN_PROGRESS":
        edge.delete(code, one.host)
    if now - one.since >= _GOES:
        log.alarm("tenancy.domain_stays", site=code, host=one.host, status=status)
    _again(code, one, now)


def _fail(code: str, one: Domain, why: str, *, now: int, told: str = "") -> None:
    if domains.move(code, one.host, "failed", expected=one.state, now=now, why=why, told=told):
        log.event("tenancy.domain_failed", site=code, host=one.host, why=why)


def _again(code: str, one: Domain, now: int) -> None:
    waited = now - one.since
    if waited < _BY_MESSAGES:
        domains.send(code, one.host, delay=rules.look_again(code, waited))


_STEPS: Mapping[str, Step] = {
    "dns": _ask_dns,
    "stack": _deploy,
    "certificate": _see_certificate,
    "going": _go,
}
