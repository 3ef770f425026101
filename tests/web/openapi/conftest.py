import pytest

from tests.web.storefront import fake


@pytest.fixture
def store():
    return fake.Shop()


@pytest.fixture
def browser(store):
    with fake.opened(store, STATIC_URL="/static") as client:
        yield fake.Browser(client)
