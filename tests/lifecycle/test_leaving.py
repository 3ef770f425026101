"""A site leaves: shoppers keep what they have until all is settled, then nobody can read who they were."""

import csv
import io
import zipfile

import boto3
import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.lifecycle import exports, worker
from chalicelib.lifecycle import service as lifecycle
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy
from tests import make

DAY = clock.DAY


def fresh(shop):
    return tenancy.site(shop.site, fresh=True)


def open_matters(shop):
    return {matter.what for matter in lifecycle.matters(fresh(shop), now=shop.world.now) if not matter.done}


def sell(shop):
    order = shop.place()
    shop.pay(order)
    assert shop.world.run() == []
    return shop.order(order.number)


def leave(shop, *, days=0):
    tenancy.leave(shop.site, by="demo-owner", now=shop.world.now)
    shop.world.now += days * DAY
    make.fire(worker.tend_sites)


def test_a_shop_that_leaves_stays_open_to_those_who_bought_until_its_notice_is_over(shop):
    order = sell(shop)
    leave(shop, days=29)
    assert (fresh(shop).state, open_matters(shop)) == ("leaving", {"notice"})
    assert tenancy.site_at(fresh(shop).host).site == shop.site
    shop.world.now += 3 * DAY
    make.fire(worker.tend_sites)
    assert fresh(shop).state == "closed"
    with pytest.raises(errors.NotFound):
        tenancy.site_at(fresh(shop).host)
    assert order.status == "delivered"


@pytest.mark.parametrize("what", ["orders", "cases", "balances", "money", "deposit"])
def test_what_is_open_keeps_the_doors_open_and_calls_a_person_once(shop, monkeypatch, what):
    site, now = shop.site, shop.world.now
    if what == "orders":
        shop.place()
    elif what == "cases":
        cases.open("refund", "x", why="x", facts={"site": site}, action="x", now=now)
    elif what == "balances":
        monkeypatch.setattr(ledger, "stored", lambda _: 5)
    else:
        held = {"money": ledger.Balances(0, 3, 0, 0), "deposit": ledger.Balances(0, 0, 0, 3)}[what]
        monkeypatch.setattr(ledger, "balances", lambda _: held)
    leave(shop, days=32)
    make.fire(worker.tend_sites)
    assert (fresh(shop).state, open_matters(shop)) == ("leaving", {what})
    assert cases.count_open()["leaving"] == 1


def test_other_sites_cases_and_the_reminder_keep_nobody(shop):
    cases.open("refund", "x", why="x", facts={"site": "zzzz"}, action="x", now=shop.world.now)
    cases.open("leaving", shop.site, why="x", facts={"site": shop.site}, action="x", now=shop.world.now)
    leave(shop, days=32)
    assert fresh(shop).state == "closed"


def test_members_balances_are_those_of_the_books(shop):
    shop.fund(10_000)
    assert ledger.stored(shop.site) == 0  # an entry without a journal is none of the books'
    legs = [("clearing:wechat", 10_000), ("user:m1:balance", -10_000)]
    with tenant.acting_for(shop.site):
        ledger.post(shop.site, clock.day_of(shop.world.now), "n", "topup", legs, at=shop.world.now)
        ledger.close(shop.site, clock.day_of(shop.world.now), now=shop.world.now)
    assert ledger.stored(shop.site) == 10_000


def test_a_closed_site_s_key_is_gone_and_its_fingerprint_stays(shop):
    order = sell(shop)
    with tenant.acting_for(shop.site):
        key = vault.fingerprint(shop.site)
        assert order.contact_masked == "buy****om"
    leave(shop, days=32)
    for _ in range(2):
        make.fire(worker.tend_sites)
    left = fresh(shop).leaving
    assert (left.key, left.erased_at, left.closed_at) == (key, shop.world.now, shop.world.now)
    vault.forget()
    with tenant.acting_for(shop.site), pytest.raises(LookupError, match="destroyed"):
        _ = shop.order(order.number).contact_masked
    with tenant.acting_for(shop.site):
        vault.destroy(shop.site)
        assert vault.fingerprint(shop.site) == ""


def test_keys_that_are_everybody_s_are_not_destroyed(world):
    for owner in vault.SHARED:
        with pytest.raises(LookupError):
            vault.destroy(owner)
    with tenant.acting_for("zzzz"), pytest.raises(Exception, match="ResourceNotFound"):
        vault.destroy("zzzz")


def test_whoever_dies_while_the_key_goes_leaves_a_complete_proof_to_the_next(shop, monkeypatch):
    leave(shop, days=32)
    real = tenancy.record

    def dies(site, **facts):
        if "erased_at" in facts:
            raise RuntimeError
        real(site, **facts)

    monkeypatch.setattr(tenancy, "record", dies)
    assert make.fire(worker.tend_sites)["failed"] == 1
    monkeypatch.setattr(tenancy, "record", real)
    assert make.fire(worker.tend_sites)["failed"] == 0
    left = fresh(shop).leaving
    assert len(left.key) == 64
    assert left.erased_at


def test_money_that_comes_after_a_shop_closed_is_a_case(shop):
    order = shop.place()
    shop.world.now += 3600
    assert shop.drive(order)
    leave(shop, days=32)
    assert fresh(shop).state == "closed"
    with tenant.acting_for(tenant.MAIN):
        checkout.accept_payment(shop.payment(order), now=shop.world.now)
    assert [one.why for one in cases.open_ones(kind="suspense")] == ["订单所在的分站已经关闭"]


