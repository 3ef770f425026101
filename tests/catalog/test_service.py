"""The catalog: goods by version, listings above the floor, and a shelf exchanged whole."""

from dataclasses import replace

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.catalog.model import HeadRow, PageRow
from chalicelib.kit import errors, tenant
from chalicelib.tenancy import service as tenancy
from tests import make

DRAFT = catalog.GoodsDraft("卡", "点卡", wholesale_fen=4000, floor_fen=4500, suggest_fen=5000)


@pytest.fixture(scope="module")
def active(cloud):
    """One active site for the module."""
    return make.make_site(cloud, "shelves")


@pytest.fixture
def site(cloud, active):
    """The site at its start: follows main, has every block, and no main goods to follow."""
    with tenant.acting_for(active):
        tenancy.set_blocks(active, tenancy.BLOCKS)
        tenancy.set_follow(active, follow=True)
        for owner in (tenant.MAIN, active):
            for goods in (one for one in catalog.all_goods(owner) if one.on):
                catalog.put_goods(owner, replace(DRAFT, on=False), goods_id=goods.goods_id)
        yield active


def shelf(cloud, site):
    """What shoppers see once everything is published."""
    catalog.publish(site, now=cloud.now)
    cloud.now += 3
    return catalog.shelf(site)


def ids(shelf):
    return {offer.goods_id for offer in shelf.offers}


def test_goods_are_stored_as_given_and_each_change_is_a_version(cloud):
    draft = replace(DRAFT, tiers=(catalog.Tier(5, 4900),), sale=catalog.Sale(4800, 1, 2))
    first = catalog.put_goods(tenant.MAIN, draft)
    second = catalog.put_goods(tenant.MAIN, replace(draft, name="新"), goods_id=first.goods_id)
    assert (first.version, second.version) == (1, 2)
    assert catalog.goods(tenant.MAIN, first.goods_id) == second
    assert second.tiers == draft.tiers
    assert second in catalog.all_goods(tenant.MAIN)


def test_a_change_of_unknown_goods_is_not_found(cloud):
    with pytest.raises(errors.NotFound):
        catalog.put_goods(tenant.MAIN, DRAFT, goods_id="gnothing")


def test_bad_goods_are_not_stored(cloud):
    before = len(catalog.all_goods(tenant.MAIN))
    with pytest.raises(catalog.BadGoods):
        catalog.put_goods(tenant.MAIN, replace(DRAFT, most=0))
    assert len(catalog.all_goods(tenant.MAIN)) == before


def test_two_changes_at_once_are_a_conflict_and_the_first_stays(cloud, monkeypatch):
    made = catalog.put_goods(tenant.MAIN, DRAFT)
    real = catalog._save

    def raced(one):
        monkeypatch.setattr(catalog, "_save", real)
        catalog.put_goods(tenant.MAIN, replace(DRAFT, name="faster"), goods_id=made.goods_id)
        return real(one)

    monkeypatch.setattr(catalog, "_save", raced)
    with pytest.raises(errors.Conflict):
        catalog.put_goods(tenant.MAIN, replace(DRAFT, name="slower"), goods_id=made.goods_id)
    assert catalog.goods(tenant.MAIN, made.goods_id).name == "faster"


def test_a_sites_goods_are_none_of_mains_and_the_reverse(site):
    own = catalog.put_goods(site, DRAFT)
    with pytest.raises(errors.NotFound):
        catalog.goods(tenant.MAIN, own.goods_id)
    with pytest.raises(errors.NotFound):
        catalog.set_listing(site, catalog.Listing(own.goods_id))


def test_a_following_site_offers_all_main_goods_at_the_suggested_price(cloud, site):
    goods = catalog.put_goods(tenant.MAIN, DRAFT)
    (offer,) = shelf(cloud, site).offers
    assert (offer.goods_id, offer.price_fen, offer.owner) == (goods.goods_id, 5000, tenant.MAIN)
    newer = catalog.put_goods(tenant.MAIN, DRAFT)
    assert ids(shelf(cloud, site)) == {goods.goods_id, newer.goods_id}


def test_a_site_that_does_not_follow_offers_only_what_it_listed(cloud, site):
    listed, _ = catalog.put_goods(tenant.MAIN, DRAFT), catalog.put_goods(tenant.MAIN, DRAFT)
    tenancy.set_follow(site, follow=False)
    assert ids(shelf(cloud, site)) == set()
    catalog.set_listing(site, catalog.Listing(listed.goods_id, 6000))
    (offer,) = shelf(cloud, site).offers
    assert (offer.goods_id, offer.price_fen) == (listed.goods_id, 6000)


def test_a_listing_under_the_floor_is_refused_and_changes_nothing(cloud, site):
    goods = catalog.put_goods(tenant.MAIN, DRAFT)
    catalog.set_listing(site, catalog.Listing(goods.goods_id, 4500))
    with pytest.raises(catalog.BelowFloor):
        catalog.set_listing(site, catalog.Listing(goods.goods_id, 4499))
    assert catalog.listings(site)[goods.goods_id].price_fen == 4500


def test_a_raised_floor_lifts_the_price_of_every_listing(cloud, site):
    goods = catalog.put_goods(tenant.MAIN, DRAFT)
    catalog.set_listing(site, catalog.Listing(goods.goods_id, 4500))
    catalog.put_goods(tenant.MAIN, replace(DRAFT, floor_fen=4800), goods_id=goods.goods_id)
    assert shelf(cloud, site).find(goods.goods_id).price_fen == 4800


