"""Recovering is typed with the log of the lost span, and says what it found before it changes anything."""

import json

import pytest

from chalicelib.kit import tenant
from chalicelib.stock import service as stock

SEGMENT = "stock.claimed"


@pytest.fixture
def log(shop, tmp_path):
    """A file of the log: somebody was given four codes; and lines that are none of ours."""
    order = shop.place()
    seg = order.ranges[0].seg
    line = {
        "message": SEGMENT,
        "owner": "main",
        "sku": shop.goods_id,
        "site": shop.site,
        "ranges": f"{seg}:1:4",
    }
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(["START RequestId", "[]", json.dumps(line)]))
    return path


def typed(shop, log):
    return f"recover {shop.site} --to 2026-11-23T03:30:00 --log {log}"


def test_a_dry_run_says_what_the_log_has_and_changes_nothing(cardmesh, shop, log):
    said = cardmesh(f"{typed(shop, log)} --dry-run")
    assert (said.code, shop.free()) == (0, 9)
    assert "1 lines: 4 codes given out, 0 orders," in said.out


def test_what_was_given_out_is_not_given_again(cardmesh, shop, log):
    said = cardmesh(f"{typed(shop, log)} --yes")
    assert (said.code, shop.free()) == (0, 5)
    assert "withheld  4" in said.out
    with tenant.acting_for(tenant.MAIN):
        assert not stock.fold(tenant.MAIN, shop.goods_id, now=shop.world.now)


def test_a_table_that_there_is_not_is_refused(cardmesh, shop, log):
    said = cardmesh(f"recover zzzz --to 2026-11-23T03:30:00 --log {log} --yes")
    assert (said.code, said.wrong) == (3, "There is no zzzz.\n")
