"""Whole worlds: clean ones, and equal ones."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.orders import service as orders
from sim import faults
from sim import stage as stages
from sim.queues import JUNK
from sim.run import play
from sim.weather import TURNS_AWAY

CLEAN = range(1, 5)
ROUGHEST = {
    **faults.CALLS,
    **faults.OTHERS,
    **dict.fromkeys([*TURNS_AWAY, "swizzle", "poison"], 1.0),
    "outage": 0.5,
}


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("seed", CLEAN)
def test_nothing_is_broken(stage, seed):
    world, broken = play(stage, seed)
    assert broken == ""
    assert len(world.watch.states) >= 20
    assert set(world.watch.states.values()) <= orders.FINAL
    assert world.time.now - world.start >= 24 * 3600


@pytest.mark.slow
def test_faults_strike_everywhere_and_nothing_is_broken(stage):
    struck, worlds = set(), [play(stage, seed, rates=ROUGHEST) for seed in range(4)]
    for world, broken in worlds:
        assert broken == ""
        struck |= set(world.faults.count)
    assert struck == set(faults.CALLS) | set(faults.OTHERS)
    assert sum(world.functions.timed_out for world, _ in worlds)
    assert sum(len(channel.lies) for world, _ in worlds for channel in world.channels.values())
    schedules = {"walk_sites", "close_windows", "audit_pools", "ask_for_bills", "plan_payouts", "tend_sites"}
    assert schedules <= {function for world, _ in worlds for (function, _), _ in world.functions.waiting()}
    refused = sum((world.cloud.refused for world, _ in worlds), Counter())
    assert {"ConditionalCheckFailedException", "TransactionCanceledException"} <= set(refused)
    assert {letter.body for world, _ in worlds for _, letter in world.queues.dead} <= set(JUNK)


@pytest.mark.slow
def test_a_seed_is_the_same_in_every_process(stage):
    ours = play(stage, 3)[0].trace.digest
    for salt in ("0", "4711"):
        assert _digest_elsewhere(3, salt) == ours
    assert play(stage, 4)[0].trace.digest != ours


def _digest_elsewhere(seed, salt):
    code = f"from sim import stage, run\nwith stage.opened() as s: print(run.play(s, {seed})[0].trace.digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": salt},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]
