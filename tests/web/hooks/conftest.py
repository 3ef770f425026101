import pytest

from chalicelib.kit import tenant
from tests import make


@pytest.fixture(scope="module")
def scene():
    with make.scene() as built:
        yield built


@pytest.fixture
def world(scene):
    return scene.world


@pytest.fixture
def shop(scene):
    shop = scene.begin()
    with tenant.acting_for(shop.site):
        yield shop
