"""A site moves to another account while people buy: nothing is lost, nothing comes twice, whatever dies on the way."""

import itertools
import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import cells, config, table, tenant
from chalicelib.lifecycle import service as lifecycle
from chalicelib.orders import service as orders
from chalicelib.tenancy import carrying, moving
from chalicelib.tenancy import cells as rooms
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import CELLS, CellRow
from sim.iam import enforce
from tests import make
from tests.dying import Died
from tests.tenancy.test_cells import AWAY, HOME, tables
from tests.tenancy.test_service import dying_at

pytestmark = pytest.mark.slow


@pytest.fixture
def spread(world, monkeypatch):
    """Two accounts; the shop `demo` lives in the first, with orders delivered, paid and open."""
    shop = world.shop = make.make_shop(world, codes=30)
    monkeypatch.setenv("CELLS", f"a@{HOME}:2,b@{AWAY}:2")
    _anew()
    with tenant.acting_for(tenant.MAIN):
        CellRow.of(tenant.MAIN)(CELLS, "a", used=1).insert()
    shop.delivered, shop.paid, shop.open = (shop.place() for _ in range(3))
    shop.pay(shop.delivered)
    assert world.run() == []
    shop.pay(shop.paid)
    yield world
    _anew()


def _anew():
    config.load.cache_clear()
    tenancy.forget()
    tenant._clients.clear()
    cells._clients.clear()


def step(world, seconds=15):
    """Time passes, and the queue's function takes the move a step further; its state."""
    world.now += seconds
    with enforce.acting_as("provision_sites", cold=False):
        moving.advance(world.shop.site, now=world.now)
    return moving.move_of(world.shop.site).state


def until(world, state, most=40):
    for _ in range(most):
        if step(world) == state:
            return
    raise AssertionError(f"still {moving.move_of(world.shop.site)}")


def move(world, target="b"):
    moving.start(world.shop.site, target, by="staff", now=world.now)
    until(world, "moved")


def rows_in(cell, site):
    client = cells.operator("dynamodb", cell)
    return client.scan(TableName=table.name_of(site))["Items"]


def used():
    return {room.cell: room.used for room in rooms.rooms()}


def codes_of(shop, order):
    with tenant.acting_for(shop.site):
        return fulfilment.codes_of(orders.order(shop.site, order.number))


def test_a_moved_site_has_all_its_orders_and_sells_on(spread):
    shop, before = spread.shop, rows_in("a", spread.shop.site)
    held = codes_of(shop, shop.delivered)
    move(spread)
    assert tenancy.site(shop.site).cell == "b"
    assert sorted(map(str, rows_in("b", shop.site))) == sorted(map(str, before))
    assert codes_of(shop, shop.delivered) == held
    order = shop.place()
    shop.pay(order)
    assert spread.run() == []
    assert shop.order(order.number).status == "delivered"
    assert 0 < moving.move_of(shop.site).rows <= len(before)  # sessions and the like are not compared


def test_a_notification_that_comes_after_the_move_ends_with_the_code_once(spread):
    shop = spread.shop
    move(spread)
    shop.pay(shop.open)
    shop.pay(shop.open)
    assert spread.run() == []
    everything = [codes_of(shop, one) for one in (shop.delivered, shop.paid, shop.open)]
    assert [shop.order(one.number).status for one in (shop.delivered, shop.paid, shop.open)] == [
        "delivered"
    ] * 3
    assert len({code for codes in everything for code in codes}) == 3
    assert len(rows_in("a", shop.site)) < len(rows_in("b", shop.site))


def test_while_it_is_carried_nobody_writes_and_what_was_told_is_told_again(spread):
    shop = spread.shop
    moving.start(shop.site, "b", by="staff", now=spread.now)
    until(spread, "frozen")
    before = rows_in("a", shop.site)
    with pytest.raises(cells.Moving):
        shop.pay(shop.open)
    failed = spread.run("fulfil", "timer")
    assert shop.paid.number in {one.get("order") for one in failed}
    assert codes_of(shop, shop.delivered)
    assert rows_in("a", shop.site) == before
    until(spread, "moved")
    shop.pay(shop.open)
    for one in failed:
        assert make.work("fulfil" if "order" in one else "timer", [one]) == []
    spread.run()
    assert shop.order(shop.open.number).status == shop.order(shop.paid.number).status == "delivered"


def test_a_shop_that_moves_takes_no_orders_and_claims_nothing(spread):
    shop = spread.shop
    free = shop.free()
    moving.start(shop.site, "b", by="staff", now=spread.now)
    until(spread, "closing")
    with pytest.raises(cells.Moving, match="moving") as refused:
        shop.place()
    assert (refused.value.status, refused.value.detail) == (503, {"retry_after": 60})
    assert shop.free() == free
    until(spread, "moved")
    assert shop.place().status == "pending"


