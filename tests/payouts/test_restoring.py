"""A payout that the table has lost and a bank may know stands again under its id, and is paid once."""

import pytest

from chalicelib.kit import clock
from chalicelib.payouts import files
from chalicelib.payouts import service as payouts
from chalicelib.recovery import mains, rules
from sim.ears import Logger
from tests.payouts.conftest import held, via

LOST = "PABCDEFGHJKMNPQRSTVWX"


def told(party, name=LOST, **changes):
    line = {"message": "payouts.asking", "party": party, "payout": name, "fen": 3000, "source": "available"}
    return {**line, "payee": 1, "via": "transfer", **changes}


def again(desk, *lines):
    return mains.send_again(rules.read(lines), now=desk.now)


def test_what_the_table_has_lost_stands_as_sent_and_the_bank_pays_it_once(desk):
    party = desk.party(5000)
    assert [again(desk, told(party)) for _ in range(2)] == [1, 0]
    payout = payouts.get(party, LOST)
    assert (payout.state, payout.fen, held(party)) == ("sent", 3000, (2000, 3000, 0))
    assert desk.finish(payout).state == "success"
    assert held(party) == (2000, 0, 0)


@pytest.mark.parametrize("agreed", [False, True])
def test_what_was_asked_for_before_goes_on_to_be_sent(desk, agreed):
    party = desk.party(5000)
    payout = desk.ask(party, 3000)
    if agreed:
        desk.agree(payout)
    assert again(desk, told(party, payout.id)) == 1
    assert payouts.get(party, payout.id).state == "sent"


def test_what_cannot_be_written_down_again_is_a_case(desk):
    from chalicelib.cases import service as cases

    poor, unknown = desk.party(10), desk.party(5000, account=None)
    names = LOST, LOST[:-1] + "Y"
    assert again(desk, told(poor, names[0]), told(unknown, names[1])) == 2
    found = [cases.find("restore", name).facts["found"] for name in names]
    assert found == ["bad_amount", "not_payable"]


def test_a_file_that_a_bank_was_given_can_be_answered(desk, monkeypatch):
    via(monkeypatch, "file")
    party, day, name = desk.party(5000), clock.day_of(desk.now), LOST[:-1] + "Z"
    again(desk, told(party, name, via=day))
    again(desk, told(party, name, via=day))
    answer = f"客户流水号,金额,结果,原因\n{name},30.00,成功,\n"
    (line,) = files.read_answer(files.of_day(day), answer, by="ann", now=desk.now)
    assert (line.outcome, payouts.get(party, name).state) == ("success", "success")


def test_what_came_back_since_is_left_as_it_stands(desk):
    party = desk.party(5000)
    moved = {"message": "payouts.moved", "state": "sent"}
    assert again(desk, told(party), told(party, **moved), told(party, **moved | {"state": "returned"})) == 0
    assert held(party) == (5000, 0, 0)


def test_the_log_says_enough_of_a_payout_to_write_it_down_again(desk, monkeypatch):
    from chalicelib.kit import log

    logger = Logger()
    logger.lines = []
    monkeypatch.setattr(log, "logger", logger)
    payout = desk.drive(desk.agree(desk.ask(desk.party(5000), 3000)))
    (line,) = rules.read(logger.lines).payouts.values()
    what = {"fen": 3000, "source": "available", "payee": payout.payee, "via": "transfer"}
    assert {name: line[name] for name in what} == what
    assert (line["party"], line["payout"]) == (payout.party, payout.id)
