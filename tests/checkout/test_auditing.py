"""Main's pools are held against the orders of more sites than one run can ask: page after page, and never too early."""

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.checkout import auditing
from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, tenant
from chalicelib.stock import service as stock
from chalicelib.stock.model import AuditRow, PointerRow
from sim.iam.enforce import acting_as
from tests import make


@pytest.fixture
def burnt(shop, world, monkeypatch):
    """Three sites that each sold one of main's ten codes, while four were taken by somebody who died; 2 days ago."""
    monkeypatch.setattr(auditing, "AT_ONCE", 1)
    others = [make.Shop(world, make.make_site(world, slug), shop.goods_id) for slug in ("second", "third")]
    for other in others:
        with tenant.acting_for(other.site):
            catalog.publish(other.site, now=world.now)
            catalog.forget()
    stock.claim(shop.owner, shop.goods_id, 4, now=world.now)
    for each in (shop, *others):
        each.pay(each.place())
    assert world.run("fulfil") == []
    night(world, run=False)
    world.now += 2 * clock.DAY
    world.sent.clear()
    return shop


def night(world, *, run=True):
    """An audit begins; the messages that go on with it are handled one after the other; how often it was asked for."""
    with acting_as("drive_orders", cold=False), tenant.acting_for(tenant.MAIN):
        checkout.audit(tenant.MAIN, now=world.now)
    pages = 1
    while run and (found := [one for one in world.messages("timer") if one.get("audit")]):
        pages += 1
        assert make.work("timer", found) == []
    return pages


def pages(world):
    return [message for message in world.sent_to("timer") if message.get("audit")]


def waiting(shop):
    with tenant.acting_for(tenant.MAIN):
        back = stock.returned(shop.owner, shop.goods_id)
    return sum(one.count for one in back)


def test_page_after_page_comes_to_what_one_run_finds(burnt, world):
    assert night(world) == 3
    assert waiting(burnt) == 4
    assert night(world) == 1
    assert waiting(burnt) == 4


def test_nothing_goes_back_before_the_last_site_was_asked(burnt, world):
    for _ in range(2):
        night(world, run=False)
        assert waiting(burnt) == 0
    night(world, run=False)
    assert waiting(burnt) == 4


def test_a_message_that_was_lost_has_the_next_night_go_on_where_it_ended(burnt, world):
    night(world, run=False)
    world.messages("timer")
    world.now += clock.DAY
    assert night(world) == 2
    assert waiting(burnt) == 4


def test_a_page_that_is_asked_twice_and_one_that_comes_late_change_nothing(burnt, world):
    late = auditing.stock.audits_due(tenant.MAIN, [burnt.goods_id], now=world.now)
    night(world, run=False)
    (check,) = late
    stock.lay_audit_down(tenant.MAIN, check, "0000")
    (row,) = AuditRow.of(tenant.MAIN).read_many([(f"PTR#{check.seg}", "audit")])
    assert row.upto > "0000"
    (message,) = pages(world)
    for _ in range(3):
        assert make.work("timer", [{"site": "main", "audit": True, "begun": message["begun"]}]) == []
    assert waiting(burnt) == 4


def test_what_is_claimed_while_an_old_message_waits_is_none_of_its_night(burnt, world):
    begun = world.now
    night(world)
    world.now += 9 * clock.DAY
    (held,) = burnt.place().ranges
    stock.claim(burnt.owner, burnt.goods_id, 2, now=world.now)
    make.work("timer", [{"site": "main", "audit": True, "begun": begun}])
    assert PointerRow.of(tenant.MAIN).read(f"PTR#{held.seg}", ".").seen_at == world.now
    assert waiting(burnt) == 4
    world.now += 2 * clock.DAY
    assert night(world) == 3
    assert waiting(burnt) == 6
