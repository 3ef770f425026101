from chalicelib.catalog import service as catalog
from chalicelib.kit import config, tenant
from tests import make

from .conftest import MAIN, Person, buy, page, sign_in


def test_staff_see_today_beside_last_week_and_every_site(world, shop, staff):
    buy(world, shop)
    world.now += 7 * 86_400
    staff = Person(staff.client, MAIN, sign_in(tenant.MAIN, "admin"))
    buy(world, shop, quantity=2)
    shop.place()
    shown = page(staff.get("/console"))
    assert "<dd>¥99.00</dd>" in shown
    assert "上周同日此时 ¥49.50" in shown
    assert "▲ 100%" in shown
    assert "50.0%" in shown  # one of two orders was paid
    assert '>Demo</a></td><td class="num">2</td><td class="num">1</td><td class="num">1</td>' in shown
    assert '"before": [0.0' in shown


def test_what_waits_for_a_person_is_on_the_board(world, shop, staff, owner):
    with tenant.acting_for(shop.site):
        goods = make.make_goods(name="代充服务", way="manual")
        own = make.make_goods(shop.site, name="壁纸包", wholesale_fen=0, floor_fen=0)
        make.make_codes(shop.site, own.goods_id, 3)
        catalog.publish(shop.site, now=world.now)
        catalog.forget()
    buy(world, shop, goods_id=goods.goods_id)
    assert "代充服务 × 1" in page(staff.get("/console"))
    shown = page(owner.get("/console"))
    assert "代充服务 × 1" in shown
    assert "壁纸包 只剩 3 条" in shown


def test_dead_letters_are_seen(world, staff):
    assert page(staff.get("/console")).count('<li class="ok">') == len(config.QUEUES)
    url = world.sqs.get_queue_url(QueueName="cardmesh-fulfil-dead")["QueueUrl"]
    world.sqs.send_message(QueueUrl=url, MessageBody="{}")
    assert '<li class="bad"><i></i><b>出卡</b><span>1 条需要处理</span>' in page(staff.get("/console"))


def test_an_empty_house_says_what_to_do_next(staff):
    shown = page(staff.get("/console"))
    assert "开第一个分站" in shown
    for path, step in (("/console/sites", "/console/sites/new"), ("/console/goods", "/console/goods/new")):
        assert f'href="{step}"' in page(staff.get(path))
    assert "还没有订单" in page(staff.get("/console/orders"))
