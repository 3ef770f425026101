"""Whether a site's newest orders fare well, told without numbers."""

from dataclasses import dataclass, replace

import pytest

from chalicelib.kit import tenant
from chalicelib.orders import pulse
from chalicelib.orders import service as orders
from tests import make

NOW = make.NOON


@dataclass(frozen=True)
class Sold:
    """As much of an order as the pulse looks at."""

    placed_at: int = NOW - 600
    paid_at: int | None = None
    status: str = "pending"
    way: str = "pool"
    channel: str = "wechat"
    attempts: tuple = (1,)


PAID = Sold(paid_at=NOW - 120, status="paid")


@pytest.mark.parametrize(
    ("order", "delivers"),
    [
        (PAID, False),
        (replace(PAID, paid_at=NOW - 119), True),
        (replace(PAID, status="delivered"), True),
        (replace(PAID, way="manual"), True),  # a person delivers these
        (replace(PAID, way="wallet"), False),
        (replace(PAID, placed_at=NOW - 3601), True),  # long ago
        (Sold(), True),
    ],
)
def test_it_says_whether_somebody_who_paid_waits(order, delivers):
    assert pulse.of_orders([Sold(), order], now=NOW).delivers is delivers


@pytest.mark.parametrize(
    ("found", "doubtful"),
    [
        ([Sold()] * 10, {"wechat"}),
        ([Sold()] * 9, set()),
        ([Sold()] * 20 + [replace(PAID, status="delivered")], set()),
        ([Sold(placed_at=NOW - 299)] * 20, set()),  # they may still pay
        ([Sold(placed_at=NOW - 4000)] * 20, set()),
        ([Sold(attempts=())] * 20, set()),  # from the balance alone
        ([Sold()] * 10 + [Sold(channel="alipay", paid_at=NOW - 9, status="delivered")], {"wechat"}),
        ([], set()),
    ],
)
def test_a_channel_is_doubtful_that_is_tried_and_never_paid_through(found, doubtful):
    assert pulse.of_orders(found, now=NOW).doubtful == doubtful


@pytest.mark.parametrize("at", [NOW, NOW + 12 * 3600 + 1800], ids=["at noon", "after midnight"])
def test_it_looks_at_the_newest_orders_of_the_site(shop, world, at):
    world.now = at - 1200
    shop.pay(shop.place())
    world.now = at
    with tenant.acting_for(shop.site):
        assert orders.pulse(shop.site, now=at).delivers is False
        world.run("fulfil")
        assert orders.pulse(shop.site, now=at) == orders.Pulse(delivers=True, doubtful=frozenset())
