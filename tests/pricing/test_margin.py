import pytest

from chalicelib.catalog.rules import Goods, Sale, Tier, offer_of
from chalicelib.ledger import service as ledger
from chalicelib.pricing import service as pricing

PLAN = ledger.Plan("standard", 1, 2000, 2000)


def offer(owner="main", **terms):
    goods = Goods("卡", "点卡", wholesale_fen=4000, floor_fen=4000, goods_id="g1", owner=owner, **terms)
    return offer_of(goods, None, wholesale=True)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("price_fen", {"suggest_fen": 4050}),
        ("tiers", {"suggest_fen": 5000, "tiers": (Tier(5, 4800), Tier(9, 4050))}),
        ("sale", {"suggest_fen": 5000, "sale": Sale(4050, 0, 1)}),
    ],
)
def test_every_price_that_goods_can_have_is_held_against_the_plan(field, terms):
    with pytest.raises(ledger.Loss) as refused:
        pricing.check_offer(offer(**terms), PLAN)
    assert (refused.value.code, refused.value.detail) == ("main_loses", {"field": field})


def test_prices_that_leave_something_to_everybody_are_accepted():
    pricing.check_offer(offer(suggest_fen=5000, tiers=(Tier(5, 4500),), sale=Sale(4400, 0, 1)), PLAN)


def test_a_site_s_own_goods_cost_it_nothing_that_the_plan_knows_of():
    pricing.check_offer(offer("k3f9", suggest_fen=1), PLAN)
    assert pricing.sale_of(offer("k3f9", suggest_fen=50), 3, 150).own_goods
