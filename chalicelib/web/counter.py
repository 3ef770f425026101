"""Offers as tickets on the counter: the price now, and the stock in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.catalog import service as catalog
from chalicelib.pricing import service as pricing
from chalicelib.stock import service as stock

_FEW = 10  # pieces from which on the stock is told as a number


@dataclass(frozen=True)
class Ticket:
    """One offer as shown. `left` is None where the stock is not counted (delivered by a person)."""

    offer: catalog.Offer
    unit_fen: int
    left: int | None

    @property
    def stock(self) -> str:
        """In a word: made (to order), none, few or plenty."""
        if self.left is None:
            return "made"
        return "none" if self.left == 0 else "few" if self.left <= _FEW else "plenty"

    @property
    def reduced(self) -> bool:
        """Whether a timed price is lower than the list price."""
        return self.unit_fen < self.offer.price_fen

    @property
    def most(self) -> int:
        """The largest quantity that can be asked for now, at least 1."""
        return max(1, self.offer.most if self.left is None else min(self.offer.most, self.left))


def tickets(offers: Iterable[catalog.Offer], *, now: int) -> list[Ticket]:
    """The offers as tickets, in their order, sold-out ones last."""
    shown = list(offers)
    levels = stock.levels([(offer.owner, offer.sku) for offer in shown if offer.way == "pool"])
    found = [Ticket(offer, pricing.quote(offer, 1, now).unit_fen, _left(offer, levels)) for offer in shown]
    return sorted(found, key=lambda ticket: ticket.stock == "none")


def ticket(offer: catalog.Offer, *, now: int) -> Ticket:
    """One offer as a ticket."""
    return tickets([offer], now=now)[0]


def _left(offer: catalog.Offer, levels: dict[tuple[str, str], int]) -> int | None:
    return levels.get((offer.owner, offer.sku), 0) if offer.way == "pool" else None
