"""The demo's goods can be sold at every price that they may have."""

import pytest

from chalicelib.ledger import service as ledger
from localcloud import demo, seed


def prices(one):
    draft = one.draft
    return [draft.floor_fen, draft.suggest_fen - one.discount, *(tier.fen for tier in draft.tiers)]


@pytest.mark.parametrize("one", demo.GOODS, ids=lambda one: f"{one.draft.name} {one.draft.face_value}")
def test_nobody_pays_for_a_sale_of_the_demo(one):
    for fen in prices(one):
        sale = ledger.Sale("demo", "wechat", fen, one.draft.wholesale_fen, own_goods=False)
        ledger.check_margin(sale, seed.PLAN)
