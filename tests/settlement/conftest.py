import pytest

from tests.sandbox.conftest import keys_folder
from tests.settlement.channels import Channels

__all__ = ["keys_folder"]


@pytest.fixture
def channels(world, keys_folder, monkeypatch):
    """The sandbox's channels, connected."""
    found = Channels(world, keys_folder)
    found.connect(monkeypatch)
    return found
