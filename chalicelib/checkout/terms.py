"""On which terms an order is divided: the plan in force, held once more against the house rule and the price."""

from chalicelib.catalog import service as catalog
from chalicelib.kit import log
from chalicelib.ledger import service as ledger
from chalicelib.pricing import service as pricing
from chalicelib.tenancy import service as tenancy

from .rules import NotForSale


def plan_ref(
    shop: tenancy.Site, offer: catalog.Offer, quantity: int, total_fen: int, agents: tuple[str, ...]
) -> str:
    """The version of the shop's plan that the order keeps.

    Prices, wholesale prices and plans change one by one, after each was checked. Raises NotForSale where together they
    would let main or the site pay for the sale; a person is told which.
    """
    plan = ledger.plan_in_force(shop.plan)
    try:
        ledger.check_plan(plan)
        if offer.way != "wallet":
            ledger.check_margin(pricing.sale_of(offer, quantity, total_fen, agents=agents), plan)
    except (ledger.OutOfBounds, ledger.Loss) as refusal:
        log.alarm(
            "checkout.not_for_sale", site=shop.site, goods=offer.goods_id, plan=plan.ref, why=refusal.code
        )
        raise NotForSale from None
    return plan.ref
