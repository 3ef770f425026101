"""Orders put down in the table of a site of their own."""

import itertools
import uuid
from dataclasses import dataclass

import pytest

from chalicelib.kit import password, tenant
from chalicelib.orders import lookup, rules
from chalicelib.orders import service as orders
from chalicelib.orders.rules import Attempt
from tests import make

SECRET = "open sesame"
_seconds = itertools.count(make.NOON - 1000)


@dataclass
class Desk:
    """Where orders of one site are put down."""

    world: make.World
    site: str

    def put(self, **changes):
        """A pending order of buyer@example.com."""
        placed = next(_seconds)
        number = rules.make_number(self.site, uuid.uuid4().bytes * 2, placed)
        fields = {
            "fingerprint": b"f" * 16,
            "goods_id": "g1",
            "goods_owner": "main",
            "goods_name": "卡",
            "kind": "card",
            "way": "pool",
            "quantity": 2,
            "amount": 9900,
            "cost": 8000,
            "plan": "standard@1",
            "goods_version": 1,
            "ranges": (),
            "attempt": Attempt(1, "wechat", "m1", "pc"),
            "contact": orders.seal_contact(self.site, number, "buyer@example.com"),
            "password": password.hashed(SECRET),
            "placed_at": placed,
            "expires_at": placed + 900,
            **changes,
        }
        return orders.open_order(self.site, number, **fields)

    def move(self, order, to, **fields):
        return orders.move(self.site, order.number, to, now=self.world.now, **fields)


@pytest.fixture
def desk(cloud):
    site = make.make_owner()
    with tenant.acting_for(site):
        lookup.forget()
        yield Desk(cloud, site)
