import pytest

from bench import importing
from bench import shop as shops


@pytest.fixture(scope="module")
def stage():
    with shops.opened() as stage:
        yield stage


def test_an_import_writes_many_codes_in_one_unit_and_one_call(stage):
    done = importing.bring(stage, 12_800, at_once=6400)
    assert done.added == 12_800
    assert done.cost.writes <= 0.16 * done.added
    alone = importing.bring(stage, 1, at_once=1).cost.requests["dynamodb"]
    assert done.cost.requests["dynamodb"] <= 0.0016 * done.added + 2 * (alone + 1)
