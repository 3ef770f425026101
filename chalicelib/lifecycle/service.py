"""Admission once the deposit is in the books, and the hourly look after every site."""

from collections import Counter

from chalicelib.cases import service as cases
from chalicelib.kit import log, queue
from chalicelib.ledger import service as ledger
from chalicelib.tenancy import service as tenancy

from . import leaving
from .exports import BOM, DAILY, WHAT, TooMuch, pack, table
from .leaving import Matter, TooEarly, delete, matters

__all__ = [
    "BOM",
    "DAILY",
    "WHAT",
    "Matter",
    "TooEarly",
    "TooMuch",
    "admit",
    "delete",
    "matters",
    "pack",
    "paid_for",
    "table",
    "tend",
    "tend_all",
]

URGENT = 7  # days before an end from which main's staff is asked to speak to the owner
_ENDING = {"licence": "营业执照", "term": "入驻期限"}


def admit(number: str, *, by: str, now: int) -> tenancy.Application:
    """Have the site of an application made, once its deposit came in.

    Raises SamePerson, DepositMissing, BadField where the licence expired, Conflict, NotFound.
    """
    return tenancy.confirm(number, paid=paid_for(tenancy.application(number)), by=by, now=now)


def paid_for(application: tenancy.Application) -> int:
    """The deposit in fen that came in for an application."""
    return ledger.balances(application.site).deposit if application.site else 0


def tend_all(*, now: int) -> dict[str, int]:
    """Look after every site; how many, and for how many that failed. Whoever is spared is looked after next time."""
    went = Counter(_tended(site, now) for site in tenancy.each_site(fresh=True))
    return {"sites": went.total(), "failed": went[False]}


def tend(site: tenancy.Site, *, now: int) -> None:
    """Go on where a message was lost or the account was full; close what has ended, and warn of what will."""
    tenancy.go_on(site, now=now)
    if site.moving:
        queue.send("provision", site=site.site, move=True)
    elif site.state in ("asked", "creating"):
        queue.send("provision", site=site.site)
    elif site.state == "failed" and site.note == tenancy.QUOTA:
        tenancy.retry_site(site.site)
    elif site.state in ("leaving", "closed"):
        leaving.go_on(site, now=now)
    elif site.state == "active" and not tenancy.end(site, now=now):
        _warn(site, now)


def _tended(site: tenancy.Site, now: int) -> bool:
    try:
        tend(site, now=now)
    except Exception:  # noqa: BLE001  one site's trouble is not another's
        log.crash("lifecycle.failed", site=site.site)
        return False
    return True


def _warn(site: tenancy.Site, now: int) -> None:
    kind, until = site.end
    if not 0 < tenancy.warning(until, now=now) <= URGENT:
        return
    what = _ENDING[kind]
    cases.open(
        "ending",
        f"{site.site}#{kind}#{until}",
        why=f"「{site.brand.name}」的{what}即将到期，到期自动停业",
        facts={"site": site.site, "ends_at": str(until)},
        action=f"联系站长换新{what}，核对后在分站页面登记新的有效期。",
        now=now,
    )
