"""Claims: each position once, repeats harmless, a shortage only where there is one."""

import random
from collections import Counter

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kit import clock, errors, ids, table, tenant
from chalicelib.stock import claims, model
from chalicelib.stock import service as stock
from chalicelib.stock.rules import MOST_RANGES, Range
from tests import make

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 6)),
        st.tuples(st.just("claim"), st.integers(1, 9)),
        st.tuples(st.just("return"), st.integers(0, 9)),
        st.tuples(st.just("return again"), st.integers(0, 9)),
        st.tuples(st.just("fold"), st.just(0)),
        st.tuples(st.just("forget"), st.just(0)),
    ),
    max_size=10,
)


class Shoppers:
    """What should be true of a pool, kept beside it."""

    def __init__(self, pool):
        self.pool = pool
        self.live = []
        self.gone = []

    def step(self, verb, number):
        getattr(self, verb.replace(" ", "_"))(number)

    def add(self, count):
        if len(self.pool.segs) < MOST_RANGES:
            self.pool.add(count)

    def claim(self, quantity):
        available = len(self.pool.imported) - sum(one.count for ranges in self.live for one in ranges)
        if quantity <= available:
            self.live.append(self.pool.claim(quantity))
            assert sum(one.count for one in self.live[-1]) == quantity
            return
        with pytest.raises(stock.SoldOut) as refused:
            self.pool.claim(quantity)
        assert refused.value.detail["left"] == available

    def return_(self, index):
        if self.live:
            ranges = self.live.pop(index % len(self.live))
            self.gone.append((ranges, self.pool.world.now))
            self.pool.give_back(ranges)

    def return_again(self, index):
        if self.gone:
            ranges, at = self.gone[index % len(self.gone)]
            self.pool.give_back(ranges, at=at)

    def fold(self, _):
        self.pool.fold()

    def forget(self, _):
        stock.forget()

    def agree(self):
        held = [self.pool.read(ranges) for ranges in self.live]
        handed = Counter(code for codes in held for code in codes)
        assert all(times == 1 for times in handed.values())
        assert set(handed) <= set(self.pool.imported)
        assert handed.total() + self.pool.free + self.pool.waiting == len(self.pool.imported)


@settings(max_examples=8, deadline=None)
@given(steps=STEPS)
def test_whatever_shoppers_do_each_code_is_in_one_place(cloud, new_pool, steps):
    shoppers = Shoppers(new_pool())
    for verb, number in [("add", 6), *steps]:
        shoppers.step({"return": "return_"}.get(verb, verb), number)
        cloud.now += 1
    shoppers.agree()


def twice(dynamodb, monkeypatch):
    """Every update has its effect, its answer is lost, and the SDK sends it again."""
    real = dynamodb.update_item
    monkeypatch.setattr(dynamodb, "update_item", lambda **call: (real(**call), real(**call))[1])


@pytest.mark.parametrize("quantity", [1, 4, 6])
def test_a_claim_whose_answer_was_lost_finds_the_same_range_and_burns_nothing(
    pool, dynamodb, monkeypatch, quantity
):
    pool.add(6)
    with monkeypatch.context() as patches:
        twice(dynamodb, patches)
        (one,) = pool.claim(quantity)
    assert one == Range(one.seg, 0, quantity)
    assert pool.free == 6 - quantity


def test_a_lost_answer_to_the_last_pieces_of_several_segments_burns_nothing(pool, dynamodb, monkeypatch):
    for _ in range(3):
        pool.add(2)
    with monkeypatch.context() as patches:
        twice(dynamodb, patches)
        ranges = pool.claim(5)
    assert sorted(pool.read(ranges)) == pool.imported[:5]
    assert pool.free == 1


def test_another_failure_of_the_table_is_not_taken_for_an_empty_shelf(pool, dynamodb, monkeypatch):
    pool.add(1)

    def fail(**call):
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

    with monkeypatch.context() as patches:
        patches.setattr(dynamodb, "update_item", fail)
        with pytest.raises(ClientError, match="InternalServerError"):
            pool.claim()
    assert pool.free == 1


