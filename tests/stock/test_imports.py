"""Imports: every row accounted for, all or nothing, and nothing readable at rest."""

import boto3
import botocore.client
import pytest

from chalicelib.kit import ids, tenant, vault
from chalicelib.kit.errors import Conflict
from chalicelib.stock import model
from chalicelib.stock import service as stock
from chalicelib.stock.rules import Range
from tests import make
from tests.dying import Died

WRITES = ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems")


def whats(report):
    return [(problem.line, problem.what) for problem in report.problems]


def stored(cloud, owner=tenant.MAIN):
    """Everything at rest in an owner's table, as bytes."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=f"cardmesh-{owner}")
    rows = [row for page in pages for row in page["Items"]]
    values = [value for row in rows for value in row.values()]
    return b"\n".join(value.get("B") or str(value).encode() for value in values)


def dying_at(monkeypatch, number):
    """The machine dies instead of its write of that number, counted from 0."""
    real, seen = botocore.client.BaseClient._make_api_call, []

    def call(client, operation, given):
        if operation in WRITES:
            seen.append(operation)
            if len(seen) > number:
                raise Died
        return real(client, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


def test_the_report_names_every_row_that_was_left_out(pool):
    report = pool.bring("\ufeffA-1\r\n\r\nA-2\r\nA-1\r\n\x00\r\n" + "x" * 600)
    assert (report.added, report.rows) == (2, 6)
    assert whats(report) == [(2, "blank"), (4, "duplicate"), (5, "bad"), (6, "bad")]
    assert report.added + len(report.problems) == report.rows
    assert pool.free == 2


def test_codes_of_an_earlier_import_are_duplicates_by_line(pool):
    pool.bring("A-1\nA-2")
    report = pool.bring("A-0\nA-2\n\nA-1\nA-3")
    assert (report.added, report.rows) == (2, 5)
    assert whats(report) == [(2, "duplicate"), (3, "blank"), (4, "duplicate")]
    assert sorted(pool.read(pool.claim(4))) == ["A-0", "A-1", "A-2", "A-3"]


def test_a_code_sold_long_ago_is_still_a_duplicate(pool):
    pool.bring("A-1")
    pool.claim()
    assert whats(pool.bring("A-1")) == [(1, "duplicate")]
    assert pool.free == 0


def test_a_code_imported_a_moment_ago_is_a_duplicate_although_reads_may_lag(pool, monkeypatch):
    pool.bring("A\nB")
    real = botocore.client.BaseClient._make_api_call

    def call(client, operation, given):
        answer = real(client, operation, given)
        lags = operation == "Query" and not given.get("ConsistentRead")
        return answer | {"Items": [], "Count": 0} if lags else answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    assert pool.bring("B\nC").added == 1


def test_the_same_code_may_lie_in_two_pools(new_pool):
    one, other = new_pool(), new_pool()
    assert (one.bring("A-1").added, other.bring("A-1").added) == (1, 1)


@pytest.mark.parametrize("text", ["", "\n\n", "\x00"])
def test_an_import_without_a_code_changes_nothing(pool, text):
    assert pool.bring(text).added == 0
    assert (pool.free, pool.segs, stock.batches(pool.owner, pool.sku)) == (0, [], [])
    assert pool.add(1).added == 1


def test_earlier_imports_are_listed_newest_first_with_what_is_left(pool):
    first = pool.add(3)
    pool.world.now += 10
    second = pool.add(2)
    pool.claim(2)
    listed = stock.batches(pool.owner, pool.sku)
    assert [(one.batch, one.added, one.free) for one in listed] == [(second.batch, 2, 2), (first.batch, 3, 1)]
    assert [one.at for one in listed] == [pool.world.now, pool.world.now - 10]
    assert listed[0].note == "test"


def test_one_import_at_a_time_works_on_a_pool(pool, monkeypatch):
    real = stock._write

    def busy(*call):
        monkeypatch.setattr(stock, "_write", real)
        with pytest.raises(stock.Busy):
            pool.bring("B-1")
        return real(*call)

    monkeypatch.setattr(stock, "_write", busy)
    assert pool.bring("A-1").added == 1
    assert pool.bring("B-1").added == 1
    assert pool.free == 2


def test_an_import_that_failed_frees_the_pool_at_once_and_left_nothing(pool, monkeypatch):
    with monkeypatch.context() as patches:
        patches.setattr(stock, "_commit", lambda *_: (_ for _ in ()).throw(Conflict))
        with pytest.raises(Conflict):
            pool.add(30)
    assert (pool.free, pool.segs, stock.batches(pool.owner, pool.sku)) == (0, [], [])
    report = pool.bring("\n".join(pool.imported))
    assert (report.added, report.problems) == (30, ())


@pytest.mark.parametrize("number", range(5))
def test_an_import_that_died_at_any_write_is_repeated_whole(pool, monkeypatch, number):
    codes = [f"A-{i:02}" for i in range(30)]
    with monkeypatch.context() as patches:
        dying_at(patches, number)
        if number < 4:
            with pytest.raises(Died):
                pool.bring("\n".join(codes), parallel=1)
        else:
            pool.bring("\n".join(codes), parallel=1)
    assert pool.free == (30 if number == 4 else 0)
    pool.world.now += 901
    report = pool.bring("\n".join(codes))
    assert report.added + len(report.problems) == 30
    assert pool.free == 30
    assert sorted(pool.read(pool.claim(30))) == codes


def test_a_dead_import_bars_the_next_for_a_quarter_of_an_hour(pool, monkeypatch):
    with monkeypatch.context() as patches:
        dying_at(patches, 1)
        with pytest.raises(Died):
            pool.bring("A-1")
    pool.world.now += 900
    with pytest.raises(stock.Busy):
        pool.bring("A-1")
    pool.world.now += 1
    assert pool.bring("A-1").added == 1


def test_an_import_that_wakes_after_losing_its_lock_adds_nothing(pool, monkeypatch):
    real = stock._write

    def asleep(*call):
        monkeypatch.setattr(stock, "_write", real)
        lengths = real(*call)
        pool.world.now += 901
        assert pool.bring("A-1\nA-2").added == 2
        return lengths

    monkeypatch.setattr(stock, "_write", asleep)
    with pytest.raises(stock.Busy):
        pool.bring("A-1\nA-2\nA-3")
    assert pool.free == 2
    assert sorted(pool.read(pool.claim(2))) == ["A-1", "A-2"]
    assert pool.bring("A-3").added == 1


def test_a_fold_during_the_commit_refuses_the_import_and_frees_the_pool(pool, monkeypatch):
    pool.add(60)
    pool.give_back(pool.claim(2))
    real = stock.table.Together

    def late(*call):
        monkeypatch.setattr(stock.table, "Together", real)
        pool.fold()
        return real(*call)

    monkeypatch.setattr(stock.table, "Together", late)
    with pytest.raises(Conflict):
        pool.bring("A-1")
    assert pool.free == 60
    assert pool.bring("A-1").added == 1
    assert pool.free == 61


def test_no_code_and_no_fingerprint_to_guess_by_lies_in_the_table_in_the_clear(cloud, pool):
    codes = [f"PLAIN-{ids.token(12)}" for _ in range(30)]
    pool.bring("\n".join(codes))
    at_rest = stored(cloud)
    assert f"SKU#{pool.sku}".encode() in at_rest
    assert b"PLAIN" not in at_rest
    assert not any(code.encode() in at_rest or code[6:].encode() in at_rest for code in codes)


def test_a_fingerprint_depends_on_the_owners_key(pool):
    site = make.make_owner()
    with tenant.acting_for(site):
        foreign = stock._mark(site, "sku", "A-1")
    assert stock._mark(tenant.MAIN, "sku", "A-1") != foreign
    assert len(foreign) == 8


@pytest.mark.parametrize("place", [32, 0])
def test_a_ciphertext_moved_elsewhere_in_its_pool_is_unreadable(pool, place):
    """To the next chunk of its segment, and to the first chunk of another segment."""
    pool.add(64, parallel=2 if place == 0 else 1)
    rows, segs = model.ChunkRow.of(pool.owner), pool.segs
    source = rows.read(f"CHUNK#{segs[0]}", f"{0:012}")
    rows.change(f"CHUNK#{segs[-1]}", f"{place:012}", [rows.sealed.set(source.sealed)], None)
    with pytest.raises(vault.Unreadable):
        pool.read([Range(segs[-1], place, 1)])
    assert pool.read([Range(segs[0], 0, 1)]) == pool.imported[:1]


def test_a_ciphertext_moved_to_another_site_is_unreadable(cloud):
    one, other = make.make_owner(), make.make_owner()
    with tenant.acting_for(one):
        make.make_codes(one, "sku1", 1)
        (taken,) = stock.claim(one, "sku1", 1, now=cloud.now)
        sealed = model.ChunkRow.of(one).read(f"CHUNK#{taken.seg}", f"{0:012}").sealed
    with tenant.acting_for(other):
        model.ChunkRow.of(other)(f"CHUNK#{taken.seg}", f"{0:012}", sealed=sealed).insert()
        with pytest.raises(vault.Unreadable):
            stock.read_codes(other, [taken])


def test_exactly_the_codes_asked_for_are_read_in_their_order(pool):
    pool.add(80)
    (seg,) = pool.segs
    asked = [Range(seg, 70, 2), Range(seg, 20, 10), Range(seg, 49, 3), Range(seg, 0, 1)]
    expected = [pool.imported[at] for one in asked for at in range(one.start, one.end)]
    assert pool.read(asked) == expected
    assert pool.read([]) == []


def test_a_thousand_codes_go_into_one_order(pool):
    pool.add(1010)
    ranges = pool.claim(1000)
    assert pool.read(ranges) == pool.imported[:1000]
    assert pool.free == 10


def test_parallel_segments_hold_every_code_once(pool):
    pool.add(50, parallel=7)
    assert len(pool.segs) == 7
    assert sorted(code for _ in range(50) for code in pool.read(pool.claim())) == pool.imported


@pytest.mark.parametrize(("codes", "parallel", "segments"), [(3, 10, 3), (40, 99, 20), (5, 0, 1), (1, 1, 1)])
def test_there_are_never_more_segments_than_codes_or_letters(pool, codes, parallel, segments):
    pool.add(codes, parallel=parallel)
    assert len(pool.segs) == segments <= len(ids.ALPHABET)
    assert pool.free == codes


def test_levels_of_many_pools_are_read_together_and_shown_for_a_second(new_pool):
    one, other = new_pool(), new_pool()
    one.add(3)
    other.add(2)
    keys = [(one.owner, one.sku), (other.owner, other.sku), (one.owner, "nothing")]
    assert list(stock.levels(keys).values()) == [3, 2, 0]
    one.claim()
    assert stock.levels(keys)[one.owner, one.sku] == 3
    one.world.now += 1
    assert stock.levels(keys)[one.owner, one.sku] == 2


def test_what_levels_remember_is_bounded(new_pool):
    pool = new_pool()
    stock._levels.update({("x", str(i)): (0, 0) for i in range(100_001)})
    pool.add(1)
    stock.levels([(pool.owner, pool.sku)])
    assert len(stock._levels) <= 100_000
