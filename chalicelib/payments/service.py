"""Ask channels to collect, hear what they say, and keep what matches nothing.

The merchant is named by the order's own snapshot or by the notification's path; its settings are read from the
main table, sealed, and held in memory for half a minute.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.kit import clock, config, errors, log, outbound, table, tenant, vault

from .gateways import GATEWAYS, Charge, Declined, Forged, Gateway, PayLink, Payment, Refund
from .model import CURRENT, ChannelRow, CurrentRow, SuspenseRow

__all__ = ["Charge", "Declined", "Forged", "PayLink", "Payment", "Refund"]

_FRESH = 30  # seconds

_gateways: dict[tuple[str, str], tuple[int, Gateway]] = {}
_current: dict[str, tuple[int, str]] = {}


class ChannelDown(errors.ShopError):
    """The payment channel cannot be reached or refuses."""

    status = 503
    code = "channel_down"
    sentence = (
        "The payment channel does not answer. Nothing was charged; try again or choose another channel."
    )


def put_channel(channel: str, settings: Mapping[str, Any]) -> str:
    """Keep a merchant's settings and use it for new orders; the merchant's id. Raises Invalid."""
    if channel not in GATEWAYS:
        raise errors.Invalid("There is no such channel.")
    merchant = GATEWAYS[channel](settings).merchant
    sealed = vault.seal(vault.CHANNELS, msgspec.json.encode(settings), f"{channel}|{merchant}")
    rows, current = ChannelRow.of(tenant.MAIN), CurrentRow.of(tenant.MAIN)
    # Both rows are given whole; the staff member who saves last wins.
    rows.change(f"CHANNEL#{channel}", merchant, [rows.sealed.set(sealed)], None)
    current.change(f"CHANNEL#{channel}", CURRENT, [current.merchant.set(merchant)], None)
    forget()
    return merchant


def merchant_of(channel: str) -> str:
    """The merchant to whom a new order is paid. Raises ChannelDown where none is set up."""
    held = _current.get(channel)
    now = clock.now()
    if held is None or held[0] <= now - _FRESH:
        row = CurrentRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", CURRENT, consistent=False)
        if row is None:
            raise ChannelDown
        held = _current[channel] = (now, row.merchant)
    return held[1]


def start(channel: str, merchant: str, charge: Charge, *, now: int) -> PayLink:
    """Open a trade, or find it again, and say where to pay. Raises ChannelDown."""
    try:
        return gateway(channel, merchant).create(charge, now=now)
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


def suspend(payment: Payment, why: str, *, now: int) -> None:
    """Keep a payment nobody can be given anything for, once, and raise the alarm."""
    row = SuspenseRow.of(tenant.MAIN)(
        f"SUSPENSE#{clock.day_of(payment.paid_at)}",
        f"{payment.channel}#{payment.transaction_id[:64]}",
        why=why,
        out_trade_no=payment.out_trade_no[:64],
        merchant=payment.merchant,
        amount=payment.amount_fen,
        at=now,
    )
    try:
        row.insert()
    except table.Refused:
        return
    log.alarm("payments.suspense", why=why, channel=payment.channel, amount_fen=payment.amount_fen)


def forget() -> None:
    """Drop what this instance remembers of merchants."""
    _gateways.clear()
    _current.clear()


def _build(channel: str, merchant: str) -> Gateway:
    named = merchant.isalnum() and len(merchant) <= 64 and merchant != CURRENT
    known = channel in GATEWAYS and named
    row = ChannelRow.of(tenant.MAIN).read(f"CHANNEL#{channel}", merchant) if known else None
    if row is None:
        raise errors.NotFound
    plain = vault.unseal(vault.CHANNELS, row.sealed, f"{channel}|{merchant}")
    return GATEWAYS[channel](msgspec.json.decode(plain, type=dict[str, Any]))