def test_an_order_may_take_what_is_left_of_several_imports(pool):
    for _ in range(3):
        pool.add(3)
    ranges = pool.claim(8)
    assert [one.count for one in ranges] == [3, 3, 2]
    assert pool.read(ranges) == pool.imported[:8]


def test_what_is_left_of_a_segment_is_known_without_being_refused(pool, dynamodb, monkeypatch):
    pool.add(3)
    pool.claim()
    pool.add(3)
    asked, update = [], dynamodb.update_item
    monkeypatch.setattr(dynamodb, "update_item", lambda **call: asked.append(call) or update(**call))
    assert [one.count for one in pool.claim(4)] == [2, 2]
    assert len(asked) == 2


def test_older_imports_are_sold_first(pool):
    pool.add(2)
    pool.add(2)
    assert [code for _ in range(4) for code in pool.read(pool.claim())] == pool.imported


def test_too_few_pieces_are_given_back_and_counted(pool):
    pool.add(2)
    pool.add(3)
    for _ in range(2):
        with pytest.raises(stock.SoldOut) as refused:
            pool.claim(6)
        assert refused.value.detail == {"left": 5}
    assert sorted(pool.read(pool.claim(5))) == pool.imported


def test_a_sold_out_shopper_writes_nothing(pool, dynamodb, monkeypatch):
    pool.add(1)
    pool.claim()
    with pytest.raises(stock.SoldOut):
        pool.claim()
    for verb in ("update_item", "put_item", "transact_write_items"):
        monkeypatch.setattr(dynamodb, verb, None)
    with pytest.raises(stock.SoldOut) as refused:
        pool.claim()
    assert refused.value.detail == {"left": 0}


def test_a_rush_on_an_empty_pool_looks_twice_and_then_not_before_the_next_second(pool, dynamodb, monkeypatch):
    pool.add(1)
    taken = pool.claim()
    reads, query = [], dynamodb.query
    monkeypatch.setattr(dynamodb, "query", lambda **call: reads.append(call) or query(**call))
    for at, expected in ((0, 2), (0, 2), (1, 4)):
        with pytest.raises(stock.SoldOut):
            stock.claim(pool.owner, pool.sku, 1, now=pool.world.now + at)
        assert len(reads) == expected
    pool.give_back(taken)
    assert pool.read(stock.claim(pool.owner, pool.sku, 1, now=pool.world.now + 1)) == pool.imported


def test_what_comes_back_behind_the_first_look_is_found_by_the_second(pool, monkeypatch):
    pool.add(1)
    taken, restock = pool.claim(), claims._restock

    def look(*where):
        monkeypatch.setattr(claims, "_restock", restock)
        restock(*where)
        pool.give_back(taken)

    monkeypatch.setattr(claims, "_restock", look)
    assert pool.read(pool.claim()) == pool.imported


def test_goods_without_any_import_are_sold_out(pool):
    with pytest.raises(stock.SoldOut):
        pool.claim()
    assert pool.free == 0


def test_two_who_take_the_last_ones_in_halves_do_not_both_go_away_empty(pool, monkeypatch):
    pool.add(2)
    pool.add(2)
    real, rivals = claims._claim_in, []

    def crossed(owner, seg, most, attempt):
        got = real(owner, seg, most, attempt)
        if not rivals:  # between our two halves, somebody takes the other one
            rivals.append(None)
            rivals[0] = real(owner, pool.segs[1], 2, "rival")
        if len(rivals) == 1 and got is None:
            rivals.append("came back")
            pool.give_back([rivals[0]])
        return got

    monkeypatch.setattr(claims, "_claim_in", crossed)
    ranges = pool.claim(4)
    assert sorted(pool.read(ranges)) == pool.imported


@pytest.mark.parametrize(("segments", "size", "quantity"), [(20, 1, 9), (20, 10, 85), (12, 10, 120)])
def test_a_large_order_is_served_from_many_small_segments(pool, segments, size, quantity):
    pool.add(segments * size, parallel=segments)
    ranges = pool.claim(quantity)
    assert len(ranges) <= MOST_RANGES
    assert len(set(pool.read(ranges))) == quantity
    assert pool.free + pool.waiting == segments * size - quantity


