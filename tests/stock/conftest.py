"""Pools of the main site, one per test, in a world shared by the module."""

import itertools
from dataclasses import dataclass

import pytest

from chalicelib.kit import aws, tenant
from chalicelib.stock import model
from chalicelib.stock import service as stock
from tests import make

_skus = itertools.count(1)


@dataclass
class Pool:
    """A SKU with codes; `imported` is every code in it."""

    world: make.World
    sku: str
    owner: str = tenant.MAIN

    def __post_init__(self):
        self.imported = []

    def add(self, count, **how):
        """Import that many new codes."""
        codes = [f"CODE-{self.sku}-{len(self.imported) + i:05}" for i in range(count)]
        self.imported += codes
        return self.bring("\n".join(codes), **how)

    def bring(self, text, **how):
        return stock.import_codes(self.owner, self.sku, text, note="test", now=self.world.now, **how)

    def claim(self, quantity=1):
        return stock.claim(self.owner, self.sku, quantity, now=self.world.now)

    def give_back(self, ranges, *, at=None, why="expired"):
        at = self.world.now if at is None else at
        stock.give_back(self.owner, self.sku, ranges, why=why, at=at)

    def fold(self):
        return stock.fold(self.owner, self.sku, now=self.world.now)

    def read(self, ranges):
        return stock.read_codes(self.owner, ranges)

    @property
    def free(self):
        return stock.level(self.owner, self.sku)

    @property
    def segs(self):
        row = model.SkuRow.of(self.owner).read(f"SKU#{self.sku}", ".")
        return list(row.segs) if row else []

    @property
    def backs(self):
        return list(model.BackRow.of(self.owner).under(f"BACK#{self.sku}", consistent=True))

    @property
    def waiting(self):
        """Positions that came back and are not for sale yet."""
        return sum(int(back.size) for back in self.backs if back.folded is None)


@pytest.fixture(scope="module")
def new_pool(cloud):
    """A maker of empty pools."""
    return lambda: Pool(cloud, f"sku{next(_skus)}")


@pytest.fixture
def pool(new_pool):
    """An empty pool."""
    return new_pool()


@pytest.fixture
def dynamodb(cloud):
    """The client that writes the main site's rows."""
    return aws.client("dynamodb")
