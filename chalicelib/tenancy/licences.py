"""Which sites may collect money themselves: their business licence was looked at by staff of the main site.

Regulations on Non-bank Payment Institutions (2024), articles 2 and 22: the proceeds of a sale are collected under
the seller's own merchant number by a licensed channel, or by the main site as the seller; nobody pools them.
"""

from dataclasses import asdict, dataclass

from chalicelib.kit import errors, tenant

from . import registry, rules
from .model import SITES, SiteRow


class Unlicensed(errors.ShopError):
    """The site's licence was not verified."""

    status = 409
    code = "unlicensed"
    sentence = "A site collects money itself only once its business licence was verified."


@dataclass(frozen=True)
class Licence:
    """A verified business licence."""

    number: str  # unified social credit code, GB 32100
    by: str  # who looked at it
    at: int
    until: int = 0  # the second from which it is no longer valid; 0: without end


def license_site(code: str, number: str, *, by: str, now: int, until: int = 0) -> None:
    """Record that a site's licence was verified, until when it is valid. Raises BadField, NotFound."""
    found = Licence(rules.check_credit_code(number), by, now, rules.check_until(until, now=now))
    registry.change(code, [SiteRow.licence.set(asdict(found))])


def revoke_licence(code: str) -> None:
    """Let new orders be paid to the main site again; what is under way ends where it began. Raises NotFound."""
    registry.change(code, [SiteRow.licence.remove()])


def set_merchant(code: str, channel: str, merchant: str) -> None:
    """Let a licensed site's new orders be paid to its own merchant.

    Raises Unlicensed, Conflict where somebody else changed the site's merchants meanwhile, NotFound.
    """
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    if row is None:
        raise errors.NotFound
    if not row.licence:
        raise Unlicensed
    as_read = SiteRow.merchants == row.merchants
    if not row.merchants:
        as_read = as_read | SiteRow.merchants.does_not_exist()
    wanted = SiteRow.merchants.set({**row.merchants, channel: merchant})
    registry.change(code, [wanted], SiteRow.licence.exists() & as_read)
