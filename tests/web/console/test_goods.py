import pytest

from chalicelib.catalog import service as catalog
from chalicelib.kit import config, tenant
from chalicelib.tenancy import service as tenancy
from tests import make

from .conftest import page

FORM = {
    "name": "腾讯视频 VIP 月卡",
    "category": "视频会员",
    "kind": "card",
    "way": "pool",
    "face_value": "31 天",
    "notes": "登录后兑换。\n有效期一年。",
    "wholesale": "18",
    "suggest": "25.00",
    "floor": "20.5",
    "most": "50",
    "tiers": "10:24\n20：23.5",
    "sale": "22",
    "sale_start": "2026-11-23T00:00",
    "sale_end": "2026-11-30T00:00",
    "on": "1",
}


def test_staff_create_goods_and_every_site_is_told(world, staff):
    answer = staff.post("/console/goods/new", FORM)
    (goods,) = catalog.all_goods(tenant.MAIN)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/console/stock/{goods.goods_id}?done=goods_new",
    )
    assert (goods.wholesale_fen, goods.floor_fen, goods.suggest_fen, goods.most) == (1800, 2050, 2500, 50)
    assert goods.tiers == (catalog.Tier(10, 2400), catalog.Tier(20, 2350))
    assert goods.sale == catalog.Sale(2200, 1_795_363_200, 1_795_968_000)  # midnight in Beijing
    assert goods.notes == "登录后兑换。\n有效期一年。"
    assert told(world) == 1


def told(world):
    """How many messages wait to publish shelves anew; they are a little delayed."""
    names = ["ApproximateNumberOfMessagesDelayed"]
    url = config.load().queues["publish"]
    return int(world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def test_the_form_shows_what_is_stored_and_saving_it_unchanged_changes_nothing(world, staff):
    staff.post("/console/goods/new", FORM)
    (before,) = catalog.all_goods(tenant.MAIN)
    shown = page(staff.get(f"/console/goods/{before.goods_id}"))
    for text in ("10:24.00\n20:23.50", 'value="2026-11-23T00:00"', 'value="20.50"', "有效期一年。"):
        assert text in shown
    staff.post(f"/console/goods/{before.goods_id}", FORM)
    (after,) = catalog.all_goods(tenant.MAIN)
    assert after.version == before.version + 1
    assert (after.tiers, after.sale, after.notes) == (before.tiers, before.sale, before.notes)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("suggest", "1e9"),
        ("suggest", "-1"),
        ("floor", "99999"),
        ("tiers", "10"),
        ("tiers", "10:1"),
        ("sale_end", "2026-11-22T00:00"),
        ("sale_start", "soon"),
        ("most", "0"),
        ("name", "x" * 81),
    ],
)
def test_a_wrong_field_is_named_and_everything_typed_stays(staff, field, typed):
    answer = staff.post("/console/goods/new", {**FORM, field: typed})
    assert answer.status_code == 422
    assert 'role="alert"' in page(answer)
    assert "腾讯视频" in page(answer) or field == "name"
    assert typed in page(answer)
    assert catalog.all_goods(tenant.MAIN) == []


def test_hostile_text_is_shown_as_text(staff):
    hostile = "<script>alert(1)</script>'\"{{7*7}}"
    staff.post("/console/goods/new", {**FORM, "name": hostile, "category": hostile[:30], "notes": hostile})
    (goods,) = catalog.all_goods(tenant.MAIN)
    for path in (
        "/console/goods",
        f"/console/goods/{goods.goods_id}",
        "/console/stock",
        f"/console/stock/{goods.goods_id}",
    ):
        answer = staff.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in page(answer)
        assert "{{7*7}}" in page(answer)


def test_the_list_is_narrowed_by_words_and_category_and_says_what_is_left(shop, staff):
    make.make_goods(name="移动话费 50 元", category="话费")
    assert ">10</a>" in page(staff.get("/console/goods"))
    narrowed = page(staff.get("/console/goods?q=steam"))
    assert "Steam 充值卡" in narrowed
    assert "移动话费" not in narrowed
    assert "移动话费" in page(staff.get("/console/goods?category=%E8%AF%9D%E8%B4%B9"))
    assert "没有符合条件" in page(staff.get("/console/goods?q=nothing"))


def test_an_owner_sells_goods_of_their_own_at_once_and_touches_no_others(shop, owner, staff):
    answer = owner.post("/console/goods/new", {**FORM, "wholesale": "", "floor": ""})
    assert answer.status_code == 303
    with tenant.acting_for(shop.site):
        (goods,) = catalog.all_goods(shop.site)
        catalog.forget()
        assert catalog.shelf(shop.site).find(goods.goods_id).price_fen == 2500
    assert (goods.owner, goods.wholesale_fen, goods.floor_fen) == (shop.site, 0, 0)
    for path in (f"/console/goods/{shop.goods_id}", f"/console/stock/{shop.goods_id}"):
        assert owner.get(path).status_code == 404
        assert owner.post(path, {**FORM, "codes": "A-1"}).status_code == 404
    assert staff.get(f"/console/goods/{goods.goods_id}").status_code == 404


def test_without_the_block_there_are_no_own_goods(shop, owner):
    with tenant.acting_for(tenant.MAIN):
        tenancy.set_blocks(shop.site, ["members"])
        tenancy.forget()
    assert "自有商品" not in page(owner.get("/console"))
    assert owner.get("/console/goods").status_code == 404
    assert owner.get("/console/stock").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"suggest": "18.05", "floor": "", "tiers": "", "sale": "", "sale_start": "", "sale_end": ""},
            "按这个价成交",
        ),
        ({"floor": "", "tiers": "10:18.05"}, "批发阶梯里有一档"),
        ({"floor": "", "sale": "18.05"}, "按这个限时价成交"),
    ],
)
def test_a_price_at_which_the_main_site_pays_for_each_sale_is_refused_at_its_field(
    world, staff, change, said
):
    answer = staff.post("/console/goods/new", {**FORM, **change})
    assert answer.status_code == 422
    assert (
        f'<div class="wrong" id="{[*change][-1] if "suggest" not in change else "suggest"}-hint">{said}'
        in page(answer)
    )
    assert catalog.all_goods(tenant.MAIN) == []
