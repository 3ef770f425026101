"""Whose data this request may touch.

The verified host, session or message names the site once, at the edge (`acting_for`); every call to a site's
table is then signed with credentials that the tenant role grants for that site alone (ABAC: the session tag
`site` must be part of the table's name, see policies/tenant.json). Code that reaches for another site's table is
refused here, and by IAM should it ever get past here.
"""

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials

from . import aws, cells, clock, config

MAIN = "main"
_MARGIN = cells.MARGIN

_acting: ContextVar[str] = ContextVar("acting", default="")


class ForeignSite(RuntimeError):
    """A programming error: a site's data was asked for while acting for another site, or for none."""


@contextlib.contextmanager
def acting_for(site: str) -> Iterator[None]:
    """Act for one site until the block ends."""
    before = _acting.set(site)
    try:
        yield
    finally:
        _acting.reset(before)


def acting() -> str:
    """The site acted for. Raises ForeignSite when there is none."""
    site = named()
    if not site:
        raise ForeignSite("nobody has said for which site this acts")
    return site


def named() -> str:
    """The site acted for, empty where there is none."""
    return _acting.get()


def check(owner: str) -> None:
    """Raise ForeignSite unless the owner is the main site or the site acted for."""
    if owner != MAIN and acting() != owner:
        raise ForeignSite(f"acting for {acting()}, not for {owner}")


class SiteCredentials(Credentials):
    """Resolves, at the moment of signing, to the credentials of the site acted for, in the account of its cell.

    `at_home` is for what every site has in the deployment's own account: its data key. Where no role is named, as for
    people at a shell, one's own identity counts.
    """

    def __init__(self, *, at_home: bool = False) -> None:
        super().__init__("per-site", "per-site")
        self._at_home = at_home
        self._by_site: dict[str, tuple[ReadOnlyCredentials, int, str]] = {}
        self._lock = threading.Lock()

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Credentials of the site acted for, from the cache or from STS."""
        site = acting()
        role = config.load().tenant_role if self._at_home else cells.role_of(site)
        now = clock.now()
        known = self._by_site.get(site)
        if known and known[1] - _MARGIN > now and known[2] == role:
            return known[0]
        if not role:
            return aws.own_credentials()
        with self._lock:
            known = self._by_site[site] = (*cells.assume(role, f"site-{site}", site=site), role)
        return known[0]


_clients: dict[str, Any] = {}


def client(service: str) -> Any:
    """A shared client that signs as the site acted for."""
    if service not in _clients:
        _clients[service] = _made(service)
    return _clients[service]


def _made(service: str) -> Any:
    if not config.load().tenant_role and not cells.several():
        return aws.client(service)
    made = aws.client_as(service, SiteCredentials(at_home=service != "dynamodb"))
    if service == "dynamodb":
        cells.refuse_writes(acting, made)
    return made
