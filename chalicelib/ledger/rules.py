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


class Loss(ShopError):
    """A price at which somebody pays for each sale: see MainLoses, SiteLoses."""

    status = 422


class MainLoses(Loss):
    """The main site's share is less than the fee, the commissions and the coupon that it bears."""

    code = "main_loses"
    sentence = "At this price the main site loses on each sale."


class SiteLoses(Loss):
    """The sub-site's share is less than the fee that it bears, or is no share at all."""

    code = "site_loses"
    sentence = "At this price the sub-site loses on each sale."


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
    `cost_fen` is the wholesale price of all pieces, `supply_fen` what main itself pays for them, None where that counts
    as much. `list_fen` is the price before a coupon given by `coupon_by` ("main", "site", or the member's "points"),
    None where there was none. `agents` are distributors, the one who won the shopper first. `mode` says whose merchant
    was paid: main's ("unified") or the site's own ("independent").
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
    supply_fen: int | None = None

    @property
    def coupon_fen(self) -> int:
        """What a coupon took off the list price."""
        return 0 if self.list_fen is None else self.list_fen - self.paid_fen

    @property
    def sold_fen(self) -> int:
        """What main and the site divide: what was paid, and what main or a member's points add."""
        return self.paid_fen + (0 if self.coupon_by == "site" else self.coupon_fen)

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


@dataclass(frozen=True)
class Earned:
    """What is left of a sale to each side, in fen; below zero where it pays for it."""

    main_fen: int
    site_fen: int


def check_plan(plan: Plan) -> Plan:
    """The plan itself. Raises OutOfBounds."""
    for field in ("main_bps", "own_bps"):
        if not LEAST_BPS <= getattr(plan, field) <= MOST_BPS:
            raise OutOfBounds(field=field)
    if not 1 <= len(plan.name.encode()) <= LONGEST_NAME:
        raise OutOfBounds("The name of a plan has 1 to 20 letters, or 6 Chinese characters.", field="name")
    if plan.fee_bearer not in BEARERS or not 0 <= plan.fee_bps <= 500:
        raise OutOfBounds("The fee is borne by main or site and is at most 5 %.", field="fee_bearer")
    _check_bases(plan)
    _check_levels(plan)
    _check_release(plan)
    return plan


def _check_bases(plan: Plan) -> None:
    if plan.main_base not in BASES:
        raise OutOfBounds("The share is of gross, net or margin.", field="main_base")
    if plan.own_base not in BASES or plan.own_base == "margin":
        raise OutOfBounds(
            "Own goods have no wholesale price, so the share is of gross or net.", field="own_base"
        )


def _check_levels(plan: Plan) -> None:
    """Σ commission is at most main's share, and nobody is on the second level unless that is switched on."""
    if min(plan.l1_bps, plan.l2_bps) < 0 or plan.l1_bps + plan.l2_bps > min(plan.main_bps, plan.own_bps):
        raise OutOfBounds("Distributors together get at most what the main site takes.", field="l1_bps")
    if plan.l2_bps and not plan.second_level:
        raise OutOfBounds("The second level is switched off.", field="l2_bps")


def _check_release(plan: Plan) -> None:
    if plan.release not in RELEASES:
        raise OutOfBounds("Money is released T+1 or T+0.", field="release")
    if plan.t0_cap_fen < 0 or (plan.release == "T+0") != (plan.t0_cap_fen > 0):
        raise OutOfBounds("T+0 has a cap above zero, T+1 has none.", field="t0_cap_fen")


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


def earned(sale: Sale, plan: Plan) -> Earned:
    """What a sale leaves to main and to the site once everything they bear is paid."""
    parts = shares(sale, plan)
    fee_of = {plan.fee_bearer: parts.fee_fen}
    goods = sale.wholesale_fen if sale.supply_fen is None else sale.supply_fen
    coupon = sale.coupon_fen if sale.coupon_by == "main" else 0
    main = parts.main_fen - goods - sum(parts.agent_fen) - coupon - fee_of.get("main", 0)
    return Earned(main, parts.site_fen - fee_of.get("site", 0))


def check_margin(sale: Sale, plan: Plan) -> None:
    """Refuse a price at which main or the site pays for each sale. Raises MainLoses, SiteLoses."""
    left = earned(sale, plan)
    if left.main_fen < 0:
        raise MainLoses
    if left.site_fen < 0:
        raise SiteLoses


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
