"""Whatever happens in whatever order, the shop keeps its promises; where it would not, the order is made short."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sim import scope
from sim import stage as stages
from sim.machine import Broken, machine
from sim.mutants import MUTANTS

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=10,
    phases=(Phase.generate, Phase.shrink),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def stage():
    with stages.opened(scope.SITES) as opened:
        yield opened


def test_whatever_happens_the_shop_keeps_its_promises(stage):
    run_state_machine_as_test(machine(stage), settings=SETTINGS)


@pytest.mark.slow
def test_a_bug_is_found_and_its_story_made_short(stage):
    with MUTANTS["second-payment-ignored"].applied(), pytest.raises(Broken) as found:
        run_state_machine_as_test(machine(stage), settings=SETTINGS)
    steps = [line for line in found.value.__notes__ if "state." in line]
    assert 1 <= len(steps) <= 4
