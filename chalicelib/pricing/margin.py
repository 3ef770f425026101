"""Who would pay for a price: no price that goods can have may cost main or the site money on each sale. Pure."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.catalog.service import Offer

if TYPE_CHECKING:  # who only asks for prices does not load the books
    from chalicelib.ledger import service as ledger


def check_offer(offer: Offer, plan: "ledger.Plan") -> None:
    """Refuse an offer that would lose money at a price it can have.

    Raises ledger.Loss whose `field` names the price: price_fen, tiers or sale.
    """
    from chalicelib.ledger import service as ledger

    for field, unit in _prices(offer):
        try:
            ledger.check_margin(sale_of(offer, 1, unit), plan)
        except ledger.Loss as loss:
            raise type(loss)(field=field) from None


def sale_of(offer: Offer, quantity: int, paid_fen: int, *, agents: tuple[str, ...] = ()) -> "ledger.Sale":
    """A sale of an offer, before it is known who buys it how; goods that are not main's are the site's own."""
    from chalicelib.ledger import service as ledger

    own = offer.owner != "main"
    return ledger.Sale("", "", paid_fen, offer.wholesale_fen * quantity, own_goods=own, agents=agents)


def _prices(offer: Offer) -> Iterable[tuple[str, int]]:
    yield "price_fen", offer.price_fen
    yield from (("tiers", tier.fen) for tier in offer.tiers)
    if offer.sale:
        yield "sale", offer.sale.fen
