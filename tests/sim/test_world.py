"""Whole worlds: clean ones, equal ones, and ones in which the shop has a bug."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.checkout import driving
from chalicelib.fulfilment import service as fulfilment
from chalicelib.orders import model as order_rows
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.stock import claims
from chalicelib.stock.rules import Range
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
BOUND = 12  # seeds within which a bug must show


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


@pytest.mark.parametrize("seed", CLEAN)
def test_nothing_is_broken(stage, seed):
    world, broken = play(stage, seed)
    assert broken == ""
    assert len(world.watch.states) >= 20
    assert set(world.watch.states.values()) <= orders.FINAL
    assert world.time.now - world.start >= 24 * 3600


def test_faults_strike_everywhere_and_nothing_is_broken(stage):
    struck, worlds = set(), [play(stage, seed, rates=ROUGHEST) for seed in range(3)]
    for world, broken in worlds:
        assert broken == ""
        struck |= set(world.faults.count)
    assert struck == set(faults.CALLS) | set(faults.OTHERS)
    assert sum(world.functions.timed_out for world, _ in worlds)
    assert sum(len(channel.lies) for world, _ in worlds for channel in world.channels.values())
    assert {letter.body for world, _ in worlds for _, letter in world.queues.dead} <= set(JUNK)


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


# Bugs of the kind that shops like this one really had.


def select_then_update(owner, seg, count, _attempt):
    """The first unsold codes are looked up, then marked as sold."""
    client, place = claims._client(owner), {"pk": {"S": f"PTR#{seg}"}, "sk": {"S": "."}}
    where = {"TableName": claims.table.name_of(owner), "Key": place}
    row = client.get_item(**where, ConsistentRead=True)["Item"]
    at, free = int(row["next"]["N"]), int(row["free"]["N"])
    if free < count:
        return row
    client.update_item(
        **where,
        UpdateExpression="SET #n = :n, #f = :f",
        ExpressionAttributeNames={"#n": "next", "#f": "free"},
        ExpressionAttributeValues={":n": {"N": str(at + count)}, ":f": {"N": str(free - count)}},
    )
    return Range(seg, at, count)


def expire_by_the_clock(order, now):
    """Whoever has not been seen to pay in time is expired, whatever the channel or the row says by now."""
    if now < order.expires_at:
        driving._look_again(order, now)
        return
    rows = order_rows.OrderRow.of(order.site)
    actions = [rows.status.set("expired"), rows.expired_at.set(now)]
    rows.change(order_rules.partition(order.number), order.number, actions, None)
    driving.returning.give_back(order)


def refund_although_refused(order, why, now):
    """The move was refused, and the money goes back all the same."""
    try:
        _refund(order, why, now)
    except orders.WrongState:
        attempt = order.attempts[order.paid_attempt - 1]
        trade = attempt.out_trade_no(order.number)
        payments.gateway(attempt.channel, attempt.merchant).refund(
            trade, out_refund_no=f"{trade}R1", amount_fen=order.amount_fen, total_fen=order.amount_fen
        )


_refund = fulfilment._refund
ROUGH = {"stall": 0.03, "message_twice": 0.2, "notice_twice": 0.6, "paid_after_close": 1.0, "outage": 1.0}
MUTANTS = {
    "select then update": (claims, "_advance", select_then_update),
    "unconditional expiry": (driving, "_drive_pending", expire_by_the_clock),
    "refund falling through": (fulfilment, "_refund", refund_although_refused),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bug_is_found(stage, monkeypatch, name):
    monkeypatch.setattr(*MUTANTS[name])
    assert any(play(stage, seed, rates=ROUGH)[1] for seed in range(BOUND))
