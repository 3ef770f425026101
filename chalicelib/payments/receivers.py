"""Who gets a part of a payment at a channel: the main site, a sub-site or a distributor, an account each per channel.

A party is "main", a site's code or "dist:{id}". A merchant's name is kept, since each merchant who splits has to name
it; a person's is shown to the channel once, which compares it, and forgotten.
"""

import re
from dataclasses import dataclass

from chalicelib.kit import errors, outbound, tenant

from . import merchants
from .gateways import Declined, Receiver
from .model import ReceiverRow

KINDS = ("merchant", "person")
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
_MOST_KNOWN = 10_000

_introduced: set[tuple[str, str, str]] = set()  # channel, merchant, account


class BadReceiver(errors.ShopError):
    """The channel knows no such account, or not by that name; `field` names what to look at."""

    status = 422
    code = "bad_receiver"
    sentence = "The channel does not take this account: check number and full name."


@dataclass(frozen=True)
class Known:
    """A party's account at a channel. `cap_bps`: of what was paid, what the channel splits off at most."""

    party: str
    channel: str
    receiver: Receiver
    cap_bps: int


def put_receiver(party: str, channel: str, receiver: Receiver, *, now: int) -> None:
    """Keep a party's account once main's merchant at the channel may pay it parts; main's is for sites' merchants.

    Raises BadReceiver, ChannelDown, Invalid for a channel that splits nothing.
    """
    _check(receiver)
    merchant = merchants.main_merchant(channel)
    cap_bps = merchants.gateway(channel, merchant).capabilities.split_cap_bps
    if not cap_bps:
        raise errors.Invalid("This channel splits nothing.")
    if party != tenant.MAIN:
        _try(channel, merchant, receiver, now)
    named = receiver.name.strip() if receiver.kind == "merchant" else ""
    rows = ReceiverRow.of(tenant.MAIN)
    wanted = {"kind": receiver.kind, "account": receiver.account, "name": named, "cap_bps": cap_bps}
    # The row is given whole; the staff member who saves last wins.
    rows.change(
        f"RECEIVER#{party}", channel, [getattr(rows, name).set(each) for name, each in wanted.items()], None
    )


def receivers_of(party: str) -> dict[str, Known]:
    """A party's accounts by channel."""
    found = ReceiverRow.of(tenant.MAIN).under(f"RECEIVER#{party}", consistent=True)
    return {row.sk: _known(row) for row in found}


def receiver_of(party: str, channel: str) -> Known | None:
    """A party's account at a channel."""
    row = ReceiverRow.of(tenant.MAIN).read(f"RECEIVER#{party}", channel)
    return _known(row) if row else None


def cap_of(party: str, channel: str) -> int:
    """What the channel splits off at most for a party, in basis points; 0 where the party has no account there."""
    row = ReceiverRow.of(tenant.MAIN).read(f"RECEIVER#{party}", channel)
    return row.cap_bps if row else 0


def introduce(channel: str, merchant: str, receiver: Receiver, *, now: int) -> None:
    """Make a receiver known to a merchant, as the channel wants it before a part goes there; once per instance.

    Raises Declined, outbound.NotSent, outbound.Unknown.
    """
    who = (channel, merchant, receiver.account)
    if who in _introduced:
        return
    merchants.gateway(channel, merchant).add_receiver(receiver, now=now)
    if len(_introduced) >= _MOST_KNOWN:
        _introduced.clear()
    _introduced.add(who)


def forget() -> None:
    """Drop what this instance remembers."""
    _introduced.clear()


def _check(receiver: Receiver) -> None:
    if receiver.kind not in KINDS:
        raise BadReceiver(field="kind")
    if not _ACCOUNT.fullmatch(receiver.account):
        raise BadReceiver(field="account")
    if len(receiver.name) > 60 or (receiver.kind == "merchant" and not receiver.name.strip()):
        raise BadReceiver(field="name")


def _try(channel: str, merchant: str, receiver: Receiver, now: int) -> None:
    """A new name is to be compared, though the account may be known."""
    _introduced.discard((channel, merchant, receiver.account))
    try:
        introduce(channel, merchant, receiver, now=now)
    except Declined as refused:
        raise BadReceiver(field="account", word=refused.sentence[:100]) from None
    except (outbound.NotSent, outbound.Unknown):
        raise merchants.ChannelDown from None


def _known(row: ReceiverRow) -> Known:
    party = row.pk.removeprefix("RECEIVER#")
    relation = "distributor" if party.startswith("dist:") else "partner"
    return Known(party, row.sk, Receiver(row.kind, row.account, row.name, relation), row.cap_bps)
