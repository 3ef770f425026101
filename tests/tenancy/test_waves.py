"""A release goes out in waves: each in its turn, never a later one first."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import errors
from chalicelib.tenancy import service as tenancy

CODE = st.text("0123456789abcdef", min_size=4, max_size=4)


@given(st.dictionaries(CODE, st.sampled_from("abc"), min_size=1, max_size=60), st.text(min_size=1))
def test_each_wave_has_the_sites_of_the_one_before_and_the_last_has_all(homes, release):
    canary, tenth, every = (tenancy.members(wave, homes, release) for wave in tenancy.WAVES)
    assert canary == tenth[: len(canary)]
    assert tenth == every[: len(tenth)]
    assert sorted(every) == sorted(homes)


@given(st.dictionaries(CODE, st.sampled_from("abc"), min_size=1, max_size=60), st.text(min_size=1))
def test_each_wave_has_its_share_of_every_cell_and_at_least_one_of_each(homes, release):
    sizes = Counter(homes.values())
    for wave, one_in in zip(tenancy.WAVES, (1000, 10, 1), strict=True):
        found = Counter(homes[code] for code in tenancy.members(wave, homes, release))
        assert found == {cell: -(-size // one_in) for cell, size in sizes.items()}


def test_one_in_a_thousand_is_a_canary_and_not_always_the_same():
    homes = {f"{n:04}": "a" for n in range(3000)}
    assert len(tenancy.members("canary", homes, "a")) == 3
    assert len({tuple(tenancy.members("canary", homes, release)) for release in "abcdef"}) > 1
    assert tenancy.members("10%", {}, "a") == []


def test_waves_begin_in_their_order(world):
    for early in tenancy.WAVES[1:]:
        with pytest.raises(tenancy.OutOfTurn):
            tenancy.begin_wave("r1", early, by="ann", now=1)
    for turn, wave in enumerate(tenancy.WAVES):
        assert tenancy.begin_wave("r1", wave, by="ann", now=turn).state == "running"
        for later in tenancy.WAVES[turn + 1 :]:
            with pytest.raises(tenancy.OutOfTurn):
                tenancy.begin_wave("r1", later, by="ann", now=turn)
        tenancy.end_wave("r1", wave, now=turn + 1)
    assert tenancy.wave_of("r1") == tenancy.Wave("r1", "all", "done", "", "ann", 3)
    assert tenancy.wave_of("r2") is None


def test_a_wave_that_was_halted_begins_again_and_the_next_one_does_not(world):
    tenancy.begin_wave("r1", "canary", by="ann", now=1)
    tenancy.end_wave("r1", "canary", why="k3f9 is unwell", now=2)
    assert tenancy.wave_of("r1").why == "k3f9 is unwell"
    with pytest.raises(tenancy.OutOfTurn):
        tenancy.begin_wave("r1", "10%", by="ann", now=3)
    again = tenancy.begin_wave("r1", "canary", by="bob", now=3)
    assert (again.state, again.why, again.by) == ("running", "", "bob")


def test_a_wave_ends_once_however_often_that_is_said(world):
    tenancy.begin_wave("r1", "canary", by="ann", now=1)
    for _ in range(2):
        tenancy.end_wave("r1", "canary", now=2)
    for over in ("canary", "all"):
        with pytest.raises(errors.Conflict):
            tenancy.end_wave("r1", over, why="late", now=3)


def test_of_two_who_begin_at_once_one_is_told(world, monkeypatch):
    from chalicelib.tenancy import waves

    tenancy.begin_wave("r1", "canary", by="ann", now=1)
    monkeypatch.setattr(waves, "wave_of", lambda _: None)
    with pytest.raises(errors.Conflict):
        tenancy.begin_wave("r1", "canary", by="bob", now=1)


def test_a_site_knows_the_release_that_reached_it(world, shop):
    assert tenancy.site(shop.site, fresh=True).release == ""
    tenancy.reached(shop.site, "r1")
    assert tenancy.site(shop.site, fresh=True).release == "r1"
