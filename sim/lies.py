"""Notifications that tell of no payment: forged ones, and a channel's own about the wrong thing.

Each kind, named by its fault, makes a lie out of the payment that a trade is still waiting for. What is forged must be
refused; what the channel vouches for must end in suspense and nowhere else. Bodies are signed in a form of the
simulation's own: the channels' real forms are dear, and tested where they are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b

import msgspec

from chalicelib.payments import gateways

Lie = Callable[
    [gateways.Payment, str], gateways.Payment
]  # what would be true, and the number of another trade


LIES: Mapping[str, Lie] = {
    "notice_forged": lambda true, _: true,
    "notice_less": lambda true, _: replace(true, amount_fen=true.amount_fen - 1),
    "notice_more": lambda true, _: replace(true, amount_fen=true.amount_fen * 100),
    "notice_currency": lambda true, _: replace(true, currency="JPY"),
    "notice_merchant": lambda true, _: replace(true, merchant="another"),
    "notice_no_order": lambda true, _: replace(true, out_trade_no=true.out_trade_no[:12] + "0" * 16 + "01"),
    "notice_no_number": lambda true, _: replace(true, out_trade_no="Hello"),
    "notice_no_site": lambda true, _: replace(true, out_trade_no="ZZZZ" + true.out_trade_no[4:]),
    "notice_other_site": lambda true, other: replace(true, out_trade_no=other[:4] + true.out_trade_no[4:]),
}


def sealed(channel: str, payment: gateways.Payment) -> tuple[dict[str, str], bytes]:
    """Headers and body of a channel's notification."""
    body = msgspec.json.encode(payment)
    return {"signature": _signature(channel, body)}, body


def opened(channel: str, headers: Mapping[str, str], body: bytes) -> gateways.Payment:
    """The payment a notification tells of. Raises Forged unless the channel signed it."""
    if headers.get("signature") != _signature(channel, body):
        raise gateways.Forged("signature")
    return msgspec.json.decode(body, type=gateways.Payment)


def _signature(channel: str, body: bytes) -> str:
    return blake2b(body, key=channel.encode(), digest_size=16).hexdigest()
