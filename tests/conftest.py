"""The deployment's settings for tests, and what they share: clouds in memory, the package, a browser."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

os.environ.update(
    AWS_ACCESS_KEY_ID="000000000001",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    STAGE="test",
    SITE_DOMAIN="cardmesh.test",
    PUBLIC_SCHEME="https",
    KEY_ID="alias/cardmesh",
    TENANT_ROLE="arn:aws:iam::123456789012:role/cardmesh-tenant",
    HASH_MEMORY_KIB="64",
    HASH_PASSES="1",
    POWERTOOLS_LOG_LEVEL="WARNING",
    POWERTOOLS_METRICS_DISABLED="true",
)
os.environ.pop("AWS_PROFILE", None)

import pytest
from playwright.sync_api import sync_playwright

from chalicelib.kit import tenant
from sim.iam import grants
from tests import make

# Without these a browser calls home, which a closed network refuses again and again.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_configure(config):
    """Hear what the functions ask of AWS, for `make isolation`, which says where to keep it."""
    if os.environ.get("HEARD"):
        config.add_cleanup(grants.keeping(Path(os.environ["HEARD"])))


def pytest_collection_modifyitems(items):
    """What stands on a cloud in memory says so by the fixtures it asks for; what is left takes about a minute."""
    for item in items:
        if {"world", "cloud"} & {*item.fixturenames}:
            item.add_marker("service")


@pytest.fixture
def terms():
    """What `shop` sells, as make.make_shop takes it; a module may say otherwise."""
    return {}


@pytest.fixture
def world(terms, request):
    """A main stack in moto, no sites but that of `shop`; the clock stands at make.NOON until it is moved."""
    wanted = terms if "shop" in request.fixturenames else None
    with pytest.MonkeyPatch.context() as patches, make.World(patches, wanted) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def cloud():
    """A world shared by a module's tests, which keep apart by sites and goods of their own."""
    with pytest.MonkeyPatch.context() as patches, make.World(patches) as fresh:
        yield fresh


@pytest.fixture
def shop(world):
    """An open sub-site `demo` with ten codes of one kind of goods on its shelf."""
    return world.shop


@pytest.fixture
def at_the_shop(shop):
    """Acting for the shop's site, as a face or a worker would by then."""
    with tenant.acting_for(shop.site):
        yield


@dataclass(frozen=True)
class Packaged:
    """What `make package` writes: a folder, the template in it, and the size of each zip."""

    folder: Path
    template: dict
    sizes: dict

    @property
    def resources(self):
        return self.template["Resources"]

    @property
    def functions(self):
        """Properties of the functions by logical name."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def mappings(self):
        """What connects a queue to a function, by the function's logical name."""
        return {
            name: event["Properties"]
            for name, function in self.functions.items()
            for event in function.get("Events", {}).values()
            if event["Type"] == "SQS"
        }


@pytest.fixture(scope="session")
def packaged(tmp_path_factory):
    """The package, made once. It takes most of a minute: what asks for it is marked so."""
    from infra.package import build

    folder = tmp_path_factory.mktemp("package")
    sizes = build.package(Path(__file__).parents[1], folder)
    return Packaged(folder, json.loads((folder / build.TEMPLATE).read_text()), sizes)


@pytest.fixture(scope="session")
def chromium():
    """Debian's browser, started for the first test that looks at a page."""
    path = shutil.which("chromium")
    if not path and os.environ.get("CI") == "true":
        pytest.fail("Install chromium: pages must be seen in a browser.")
    if not path:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: no page was seen in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
