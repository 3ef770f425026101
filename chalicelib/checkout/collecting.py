"""Who collects the money of an order, and whether it stays frozen at the channel until it is split.

Main sells its own goods, so main's merchant collects for them everywhere; what a site sells of its own is collected
by the site's own merchant where it has one, and main's share is split off there. Source: Regulations on Non-bank
Payment Institutions, articles 2 and 22.
"""

from dataclasses import dataclass

from chalicelib.kit import errors
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy


class BeyondSplit(errors.ShopError):
    """More of the price belongs to others than the channel splits off what the site's own merchant collects."""

    status = 409
    code = "beyond_split"
    sentence = "This shop can't be paid for these goods through this channel; choose another one."


@dataclass(frozen=True)
class Collected:
    """What money is collected for: whose goods, how they are delivered, what the member's balance pays of them."""

    goods_owner: str
    way: str
    balance_fen: int

    @property
    def whole(self) -> bool:
        """Whether a channel collects all of a sale. What a balance is filled with, or pays a part of, is main's."""
        return self.way != "wallet" and not self.balance_fen


def attempt_of(shop: tenancy.Site, of: Collected, index: int, channel: str, device: str) -> orders.Attempt:
    """A try to be paid. Raises ChannelDown where nobody collects through this channel."""
    own = of.whole and of.goods_owner == shop.site
    merchant = payments.merchant_of(channel, shop.site) if own else payments.main_merchant(channel)
    splits = _is_own(shop, channel, merchant) or (of.whole and channel in shop.splits)
    return orders.Attempt(index, channel, merchant, device, splits)


def check_room(shop: tenancy.Site, attempt: orders.Attempt, paid_fen: int, plan_ref: str) -> None:
    """Raise BeyondSplit where the channel would not split off what main and its distributors get of a price.

    Half a fen lost by rounding does not matter: the site owes it.
    """
    if not _is_own(shop, attempt.channel, attempt.merchant):
        return
    plan = ledger.plan_of(plan_ref)
    sale = ledger.Sale(shop.site, attempt.channel, paid_fen, 0, own_goods=True, mode="independent")
    parts = ledger.shares(sale, plan)
    others = parts.main_fen - (parts.fee_fen if plan.fee_bearer == "main" else 0)
    cap_bps = payments.gateway(attempt.channel, attempt.merchant).capabilities.split_cap_bps
    if others > -(-paid_fen * cap_bps // 10_000):
        raise BeyondSplit


def _is_own(shop: tenancy.Site, channel: str, merchant: str) -> bool:
    return shop.merchants.get(channel) == merchant
