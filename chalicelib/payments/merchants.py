"""Which merchants we collect with, whose they are, and the gateway that speaks for each.

A merchant is named by the order's own snapshot or by the notification's path. Its settings stand in the main table,
its secrets in Parameter Store; both are held in memory for half a minute, so what is written is in use by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import aws, clock, config, errors, parameters, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.tenancy import service as tenancy

from . import caps, gateways
from .model import CURRENT, ChannelRow, CurrentRow

_FRESH = 30  # seconds
_SPREAD = 15  # seconds over which instances that started together read their merchants' secrets
_KEY_NAMES = ("serial", "cert_id")  # the setting that names a private key; each has a place of its own

_gateways: dict[tuple[str, str], tuple[int, gateways.Gateway]] = {}
_able: dict[tuple[str, str], tuple[int, gateways.Capabilities]] = {}
_current: dict[str, tuple[int, str]] = {}
_owners: dict[tuple[str, str], str] = {}  # of merchants, which never change hands


class ChannelDown(errors.ShopError):
    """The payment channel cannot be reached or refuses."""

    status = 503
    code = "channel_down"
    sentence = (
        "The payment channel does not answer. Nothing was charged; try again or choose another channel."
    )


class _Foreign(errors.Conflict):
    sentence = "This merchant is somebody else's."


def put_channel(channel: str, settings: Mapping[str, Any], *, owner: str = tenant.MAIN) -> str:
    """Keep a merchant's settings and use it for its owner's new orders; the merchant's id.

    The owner is main or a site that collects money itself; main's share is then split at the channel. An empty secret
    is the one that is kept. Raises Invalid, Unlicensed, BeyondCap, and Conflict where the merchant is somebody else's.
    """
    if channel not in gateways.GATEWAYS:
        raise errors.Invalid("There is no such channel.")
    built = gateways.GATEWAYS[channel](settings)
    if owner != tenant.MAIN and not built.capabilities.split_cap_bps:
        raise errors.Invalid("Nothing paid through this channel can be split, so main collects it.")
    if owner != tenant.MAIN:
        _check_owner(tenancy.site(owner, fresh=True), channel, built.capabilities.split_cap_bps)
    _keep(channel, built.merchant, settings, owner)
    _use(channel, built.merchant, owner)
    forget()
    return built.merchant


@dataclass(frozen=True)
class Merchant:
    """A merchant as its owner may see it: `settings` hold references where there are secrets."""

    channel: str
    merchant: str
    owner: str
    settings: Mapping[str, Any]


def all_merchants() -> list[Merchant]:
    """Every merchant of every channel."""
    return [
        Merchant(channel, row.sk, row.owned_by, row.settings)
        for channel in gateways.GATEWAYS
        for row in ChannelRow.of(tenant.MAIN).under(f"CHANNEL#{channel}", consistent=True)
        if row.sk != CURRENT
    ]


def known_merchant(channel: str, merchant: str) -> Merchant:
    """One of them. Raises NotFound."""
    row = _read(channel, merchant)
    return Merchant(channel, merchant, row.owned_by, row.settings)


def in_use(channel: str) -> str:
    """The merchant of main's new orders; empty where none is set up."""
    row = CurrentRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", CURRENT)
    return row.merchant if row else ""


def merchant_of(channel: str, site: str) -> str:
    """The merchant to whom a new order of a site is paid: its own if it has one and its licence stands, else main's.

    Raises ChannelDown where none is set up.
    """
    shop = tenancy.site(site)
    if shop.licence and channel in shop.merchants:
        return shop.merchants[channel]
    return main_merchant(channel)


def main_merchant(channel: str) -> str:
    """Main's own merchant for new orders. Raises ChannelDown where none is set up."""
    held = _current.get(channel)
    now = clock.now()
    if held is None or held[0] <= now - _FRESH:
        row = CurrentRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", CURRENT, consistent=False)
        if row is None:
            raise ChannelDown
        held = _current[channel] = (now, row.merchant)
    return held[1]


def owner_of(channel: str, merchant: str) -> str:
    """Whose money a merchant collects: "main", or the code of the site that does so itself. Raises NotFound."""
    known = _owners.get((channel, merchant))
    if known is None:
        known = _owners[channel, merchant] = _read(channel, merchant).owned_by
    return known


def splits_at_channel(channel: str, merchant: str) -> bool:
    """Whether what a merchant collects is kept frozen at the channel until it is split. Raises NotFound."""
    return owner_of(channel, merchant) != tenant.MAIN


def gateway(channel: str, merchant: str) -> gateways.Gateway:
    """The gateway of a merchant. Raises NotFound."""
    now = clock.now()
    held = _gateways.get((channel, merchant))
    if held is None or held[0] <= now - _FRESH - parameters.spread(_SPREAD):
        held = _gateways[channel, merchant] = (now, _renewed(channel, merchant, held and held[1]))
    return held[1]


