"""Deposits: where they come from, and that they go back."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors
from chalicelib.payouts import deposits, worker
from chalicelib.payouts import service as payouts
from sim.iam.enforce import acting_as
from tests import make

from .conftest import held


def test_what_came_in_at_the_bank_is_recorded_once_with_its_proof(desk):
    party = desk.party()
    asked = {"proof": "ICBC-20261123-778", "key": "k1", "by": "ann"}
    first = payouts.pay_in(party, 100_000, now=desk.now, **asked)
    again = payouts.pay_in(party, 100_000, now=desk.now + 2 * clock.DAY, **asked)
    assert first == again
    assert held(party) == (0, 0, 100_000)
    assert desk.sums(party) == {"bank:deposit": 100_000, f"deposit:{party}": -100_000}
    with pytest.raises(errors.Conflict):
        payouts.pay_in(party, 1, now=desk.now, **asked)
    for wrong in ({"proof": " x "}, {"proof": "y" * 101}):
        with pytest.raises(payouts.BadAmount):
            payouts.pay_in(party, 100_000, now=desk.now, **{**asked, **wrong})


def test_an_owner_sets_money_aside_as_far_as_there_is_any(desk):
    party = desk.party(5_000)
    for _ in range(2):
        payouts.set_aside(party, 3_000, key="k1", by="owner", now=desk.now)
    assert held(party) == (2_000, 0, 3_000)
    with pytest.raises(payouts.BadAmount):
        payouts.set_aside(party, 3_000, key="k2", by="owner", now=desk.now)
    assert sum(desk.sums(party).values()) == 0
    assert [one.source for one in deposits.history(party)] == ["available"]


def test_a_deposit_goes_back_within_its_deadline_to_the_verified_account(desk):
    party = desk.party(deposit=50_000)
    payout = payouts.ask_back(party, None, key="k1", by="owner", now=desk.now)
    assert (payout.fen, payouts.deadline(payout)) == (50_000, desk.now + 15 * clock.DAY)
    payout = desk.finish(desk.agree(payout))
    assert (payout.state, held(party)) == ("success", (0, 0, 0))
    assert desk.sums(party) == {f"deposit:{party}": 50_000, "payout_transit": 0, "bank:deposit": -50_000}


def test_a_deposit_that_could_not_be_paid_is_a_deposit_again(desk):
    party = desk.party(deposit=50_000)
    payout = desk.agree(payouts.ask_back(party, 20_000, key="k1", by="owner", now=desk.now))
    desk.bank.set_faults({"fail": 1})
    assert desk.finish(payout).state == "failed"
    assert held(party) == (0, 0, 50_000)


def late_cases(desk, *, party):
    """The hour strikes; what is open of a party's deposits."""
    with acting_as("plan_payouts"):
        make.fire(worker.plan_payouts)
    with acting_as("pay_out"):
        make.work("payout", [{"site": "main", "deposits": True}])
    return [one.key for one in cases.open_ones(kind="deposit") if one.facts["site"] == party]


def test_a_deposit_not_given_back_in_its_days_is_a_case_until_it_is(desk):
    party = desk.party(deposit=50_000)
    payout = payouts.ask_back(party, None, key="k1", by="owner", now=desk.now)
    desk.world.now = payouts.deadline(payout)
    assert late_cases(desk, party=party) == []
    desk.world.now += 1
    assert late_cases(desk, party=party) == late_cases(desk, party=party) == [payout.id]
    desk.finish(desk.agree(payout))
    assert late_cases(desk, party=party) == []
    assert "到账" in cases.find("deposit", payout.id).note


def test_a_late_deposit_that_could_not_be_paid_stays_a_case_and_one_taken_back_does_not(desk):
    failing, withdrawn = desk.party(deposit=50_000), desk.party(deposit=50_000)
    first = payouts.ask_back(failing, None, key="k1", by="owner", now=desk.now)
    second = payouts.ask_back(withdrawn, None, key="k1", by="owner", now=desk.now)
    desk.world.now = payouts.deadline(second) + 1
    assert late_cases(desk, party=failing) == [first.id]
    desk.bank.set_faults({"fail": 1})
    assert desk.finish(desk.agree(first)).state == "failed"
    payouts.take_back(withdrawn, second.id, now=desk.now)
    assert late_cases(desk, party=failing) == [first.id]
    assert late_cases(desk, party=withdrawn) == []
