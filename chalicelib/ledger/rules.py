"""How an order's money divides. Pure; signs: + debit, - credit; unit fen, one currency.

Main goods: the main site sells, the sub-site earns the margin over wholesale, and main takes its share of that
margin. A sub-site's own goods: main takes its share of the gross. The share is 10 to 30 % by the house rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.kit.errors import ShopError
from chalicelib.kit.money import share

LEAST_BPS, MOST_BPS = 1000, 3000  # main's share: 10 % to 30 %
BEARERS = ("main", "site")
LONGEST_NAME = 20  # bytes: every order keeps its plan's name

Leg = tuple[str, int]


class OutOfBounds(ShopError):
    """A plan outside the house rule; `field` names the value."""

    status = 422
    code = "out_of_bounds"
    sentence = "The main site takes 10 % to 30 %."


class Unbalanced(RuntimeError):
    """A programming error: legs that do not add up to zero."""


@dataclass(frozen=True)
class Plan:
    """A version of a split plan. Shares in basis points; `fee_bearer` pays the channel's fee."""

    name: str
    version: int
    main_bps: int  # of the margin, for main goods
    own_bps: int  # of the gross, for the site's own goods
    fee_bearer: str = "main"
    fee_bps: int = 60
    since: int = 0

    @property
    def ref(self) -> str:
        """What an order keeps."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Sale:
    """What the split needs to know of a delivered order. `cost_fen` is the wholesale price of all pieces."""

    site: str
    channel: str
    paid_fen: int
    cost_fen: int
    own_goods: bool


@dataclass(frozen=True)
class Shares:
    """Who gets what of one sale; main + site = paid. The fee is part of its bearer's share."""

    main_fen: int
    site_fen: int
    fee_fen: int
    commission_fen: int


def check_plan(plan: Plan) -> Plan:
    """The plan itself. Raises OutOfBounds."""
    for field in ("main_bps", "own_bps"):
        if not LEAST_BPS <= getattr(plan, field) <= MOST_BPS:
            raise OutOfBounds(field=field)
    if not 1 <= len(plan.name.encode()) <= LONGEST_NAME:
        raise OutOfBounds("The name of a plan has 1 to 20 letters, or 6 Chinese characters.", field="name")
    if plan.fee_bearer not in BEARERS or not 0 <= plan.fee_bps <= 500:
        raise OutOfBounds("The fee is borne by main or site and is at most 5 %.", field="fee_bearer")
    return plan


def shares(sale: Sale, plan: Plan) -> Shares:
    """Divide what was paid between main site and sub-site."""
    cost = 0 if sale.own_goods else sale.cost_fen
    base = sale.paid_fen - cost
    commission = share(base, plan.own_bps if sale.own_goods else plan.main_bps)
    fee = share(sale.paid_fen, plan.fee_bps)
    return Shares(cost + commission, base - commission, fee, commission)


def sale_legs(sale: Sale, plan: Plan) -> list[Leg]:
    """The one journal of a delivered order, fee included."""
    parts = shares(sale, plan)
    bearer = "channel_fee_expense" if plan.fee_bearer == "main" else f"subsite:{sale.site}:pending"
    return balanced(
        [
            (f"clearing:{sale.channel}", sale.paid_fen),
            ("main:sales", parts.commission_fen - parts.main_fen),
            ("main:commission", -parts.commission_fen),
            (f"subsite:{sale.site}:pending", -parts.site_fen),
            (bearer, parts.fee_fen),
            (f"fee_accrued:{sale.channel}", -parts.fee_fen),
        ]
    )


def taken_legs(channel: str, fen: int) -> list[Leg]:
    """Money that will go back: taken at the channel, owed to the payer."""
    return balanced([(f"clearing:{channel}", fen), (f"refund_clearing:{channel}", -fen)])


def returned_legs(channel: str, fen: int) -> list[Leg]:
    """The channel gave the money back to the payer."""
    return balanced([(f"refund_clearing:{channel}", fen), (f"clearing:{channel}", -fen)])


def balanced(legs: Iterable[Leg]) -> list[Leg]:
    """The legs, one per account, without empty ones. Raises Unbalanced."""
    sums = totals([legs])
    if sum(sums.values()):
        raise Unbalanced(str(sums))
    return [(account, fen) for account, fen in sums.items() if fen]


def totals(journals: Iterable[Iterable[Leg]]) -> dict[str, int]:
    """What journals add up to, by account."""
    sums: dict[str, int] = {}
    for legs in journals:
        for account, fen in legs:
            sums[account] = sums.get(account, 0) + fen
    return sums


def owed(sums: dict[str, int], site: str) -> int:
    """What a window's totals owe the site, in fen; negative when the site owes."""
    return -sums.get(f"subsite:{site}:pending", 0)
