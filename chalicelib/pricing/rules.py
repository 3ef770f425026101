"""What an order costs and why. Pure: the same terms, quantity and time give everybody the same price."""

from dataclasses import dataclass

from chalicelib.catalog.service import Offer


@dataclass(frozen=True)
class Line:
    """One step of the explanation. `fen` is an amount, or what this step takes off (negative)."""

    what: str  # list sale wholesale total
    fen: int
    note: str = ""


@dataclass(frozen=True)
class Quote:
    """The price of a quantity: `lines` before the total add up to it."""

    unit_fen: int
    quantity: int
    total_fen: int
    lines: tuple[Line, ...]


def quote(offer: Offer, quantity: int, now: int) -> Quote:
    """The best of list price, timed price and wholesale tier, never under the floor."""
    unit = offer.price_fen
    lines = [Line("list", unit * quantity, str(quantity))]
    for what, lower, note in _reductions(offer, quantity, now):
        lower = max(lower, offer.floor_fen)  # noqa: PLW2901  the floor holds for every step
        if lower < unit:
            lines.append(Line(what, (lower - unit) * quantity, note))
            unit = lower
    lines.append(Line("total", unit * quantity))
    return Quote(unit, quantity, unit * quantity, tuple(lines))


def _reductions(offer: Offer, quantity: int, now: int) -> list[tuple[str, int, str]]:
    found = []
    if offer.sale and offer.sale.start <= now < offer.sale.end:
        found.append(("sale", offer.sale.fen, str(offer.sale.end)))
    reached = [tier for tier in offer.tiers if tier.at <= quantity]
    if reached:
        found.append(("wholesale", reached[-1].fen, str(reached[-1].at)))
    return found
