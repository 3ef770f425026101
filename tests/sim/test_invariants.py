"""What must hold at rest, each shown by a bug that breaks it."""

import re

import pytest

from chalicelib.catalog import worker as catalog_worker
from chalicelib.kit import log
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.stock import claims
from sim import stage as stages
from sim.lies import LIES
from sim.run import play

BOUND = 6  # seeds within which a bug must show
_open_order, _seal_contact, _alive = orders.open_order, orders.seal_contact, claims._alive
BUSY = {"paid_after_close": 1.0, "withdraw": 1.0, **dict.fromkeys(LIES, 0.2)}


@pytest.fixture(scope="module")
def stage():
    with stages.opened() as opened:
        yield opened


def forget_the_member(site, number, **fields):
    return _open_order(site, number, **{**fields, "member": None})


def drop_money_of_nobody(_payment, _why, *, now):
    return now


def log_the_contact(site, number, contact):
    log.event("orders.contact_sealed", contact=contact)
    return _seal_contact(site, number, contact)


def lose_a_segment(owner, segs):
    return _alive(owner, segs)[1:]


def choke_on_main(_message):
    raise ValueError("main")


BUGS = {
    "I9: .* is not its member's": (orders, "open_order", forget_the_member),
    "I12: in suspense": (payments, "suspend", drop_money_of_nobody),
    "I10: a log line": (orders, "seal_contact", log_the_contact),
    "I3: .* (on sale|sold out)": (claims, "_alive", lose_a_segment),
    "I1: nobody could do": (catalog_worker, "_publish", choke_on_main),
}


@pytest.mark.parametrize("broken", BUGS)
def test_a_bug_breaks_what_it_must(stage, monkeypatch, broken):
    monkeypatch.setattr(*BUGS[broken])
    played = (play(stage, seed, rates=BUSY)[1] for seed in range(BOUND))
    assert re.match(broken, next(violation for violation in played if violation))
