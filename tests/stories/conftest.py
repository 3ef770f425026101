"""One deployment for all stories; a story that fails says where its logs are."""

import os

import pytest

from localcloud import cloud
from tests.stories.running import running
from tests.stories.shopper import Sandbox, Shop

SHOWN = 8  # lines of trouble from the logs shown below a failure


@pytest.fixture(scope="session")
def place(tmp_path_factory, request):
    """Where the deployment lives; it is started for the first story that asks."""
    if not cloud.PROGRAM.exists():
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("The embedded cloud is not installed: run `make test`, or name it in MINISTACK.")
    with running(tmp_path_factory.mktemp("stories")) as found:
        request.config.stash[PLACE] = found
        yield found


@pytest.fixture(scope="session")
def shops(place):
    """The two shops of the demo, by name, each answer held against its own description."""
    found = {slug: Shop(place, slug) for slug in ("demo", "campus")}
    yield found
    for shop in found.values():
        shop.web.close()


@pytest.fixture
def sandbox(place):
    """The channels, without faults before and after."""
    with Sandbox(place) as found:
        found.faults()
        yield found
        found.faults()


@pytest.fixture
def say(request):
    """A line at the terminal that is shown for tests that pass, too."""
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    return lambda line: terminal.write_line(f"\n  {line}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    place = item.config.stash.get(PLACE, None)
    if report.failed and place:
        report.sections.append((f"logs in {place.log('*')}", "\n".join(_trouble(place))))
    return report


def _trouble(place):
    lines = [line for path in place.log("x").parent.glob("*.log") for line in path.read_text().splitlines()]
    return [line for line in lines if '"alarm":true' in line or '"level":"ERROR"' in line][-SHOWN:]


PLACE = pytest.StashKey()
