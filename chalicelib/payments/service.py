"""Ask channels to collect, and hear what they say."""

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.kit import log, outbound

from . import merchants, receivers
from .caps import BeyondCap
from .fields import FIELDS, SPLITTING, BadSetting, Field, save, shown
from .gateways import (
    Bill,
    BillRow,
    Charge,
    Damaged,
    Declined,
    Forged,
    Gateway,
    Part,
    PayLink,
    Payment,
    Receiver,
    Refund,
    RefundNotice,
    Split,
    UnknownKey,
    Unready,
)
from .merchants import (
    ChannelDown,
    Merchant,
    agreed_cap,
    all_merchants,
    capabilities,
    check_plan,
    gateway,
    in_use,
    known_merchant,
    main_merchant,
    merchant_of,
    notify_url,
    owner_of,
    put_channel,
    splits_at_channel,
)
from .probing import STEPS, Report, last_report, probe, reports
from .receivers import (
    BadReceiver,
    Known,
    cap_of,
    drop_receiver,
    introduce,
    put_receiver,
    receiver_of,
    receivers_of,
    remove_receiver,
    try_receiver,
)
from .suspense import SUSPENSE, suspend, suspense_key

__all__ = [
    "FIELDS",
    "SPLITTING",
    "STEPS",
    "SUSPENSE",
    "BadReceiver",
    "BadSetting",
    "BeyondCap",
    "Bill",
    "BillRow",
    "ChannelDown",
    "Charge",
    "Damaged",
    "Declined",
    "Field",
    "Forged",
    "Gateway",
    "Known",
    "Merchant",
    "Part",
    "PayLink",
    "Payment",
    "Receiver",
    "Refund",
    "RefundNotice",
    "Report",
    "Split",
    "Unready",
    "agreed_cap",
    "all_merchants",
    "cap_of",
    "capabilities",
    "check_plan",
    "drop_receiver",
    "forget",
    "gateway",
    "in_use",
    "introduce",
    "known_merchant",
    "last_report",
    "main_merchant",
    "merchant_of",
    "notify_url",
    "owner_of",
    "probe",
    "put_channel",
    "put_receiver",
    "receiver_of",
    "receivers_of",
    "remove_receiver",
    "reports",
    "save",
    "shown",
    "splits_at_channel",
    "suspend",
    "suspense_key",
    "try_receiver",
]


def start(channel: str, merchant: str, charge: Charge, *, now: int) -> PayLink:
    """Open a trade, or find it again, and say where to pay. Raises ChannelDown.

    What a site collects itself stays frozen at the channel until it is split, whatever the charge says. The line stands
    in the log before anybody can pay: `chalicelib.recovery` reads it.
    """
    line = gateway(channel, merchant)
    frozen = charge.splits or splits_at_channel(channel, merchant)
    try:
        link = line.create(replace(charge, splits=frozen), now=now)
    except (Declined, outbound.NotSent, outbound.Unknown) as error:
        log.measure("payments.create_failed", {"TradesRefused": 1}, channel=channel, reason=str(error)[:200])
        raise ChannelDown from None
    named = {
        "merchant": merchant,
        "trade": charge.out_trade_no,
        "device": charge.device,
        "splits": charge.splits,
    }
    log.measure("payments.opened", {"TradesOpened": 1}, channel=channel, **named)
    return link


def hear(
    channel: str, merchant: str, headers: Mapping[str, str], body: bytes, *, now: int
) -> Payment | RefundNotice | None:
    """What a notification tells; a channel that signs with a new key is asked for it first. Raises NotFound, Forged."""
    line = gateway(channel, merchant)
    try:
        return line.parse_notify(headers, body, now=now)
    except UnknownKey:
        if not line.learn(now=now):
            log.event("payments.unknown_key", channel=channel, merchant=merchant)
            raise
        return line.parse_notify(headers, body, now=now)


def forget() -> None:
    """Drop what this instance remembers of merchants and receivers."""
    merchants.forget()
    receivers.forget()