def test_orders_are_taken_until_the_other_account_is_ready(spread):
    moving.start(spread.shop.site, "b", by="staff", now=spread.now)
    assert spread.shop.place().status == "pending"


def test_the_doors_are_closed_no_longer_than_a_minute_and_a_half_for_a_small_site(spread):
    moving.start(spread.shop.site, "b", by="staff", now=spread.now)
    until(spread, "closing")
    closed = spread.now
    until(spread, "moved")
    assert spread.now - closed <= 90


def test_dying_at_any_call_and_going_on_ends_in_one_place_with_everything(spread, monkeypatch):
    shop, there = spread.shop, itertools.cycle("ba")
    for number in itertools.count():
        target = next(there)
        before = sorted(map(str, rows_in("b" if target == "a" else "a", shop.site)))
        with monkeypatch.context() as patches:
            dying_at(patches, number)
            try:
                move(spread, target)
                died = False
            except Died:
                died = True
        cells._clients.clear()
        moving.start(shop.site, target, by="staff", now=spread.now) if _again(shop.site) else None
        if moving.move_of(shop.site).state != "moved":
            until(spread, "moved")
        assert tenancy.site(shop.site, fresh=True).cell == target
        assert sorted(map(str, rows_in(target, shop.site))) == before
        assert used() == {"a": 1, "b": 1}
        spread.now += moving.KEPT
        moving.clear(shop.site, now=spread.now)
        until(spread, "over")
        assert sum(used().values()) == 1
        if not died:
            break
    assert number > 25
    shop.pay(shop.open)
    spread.run()


def _again(site):
    known = moving.move_of(site)
    return known is None or known.state in ("preparing", "over")


def test_what_does_not_come_as_it_was_is_called_off_and_the_shop_opens_where_it_was(spread, monkeypatch):
    shop, alarms = spread.shop, []
    monkeypatch.setattr(moving.log, "alarm", lambda name, **_: alarms.append(name))
    monkeypatch.setattr(carrying, "_put", lambda *_: None)
    moving.start(shop.site, "b", by="staff", now=spread.now)
    until(spread, "clearing")
    assert alarms == ["tenancy.move_differs"]
    assert shop.place().status == "pending"
    until(spread, "over")
    assert tables(AWAY) == set()
    assert used() == {"a": 1, "b": 0}
    assert "rows came" in moving.move_of(shop.site).why


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=["refused", "unreachable"],
)
def test_a_shop_is_not_left_closed_where_its_table_cannot_be_carried(spread, monkeypatch, error):
    shop, alarms = spread.shop, []
    monkeypatch.setattr(moving.log, "alarm", lambda name, **told: alarms.append((name, told["state"])))
    moving.start(shop.site, "b", by="staff", now=spread.now)
    until(spread, "frozen")

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(carrying, "carry", refuse)
    until(spread, "staying")
    assert alarms == [("tenancy.move_failed", "frozen")]
    until(spread, "over")
    assert shop.place().status == "pending"
    assert tables(AWAY) == set()


def test_being_told_to_slow_down_is_no_reason_to_call_it_off(spread, monkeypatch):
    shop = spread.shop
    moving.start(shop.site, "b", by="staff", now=spread.now)
    until(spread, "frozen")

    def refuse(*_, **__):
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Scan")

    with monkeypatch.context() as patches:
        patches.setattr(carrying, "carry", refuse)
        assert [step(spread), step(spread), step(spread)] == ["frozen"] * 3
    until(spread, "moved")


def test_what_cannot_be_cleared_is_told_and_tried_again(spread, monkeypatch):
    shop = spread.shop
    move(spread)
    spread.now += moving.KEPT
    moving.clear(shop.site, now=spread.now)

    def refuse(*_, **__):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DeleteStack")

    with monkeypatch.context() as patches:
        patches.setattr(moving.stacks, "delete", refuse)
        with pytest.raises(ClientError):
            step(spread)
    until(spread, "over")
    assert used() == {"a": 0, "b": 1}


@pytest.mark.parametrize("state", ["preparing", "closing", "frozen", "carried"])
def test_a_move_is_called_off_at_any_step_before_the_switch(spread, state):
    shop = spread.shop
    moving.start(shop.site, "b", by="staff", now=spread.now)
    if state != "preparing":
        until(spread, state)
    moving.call_off(shop.site, "changed our minds", now=spread.now)
    moving.call_off(shop.site, "a second click", now=spread.now)
    until(spread, "clearing")
    assert shop.place().status == "pending"
    until(spread, "over")
    assert (tenancy.site(shop.site).cell, tables(AWAY), used()) == ("a", set(), {"a": 1, "b": 0})
    move(spread)
    assert tenancy.site(shop.site).cell == "b"


