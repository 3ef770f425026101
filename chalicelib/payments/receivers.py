"""Who gets a part of a payment at a channel: the main site, a sub-site or a distributor, an account each per channel.

A party is "main", a site's code or "dist:{id}". Only merchants are named, as each merchant who pays them parts has to;
a person is known by the channel's id alone.
"""

import contextlib
import re
from dataclasses import dataclass

from chalicelib.kit import errors, table, tenant

from . import fields, merchants
from .gateways import Declined, Receiver
from .model import ReceiverRow

OK = "ok"
LEAVING, GONE = "leaving", "gone"  # said of an account that gets no parts any more
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
    said: str  # "ok", what the channel says against it, or nothing yet


def put_receiver(party: str, channel: str, receiver: Receiver) -> None:
    """Keep a party's account; `try_receiver` asks the channel. Main's is for the merchants of sites.

    Raises BadReceiver, ChannelDown where main has no merchant there, Invalid for a channel that splits nothing.
    """
    _check(receiver)
    if channel not in fields.SPLITTING:
        raise errors.Invalid("This channel splits nothing.")
    wanted = {
        "kind": receiver.kind,
        "account": receiver.account,
        "name": receiver.name.strip(),
        "cap_bps": merchants.agreed_cap(channel, merchants.main_merchant(channel)),
        "said": "",
    }
    rows = ReceiverRow.of(tenant.MAIN)
    # The row is given whole; the staff member who saves last wins.
    actions = [getattr(rows, name).set(value) for name, value in wanted.items()]
    rows.change(f"RECEIVER#{party}", channel, actions, None)


def try_receiver(party: str, channel: str, *, now: int) -> str:
    """Make a party's account known to main's merchant; "ok", or what the channel says against it.

    Raises outbound.NotSent, outbound.Unknown.
    """
    known = receiver_of(party, channel)
    if known is None:
        return ""
    merchant = merchants.main_merchant(channel)
    _introduced.discard((channel, merchant, known.receiver.account))
    try:
        introduce(channel, merchant, known.receiver, now=now)
        said = OK
    except Declined as refused:
        said = refused.sentence[:100]
    rows = ReceiverRow.of(tenant.MAIN)
    same = (rows.account == known.receiver.account) & (rows.kind == known.receiver.kind)
    same &= ~rows.said.is_in(LEAVING, GONE)
    with contextlib.suppress(table.Refused):  # it was changed meanwhile, and is tried again
        rows.change(f"RECEIVER#{party}", channel, [rows.said.set(said)], same)
    return said


def drop_receiver(party: str, channel: str) -> list[str]:
    """Give a party no parts at a channel any more; the merchants at which `remove_receiver` is to be done.

    Sales that are not settled yet go to its balance instead, splits under way end as they began. Raises NotFound.
    """
    rows = ReceiverRow.of(tenant.MAIN)
    try:
        rows.change(
            f"RECEIVER#{party}", channel, [rows.said.set(LEAVING), rows.cap_bps.set(0)], rows.pk.exists()
        )
    except table.Refused:
        raise errors.NotFound from None
    every = merchants.all_merchants()
    return [one.merchant for one in every if one.channel == channel and one.owner != party]


def remove_receiver(party: str, channel: str, merchant: str, *, now: int) -> None:
    """Have a merchant's channel forget a party that was dropped; nothing where it has an account again.

    Raises Declined, outbound.NotSent, outbound.Unknown.
    """
    row = ReceiverRow.of(tenant.MAIN).read(f"RECEIVER#{party}", channel)
    if row is None or row.said not in (LEAVING, GONE):
        return
    _introduced.discard((channel, merchant, row.account))
    merchants.gateway(channel, merchant).remove_receiver(_known(row).receiver, now=now)
    rows = ReceiverRow.of(tenant.MAIN)
    with contextlib.suppress(
        table.Refused
    ):  # it was given an account again, of which the channel is asked anew
        rows.change(f"RECEIVER#{party}", channel, [rows.said.set(GONE)], rows.said.is_in(LEAVING, GONE))


def receivers_of(party: str) -> dict[str, Known]:
    """A party's accounts by channel."""
    found = ReceiverRow.of(tenant.MAIN).under(f"RECEIVER#{party}", consistent=True)
    return {row.sk: _known(row) for row in found if row.said not in (LEAVING, GONE)}


def receiver_of(party: str, channel: str) -> Known | None:
    """A party's account at a channel; None where it has none, or none any more."""
    row = ReceiverRow.of(tenant.MAIN).read(f"RECEIVER#{party}", channel)
    return _known(row) if row and row.said not in (LEAVING, GONE) else None


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
    if len(receiver.name) > 60 or (receiver.kind == "merchant") != bool(receiver.name.strip()):
        raise BadReceiver(field="name")


def _known(row: ReceiverRow) -> Known:
    party = row.pk.removeprefix("RECEIVER#")
    relation = "distributor" if party.startswith("dist:") else "partner"
    return Known(party, row.sk, Receiver(row.kind, row.account, row.name, relation), row.cap_bps, row.said)
