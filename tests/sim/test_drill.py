"""Tables are lost on busy days and restored, and nothing that anybody was shown or paid is forgotten."""

import pytest

from sim import drill, stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened():
    with stage.opened() as found:
        yield found


@pytest.mark.parametrize("seed", [5, 6])
def test_whatever_is_lost_all_comes_right_again(opened, seed):
    world, broken = drill.play(opened, seed)
    assert (broken, world.loss.happened, world.loss.report is not None) == ("", True, True)


def test_where_nobody_recovers_it_does_not(opened):
    assert any(drill.play(opened, seed, kind=drill.Forgotten)[1] for seed in range(5, 12))