def test_the_old_table_is_kept_for_a_week_and_then_goes(spread):
    shop = spread.shop
    move(spread)
    with pytest.raises(moving.Fixed, match="seven days"):
        moving.clear(shop.site, now=spread.now)
    with pytest.raises(moving.Fixed):
        moving.call_off(shop.site, "too late", now=spread.now)
    with pytest.raises(moving.Fixed):
        moving.start(shop.site, "a", by="staff", now=spread.now)
    spread.now += moving.KEPT
    moving.clear(shop.site, now=spread.now)
    moving.clear(shop.site, now=spread.now)
    until(spread, "over")
    assert table.name_of(shop.site) not in tables(HOME)
    assert used() == {"a": 0, "b": 1}
    assert tenancy.site(shop.site, fresh=True).left == ""
    assert codes_of(shop, shop.delivered)


def test_the_old_table_refuses_the_shops_own_role(spread):
    move(spread)
    client, site = cells.operator("dynamodb", "a"), spread.shop.site
    arn = f"arn:aws:dynamodb:us-east-1:{HOME}:table/{table.name_of(site)}"
    (refusal,) = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])["Statement"]
    assert (refusal["Effect"], refusal["Principal"]) == ("Deny", {"AWS": config.load().tenant_role})
    assert "dynamodb:PutItem" in refusal["Action"]


@pytest.mark.parametrize("target", ["a", "c", ""])
def test_a_site_moves_nowhere_that_makes_no_sense(spread, target):
    with pytest.raises(moving.Fixed):
        moving.start(spread.shop.site, target, by="staff", now=spread.now)
    assert moving.move_of(spread.shop.site) is None


def test_a_site_moves_only_where_there_is_room(spread):
    with tenant.acting_for(tenant.MAIN):
        CellRow.of(tenant.MAIN)(CELLS, "b", used=2).insert()
    with pytest.raises(moving.Fixed, match="full"):
        moving.start(spread.shop.site, "b", by="staff", now=spread.now)
    assert moving.move_of(spread.shop.site) is None


def test_two_runs_at_once_do_the_same_as_one(spread, monkeypatch):
    shop, real = spread.shop, moving._row
    moving.start(shop.site, "b", by="staff", now=spread.now)
    for _ in range(30):
        stale = real(shop.site)
        if step(spread) == "moved":
            break
        with monkeypatch.context() as patches:
            patches.setattr(moving, "_row", lambda _code, held=stale: held)
            moving.advance(shop.site, now=spread.now)
    assert tenancy.site(shop.site, fresh=True).cell == "b"
    assert used() == {"a": 1, "b": 1}
    assert codes_of(shop, shop.delivered)


def test_rows_are_carried_page_by_page_and_the_sums_hang_on_no_order(spread, monkeypatch):
    site = spread.shop.site
    whole = carrying.count(site, "a", carrying.Progress(), lasting=spread.now)
    monkeypatch.setattr(carrying, "_PAGES", 1)
    client = cells.operator("dynamodb", "a")
    scan = client.scan
    monkeypatch.setattr(client, "scan", lambda **call: scan(**call, Limit=2))
    seen, pages = carrying.Progress(), 0
    while not seen.done:
        seen, pages = carrying.count(site, "a", seen, lasting=spread.now), pages + 1
    assert seen == whole
    assert pages > 3


def test_what_ends_by_itself_soon_is_not_counted(spread):
    site = spread.shop.site
    with_all = carrying.count(site, "a", carrying.Progress(), lasting=0)
    without = carrying.count(site, "a", carrying.Progress(), lasting=spread.now + 10**9)
    assert without.rows <= with_all.rows


def test_the_queue_takes_a_move_further(spread):
    moving.start(spread.shop.site, "b", by="staff", now=spread.now)
    assert make.work("provision", [{"site": spread.shop.site, "move": True}]) == []
    assert moving.move_of(spread.shop.site).state == "closing"


def test_a_site_that_never_moved_has_nothing_to_do(spread):
    with pytest.raises(moving.errors.NotFound):
        moving.advance("zzzz", now=spread.now)
    with pytest.raises(moving.errors.NotFound):
        moving.start("zzzz", "b", by="staff", now=spread.now)


def test_a_move_whose_message_was_lost_is_gone_on_with_by_the_hourly_look(spread):
    moving.start(spread.shop.site, "b", by="staff", now=spread.now)
    until(spread, "frozen")
    spread.sent.clear()
    lifecycle.tend(tenancy.site(spread.shop.site, fresh=True), now=spread.now)
    assert spread.sent_to("provision") == [{"site": spread.shop.site, "move": True}]


def test_a_site_does_not_leave_while_its_old_table_is_kept(spread):
    site = spread.shop.site
    move(spread)
    matters = lifecycle.matters(tenancy.site(site, fresh=True), now=spread.now)
    assert ("copy", False) in {(one.what, one.done) for one in matters}
    spread.now += moving.KEPT
    moving.clear(site, now=spread.now)
    until(spread, "over")
    matters = lifecycle.matters(tenancy.site(site, fresh=True), now=spread.now)
    assert "copy" not in {one.what for one in matters}
