"""Notifications of payment channels: verify on the raw bytes, accept, answer in the channel's dialect."""

import contextlib

from chalice.app import Response

from chalicelib.checkout import service as checkout
from chalicelib.kit import errors, log
from chalicelib.payments import service as payments

from .. import face as faces
from ..visit import Visit

LARGEST = 128 * 1024  # bytes of a notification


def enter(visit: Visit) -> None:
    """Channels call the main site's host. Raises NotFound on any other."""
    if visit.site is not None:
        raise errors.NotFound


face = faces.Face("hooks_payments", enter=enter)


@face.post("/hooks/{channel}/{merchant}")
def arrived(visit: Visit, channel: str, merchant: str) -> Response:
    """Accept what the channel vouches for; refuse what it does not, so that it sends again."""
    gateway = payments.gateway(channel, merchant)
    try:
        told = payments.hear(channel, merchant, _headers(visit), visit.body(LARGEST), now=visit.now)
    except payments.Forged as forged:
        log.event("hooks.refused", channel=channel, merchant=merchant, reason=forged.reason)
        return _dialect(gateway.nack("signature"))
    _accept(told, visit.now)
    return _dialect(gateway.ack())


def _accept(told: payments.Payment | payments.RefundNotice | None, now: int) -> None:
    """A refund by nobody's number is acknowledged, too: sending it again would change nothing."""
    if isinstance(told, payments.Payment):
        checkout.accept_payment(told, now=now)
    elif told is not None:
        from chalicelib.settlement import service as settlement

        with contextlib.suppress(errors.NotFound):
            settlement.hear(told)


def _headers(visit: Visit) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in visit.request.headers.items()}


def _dialect(said: tuple[int, dict[str, str], str]) -> Response:
    status, headers, body = said
    return Response(body, dict(headers), status)
