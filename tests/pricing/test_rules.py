"""One price engine: explained to the fen, never under the floor, never dearer by the piece for buying more."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.catalog import rules as catalog
from chalicelib.catalog.service import Goods, Offer, Sale, Tier
from chalicelib.pricing import service as pricing
from tests.make import NOON

GOODS = Goods("卡", "点卡", wholesale_fen=4000, floor_fen=4500, suggest_fen=5000, goods_id="g1", owner="main")
SALE = Sale(4700, NOON, NOON + 3600)
TIERS = (Tier(10, 4800), Tier(50, 4600))


@st.composite
def offers(draw):
    """Offers as a careless or hostile owner might leave them: terms under the floor, the floor raised later."""
    fens = draw(st.lists(st.integers(0, 6000), max_size=4, unique=True))
    ats = draw(st.lists(st.integers(2, 200), min_size=len(fens), max_size=len(fens), unique=True))
    falling = zip(sorted(ats), sorted(fens, reverse=True), strict=True)
    start = NOON + draw(st.integers(-10, 10))
    sale = draw(st.none() | st.builds(Sale, st.integers(0, 6000), st.just(start), st.just(start + 10)))
    price, floor = draw(st.integers(1, 6000)), draw(st.integers(0, 6000))
    goods = replace(GOODS, suggest_fen=max(price, floor), floor_fen=floor, sale=sale)
    return catalog.offer_of(
        replace(goods, tiers=tuple(Tier(at, fen) for at, fen in falling)), None, wholesale=True
    )


def unit(quantity=1, now=NOON, **terms):
    offer: Offer = catalog.offer_of(replace(GOODS, **terms), None, wholesale=True)
    return pricing.quote(offer, quantity, now).unit_fen


@given(offers(), st.integers(1, 10_000))
def test_the_lines_before_the_total_add_up_to_it(offer, quantity):
    quote = pricing.quote(offer, quantity, NOON)
    *steps, total = quote.lines
    assert sum(line.fen for line in steps) == total.fen == quote.total_fen == quote.unit_fen * quantity
    assert (steps[0].what, total.what) == ("list", "total")
    assert all(line.fen < 0 for line in steps[1:])


@given(offers(), st.integers(1, 10_000))
def test_no_price_is_under_the_floor_or_over_the_list(offer, quantity):
    quote = pricing.quote(offer, quantity, NOON)
    assert offer.floor_fen <= quote.unit_fen <= offer.price_fen


@given(offers(), st.integers(1, 300), st.integers(1, 300))
def test_a_piece_never_costs_more_when_more_are_bought(offer, one, other):
    less, more = sorted((one, other))
    assert pricing.quote(offer, more, NOON).unit_fen <= pricing.quote(offer, less, NOON).unit_fen


@given(offers(), st.integers(1, 300))
def test_the_best_of_all_terms_counts(offer, quantity):
    open_ = offer.sale is not None and offer.sale.start <= NOON < offer.sale.end
    terms = [offer.price_fen] + [tier.fen for tier in offer.tiers if tier.at <= quantity]
    best = min([*terms, offer.sale.fen] if open_ else terms)
    assert pricing.quote(offer, quantity, NOON).unit_fen == max(best, offer.floor_fen)


def test_a_timed_price_begins_with_its_first_second_and_ends_before_its_last():
    assert [unit(now=NOON + at, sale=SALE) for at in (-1, 0, 3599, 3600)] == [5000, 4700, 4700, 5000]


def test_a_tier_begins_with_its_very_quantity():
    assert [unit(quantity, tiers=TIERS) for quantity in (9, 10, 49, 50)] == [5000, 4800, 4800, 4600]


def test_the_explanation_names_each_step():
    offer = catalog.offer_of(replace(GOODS, sale=SALE, tiers=TIERS), None, wholesale=True)
    lines = pricing.quote(offer, 50, NOON).lines
    assert [(line.what, line.fen, line.note) for line in lines] == [
        ("list", 250_000, "50"),
        ("sale", -15_000, str(NOON + 3600)),
        ("wholesale", -5_000, "50"),
        ("total", 230_000, ""),
    ]


def test_a_reduction_that_reduces_nothing_is_not_mentioned():
    offer = catalog.offer_of(replace(GOODS, sale=Sale(5000, NOON, NOON + 1)), None, wholesale=True)
    assert [line.what for line in pricing.quote(offer, 1, NOON).lines] == ["list", "total"]
