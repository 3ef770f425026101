import pytest

from chalicelib.catalog import service as catalog
from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from tests import make

from .conftest import page


@pytest.fixture
def second(shop):
    """More main goods, on no shelf yet."""
    return make.make_goods(name="移动话费 50 元").goods_id


def row(goods_id, price="", on="1", **more):
    return {f"price.{goods_id}": price, f"on.{goods_id}": on} | {
        f"{k}.{goods_id}": v for k, v in more.items()
    }


def shelf(site):
    with tenant.acting_for(site):
        catalog.forget()
        return {offer.goods_id: offer for offer in catalog.shelf(site).offers}


def test_many_rows_are_saved_and_published_in_one_go(shop, owner, second):
    sale = {"sale": "46", "sale_start": "2026-11-23T00:00", "sale_end": "2026-11-24T00:00"}
    fields = row(shop.goods_id, "55.5", tiers="10:50", category="热卖", **sale) | row(second, "", on="")
    answer = owner.post("/console/listing", fields)
    assert answer.headers["Location"] == "/console/listing?done=listing&n=2"
    (offer,) = shelf(shop.site).values()
    assert (offer.price_fen, offer.category, offer.tiers, offer.sale.fen) == (
        5550,
        "热卖",
        (catalog.Tier(10, 5000),),
        4600,
    )
    assert "已保存 2 件商品" in page(owner.get(answer.headers["Location"]))


def test_rows_that_did_not_change_are_left_alone(shop, owner, second):
    answer = owner.post("/console/listing", row(shop.goods_id) | row(second))
    assert answer.headers["Location"].endswith("n=0")
    with tenant.acting_for(shop.site):
        assert catalog.listings(shop.site) == {}


def test_a_price_below_the_floor_is_said_at_its_row_and_the_others_are_saved(shop, owner, second):
    answer = owner.post("/console/listing", row(shop.goods_id, "12.34") | row(second, "60"))
    assert answer.status_code == 422
    shown = page(answer)
    assert f'id="wrong-{shop.goods_id}">低于主站规定的最低售价' in shown
    assert 'value="12.34"' in shown
    assert "已保存 1 件，1 件未保存" in shown
    offers = shelf(shop.site)
    assert offers[second].price_fen == 6000
    assert offers[shop.goods_id].price_fen == 4950


@pytest.mark.parametrize("price", ["abc", "-5", "1e3", "999999999", "<b>"])
def test_a_price_that_is_none_stays_as_typed(shop, owner, price):
    answer = owner.post("/console/listing", row(shop.goods_id, price))
    assert answer.status_code == 422
    assert shelf(shop.site)[shop.goods_id].price_fen == 4950


def test_one_click_follows_the_main_site_and_one_stops(shop, owner, second):
    answer = owner.post("/console/listing/follow", {})
    assert answer.headers["Location"].startswith("/console/listing?done=follow_off")
    assert shelf(shop.site) == {}
    answer = owner.post("/console/listing/follow", {"follow": "1"})
    assert answer.headers["Location"] == "/console/listing?done=follow_on&n=2"
    assert set(shelf(shop.site)) == {shop.goods_id, second}


def test_goods_that_are_not_the_main_site_s_are_ignored(shop, owner):
    assert owner.post("/console/listing", row("gnobody", "50")).headers["Location"].endswith("n=0")


def test_a_price_at_which_somebody_pays_for_each_sale_is_refused_at_its_row(shop, owner):
    staff_plan = ledger.Plan("standard", 0, 1000, 1000, fee_bps=300)
    ledger.put_plan(staff_plan, now=make.NOON)
    answer = owner.post("/console/listing", row(shop.goods_id, "45.50"))
    assert answer.status_code == 422
    assert f'id="wrong-{shop.goods_id}">按这个价成交，主站的分成不够付通道费' in page(answer)
    assert owner.post("/console/listing", row(shop.goods_id, "45.50", on="")).status_code == 303
