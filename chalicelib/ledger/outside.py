"""What suppliers, tax offices, points and disputes post. Pure; signs and units as in postings.

supplier:{id}:prepaid, :in_flight   our money at a supplier, and what is reserved there for orders under way
supplier_cost, loss:late_success    what goods cost us, and goods that came after the money went back
tax_withheld:{kind}                 kept for the tax office
points_liability, points_expense    members' points at what they buy
dispute_receivable                  taken by the channel until a dispute is decided
"""

from collections.abc import Iterable

from chalicelib.kit import money

from .postings import Leg, account_of, available_of, balanced, held_of, refund_legs


def accepted_legs(supplier: str, fen: int) -> list[Leg]:
    """A supplier took an order: its price is reserved of what we paid ahead."""
    return balanced([(f"supplier:{supplier}:in_flight", fen), (f"supplier:{supplier}:prepaid", -fen)])


def supplied_legs(supplier: str, fen: int) -> list[Leg]:
    """The supplier delivered what it took."""
    return balanced([("supplier_cost", fen), (f"supplier:{supplier}:in_flight", -fen)])


def late_legs(supplier: str, fen: int) -> list[Leg]:
    """The supplier delivered after the shopper had the money back: a loss until it is disputed."""
    return balanced([("loss:late_success", fen), (f"supplier:{supplier}:prepaid", -fen)])


def withheld_legs(party: str, fen: int, bps: int, *, kind: str = "vat") -> list[Leg]:
    """Tax of a party's income, which includes it, is kept back in the window in which the income is released."""
    tax = fen - money.without_tax(fen, bps)
    return balanced([(account_of(party), tax), (f"tax_withheld:{kind}", -tax)])


def remitted_legs(fen: int, *, kind: str = "vat") -> list[Leg]:
    """What was withheld goes to the tax office."""
    return balanced([(f"tax_withheld:{kind}", fen), ("bank:main", -fen)])


def earned_points_legs(fen: int) -> list[Leg]:
    """A member earned points worth that much; below zero they are taken back. A sale redeems them as its coupon."""
    return balanced([("points_expense", fen), ("points_liability", -fen)])


def held_legs(party: str, fen: int) -> list[Leg]:
    """A dispute began: what a party got of the sale is kept back; below zero it is free again."""
    return balanced([(available_of(party), fen), (held_of(party), -fen)])


def withdrawn_legs(channel: str, fen: int) -> list[Leg]:
    """The channel took the disputed amount; below zero it gave it back, since the dispute was won."""
    return balanced([("dispute_receivable", fen), (f"clearing:{channel}", -fen)])


def lost_legs(sold: Iterable[Leg], paid_fen: int, fen: int, *, fee_fen: int = 0) -> list[Leg]:
    """A dispute of `fen` of a sale was lost: everybody bears their part of it, parties from what was kept back.

    Main pays the dispute's fee. Raises Unbalanced.
    """
    legs = list(sold)
    back = [(_after_dispute(account), each) for account, each in refund_legs(legs, paid_fen, 0, fen)]
    channel = next(account for account, _ in legs if account.startswith("clearing:"))
    return balanced([*back, ("channel_fee_expense", fee_fen), (channel, -fee_fen)])


def _after_dispute(account: str) -> str:
    if account.startswith("refund_clearing:"):
        return "dispute_receivable"
    return account.replace(":pending", ":held")
