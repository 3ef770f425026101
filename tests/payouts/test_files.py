"""The bank's file of a day: fixed once, the same to the byte, its answer believed line by line."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors
from chalicelib.payouts import files
from chalicelib.payouts import service as payouts

from .conftest import ACCOUNT, held, via

HEAD = ",".join(files.ANSWERED)


@pytest.fixture
def desk(desk, monkeypatch):
    """Payouts are taken to the bank by a person; nothing of earlier tests waits."""
    via(monkeypatch, "file")
    for waits in files.waiting():
        payouts.reject(waits.party, waits.id, by="ann", why="", now=desk.now)
    desk.world.now += desk.number * clock.DAY * 7
    return desk


def agreed(desk, fen, **more):
    return desk.agree(desk.ask(desk.party(fen, **more), fen))


def make_file(desk):
    return files.make(by="ann", now=desk.now)


def answer(desk, file, *lines):
    return files.read_answer(file, "\n".join([HEAD, *lines]), by="ann", now=desk.now)


def test_a_day_has_one_file_that_stays_the_same_to_the_byte(desk):
    first, second = agreed(desk, 8_000), agreed(desk, 123_456)
    file = make_file(desk)
    late = agreed(desk, 5_000)
    assert make_file(desk) == file
    text = files.text(file, now=desk.now)
    assert text == files.text(files.of_day(file.day), now=desk.now + 99)
    lines = text.decode("gbk").split("\r\n")
    assert lines[0] == "客户流水号,收款户名,收款账号,收款开户行,金额,用途"
    line = f"{second.id},{ACCOUNT.name},{ACCOUNT.number},{ACCOUNT.bank},1234.56,货款结算"
    assert line in lines
    assert lines[-2] == "合计,2笔,,,1314.56,"
    assert {one.id for one in files.payouts_of(file)} == {first.id, second.id}
    assert payouts.get(late.party, late.id).state == "approved"


def test_the_bank_s_answer_ends_payouts_and_changes_nothing_when_it_comes_again(desk):
    good, bad = agreed(desk, 8_000), agreed(desk, 7_000)
    file = make_file(desk)
    lines = (f"{good.id},80.00,成功,", f"{bad.id},70.00,失败,账号不存在", "合计,150.00,,")
    told = [line.outcome for line in answer(desk, file, *lines)]
    assert told == ["success", "failed"]
    assert [line.outcome for line in answer(desk, file, *lines)] == ["again", "again"]
    assert (held(good.party), held(bad.party)) == ((0, 0, 0), (7_000, 0, 0))
    assert payouts.get(bad.party, bad.id).note == "账号不存在"
    (returned,) = answer(desk, file, f'{good.id},"80.00",退汇,户名不符')
    assert (returned.outcome, held(good.party)) == ("returned", (8_000, 0, 0))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("P00000000000000000000,80.00,成功", "这个文件里没有这笔付款"),
        ("{id}", "这个文件里没有这笔付款"),
        ("{id},80.01,成功", "金额不符"),
        ("{id},-80.00,成功", "金额不符"),
        ("{id},=80,成功", "金额不符"),
        ("{id},80.00,也许", "结果无法识别"),
        ("{id},80.00,", "结果无法识别"),
    ],
)
def test_a_line_that_does_not_fit_changes_nothing(desk, line, why):
    payout = agreed(desk, 8_000)
    (told,) = answer(desk, make_file(desk), line.format(id=payout.id))
    assert (told.outcome, told.why) == ("wrong", why)
    assert payouts.get(payout.party, payout.id).state == "sent"


def test_an_answer_that_contradicts_an_earlier_one_is_for_a_person(desk, caplog):
    payout = agreed(desk, 8_000)
    file = make_file(desk)
    answer(desk, file, f"{payout.id},80.00,失败,")
    (told,) = answer(desk, file, f"{payout.id},80.00,成功,")
    assert told.outcome == "wrong"
    (case,) = [one for one in cases.open_ones() if one.facts["payout"] == payout.id]
    assert "成功" not in case.why
    assert case.facts["amount_fen"] == "8000"
    assert held(payout.party) == (8_000, 0, 0)


@pytest.mark.parametrize("text", ["", "a,b,c,d\n", "\x00", HEAD + '\n"x', HEAD + "\n,,," * 3_000])
def test_what_is_no_answer_is_refused_or_says_nothing(desk, text):
    agreed(desk, 8_000)
    file = make_file(desk)
    with contextlib.suppress(errors.Invalid):
        assert files.read_answer(file, text, by="ann", now=desk.now) == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_an_answer(desk, text):
    file = files.File("20260101", (), 0, "ann")
    try:
        found = files.read_answer(file, f"{HEAD}\n{text}", by="ann", now=desk.now)
    except errors.Invalid:
        return
    assert all(line.outcome == "wrong" for line in found)


def test_no_file_is_made_on_a_day_off_or_where_nothing_waits(desk):
    with pytest.raises(errors.Invalid):
        make_file(desk)
    agreed(desk, 8_000)
    desk.world.now = clock.day_start("20261003") + 40_000
    with pytest.raises(errors.Invalid):
        make_file(desk)


def test_whose_account_changed_stays_out_of_the_file(desk):
    stays, leaves = agreed(desk, 8_000), agreed(desk, 7_000)
    payouts.register(leaves.party, ACCOUNT, by="owner", now=desk.now)
    file = make_file(desk)
    assert {one.id for one in files.payouts_of(file)} == {stays.id}
    assert held(leaves.party) == (7_000, 0, 0)


def test_a_file_whose_maker_died_is_finished_by_whoever_asks_for_it(desk, monkeypatch):
    payout = agreed(desk, 8_000)
    monkeypatch.setattr(files, "_send_all", lambda *_: None)
    file = make_file(desk)
    monkeypatch.undo()
    assert payout.id in files.text(file, now=desk.now).decode("gbk")
    assert payouts.get(payout.party, payout.id).state == "sent"


def test_names_cannot_break_out_of_their_cells(desk):
    account = payouts.Account("bank", '某,"公司', "6217000010001234567", "建设,银行")
    agreed(desk, 8_000, account=account)
    line = files.text(make_file(desk), now=desk.now).decode("gbk").split("\r\n")[1]
    assert line.split(",")[1:4] == ["某  公司", "6217000010001234567", "建设 银行"]
