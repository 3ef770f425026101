"""Goods, listings and what a site offers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.catalog import rules
from chalicelib.catalog.rules import Goods, GoodsDraft, Listing, Sale, Tier
from chalicelib.kit.errors import NotFound

DRAFT = GoodsDraft("卡", "点卡", wholesale_fen=4000, floor_fen=4500, suggest_fen=5000)
GOODS = Goods("卡", "点卡", wholesale_fen=4000, floor_fen=4500, suggest_fen=5000, goods_id="g1", owner="main")
FEN = st.integers(0, 9000)
SALES = st.none() | st.builds(Sale, FEN, st.integers(0, 9), st.integers(0, 9))
TIERS = st.lists(st.builds(Tier, st.integers(0, 20), FEN), max_size=4).map(tuple)
LISTINGS = st.builds(
    Listing, st.just("g1"), st.none() | st.integers(-5, 9000), st.booleans(), TIERS, SALES, st.just("")
)


@pytest.mark.parametrize("kind", rules.KINDS)
def test_only_digital_content_asks_to_waive_the_return_and_a_filled_balance_never_does(kind):
    offer = rules.offer_of(replace(GOODS, kind=kind), None, wholesale=False)
    assert offer.waiver == (0 if kind == "service" else rules.WAIVER)
    assert rules.TOP_UP.waiver == 0


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "a\x1bb"}),
        ("category", {"category": ""}),
        ("category", {"category": "x" * 31}),
        ("face_value", {"face_value": "x" * 41}),
        ("notes", {"notes": "x" * 601}),
        ("notes", {"notes": "a\x00b"}),
        ("kind", {"kind": "weapon"}),
        ("kind", {"way": "magic"}),
        ("most", {"most": 0}),
        ("most", {"most": rules.MOST + 1}),
        ("suggest_fen", {"wholesale_fen": -1}),
        ("suggest_fen", {"wholesale_fen": 4501}),
        ("suggest_fen", {"floor_fen": 5001}),
        ("suggest_fen", {"suggest_fen": rules.HIGHEST_PRICE + 1}),
        ("suggest_fen", {"wholesale_fen": 0, "floor_fen": 0, "suggest_fen": 0}),
        ("tiers", {"tiers": (Tier(1, 4900),)}),
        ("tiers", {"tiers": (Tier(5, 4900), Tier(5, 4800))}),
        ("tiers", {"tiers": (Tier(5, 4900), Tier(9, 4900))}),
        ("tiers", {"tiers": (Tier(5, 4499),)}),
        ("sale", {"sale": Sale(4600, 10, 10)}),
        ("sale", {"sale": Sale(4499, 10, 11)}),
    ],
)
def test_goods_out_of_bounds_are_refused_by_field(field, change):
    with pytest.raises(rules.BadGoods) as refused:
        rules.check_goods(replace(DRAFT, **change))
    assert refused.value.detail == {"field": field}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 80, "category": "x" * 30, "face_value": "x" * 40, "notes": "x\n" * 300},
        {"wholesale_fen": 0, "floor_fen": 0, "suggest_fen": 1},
        {"wholesale_fen": 5000, "floor_fen": 5000},
        {"most": 1},
        {"most": rules.MOST},
        {"tiers": (Tier(2, 4999), Tier(3, 4500))},
        {"sale": Sale(4500, 10, 11)},
    ],
)
def test_goods_at_their_bounds_are_accepted(change):
    draft = replace(DRAFT, **change)
    assert rules.check_goods(draft) is draft


@given(LISTINGS)
def test_a_listing_that_is_accepted_never_sells_under_the_floor(listing):
    try:
        rules.check_listing(listing, GOODS)
    except rules.BadGoods:
        return
    asked = [tier.fen for tier in listing.tiers] + ([listing.sale.fen] if listing.sale else [])
    assert min([listing.price_fen or GOODS.suggest_fen, *asked]) >= GOODS.floor_fen
    assert [tier.at for tier in listing.tiers] == sorted({tier.at for tier in listing.tiers})


@pytest.mark.parametrize(
    ("fen", "fits"), [(4500, True), (4499, False), (0, False), (-1, False), (None, True)]
)
def test_an_own_price_begins_at_the_floor(fen, fits):
    listing = Listing("g1", fen)
    if fits:
        assert rules.check_listing(listing, GOODS) is listing
        return
    with pytest.raises(rules.BelowFloor):
        rules.check_listing(listing, GOODS)


def test_without_a_floor_a_price_is_a_fen_at_least():
    free = replace(GOODS, wholesale_fen=0, floor_fen=0)
    assert rules.check_listing(Listing("g1", 1), free)
    for listing in (Listing("g1", 0), Listing("g1", tiers=(Tier(2, 0),)), Listing("g1", sale=Sale(0, 1, 2))):
        with pytest.raises(rules.BelowFloor):
            rules.check_listing(listing, free)


def test_an_own_price_has_an_upper_bound():
    with pytest.raises(rules.BadGoods, match="too high"):
        rules.check_listing(Listing("g1", rules.HIGHEST_PRICE + 1), GOODS)


@given(LISTINGS, FEN)
def test_an_offer_is_never_under_a_floor_that_was_raised_later(listing, floor):
    goods = replace(GOODS, floor_fen=floor, suggest_fen=max(floor, 5000))
    assert rules.offer_of(goods, listing, wholesale=True).price_fen >= max(1, floor)


def test_a_sites_own_terms_go_before_the_suggested_ones():
    goods = replace(GOODS, tiers=(Tier(5, 4900),), sale=Sale(4800, 1, 2))
    plain = rules.offer_of(goods, None, wholesale=True)
    own = rules.offer_of(
        goods, Listing("g1", 6000, True, (Tier(9, 5900),), Sale(5800, 3, 4), "热卖"), wholesale=True
    )
    assert (plain.price_fen, plain.tiers, plain.sale, plain.category) == (
        5000,
        goods.tiers,
        goods.sale,
        "点卡",
    )
    assert (own.price_fen, own.tiers, own.sale, own.category) == (
        6000, (Tier(9, 5900),), Sale(5800, 3, 4), "热卖",
    )  # fmt: skip


def test_without_the_wholesale_block_there_are_no_tiers():
    goods = replace(GOODS, tiers=(Tier(5, 4900),))
    assert rules.offer_of(goods, Listing("g1", tiers=(Tier(9, 4800),)), wholesale=False).tiers == ()


def compose(main, listings=(), own=(), *, follow=True):
    found = rules.compose(main, own, {one.goods_id: one for one in listings}, follow=follow, wholesale=True)
    return [offer.goods_id for offer in found]


@pytest.mark.parametrize(
    ("on", "listing", "follow", "offered"),
    [
        (True, None, True, True),
        (True, None, False, False),
        (True, Listing("g1"), False, True),
        (True, Listing("g1", on=False), True, False),
        (False, None, True, False),
        (False, Listing("g1"), True, False),
    ],
)
def test_main_goods_are_offered_where_they_are_on_and_followed_or_listed(on, listing, follow, offered):
    goods = replace(GOODS, on=on)
    assert compose([goods], [listing] if listing else [], follow=follow) == (["g1"] if offered else [])


def test_own_goods_are_offered_whatever_is_followed_unless_they_are_off():
    own = [replace(GOODS, goods_id="o1", owner="k3f9"), replace(GOODS, goods_id="o2", owner="k3f9", on=False)]
    assert compose([GOODS], own=own, follow=False) == ["o1"]


def test_offers_stand_by_category_and_name():
    goods = [
        replace(GOODS, goods_id=goods_id, category=category, name=name)
        for goods_id, category, name in (("1", "b", "a"), ("2", "a", "z"), ("3", "a", "b"), ("0", "a", "b"))
    ]
    assert compose(goods) == ["0", "3", "2", "1"]


def shelf(*named):
    offers = [
        rules.offer_of(
            replace(GOODS, goods_id=str(i), category=category, name=name, face_value=value),
            None,
            wholesale=True,
        )
        for i, (category, name, value) in enumerate(named)
    ]
    return rules.Shelf(tuple(offers), 1, 0)


def test_the_shelf_is_searched_by_every_word_in_name_and_face_value():
    here = shelf(("点卡", "Steam 充值卡", "¥50"), ("点卡", "Steam Key", ""), ("会员", "腾讯 STEAM", ""))
    assert [offer.goods_id for offer in here.search("steam")] == ["0", "1", "2"]
    assert [offer.goods_id for offer in here.search("  50 STEAM ")] == ["0"]
    assert [offer.goods_id for offer in here.search("steam", "会员")] == ["2"]
    assert here.search("nothing") == []
    assert here.categories == ("点卡", "会员")


def test_goods_are_found_by_their_id_or_not_at_all():
    here = shelf(("点卡", "a", ""))
    assert here.find("0").name == "a"
    with pytest.raises(NotFound):
        here.find("' OR 1=1")


def test_a_revision_keeps_who_and_what_the_goods_are():
    new = rules.revised(replace(GOODS, version=3), replace(DRAFT, name="新", on=False))
    assert (new.goods_id, new.owner, new.version, new.name, new.on) == ("g1", "main", 4, "新", False)
