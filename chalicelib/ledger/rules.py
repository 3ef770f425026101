"""How an order's money divides between the parties. Pure; unit fen, one currency.

Main goods: the main site sells, the sub-site earns the margin over wholesale, and main takes its share of that
margin. A sub-site's own goods: main takes its share of the gross. The share is 10 to 30 % by the house rule;
distributors are paid out of it. A plan may name another base for either kind of goods.
"""

from dataclasses import dataclass
from itertools import zip_longest

from chalicelib.kit.errors import ShopError
from chalicelib.kit.money import share

LEAST_BPS, MOST_BPS = 1000, 3000  # main's share: 10 % to 30 %
BEARERS = ("main", "site")
BASES = ("gross", "net", "margin")  # the list price; what was paid; what was sold less the wholesale price
RELEASES = ("T+1", "T+0")  # after midnight in Beijing, or in the hour after delivery up to a cap
LONGEST_NAME = 20  # bytes: every order keeps its plan's name


class OutOfBounds(ShopError):
    """A plan outside the house rule; `field` names the value."""

    status = 422
    code = "out_of_bounds"
    sentence = "The main site takes 10 % to 30 %."


@dataclass(frozen=True)
class Plan:
    """A version of a split plan. Shares in basis points; `fee_bearer` pays the channel's fee.

    `l1_bps` and `l2_bps` are the distributors' parts of the same base as main's share, and come out of that share;
    the second counts where `second_level` is switched on. `t0_cap_fen` is what a site may have of a day's money
    before the day is over.
    """

    name: str
    version: int
    main_bps: int  # of the base of main goods
    own_bps: int  # of the base of the site's own goods
    fee_bearer: str = "main"
    fee_bps: int = 60
    since: int = 0
    main_base: str = "margin"
    own_base: str = "gross"
    l1_bps: int = 0
    l2_bps: int = 0
    second_level: bool = False
    release: str = "T+1"
    t0_cap_fen: int = 0

    @property
    def ref(self) -> str:
        """What an order keeps."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Sale:
    """What the split needs to know of a delivered order.

    `paid_fen` is the whole of what the shopper paid, `balance_fen` the part of it that came from the member's balance.
    `cost_fen` is the wholesale price of all pieces. `list_fen` is the price before a coupon, None where there was none;
    the coupon is given by `coupon_by`. `agents` are distributors, the one who won the shopper first. `mode` says whose
    merchant was paid: main's ("unified") or the site's own ("independent").
    """

    site: str
    channel: str
    paid_fen: int
    cost_fen: int
    own_goods: bool
    list_fen: int | None = None
    coupon_by: str = "site"
    balance_fen: int = 0
    member: str = ""
    agents: tuple[str, ...] = ()
    mode: str = "unified"

    @property
    def coupon_fen(self) -> int:
        """What a coupon took off the list price."""
        return 0 if self.list_fen is None else self.list_fen - self.paid_fen

    @property
    def sold_fen(self) -> int:
        """What main and the site divide: what was paid, and what main adds for its own coupon."""
        return self.paid_fen + (self.coupon_fen if self.coupon_by == "main" else 0)

    @property
    def wholesale_fen(self) -> int:
        """What the site owes main for the goods."""
        return 0 if self.own_goods else self.cost_fen


@dataclass(frozen=True)
class Shares:
    """Who gets what of one sale; main + site = what was sold.

    The fee is part of its bearer's share; what distributors get, one amount for each of the sale's, is part of main's
    commission.
    """

    main_fen: int
    site_fen: int
    fee_fen: int
    commission_fen: int
    agent_fen: tuple[int, ...] = ()


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


def base_of(sale: Sale, plan: Plan) -> int:
    """The amount of which main and the distributors take their parts."""
    base = plan.own_base if sale.own_goods else plan.main_base
    if base == "gross":
        return sale.paid_fen + sale.coupon_fen
    return sale.paid_fen if base == "net" else sale.sold_fen - sale.wholesale_fen


def shares(sale: Sale, plan: Plan) -> Shares:
    """Divide what was sold between main site and sub-site."""
    base = base_of(sale, plan)
    commission = share(base, plan.own_bps if sale.own_goods else plan.main_bps)
    main = sale.wholesale_fen + commission
    fee = share(sale.paid_fen - sale.balance_fen, plan.fee_bps)
    return Shares(main, sale.sold_fen - main, fee, commission, _agents(sale, plan, base, commission))


def _agents(sale: Sale, plan: Plan, base: int, commission: int) -> tuple[int, ...]:
    """What each distributor gets, never more than main takes; nobody earns on a purchase of their own."""
    found: list[int] = []
    levels = (plan.l1_bps, plan.l2_bps if plan.second_level else 0)
    for agent, bps in zip_longest(sale.agents[: len(levels)], levels):
        if agent is None:
            break
        part = 0 if agent == sale.member else share(base, bps)
        found.append(max(0, min(part, commission - sum(found))))
    return tuple(found)
