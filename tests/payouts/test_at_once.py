"""Payouts when two do the same at once, when something is asked for that is not there, and what lists say."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, parameters, table
from chalicelib.payouts import book, files, payees, sending
from chalicelib.payouts import service as payouts
from chalicelib.payouts.adapters import Result

from .conftest import ACCOUNT, held, via


def refused_once(monkeypatch):
    """Another transaction holds a row at the next commit."""
    real = table.Together.__exit__

    def busy(together, kind, error, trace):
        monkeypatch.setattr(table.Together, "__exit__", real)
        raise table.Refused

    monkeypatch.setattr(table.Together, "__exit__", busy)


def test_money_is_asked_for_of_no_other_place(desk):
    with pytest.raises(errors.Invalid):
        desk.ask(desk.party(5_000), 5_000, source="held")


def test_who_wants_daily_money_without_a_verified_account_has_none(desk):
    party = desk.party(5_000, verified=False)
    payouts.set_auto(party, 1_000)
    assert payouts.request_daily(party, now=desk.now) is None
    assert held(party) == (5_000, 0, 0)
    payouts.judge(party, 1, "verified", by="ann", note="", now=desk.now)
    assert payouts.request_daily(party, now=desk.now).fen == 5_000
    assert payouts.request_daily(party, now=desk.now) is None


def test_a_row_that_another_holds_for_a_moment_is_no_reason_to_say_there_is_no_money(desk, monkeypatch):
    party = desk.party(5_000)
    refused_once(monkeypatch)
    with pytest.raises(errors.NotReady):
        desk.ask(party, 5_000)
    refused_once(monkeypatch)
    with pytest.raises(errors.NotReady):
        payouts.set_aside(party, 1_000, key="d", by="owner", now=desk.now)
    assert held(party) == (5_000, 0, 0)
    assert desk.ask(party, 5_000).state == "requested"


def test_an_account_that_is_refused_while_money_is_asked_for_gets_none(desk, monkeypatch):
    party = desk.party(5_000)
    real = book.begin

    def meanwhile(payout, *, now):
        payouts.judge(party, 1, "refused", by="ann", note="户名不符", now=now)
        return real(payout, now=now)

    monkeypatch.setattr(book, "begin", meanwhile)
    with pytest.raises(payouts.NotPayable):
        desk.ask(party, 5_000)
    assert held(party) == (5_000, 0, 0)


def test_of_two_who_name_an_account_at_once_one_is_told_to_look_again(desk, monkeypatch):
    party = desk.party()
    refused_once(monkeypatch)
    with pytest.raises(errors.Conflict):
        payouts.register(party, ACCOUNT, by="owner", now=desk.now)
    assert payouts.payee(party).rev == 1


def test_accounts_that_wait_are_listed_until_they_are_judged(desk):
    party = desk.party(verified=False)
    assert party in {one.party for one in payouts.asked()}
    payouts.judge(party, 1, "refused", by="ann", note="", now=desk.now)
    assert party not in {one.party for one in payouts.asked()}
    with pytest.raises(LookupError):
        payees.account(party, 7)
    with pytest.raises(errors.Invalid):
        payouts.judge(party, 1, "perhaps", by="ann", note="", now=desk.now)


def test_by_file_only_banks_are_paid(desk, monkeypatch):
    via(monkeypatch, "file")
    with pytest.raises(payouts.BadAccount) as refused:
        payouts.register(
            desk.party(), payouts.Account("alipay", "张三", "zhang@example.com"), by="o", now=desk.now
        )
    assert refused.value.detail["field"] == "kind"


def test_whose_a_payout_is_can_be_told_by_its_id_alone(desk):
    payout = desk.ask(desk.party(5_000), 5_000)
    assert payouts.party_of(payout.id) == payout.party
    for wrong in ("P00000000000000000000", "nothing"):
        with pytest.raises(errors.NotFound):
            payouts.party_of(wrong)


def test_of_two_runs_that_hear_nothing_one_counts_the_try(desk):
    payout = desk.agree(desk.ask(desk.party(5_000), 5_000))
    assert book.later(payout, due=desk.now + 60)
    assert not book.later(payout, due=desk.now + 9_000)
    assert book.get(payout.party, payout.id).tries == 1


def test_of_two_runs_that_hear_nothing_one_asks_for_the_next_try(desk, monkeypatch):
    payout = desk.agree(desk.ask(desk.party(5_000), 5_000))
    desk.bank.set_faults({"down": 3})
    desk.drive(payout)
    desk.world.sent.clear()
    real = book.later

    def overtaken(*asked, **more):
        monkeypatch.setattr(book, "later", real)
        desk.drive(payout)
        return real(*asked, **more)

    monkeypatch.setattr(book, "later", overtaken)
    assert (desk.drive(payout).tries, len(desk.world.sent)) == (2, 1)


@pytest.fixture
def by_file(desk, monkeypatch):
    """A payout of 50.00 in today's file, which a person took to the bank."""
    via(monkeypatch, "file")
    payout = desk.agree(desk.ask(desk.party(5_000), 5_000))
    assert desk.drive(payout).state == "approved", "it waits for the file"
    desk.world.now += desk.number * 7 * clock.DAY
    files.make(by="ann", now=desk.now)
    return book.get(payout.party, payout.id)