def test_returned_positions_are_sold_again_with_their_own_codes(pool):
    pool.add(5)
    first, second = pool.claim(2), pool.claim(2)
    pool.give_back(first)
    assert (pool.free, pool.waiting) == (1, 2)
    pool.fold()
    assert pool.free == 3
    third = pool.claim(3)
    assert sorted(pool.read(third)) == sorted({*pool.imported[:2], pool.imported[4]})
    assert set(pool.read(second)).isdisjoint(pool.read(third))


def test_positions_can_come_back_again_and_again(pool):
    pool.add(3)
    for _ in range(4):
        ranges = pool.claim(3)
        assert sorted(pool.read(ranges)) == pool.imported
        pool.give_back(ranges)
        pool.world.now += 1
    assert pool.waiting == 3


def test_giving_back_twice_returns_once_before_and_after_the_fold(pool):
    pool.add(3)
    at = pool.world.now
    ranges = pool.claim(2)
    for _ in range(3):
        pool.give_back(ranges, at=at)
        pool.fold()
        pool.world.now += 60
    assert pool.free == 3
    assert len(pool.backs) == 1


def test_giving_back_nothing_does_nothing(pool):
    pool.add(1)
    pool.give_back([])
    assert pool.backs == []


def test_whoever_needs_returned_ranges_gets_them_before_anybody_folded_them(pool):
    pool.add(60)
    pool.give_back(pool.claim(5))
    assert (pool.free, pool.waiting) == (55, 5)
    assert len(set(pool.read(pool.claim(60)))) == 60


def test_what_another_instance_folds_while_one_looks_is_found(pool, monkeypatch):
    pool.add(1)
    pool.give_back(pool.claim())
    unfolded = claims._unfolded

    def faster(owner, sku):
        monkeypatch.setattr(claims, "_unfolded", unfolded)
        assert stock.fold(owner, sku, now=pool.world.now)
        return unfolded(owner, sku)

    monkeypatch.setattr(claims, "_unfolded", faster)
    assert len(pool.claim()) == 1


def test_whoever_meets_a_fold_under_way_is_asked_to_come_again_and_not_sent_away(pool, monkeypatch):
    pool.add(1)
    pool.give_back(pool.claim())

    def held(*_call):
        raise table.Refused

    with monkeypatch.context() as during:
        during.setattr(claims, "commit_fold", held)
        with pytest.raises(errors.NotReady):
            pool.claim()
    assert len(pool.claim()) == 1


def test_folding_again_finds_nothing(pool):
    pool.add(60)
    pool.give_back(pool.claim(2))
    assert pool.fold()
    assert not pool.fold()
    assert (pool.free, pool.waiting) == (60, 0)


def test_two_folds_at_once_make_one_segment(pool, monkeypatch):
    pool.add(60)
    pool.give_back(pool.claim(2))
    real = claims.commit_fold

    def raced(*call):
        real(*call)
        real(*call)

    monkeypatch.setattr(claims, "commit_fold", raced)
    assert pool.fold()
    assert (pool.free, pool.waiting, len(pool.segs)) == (60, 0, 2)


def test_a_fold_that_saw_fewer_returns_loses_to_one_that_saw_more(pool, monkeypatch):
    pool.add(60)
    pool.give_back(pool.claim(2))
    real = claims.commit_fold

    def late(*call):
        monkeypatch.setattr(claims, "commit_fold", real)
        pool.world.now += 1
        pool.give_back(pool.claim(3))
        pool.fold()
        real(*call)

    monkeypatch.setattr(claims, "commit_fold", late)
    pool.fold()
    assert (pool.free, pool.waiting) == (60, 0)
    assert len(set(pool.read(pool.claim(60)))) == 60