def capabilities(channel: str, merchant: str) -> gateways.Capabilities:
    """What can be done with what a merchant collected, for whoever may not read its secrets. Raises NotFound."""
    now = clock.now()
    held = _able.get((channel, merchant))
    if held is None or held[0] <= now - _FRESH:
        able = gateways.GATEWAYS[channel](_read(channel, merchant).settings).capabilities
        held = _able[channel, merchant] = (now, able)
    return held[1]


def fresh_gateway(channel: str, merchant: str) -> gateways.Gateway:
    """The gateway of a merchant with its settings as they are now. Raises NotFound, parameters.Missing."""
    _gateways.pop((channel, merchant), None)
    return gateway(channel, merchant)


def agreed_cap(channel: str, merchant: str) -> int:
    """Of what a merchant is paid, the basis points that the channel splits off at most. Raises NotFound."""
    return int(known_merchant(channel, merchant).settings.get("split_cap_bps") or caps.CAP_BPS)


def check_plan(site: tenancy.Site, plan: ledger.Plan) -> None:
    """Raise BeyondCap where a merchant of the site's own cannot split off the share of a plan."""
    for channel, merchant in site.merchants.items():
        caps.check(site, plan, channel, agreed_cap(channel, merchant), field="plan")


def notify_url(channel: str, merchant: str) -> str:
    """Where the channel sends its notifications."""
    settings = config.load()
    return settings.url_of(settings.main_host, f"/hooks/{channel}/{merchant}")


def forget() -> None:
    """Drop what this instance remembers of merchants."""
    _gateways.clear()
    _able.clear()
    _current.clear()
    _owners.clear()


def _check_owner(site: tenancy.Site, channel: str, cap_bps: int) -> None:
    """Raise Unlicensed, or BeyondCap where main's share could not be split off."""
    if site.licence is None:
        raise tenancy.Unlicensed
    caps.check(site, ledger.plan_in_force(site.plan), channel, cap_bps, field="split_cap_bps")


def _keep(channel: str, merchant: str, settings: Mapping[str, Any], owner: str) -> None:
    """The settings are given whole, except for secrets and for what a later release has written.

    Who of one owner's staff saves last wins.
    """
    rows = ChannelRow.of(tenant.MAIN)
    stored = rows.read(f"CHANNEL#{channel}", merchant)
    if stored and stored.owned_by != owner:
        raise _Foreign
    before = stored.settings if stored else {}
    whole = gateways.strange(channel, before) | dict(settings)
    whole |= _secrets(channel, merchant, settings, owner, before)
    actions = [rows.settings.set(whole), rows.owned_by.set(owner)]
    free = rows.settings.does_not_exist() | (rows.owned_by == owner)
    try:
        rows.change(f"CHANNEL#{channel}", merchant, actions, free)
    except table.Refused:
        raise _Foreign from None


def _secrets(
    channel: str, merchant: str, settings: Mapping[str, Any], owner: str, stored: Mapping[str, Any]
) -> dict[str, str]:
    """References to the secrets. Raises Invalid for one that is not given and was not before.

    A secret's place names its owner, so that nobody overwrites another's, and its key, so that a new key and its name
    come into use together.
    """
    key = next((str(settings[name]) for name in _KEY_NAMES if name in settings), "key")
    place = f"channels/{owner}/{channel}/{merchant}/{key}"
    found = {}
    for name in gateways.SECRETS & settings.keys():
        given = settings[name]
        if not given and name not in stored:
            raise errors.Invalid("A secret is missing.", field=name)
        found[name] = parameters.keep(f"{place}/{name}", given) if given else stored[name]
    return found


def _use(channel: str, merchant: str, owner: str) -> None:
    if owner != tenant.MAIN:
        tenancy.set_merchant(owner, channel, merchant)
        return
    current = CurrentRow.of(tenant.MAIN)
    current.change(f"CHANNEL#{channel}", CURRENT, [current.merchant.set(merchant)], None)


def _renewed(channel: str, merchant: str, held: gateways.Gateway | None) -> gateways.Gateway:
    """The gateway as it is now or, where Parameter Store is asked too fast, as it was half a minute ago."""
    try:
        return _build(channel, merchant)
    except ClientError as error:
        if held is None or error.response["Error"]["Code"] not in aws.TOO_FAST:
            raise
        return held


def _build(channel: str, merchant: str) -> gateways.Gateway:
    settings = _read(channel, merchant).settings
    references = {name: settings[name] for name in gateways.SECRETS & settings.keys()}
    secrets = parameters.read(references.values())
    return gateways.GATEWAYS[channel](
        {**settings, **{name: secrets[each] for name, each in references.items()}}
    )


def _read(channel: str, merchant: str) -> ChannelRow:
    named = merchant.isalnum() and len(merchant) <= 64 and merchant != CURRENT
    known = channel in gateways.GATEWAYS and named
    row = ChannelRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", merchant) if known else None
    if row is None:
        raise errors.NotFound
    _owners[channel, merchant] = row.owned_by
    return row
