import pytest

from chalicelib.tenancy import service as tenancy

from .conftest import page

BRAND = {"name": "星河卡券", "tagline": "秒到账", "color": "#2457d6", "logo": "星", "notice": "国庆照常"}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def site(shop):
    tenancy.forget()
    return tenancy.site(shop.site)


def test_the_brand_is_changed_and_shown_in_the_console_itself(shop, owner):
    assert owner.post("/console/settings/brand", BRAND).status_code == 303
    assert site(shop).brand == tenancy.Brand(**BRAND)
    assert "星河卡券" in page(owner.get("/console"))


def test_a_logo_may_be_a_small_picture(shop, owner):
    assert owner.post("/console/settings/brand", {**BRAND, "logo": PIXEL}).status_code == 303
    tenancy.forget()
    assert f'src="{PIXEL}"' in page(owner.get("/console"))


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("color", "red;background:url(//evil.test)"),
        ("logo", "javascript:alert(1)"),
        ("logo", "data:image/svg+xml;base64,PHN2Zz4="),
        ("logo", PIXEL + "A" * 30_000),
        ("name", ""),
        ("notice", "x" * 201),
    ],
)
def test_a_brand_that_cannot_be_shown_safely_is_refused(shop, owner, field, typed):
    answer = owner.post("/console/settings/brand", {**BRAND, field: typed})
    assert answer.status_code == 422
    assert 'role="alert"' in page(answer)
    assert site(shop).brand.name == "Demo"


def test_blocks_and_channels_are_switched(shop, owner):
    owner.post("/console/settings/blocks", {"members": "1"})
    assert site(shop).blocks == {"members"}
    owner.post("/console/settings/channels", {"alipay": "1", "bitcoin": "1"})
    assert site(shop).channels == ("alipay",)
    owner.post("/console/settings/channels", {"unionpay": "1", "wechat": "1"})
    assert site(shop).channels == ("wechat", "unionpay")
    assert "银联在线支付" in page(owner.get("/console/settings"))


def test_a_shop_keeps_one_channel(shop, owner):
    answer = owner.post("/console/settings/channels", {})
    assert answer.status_code == 422
    assert "至少保留一个收款渠道" in page(answer)
    assert site(shop).channels == ("wechat", "alipay")
