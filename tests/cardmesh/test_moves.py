"""Moves of sites by the operator's hand."""

import pytest

from chalicelib.tenancy import moving
from tests import make
from tests.tenancy.test_moving import spread

__all__ = ["spread"]

pytestmark = pytest.mark.slow


def test_a_move_is_begun_seen_and_called_off(cardmesh, spread):
    site = spread.shop.site
    assert cardmesh(f"move show {site}").wrong == "It never moved.\n"
    assert "would go to b" in cardmesh(f"move start {site} b --dry-run").out
    assert moving.move_of(site) is None
    assert cardmesh(f"move start {site} b --yes").code == 0
    assert make.work("provision", [{"site": site, "move": True}]) == []
    shown = cardmesh(f"move show {site} --json").rows
    assert (shown["from"], shown["to"], shown["state"]) == ("a", "b", "closing")
    assert "stays in a" in cardmesh(f"move stay {site} --why later --yes").out
    assert cardmesh(f"move show {site} --json").rows["why"] == "later"


def test_what_cannot_be_is_said_in_a_sentence(cardmesh, spread):
    said = cardmesh(f"move start {spread.shop.site} a --yes")
    assert (said.code, said.wrong) == (3, "The site is there already, or there is no such cell.\n")
    cardmesh(f"move start {spread.shop.site} b --yes")
    said = cardmesh(f"move clear {spread.shop.site} --yes")
    assert (said.code, said.wrong) == (3, "The old table is kept for seven days after a move.\n")
