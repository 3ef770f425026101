"""Whose account gets parts of payments at a channel: the main site's, a sub-site's, a distributor's."""

import msgspec
from chalice.app import Response

from chalicelib.kit import errors, queue, tenant
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk

face = faces.Face("console_receivers", error_page=desk.error_page, enter=desk.enter_staff)


class ReceiverForm(msgspec.Struct):
    """An account at a channel, as typed; a merchant's with its full name."""

    kind: str = "merchant"
    account: str = ""
    name: str = ""
    direct: str = ""  # a site's: main's sales are split to it at the channel, too


@face.get("/console/receivers/{party}")
def index(visit: Visit, party: str, channel: str = "") -> Response:
    """A party's account at one channel, the first unless the query or the address of a refused form says otherwise."""
    chosen = channel or visit.query.get("channel", "")
    return desk.page(
        visit,
        "receivers.html",
        party=party,
        party_name=_name(party),
        site=_site(party),
        chosen=chosen if chosen in payments.SPLITTING else payments.SPLITTING[0],
        known=payments.receivers_of(party),
    )


@face.post("/console/receivers/{party}/{channel}")
@desk.or_again(index)
def put(visit: Visit, party: str, channel: str) -> Response:
    """Keep an account, and have the channel asked by a function that may talk to it."""
    typed = visit.fields(ReceiverForm)
    payments.put_receiver(party, channel, _receiver(party, typed))
    _split_directly(party, channel, typed)
    if party != tenant.MAIN:
        queue.send("refund", site=tenant.MAIN, receiver=party, channel=channel)
    return desk.done(f"/console/receivers/{party}?channel={channel}", "receiver")


@face.post("/console/receivers/{party}/{channel}/remove")
@desk.or_again(index)
def remove(_visit: Visit, party: str, channel: str) -> Response:
    """Give a party no parts at a channel any more, and have every merchant's channel forget the account."""
    site = _site(party)
    if site:
        tenancy.set_splits(site.site, site.splits - {channel})
    for merchant in payments.drop_receiver(party, channel):
        queue.send(
            "refund", site=tenant.MAIN, receiver=party, channel=channel, merchant=merchant, leaves=True
        )
    return desk.done(f"/console/receivers/{party}?channel={channel}", "receiver_gone")


def _receiver(party: str, typed: ReceiverForm) -> payments.Receiver:
    """What was typed, for a party there is. Raises NotFound."""
    _name(party)
    name = typed.name if typed.kind == "merchant" else ""
    return payments.Receiver(typed.kind, typed.account.strip(), name)


def _split_directly(party: str, channel: str, typed: ReceiverForm) -> None:
    """Whether what main collects for a site is split to it at the channel."""
    site = _site(party)
    if site:
        direct = {*site.splits, channel} if typed.direct else site.splits - {channel}
        tenancy.set_splits(site.site, direct)


def _site(party: str) -> tenancy.Site | None:
    """The site that a party is. Raises NotFound for an unknown one."""
    is_site = party != tenant.MAIN and not party.startswith("dist:")
    return tenancy.site(party, fresh=True) if is_site else None


def _name(party: str) -> str:
    """What people call a party. Raises NotFound."""
    if party == tenant.MAIN:
        return "主站"
    if party.startswith("dist:"):
        return tenancy.agent(party.removeprefix("dist:")).name
    found = _site(party)
    if found is None:
        raise errors.NotFound
    return found.brand.name