def test_own_goods_are_on_the_shelf_only_while_their_block_is_on(cloud, site):
    own = catalog.put_goods(site, DRAFT)
    assert ids(shelf(cloud, site)) == {own.goods_id}
    tenancy.set_blocks(site, tenancy.BLOCKS - {"own_goods"})
    assert ids(shelf(cloud, site)) == set()


def test_tiers_are_offered_only_while_the_wholesale_block_is_on(cloud, site):
    goods = catalog.put_goods(tenant.MAIN, replace(DRAFT, tiers=(catalog.Tier(5, 4900),)))
    assert shelf(cloud, site).find(goods.goods_id).tiers
    tenancy.set_blocks(site, tenancy.BLOCKS - {"wholesale"})
    assert not shelf(cloud, site).find(goods.goods_id).tiers


def test_a_shelf_never_published_is_empty(cloud):
    code = make.make_owner()
    with tenant.acting_for(code):
        assert catalog.shelf(code).offers == ()


def test_changes_show_after_they_are_published_and_three_seconds(cloud, site):
    before = shelf(cloud, site)
    goods = catalog.put_goods(tenant.MAIN, DRAFT)
    cloud.now += 3
    assert ids(catalog.shelf(site)) == ids(before)
    catalog.publish(site, now=cloud.now)
    assert ids(catalog.shelf(site)) == ids(before)
    cloud.now += 3
    assert ids(catalog.shelf(site)) == {*ids(before), goods.goods_id}
    assert catalog.shelf(site).version == before.version + 1


def test_a_shelf_of_many_pages_is_read_whole(cloud, site, monkeypatch):
    monkeypatch.setattr(catalog, "_PAGE", 200)
    made = {catalog.put_goods(site, replace(DRAFT, notes=str(i) * 300)).goods_id for i in range(8)}
    found = shelf(cloud, site)
    assert ids(found) == made
    assert HeadRow.of(site).read("SNAP#catalog", "head").pages > 1


def test_a_replaced_snapshot_stays_for_readers_under_way_and_expires(cloud, site):
    shelf(cloud, site)
    old = HeadRow.of(site).read("SNAP#catalog", "head").snap
    shelf(cloud, site)
    new = HeadRow.of(site).read("SNAP#catalog", "head").snap
    assert [int(row.ttl) for row in PageRow.of(site).under(f"SNAP#{old}")] == [cloud.now - 3 + 3600]
    assert [row.ttl for row in PageRow.of(site).under(f"SNAP#{new}")] == [None]


def test_of_two_publishers_the_slower_one_is_refused_and_leaves_no_page_for_ever(cloud, site, monkeypatch):
    shelf(cloud, site)
    goods, real, snaps = catalog.put_goods(site, DRAFT), catalog._turn, []

    def raced(*call):
        monkeypatch.setattr(catalog, "_turn", real)
        snaps.append(call[2])
        catalog.publish(site, now=cloud.now)
        return real(*call)

    monkeypatch.setattr(catalog, "_turn", raced)
    with pytest.raises(errors.Conflict):
        catalog.publish(site, now=cloud.now)
    assert all(row.ttl for row in PageRow.of(site).under(f"SNAP#{snaps[0]}"))
    cloud.now += 3
    assert ids(catalog.shelf(site)) == {goods.goods_id}


def test_the_first_publication_raced_is_a_conflict_too(cloud, site, monkeypatch):
    rows = HeadRow.of(site)
    monkeypatch.setattr(rows, "read", lambda *_, **__: None)
    with pytest.raises(errors.Conflict):
        catalog.publish(site, now=cloud.now)


def test_main_goods_announced_reach_the_shelf_of_every_site(cloud, site):
    goods = catalog.put_goods(tenant.MAIN, DRAFT)
    assert make.work("publish", [{"site": tenant.MAIN}]) == []
    asked = cloud.messages("publish")
    assert {"site": site} in asked
    assert make.work("publish", asked) == []
    cloud.now += 3
    assert goods.goods_id in ids(catalog.shelf(site))


def test_an_announcement_is_a_message_for_the_publishers(cloud, monkeypatch):
    sent = []
    monkeypatch.setattr(catalog.queue, "send", lambda name, **message: sent.append((name, message["site"])))
    catalog.announce()
    assert sent == [("publish", tenant.MAIN)]


def test_a_raced_publication_comes_again_and_an_unknown_site_too(cloud, site, monkeypatch):
    real = catalog.publish

    def raced(*call, **how):
        raise errors.Conflict

    monkeypatch.setattr(catalog, "publish", raced)
    assert make.work("publish", [{"site": site}]) == [{"site": site}]
    monkeypatch.setattr(catalog, "publish", real)
    assert make.work("publish", [{"site": site}, {"site": "zzz0"}]) == [{"site": "zzz0"}]


def test_the_shelves_held_in_memory_are_bounded(cloud, site, monkeypatch):
    monkeypatch.setattr(catalog, "_HELD", 2)
    catalog._shelves.update({str(i): (0, "", None) for i in range(2)})
    shelf(cloud, site)
    assert list(catalog._shelves) == ["1", site]
    catalog.forget()
    assert ids(catalog.shelf(site)) == set()
