"""The registry: which site answers at a host, how it looks, whether it sells.

Reads are cached for a few seconds per function instance, since every request starts with one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict

from chalicelib.kit import config, errors, queue, table, tenant

from . import registry
from .agents import Agent, add_agent, agent, agents, bring, switch_agent
from .applications import (
    Application,
    Contact,
    DepositMissing,
    Form,
    SamePerson,
    application,
    applications,
    confirm,
    contact_of,
    file,
    followed,
    propose,
    refuse,
)
from .domains import NotOffered, Taken, TooManyDomains, bind, go_on, look, unbind
from .licences import Licence, Unlicensed, license_site, revoke_licence, set_merchant
from .model import SITES, HostRow, SiteRow
from .partners import SCOPE as PARTNERS
from .partners import InvitationOver, invite, invited, join, partner_of, shut_out
from .record import Closure, Domain, Leaving, Site, host_of, site_of
from .removal import remove, table_of
from .rules import (
    AGREEMENT,
    BLOCKS,
    CHANNELS,
    CLOSES_AFTER,
    KEPT,
    NOTICE,
    OVER,
    STEPS,
    TIERS,
    UNBORN,
    BadField,
    Brand,
    check_brand,
    check_slug,
    code_of,
    warning,
)
from .staff import (
    BadLogin,
    Forbidden,
    Staff,
    WrongLogin,
    check_form,
    check_login,
    enlist,
    form_token,
    sign_in,
    sign_out,
    staff_of,
)
from .states import (
    QUOTA,
    TAKEN,
    Ended,
    bury,
    close,
    end,
    leave,
    move,
    record,
    resume,
    retry_site,
    set_term,
    set_tier,
    stay,
    suspend,
)
from .waves import ORDER as WAVES
from .waves import OutOfTurn, Wave, begin_wave, end_wave, members, reached, wave_of

__all__ = [
    "AGREEMENT",
    "BLOCKS",
    "CHANNELS",
    "CLOSES_AFTER",
    "KEPT",
    "NOTICE",
    "PARTNERS",
    "QUOTA",
    "STEPS",
    "TAKEN",
    "TIERS",
    "WAVES",
    "Agent",
    "Application",
    "BadField",
    "BadLogin",
    "Brand",
    "Closure",
    "Contact",
    "DepositMissing",
    "Domain",
    "Ended",
    "Forbidden",
    "Form",
    "Goodbye",
    "InvitationOver",
    "Leaving",
    "Licence",
    "NameTaken",
    "Nobody",
    "NotOffered",
    "OutOfTurn",
    "SamePerson",
    "Site",
    "Staff",
    "Suspended",
    "Taken",
    "TooManyDomains",
    "Unlicensed",
    "Wave",
    "WrongLogin",
    "add_agent",
    "agent",
    "agents",
    "application",
    "applications",
    "begin_wave",
    "bind",
    "bring",
    "bury",
    "check_form",
    "check_slug",
    "close",
    "confirm",
    "contact_of",
    "end",
    "end_wave",
    "enlist",
    "file",
    "followed",
    "form_token",
    "go_on",
    "host_of",
    "invite",
    "invited",
    "join",
    "leave",
    "license_site",
    "look",
    "members",
    "move",
    "partner_of",
    "propose",
    "reached",
    "record",
    "refuse",
    "remove",
    "resume",
    "retry_site",
    "revoke_licence",
    "set_merchant",
    "set_term",
    "set_tier",
    "shut_out",
    "sign_in",
    "sign_out",
    "staff_of",
    "stay",
    "suspend",
    "switch_agent",
    "table_of",
    "unbind",
    "warning",
    "wave_of",
]

_SALTS = 20


class Suspended(errors.ShopError):
    """The shop does not sell at the moment."""

    status = 503
    code = "shop_closed"
    sentence = "This shop is closed at the moment."


class NameTaken(errors.Conflict):
    """Another shop has this name."""

    code = "name_taken"
    sentence = "This site name is taken."


class Nobody(errors.NotFound):
    """No shop answers at this host, or none any more."""

    code = "no_shop"
    sentence = "No shop answers here."


class Goodbye(Suspended):
    """The shop leaves for good."""

    code = "shop_leaving"
    sentence = "This shop is closing for good. Orders, codes and refunds stay where they are until then."


def site_at(host: str) -> Site | None:
    """The site that answers at a host; None for the main site's own host. Raises Nobody."""
    if host == config.load().main_host:
        return None
    found = _cached(f"host:{host}", lambda: _site_of_host(host))
    if found is None or not found.stands:
        raise Nobody
    return found


def site(code: str, *, fresh: bool = False) -> Site:
    """A site by its code; `fresh` reads it now, strongly. Raises NotFound."""
    if fresh:
        registry.drop(f"site:{code}")
    found = _cached(f"site:{code}", lambda: _read(code))
    if found is None:
        raise errors.NotFound("No such site.")
    return found