def test_a_bank_that_says_another_amount_moves_nothing_and_is_a_case(desk, by_file):
    with pytest.raises(errors.Conflict):
        sending.settle(by_file, Result(by_file.id, 4_999, "success"), now=desk.now)
    assert held(by_file.party) == (0, 5_000, 0)
    assert by_file.id in {one.facts["payout"] for one in cases.open_ones(kind="payout")}


def test_a_return_of_what_nobody_had_heard_was_paid_is_both(desk, by_file):
    back = sending.settle(by_file, Result(by_file.id, 5_000, "returned"), now=desk.now)
    assert (back.state, set(back.times)) == (
        "returned",
        {"requested", "approved", "sent", "success", "returned"},
    )
    assert held(by_file.party) == (5_000, 0, 0)


def test_a_file_can_be_found_by_its_day_alone(desk, by_file):
    assert [one.day for one in files.all_files()].count(by_file.via) == 1
    assert files.of_day(by_file.via).names == ((by_file.party, by_file.id),)
    with pytest.raises(errors.NotFound):
        files.of_day("20200101")


def test_without_a_bank_money_stays_on_its_way_and_is_tried_again(desk, monkeypatch):
    payout = desk.agree(desk.ask(desk.party(5_000), 5_000))
    with monkeypatch.context() as patches:

        def missing(_places):
            raise parameters.Missing

        patches.setattr(parameters, "read", missing)
        assert desk.drive(payout).state == "sent"
        assert desk.drive(payout).tries >= 1
    assert held(payout.party) == (0, 5_000, 0)
    assert desk.finish(book.get(payout.party, payout.id)).state == "success"
    assert held(payout.party) == (0, 0, 0)


def test_a_bank_that_cannot_be_asked_whether_it_returned_money_is_asked_the_next_day(desk, monkeypatch):
    paid = desk.finish(desk.agree(desk.ask(desk.party(5_000), 5_000)))

    def missing(_places):
        raise parameters.Missing

    with monkeypatch.context() as patches:
        patches.setattr(parameters, "read", missing)
        assert desk.drive(paid, days=1).state == "success"
    (waits,) = [one for one in book.open_list() if one.id == paid.id]
    assert waits.due == desk.now + clock.DAY


def test_a_payout_that_is_over_is_driven_nowhere(desk):
    payout = desk.agree(desk.ask(desk.party(5_000), 5_000))
    desk.bank.set_faults({"fail": 1})
    failed = desk.finish(payout)
    assert (failed.state, desk.drive(failed)) == ("failed", failed)
    assert held(payout.party) == (5_000, 0, 0)


def test_two_people_who_make_a_day_s_file_at_once_have_the_same(desk, monkeypatch):
    via(monkeypatch, "file")
    desk.world.now += 7 * 40 * clock.DAY
    other = desk.agree(desk.ask(desk.party(7_000), 7_000))
    real = files.waiting

    def meanwhile():
        monkeypatch.setattr(files, "waiting", real)
        files.make(by="bob", now=desk.now)
        desk.agree(desk.ask(desk.party(6_000), 6_000))
        return [other]

    monkeypatch.setattr(files, "waiting", meanwhile)
    made = files.make(by="ann", now=desk.now)
    assert (made.made_by, made.names) == ("bob", ((other.party, other.id),))


def test_what_is_given_back_while_the_file_is_made_is_not_in_it(desk, monkeypatch):
    via(monkeypatch, "file")
    desk.world.now += 7 * 80 * clock.DAY
    kept, back = (desk.agree(desk.ask(desk.party(5_000), 5_000)) for _ in range(2))
    real = book.move

    def meanwhile(payout, state, **more):
        if (payout.id, state) == (back.id, "sent"):
            payouts.reject(back.party, back.id, by="bob", why="不付", now=desk.now)
        return real(payout, state, **more)

    monkeypatch.setattr(book, "move", meanwhile)
    file = files.make(by="ann", now=desk.now)
    named = {one.id for one in files.payouts_of(file)}
    assert (kept.id in named, back.id in named) == (True, False)
    assert held(back.party) == (5_000, 0, 0)


def test_what_is_over_is_over_once(desk):
    paid = desk.finish(desk.agree(desk.ask(desk.party(5_000), 5_000)))
    for _ in range(2):
        book.finish(paid, now=desk.now)
    assert paid.id not in {one.id for one in book.open_list()}
