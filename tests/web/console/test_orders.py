import pytest

from chalicelib.catalog import service as catalog
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import tenant
from tests import make

from .conftest import Person, buy, page, sign_in


@pytest.fixture
def delivered(world, shop):
    """An order of demo that was paid, delivered and settled."""
    return buy(world, shop, quantity=2)


@pytest.fixture
def waiting(world, shop):
    """A paid order of goods that a person delivers."""
    with tenant.acting_for(shop.site):
        goods = make.make_goods(name="代充服务", way="manual", kind="service")
        catalog.publish(shop.site, now=world.now)
        catalog.forget()
    return buy(world, shop, goods_id=goods.goods_id)


def test_staff_see_the_orders_of_all_sites_and_how_one_was_split(world, shop, staff, delivered):
    listed = page(staff.get("/console/orders"))
    assert f"/console/orders/{delivered.number}" in listed
    assert "Demo" in listed
    shown = page(staff.get(f"/console/orders/{delivered.number}"))
    assert "已交付" in shown
    assert f"subsite:{shop.site}:pending" in shown
    assert "buyer@example.com" not in shown
    assert "CODE-" not in shown
    assert '合计（须为零）</td><td class="num">0.00</td>' in shown


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("?status=delivered", True),
        ("?status=expired", False),
        ("?day=2026-11-23", True),
        ("?day=2026-11-22", False),
        ("?site={site}", True),
        ("?site={site}&status=review", False),
        ("?status=hacked&day=never", True),
    ],
)
def test_the_list_is_narrowed_by_site_day_and_state(shop, staff, delivered, query, there):
    listed = page(staff.get("/console/orders" + query.format(site=shop.site)))
    assert (delivered.number in listed) is there
    assert ("没有符合条件的订单" in listed) is not there


def test_a_number_opens_its_order(staff, owner, delivered):
    spaced = delivered.number.lower()
    for person in (staff, owner):
        answer = person.get(f"/console/orders?q=%20{spaced}")
        assert answer.headers["Location"] == f"/console/orders/{delivered.number}"
        for wrong in (
            "x",
            "%00",
            "N" * 28,
            delivered.number[:-1] + ("1" if delivered.number[-1] == "0" else "0"),
            "%F0%9F%8D%8E" * 28,
        ):
            assert person.get(f"/console/orders?q={wrong}").status_code == 404


def test_an_owner_sees_and_touches_the_orders_of_the_own_site_only(world, owner, delivered, waiting):
    assert delivered.number in page(owner.get("/console/orders"))
    other = make.make_site(world, "campus")
    rival = Person(owner.client, "campus.cardmesh.test", sign_in(other, "campus-owner"))
    path = f"/console/orders/{waiting.number}"
    assert delivered.number not in page(rival.get("/console/orders"))
    assert rival.get(path).status_code == 404
    assert rival.post(f"{path}/deliver", {"text": "stolen"}).status_code == 404
    assert rival.post(f"{path}/refund", {"reason": "spite"}).status_code == 404


def test_what_a_person_delivers_reaches_the_shopper(shop, staff, waiting):
    path = f"/console/orders/{waiting.number}"
    assert "需要人来处理" in page(staff.get(path))
    assert staff.post(f"{path}/deliver", {"text": " "}).status_code == 422
    assert staff.post(f"{path}/deliver", {"text": "账号 a\n密码 b"}).status_code == 303
    order = shop.order(waiting.number)
    with tenant.acting_for(shop.site):
        assert fulfilment.codes_of(order) == ["账号 a", "密码 b"]
    again = staff.post(f"{path}/deliver", {"text": "twice"})
    assert again.status_code == 409
    assert "订单刚刚有了新的状态" in page(again)


def test_an_order_that_cannot_be_delivered_is_refunded_once(world, shop, owner, waiting):
    path = f"/console/orders/{waiting.number}"
    assert owner.post(f"{path}/refund", {"reason": ""}).status_code == 422
    answer = owner.post(f"{path}/refund", {"reason": "供货中断"})
    assert "已转入退款" in page(owner.get(answer.headers["Location"]))
    assert owner.post(f"{path}/refund", {"reason": "again"}).status_code == 409
    world.run("refund")
    assert shop.order(waiting.number).status == "refunded"
    assert sum(world.channel.refunds.values()) == waiting.amount_fen


def test_a_delivered_order_offers_nothing_to_do(staff, delivered):
    assert "需要人来处理" not in page(staff.get(f"/console/orders/{delivered.number}"))
    assert staff.post(f"/console/orders/{delivered.number}/refund", {"reason": "late"}).status_code == 409
