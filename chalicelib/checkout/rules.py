"""What a shopper asks for, what is refused, and when an unpaid order is looked at again. Pure."""

import json
from dataclasses import dataclass

from chalicelib.kit import clock
from chalicelib.kit.errors import Invalid, ShopError

KEY_AGE = 86_400  # seconds an idempotency key is good for
KEY_AHEAD = 300  # seconds a shopper's clock may run ahead
CLOSE_LOOK_FEN = 50_000  # from this amount on the main site's registry is asked, not remembered
LISTED_AFTER = 3  # seconds after placement at which main's list of all orders learns of an order
STAGES = (20, 60, 180, 420)  # seconds after placement at which the channel is asked, before expiry
CLAIM_WITHIN = 7 * 86_400  # seconds after placement in which an order may still be given codes
WALKED = 2 * clock.DAY  # seconds from the begin of an order's day for which the walk reaches it
_BEFORE = 6 * 3600  # seconds before the end of these in which an order is watched instead
PATIENCE = 900  # seconds after expiry for which an unreachable channel is waited for


class BadQuantity(ShopError):
    """A quantity that cannot be ordered."""

    status = 422
    code = "bad_quantity"
    sentence = "This quantity cannot be ordered."


class BadChannel(ShopError):
    """A channel this shop does not take."""

    status = 422
    code = "bad_channel"
    sentence = "This shop does not take this payment channel."


class NotForSale(ShopError):
    """Goods on the shelf whose terms do not fit together at the moment."""

    status = 409
    code = "not_for_sale"
    sentence = "This cannot be bought at the moment."


class KeyInvalid(Invalid):
    """An idempotency key that is forged, too old or from the future."""

    code = "idempotency_key_invalid"
    sentence = "The key of this order is no longer good; open the goods again."


class KeyReused(ShopError):
    """The key was used for another order."""

    status = 422
    code = "idempotency_mismatch"
    sentence = "This idempotency key was used for a different order."


class NotFromBalance(ShopError):
    """The balance pays only for what the main site sells."""

    status = 422
    code = "not_from_balance"
    sentence = "The balance pays for the main site's goods only; choose a payment channel for these."


class NotConfirmed(ShopError):
    """Digital goods, and the shopper has not confirmed that the seven-day return does not apply."""

    status = 422
    code = "return_waiver_required"
    sentence = "Confirm first that these digital goods can't be returned within seven days without a reason."


@dataclass(frozen=True)
class FromBalance:
    """The part of an order that the member's balance pays, in fen, and what proves the member: either may be empty.

    `device` is what the wallet knows of the browser, `secret` the pay password.
    """

    fen: int
    secret: str = ""
    device: str = ""


@dataclass(frozen=True)
class Ask:
    """An order as the shopper asks for it. `key_time`: the second in which the idempotency key was made.

    `waiver`: the version of the words on the seven-day return that the shopper confirmed, 0 for none.
    """

    goods_id: str
    quantity: int
    contact: str
    query_password: str
    channel: str
    key: str
    key_time: int
    balance: FromBalance | None = None
    waiver: int = 0

    def canonical(self, member: str | None) -> str:
        """Everything that makes two asks the same, as one text."""
        parts = (self.goods_id, self.quantity, self.contact, self.query_password, self.channel, member)
        return json.dumps([*parts, self.balance.fen] if self.balance else parts, ensure_ascii=False)


def check_key_time(key_time: int, now: int) -> None:
    """Raise KeyInvalid unless the key was made within the last day."""
    if not now - KEY_AGE <= key_time <= now + KEY_AHEAD:
        raise KeyInvalid


def check_quantity(quantity: int, most: int) -> None:
    """Raise BadQuantity unless 1 to `most` pieces are asked for."""
    if not 1 <= quantity <= most:
        raise BadQuantity(f"One order holds 1 to {most} pieces.", most=most)


def check_waiver(needed: int, confirmed: int) -> None:
    """Raise NotConfirmed unless the words in force were confirmed, where some are to be."""
    if needed and confirmed != needed:
        raise NotConfirmed(field="waiver")


def outlives_walk(key_time: int, now: int) -> bool:
    """Whether the walk does not reach an order any more, or only for hours; `key_time` is its number's."""
    return clock.day_start(clock.day_of(key_time)) + WALKED <= now + _BEFORE


def next_look(placed_at: int, expires_at: int, now: int) -> int:
    """Seconds until an unpaid order is to be looked at again."""
    ahead = [placed_at + stage for stage in STAGES if now < placed_at + stage < expires_at]
    return max(1, min([*ahead, max(expires_at, now + 1)]) - now)
