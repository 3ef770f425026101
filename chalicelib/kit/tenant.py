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

from . import aws, clock, config

MAIN = "main"
_MARGIN = 300  # seconds before their end at which credentials are renewed

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
    site = _acting.get()
    if not site:
        raise ForeignSite("nobody has said for which site this acts")
    return site


def check(owner: str) -> None:
    """Raise ForeignSite unless the owner is the main site or the site acted for."""
    if owner != MAIN and acting() != owner:
        raise ForeignSite(f"acting for {acting()}, not for {owner}")


class SiteCredentials(Credentials):
    """Resolves, at the moment of signing, to the credentials of the site acted for."""

    def __init__(self) -> None:
        super().__init__("per-site", "per-site")
        self._by_site: dict[str, tuple[ReadOnlyCredentials, int]] = {}
        self._lock = threading.Lock()

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Credentials of the site acted for, from the cache or from STS."""
        site = acting()
        now = clock.now()
        known = self._by_site.get(site)
        if known and known[1] - _MARGIN > now:
            return known[0]
        with self._lock:
            known = self._by_site[site] = _assume(site)
        return known[0]


def _assume(site: str) -> tuple[ReadOnlyCredentials, int]:
    granted = aws.client("sts").assume_role(
        RoleArn=config.load().tenant_role,
        RoleSessionName=f"site-{site}",
        Tags=[{"Key": "site", "Value": site}],
        DurationSeconds=3600,
    )["Credentials"]
    keys = ReadOnlyCredentials(
        granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"], None
    )
    return keys, int(granted["Expiration"].timestamp())


_clients: dict[str, Any] = {}


def client(service: str) -> Any:
    """A shared client that signs as the site acted for."""
    if service not in _clients:
        own_role = not config.load().tenant_role
        _clients[service] = aws.client(service) if own_role else aws.client_as(service, SiteCredentials())
    return _clients[service]