def test_an_import_during_a_fold_loses_no_segment(pool, monkeypatch):
    pool.add(60)
    pool.give_back(pool.claim(2))
    real = claims.commit_fold

    def late(*call):
        monkeypatch.setattr(claims, "commit_fold", real)
        pool.add(4)
        real(*call)

    monkeypatch.setattr(claims, "commit_fold", late)
    pool.fold()
    pool.fold()
    assert (pool.free, pool.waiting) == (64, 0)


def test_a_fold_takes_as_many_ranges_as_a_transaction_holds_and_the_next_one_the_rest(pool):
    pool.add(60)
    for _ in range(50):
        claims.put_back(pool.owner, pool.sku, pool.claim()[0], "expired", pool.world.now)
    pool.fold()
    assert pool.waiting == 5
    pool.fold()
    assert (pool.free, pool.waiting) == (60, 0)


def test_empty_segments_leave_the_list_with_a_fold(pool):
    pool.add(2)
    ranges = pool.claim(2)
    pool.give_back(ranges)
    pool.fold()
    (only,) = pool.segs
    assert only.startswith("r")


def test_returns_of_goods_nobody_ever_imported_stay_where_they_are(pool):
    pool.give_back([Range("cX", 0, 2)])
    assert not pool.fold()  # whoever folds until nothing is left comes to an end
    assert (pool.free, pool.waiting) == (0, 2)


def test_a_range_that_comes_back_from_an_old_order_is_sold_again_too(pool):
    pool.add(2)
    ranges = pool.claim(2)
    at = pool.world.now
    pool.world.now += 20 * clock.DAY
    pool.give_back(ranges, at=at)
    pool.world.now += 5 * clock.DAY
    assert len(pool.read(pool.claim(2))) == 2


def test_a_map_too_young_for_a_quick_read_is_read_again(pool, monkeypatch):
    pool.add(2)
    pool.give_back(pool.claim(2))
    ranges = pool.claim(2)
    real = model.MapRow.read.__func__
    late = classmethod(lambda kind, *key, consistent=True: real(kind, *key) if consistent else None)
    monkeypatch.setattr(model.MapRow, "read", late)
    assert sorted(pool.read(ranges)) == pool.imported


def test_a_segment_of_returned_positions_without_a_map_is_a_fault(pool):
    with pytest.raises(LookupError, match="segment rX has no map"):
        claims.resolve(pool.owner, [Range("rX", 0, 1)])


def test_a_remembered_segment_that_is_gone_counts_as_empty(pool):
    pool.add(1)
    claims._segments[pool.owner, pool.sku] = ["cGONE", *pool.segs]
    assert pool.read(pool.claim()) == pool.imported


def test_what_another_instance_imported_is_found_before_anybody_is_sent_away(pool):
    pool.add(1)
    pool.claim()
    remembered = dict(claims._segments)
    pool.add(1)
    claims._segments.update(remembered)
    assert pool.read(pool.claim()) == pool.imported[1:]


def test_parallel_segments_share_a_rush(pool, monkeypatch):
    monkeypatch.setattr(ids, "source", random.Random(7).randbytes)
    pool.add(64, parallel=3)
    assert len(pool.segs) == 3
    taken = [pool.claim()[0] for _ in range(16)]
    assert len({one.seg for one in taken}) == 3
    assert len({code for one in taken for code in pool.read([one])}) == 16


def test_parallel_segments_are_emptied_before_a_later_import(pool):
    pool.add(8, parallel=2)
    pool.add(8)
    taken = [code for _ in range(8) for code in pool.read(pool.claim())]
    assert sorted(taken) == pool.imported[:8]


def test_a_site_claims_from_its_own_pool_only(cloud):
    site = make.make_owner()
    with tenant.acting_for(site):
        make.make_codes(site, "own1", 2)
        (one,) = stock.claim(site, "own1", 2, now=cloud.now)
        assert len(stock.read_codes(site, [one])) == 2
    with tenant.acting_for(tenant.MAIN), pytest.raises(tenant.ForeignSite):
        stock.claim(site, "own1", 1, now=cloud.now)
    stock.forget()
    with tenant.acting_for(tenant.MAIN), pytest.raises(tenant.ForeignSite):
        table.client(site)