def sites(*, fresh: bool = False) -> list[Site]:
    """All sites that were ever admitted, oldest code first; fresh where none may be missing."""
    return list(each_site(fresh=fresh))


def each_site(*, fresh: bool = False, after: str = "") -> Iterator[Site]:
    """The same, those behind a code if one is named, a page of the registry in memory at a time.

    A fleet's schedules run through a hundred thousand.
    """
    rows = SiteRow.of(tenant.MAIN).under(SITES, where=SiteRow.sk > after if after else None, consistent=fresh)
    return (site_of(row) for row in rows if row.state not in UNBORN)


def open_site(slug: str, *, brand: Brand, owner_login: str, owner_password: str, plan: str, now: int) -> Site:
    """Register a sub-site and start its provisioning; repeating the call continues it.

    Raises BadField, and NameTaken when the name belongs to another owner.
    """
    check_slug(slug)
    check_brand(brand)
    login = check_login(owner_login, owner_password)
    row = _register(slug, brand, plan, login, now)
    _point(host_of(slug), row.sk)
    enlist(row.sk, login, owner_password, role="owner", now=now)
    queue.send("provision", site=row.sk)
    return site_of(row)


def set_brand(code: str, brand: Brand) -> None:
    """Change how a site presents itself. Raises BadField."""
    registry.change(code, [SiteRow.brand.set(asdict(check_brand(brand)))])


def set_blocks(code: str, blocks: Collection[str]) -> None:
    """Switch building blocks on and off. Raises BadField."""
    _check_among(blocks, BLOCKS, "blocks")
    registry.change(code, [SiteRow.blocks.set(sorted(blocks))])


def set_channels(code: str, channels: Collection[str]) -> None:
    """Choose the payment channels shoppers may use. Raises BadField."""
    _check_among(channels, CHANNELS, "channels")
    if not channels:
        raise BadField("A shop needs a channel to be paid through.", field="channels")
    registry.change(code, [SiteRow.channels.set([c for c in CHANNELS if c in channels])])


def set_splits(code: str, channels: Collection[str]) -> None:
    """At which channels the site gets its share of main's sales directly, instead of by payout. Raises BadField."""
    _check_among(channels, CHANNELS, "splits")
    registry.change(code, [SiteRow.splits.set([c for c in CHANNELS if c in channels])])


def set_follow(code: str, *, follow: bool) -> None:
    """Whether the site sells all goods of the main site, the new ones too."""
    registry.change(code, [SiteRow.follow.set(follow)])


def set_plan(code: str, plan: str) -> None:
    """Which split plan the site's next orders follow."""
    registry.change(code, [SiteRow.plan.set(plan)])


def forget() -> None:
    """Drop what is cached."""
    registry.forget()


def _register(slug: str, brand: Brand, plan: str, login: str, now: int) -> SiteRow:
    rows = SiteRow.of(tenant.MAIN)
    for salt in range(_SALTS):
        row = rows(SITES, code_of(slug, salt), slug=slug, state="asked", plan=plan, opened=now)
        row.brand, row.owner_login = asdict(brand), login
        try:
            return row.insert()
        except table.Refused as refused:
            if refused.row.slug == slug and refused.row.state not in OVER:
                return _again(refused.row, login)
    raise NameTaken("No free code is left for this name.", field="slug")


def _again(row: SiteRow, login: str) -> SiteRow:
    if (row.state, row.owner_login) != ("asked", login):
        raise NameTaken(field="slug")
    return row


def _point(host: str, code: str) -> None:
    try:
        HostRow.of(tenant.MAIN)(f"HOST#{host}", ".", site=code).insert()
    except table.Refused as refused:
        if not refused.row.site:
            _take_over(host, code)
        elif refused.row.site != code:
            raise NameTaken("This host name is taken.", field="slug") from None


def _take_over(host: str, code: str) -> None:
    """Have a host name that was freed."""
    hosts = HostRow.of(tenant.MAIN)
    try:
        hosts.change(f"HOST#{host}", ".", [hosts.site.set(code)], hosts.site == "")
    except table.Refused:
        raise NameTaken("This host name is taken.", field="slug") from None


def _check_among(given: Iterable[str], known: Iterable[str], field: str) -> None:
    if not set(given) <= set(known):
        raise BadField("There is no such choice.", field=field)


def _site_of_host(host: str) -> Site | None:
    row = HostRow.of(tenant.MAIN).read(f"HOST#{host}", ".", consistent=False)
    return _read(row.site) if row and row.site else None


def _read(code: str) -> Site | None:
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    return site_of(row) if row else None


def _cached(key: str, load: Callable[[], Site | None]) -> Site | None:
    found: Site | None = registry.cached(key, load)
    return found