def test_an_owner_who_stays_has_the_shop_as_it_was(shop):
    leave(shop)
    tenancy.stay(shop.site, by="demo-owner", now=shop.world.now)
    assert (fresh(shop).state, fresh(shop).leaving) == ("active", None)
    sell(shop)
    tenancy.suspend(shop.site, "核对投诉", by="anna", now=shop.world.now)
    leave(shop)
    tenancy.stay(shop.site, by="demo-owner", now=shop.world.now)
    assert (fresh(shop).state, fresh(shop).closure.words) == ("suspended", "核对投诉")
    with pytest.raises(errors.Conflict):
        tenancy.stay(shop.site, by="demo-owner", now=shop.world.now)


def test_nobody_stays_past_the_end_of_a_licence(shop):
    tenancy.set_term(shop.site, shop.world.now + 1, now=shop.world.now)
    leave(shop, days=1)
    with pytest.raises(tenancy.Ended):
        tenancy.stay(shop.site, by="demo-owner", now=shop.world.now)


def test_the_table_goes_once_the_law_lets_it_and_the_proof_stays(shop):
    sell(shop)
    with pytest.raises(errors.Conflict):
        lifecycle.delete(fresh(shop), by="anna", now=shop.world.now)
    leave(shop, days=32)
    make.fire(worker.tend_sites)
    with pytest.raises(lifecycle.TooEarly):
        lifecycle.delete(fresh(shop), by="anna", now=shop.world.now)
    shop.world.now += tenancy.KEPT
    with tenant.acting_for(shop.site):
        lifecycle.delete(fresh(shop), by="anna", now=shop.world.now)
    left = fresh(shop)
    assert (left.state, left.leaving.deleted_by, left.leaving.deleted_at) == ("gone", "anna", shop.world.now)
    assert left.leaving.table.endswith(f"table/cardmesh-site-{shop.site}")
    assert left.leaving.items > 0
    assert f"cardmesh-site-{shop.site}" not in boto3.client("dynamodb").list_tables()["TableNames"]
    with pytest.raises(errors.Conflict):
        lifecycle.delete(left, by="anna", now=shop.world.now)
    make.fire(worker.tend_sites)
    assert make.fire(worker.tend_sites) == {"sites": 1, "failed": 0}


def test_a_deletion_that_died_halfway_is_done_by_repeating_it(shop, monkeypatch):
    leave(shop, days=32)
    make.fire(worker.tend_sites)
    shop.world.now += tenancy.KEPT
    for name in ("record", "remove", "bury"):
        with monkeypatch.context() as patches, tenant.acting_for(shop.site):
            patches.setattr(tenancy, name, lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                lifecycle.delete(fresh(shop), by="anna", now=shop.world.now)
    with tenant.acting_for(shop.site):
        lifecycle.delete(fresh(shop), by="anna", now=shop.world.now)
    assert (fresh(shop).state, bool(fresh(shop).leaving.table)) == ("gone", True)


def rows(text):
    return list(csv.reader(io.StringIO(text.removeprefix(lifecycle.BOM))))


def test_an_owner_takes_orders_and_journals_along(shop, monkeypatch):
    order = sell(shop)
    with tenant.acting_for(shop.site):
        days = [clock.day_of(shop.world.now)]
        orders, journals = (rows(lifecycle.table(shop.site, what, days)) for what in lifecycle.DAILY)
        assert [row[0] for row in orders] == ["订单号", order.number]
        assert sum(float(row[4]) for row in journals[1:]) == pytest.approx(0)
        assert {row[1] for row in journals[1:]} == {order.number}
        monkeypatch.setattr(exports, "LARGEST", 10)
        with pytest.raises(lifecycle.TooMuch):
            lifecycle.table(shop.site, "orders", days)
    assert exports._inert("=1+1") == "'=1+1"
    assert exports._inert("-1.50") == "-1.50"


def test_goods_settings_and_what_happened_to_the_money_go_along(shop):
    sell(shop)
    with tenant.acting_for(shop.site):
        own = make.make_goods(shop.site, name="=HYPERLINK(1)", wholesale_fen=0, floor_fen=0, on=False)
        shop.world.now = make.NOON + 45_000  # half past midnight
        settlement.close_windows(shop.site, now=shop.world.now)
        goods = {row[0]: row for row in rows(lifecycle.table(shop.site, "goods"))}
        settings = dict(rows(lifecycle.table(shop.site, "settings")))
        flows = rows(lifecycle.table(shop.site, "flows"))
    assert (goods[shop.goods_id][1], goods[shop.goods_id][5:7]) == ("主站", ["49.50", "40.00"])
    assert (goods[own.goods_id][1:3], goods[own.goods_id][9]) == (["自有", "'=HYPERLINK(1)"], "否")
    assert (settings["域名"], settings["分账方案"]) == ("demo.cardmesh.test", "standard")
    assert flows[1][1] == "release"
    assert float(flows[1][3]) > 0


def test_everything_goes_into_one_file_whatever_its_size(shop, monkeypatch):
    order = sell(shop)
    monkeypatch.setattr(exports, "LARGEST", 10)
    file = io.BytesIO()
    days = [clock.day_of(shop.world.now - clock.DAY), clock.day_of(shop.world.now)]
    with tenant.acting_for(shop.site):
        lifecycle.pack(shop.site, days, file)
    with zipfile.ZipFile(file) as whole:
        assert whole.testzip() is None
        tables = {name: rows(whole.read(name).decode()) for name in whole.namelist()}
    assert list(tables) == [f"{name}.csv" for name in lifecycle.WHAT.values()]
    assert [row[0] for row in tables["订单.csv"]] == ["订单号", order.number]
    everything = repr(tables)
    assert "buyer@example.com" not in everything
    assert "CODE-" not in everything
