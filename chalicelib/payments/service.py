"""Ask channels to collect, and hear what they say.

The merchant is named by the order's own snapshot or by the notification's path; its settings are read from the
main table, sealed, and held in memory for half a minute.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from chalicelib.kit import clock, config, errors, log, outbound, table, tenant, vault
from chalicelib.tenancy import service as tenancy

from .gateways import GATEWAYS, Charge, Declined, Forged, Gateway, PayLink, Payment, Refund
from .model import CURRENT, ChannelRow, CurrentRow
from .suspense import suspend

__all__ = ["Charge", "Declined", "Forged", "PayLink", "Payment", "Refund", "suspend"]

_FRESH = 30  # seconds

_gateways: dict[tuple[str, str], tuple[int, Gateway]] = {}
_current: dict[str, tuple[int, str]] = {}
_owners: dict[tuple[str, str], str] = {}  # of merchants, which never change hands


class ChannelDown(errors.ShopError):
    """The payment channel cannot be reached or refuses."""

    status = 503
    code = "channel_down"
    sentence = (
        "The payment channel does not answer. Nothing was charged; try again or choose another channel."
    )


def put_channel(channel: str, settings: Mapping[str, Any], *, owner: str = tenant.MAIN) -> str:
    """Keep a merchant's settings and use it for its owner's new orders; the merchant's id.

    The owner is main or a site that collects money itself; main's share is then split at the channel.
    Raises Invalid, Unlicensed, and Conflict where the merchant is somebody else's.
    """
    if channel not in GATEWAYS:
        raise errors.Invalid("There is no such channel.")
    built = GATEWAYS[channel](settings)
    if owner != tenant.MAIN and not built.capabilities.split_cap_bps:
        raise errors.Invalid("Nothing paid through this channel can be split, so main collects it.")
    if owner != tenant.MAIN and tenancy.site(owner, fresh=True).licence is None:
        raise tenancy.Unlicensed
    _keep(channel, built.merchant, settings, owner)
    _use(channel, built.merchant, owner)
    forget()
    return built.merchant


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


def start(channel: str, merchant: str, charge: Charge, *, now: int) -> PayLink:
    """Open a trade, or find it again, and say where to pay. Raises ChannelDown.

    What a site collects itself stays frozen at the channel until it is split, whatever the charge says.
    """
    line = gateway(channel, merchant)
    frozen = charge.splits or splits_at_channel(channel, merchant)
    try:
        return line.create(replace(charge, splits=frozen), now=now)
    except (Declined, outbound.NotSent, outbound.Unknown) as error:
        log.event("payments.create_failed", channel=channel, reason=str(error)[:200])
        raise ChannelDown from None


def notify_url(channel: str, merchant: str) -> str:
    """Where the channel sends its notifications."""
    settings = config.load()
    return settings.url_of(settings.main_host, f"/hooks/{channel}/{merchant}")


def gateway(channel: str, merchant: str) -> Gateway:
    """The gateway of a merchant. Raises NotFound."""
    now = clock.now()
    held = _gateways.get((channel, merchant))
    if held is None or held[0] <= now - _FRESH:
        held = _gateways[channel, merchant] = (now, _build(channel, merchant))
    return held[1]


def forget() -> None:
    """Drop what this instance remembers of merchants."""
    _gateways.clear()
    _current.clear()
    _owners.clear()


def _keep(channel: str, merchant: str, settings: Mapping[str, Any], owner: str) -> None:
    """The settings are given whole; who of one owner's staff saves last wins."""
    rows = ChannelRow.of(tenant.MAIN)
    sealed = vault.seal(vault.CHANNELS, msgspec.json.encode(settings), f"{channel}|{merchant}")
    actions = [rows.sealed.set(sealed), rows.owned_by.set(owner)]
    free = rows.sealed.does_not_exist() | (rows.owned_by == owner)
    if owner == tenant.MAIN:
        free = free | rows.owned_by.does_not_exist()
    try:
        rows.change(f"CHANNEL#{channel}", merchant, actions, free)
    except table.Refused:
        raise errors.Conflict("This merchant is somebody else's.") from None


def _use(channel: str, merchant: str, owner: str) -> None:
    if owner != tenant.MAIN:
        tenancy.set_merchant(owner, channel, merchant)
        return
    current = CurrentRow.of(tenant.MAIN)
    current.change(f"CHANNEL#{channel}", CURRENT, [current.merchant.set(merchant)], None)


def _build(channel: str, merchant: str) -> Gateway:
    row = _read(channel, merchant)
    plain = vault.unseal(vault.CHANNELS, row.sealed, f"{channel}|{merchant}")
    return GATEWAYS[channel](msgspec.json.decode(plain, type=dict[str, Any]))


def _read(channel: str, merchant: str) -> ChannelRow:
    named = merchant.isalnum() and len(merchant) <= 64 and merchant != CURRENT
    known = channel in GATEWAYS and named
    row = ChannelRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", merchant) if known else None
    if row is None:
        raise errors.NotFound
    _owners[channel, merchant] = row.owned_by
    return row
