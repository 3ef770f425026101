"""A release never touches a table whose rows have a shape that it does not know."""

import pytest

from chalicelib.kit import clock, shape, table, tenant, vault
from tests import make


@pytest.fixture
def site(cloud):
    owner = make.make_owner()
    shape.forget()
    return owner


def put(site, number):
    key = {"pk": {"S": "SHAPE"}, "sk": {"S": "."}}
    with tenant.acting_for(site):
        tenant.client("dynamodb").put_item(
            TableName=table.name_of(site), Item={**key, "v": {"N": str(number)}}
        )


def seen(site):
    with tenant.acting_for(site):
        return shape.of(table.name_of(site), tenant.client("dynamodb"))


def test_a_table_without_a_number_is_of_the_first_shape(site):
    assert seen(site) == 1
    with tenant.acting_for(site):
        assert vault.mac(site, "x", "y")


def test_a_newer_table_is_neither_read_nor_written_until_it_is_known(site, monkeypatch):
    put(site, 2)
    with tenant.acting_for(site):
        for _ in range(2):
            with pytest.raises(shape.Newer):
                table.Row.of(site).read("x", "y")
            with pytest.raises(shape.Newer):
                vault.WrappedKey.of(site)("k", "1", wrapped=b"x").insert()
        monkeypatch.setattr(shape, "KNOWN", 2)
        assert table.Row.of(site).read("x", "y") is None


def test_main_s_table_has_no_shape_of_sites(cloud):
    assert table.client(tenant.MAIN)


def test_an_instance_looks_once_an_hour(site, cloud, monkeypatch):
    assert seen(site) == 1
    put(site, 2)
    assert seen(site) == 1
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now + shape.KEEP)
    with pytest.raises(shape.Newer):
        seen(site)


def test_a_clock_that_was_set_back_makes_it_look_again(site, cloud, monkeypatch):
    assert seen(site) == 1
    put(site, 2)
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now - 1)
    with pytest.raises(shape.Newer):
        seen(site)


def test_a_table_is_stamped_once_and_never_backwards(site, monkeypatch):
    with tenant.acting_for(site):
        table.stamp(site)
        assert seen(site) == 1
        monkeypatch.setattr(shape, "KNOWN", 2)
        for _ in range(2):
            table.stamp(site)
            assert seen(site) == 2
        monkeypatch.setattr(shape, "KNOWN", 1)
        shape.forget()
        with pytest.raises(shape.Newer):
            table.stamp(site)


def test_of_two_who_stamp_at_once_the_newer_one_stands(site, monkeypatch):
    with tenant.acting_for(site):
        assert seen(site) == 1
        put(site, 3)
        monkeypatch.setattr(shape, "KNOWN", 2)
        table.stamp(site)
        with pytest.raises(shape.Newer):
            seen(site)
