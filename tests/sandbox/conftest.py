import pytest

from tests.sandbox import shop as shops


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def open_shop(keys_folder, tmp_path_factory):
    state = tmp_path_factory.mktemp("state") / "books.json"
    with shops.running(keys_folder, state=state, retry_scale=0.0005) as shop:
        yield shop


@pytest.fixture
def shop(open_shop):
    open_shop.heard.clear()
    open_shop.deaf, open_shop.pause, open_shop.clock.ahead = 0, 0, 0
    open_shop.sandbox.faults.set({})
    return open_shop
