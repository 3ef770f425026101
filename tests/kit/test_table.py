"""Rows: every write states its condition, and what stood in its way comes back."""

import contextlib
import importlib
import pkgutil

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.models import Model

import chalicelib
from chalicelib.kit import table, tenant
from tests import make


class Count(table.Row):
    """A row of the tests."""

    number = NumberAttribute()
    note = UnicodeAttribute(null=True)


@pytest.fixture
def counts(cloud):
    """Counts in a table of their own."""
    site = make.make_owner()
    with tenant.acting_for(site):
        yield Count.of(site)


def test_a_row_is_written_once_and_the_stored_one_comes_back(counts):
    counts("p", "s", number=1).insert()
    with pytest.raises(table.Refused) as refused:
        counts("p", "s", number=2).insert()
    assert refused.value.row.number == 1


def test_a_change_answers_with_the_row_as_it_stands(counts):
    counts("p", "s", number=1).insert()
    row = counts.change("p", "s", [counts.number.add(4)], counts.number == 1)
    assert (row.pk, row.sk, row.number) == ("p", "s", 5)


def test_a_refused_change_changes_nothing_and_shows_what_stands(counts):
    counts("p", "s", number=1).insert()
    with pytest.raises(table.Refused) as refused:
        counts.change("p", "s", [counts.number.set(9)], counts.number == 7)
    assert refused.value.row.number == 1
    with pytest.raises(table.Refused) as nothing:
        counts.change("p", "other", [counts.number.set(9)], counts.pk.exists())
    assert nothing.value.row is None
    assert counts.read("p", "other") is None


def test_another_failure_is_no_refusal(counts):
    with pytest.raises(ClientError, match="ValidationException"):
        counts.change("p", "s", [counts.sk.set("x")], None)


def test_rows_under_a_key_come_in_order_filtered_and_limited(counts):
    for i in range(6):
        counts("p", f"{i}", number=i).insert()

    def read(**how):
        return [row.number for row in counts.under("p", consistent=True, **how)]

    assert read() == [0, 1, 2, 3, 4, 5]
    assert read(newest_first=True, limit=2) == [5, 4]
    assert read(where=counts.sk >= "4") == [4, 5]
    assert read(only=counts.number < 2) == [0, 1]
    assert list(counts.under("nothing")) == []


def test_many_rows_are_read_by_key_however_many_and_however_often_asked(counts):
    with counts.batch_write() as write:
        for i in range(250):
            write.save(counts("p", f"{i:03}", number=i))
    keys = [("p", f"{i:03}") for i in range(260)] * 2
    assert sorted(row.number for row in counts.read_many(keys)) == list(range(250))
    assert counts.read_many([]) == []


def test_writes_happen_together_or_not_at_all(counts):
    counts("p", "a", number=1).insert()

    def write_both(expected):
        with table.Together(counts.owner, "") as write:
            write.save(counts("p", "b", number=2), condition=counts.pk.does_not_exist())
            write.update(counts("p", "a"), [counts.number.set(9)], condition=counts.number == expected)

    with pytest.raises(table.Refused):
        write_both(7)
    assert counts.read("p", "b") is None
    write_both(1)
    assert (counts.read("p", "a").number, counts.read("p", "b").number) == (9, 2)


def test_an_error_inside_the_block_writes_nothing(counts):
    with contextlib.suppress(KeyError), table.Together(counts.owner, "") as write:
        write.save(counts("p", "c", number=1))
        raise KeyError
    assert counts.read("p", "c") is None


def test_a_transaction_that_failed_otherwise_is_no_refusal(counts):
    with pytest.raises(TransactWriteError), table.Together(counts.owner, "") as write:
        write.update(counts("p", "a"), [counts.sk.set("x")])


def test_two_sites_have_two_tables(cloud):
    sites = [make.make_owner(), make.make_owner()]
    for i, site in enumerate(sites):
        with tenant.acting_for(site):
            Count.of(site)("p", "s", number=i).insert()
    for i, site in enumerate(sites):
        with tenant.acting_for(site):
            assert Count.of(site).read("p", "s").number == i
    assert table.name_of(tenant.MAIN) == "cardmesh-main"
    assert table.name_of("k3f9") == "cardmesh-site-k3f9"


for found in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
    if found.name.split(".")[-1] in ("model", "feed", "accounts", "vault"):
        importlib.import_module(found.name)
KINDS = sorted(
    (kind for kind in table.Row.__subclasses__() if kind.__module__.startswith("chalicelib")), key=str
)
TEXTS = {"JSONAttribute": st.sampled_from(['[1, "a"]', '{"a": null}', '""'])}
VALUES = {
    "S": st.text(max_size=9),
    "N": st.integers(-(10**15), 10**15).map(str),
    "B": st.binary(max_size=9),
    "BOOL": st.booleans(),
}


@st.composite
def stored(draw):
    """A kind of row, and an item with some of its attributes and one that it does not know."""
    kind, item = draw(st.sampled_from(KINDS)), {"unknown": {"S": "x"}}
    for each in kind.get_attributes().values():
        value = TEXTS.get(type(each).__name__, VALUES[each.attr_type])
        shown = draw(
            st.one_of(st.none(), st.just({"NULL": True}), st.builds(dict, **{each.attr_type: value}))
        )
        item |= {each.attr_name: shown} if shown else {}
    return kind, item


@given(stored())
def test_a_row_is_read_as_pynamodb_reads_it(found):
    kind, item = found
    theirs = Model.from_raw_data.__func__(kind, item)
    assert kind.from_raw_data(item).attribute_values == theirs.attribute_values
    assert type(kind.from_raw_data(item)) is kind


def test_pages_are_read_one_after_another(counts):
    for i in range(5):
        counts("p", f"{i}", number=i, note="x" * 300_000).insert()
    assert [row.number for row in counts.under("p", consistent=True)] == [0, 1, 2, 3, 4]
    assert [row.number for row in counts.under("p", limit=4)] == [0, 1, 2, 3]
