"""Cases: opened once, listed while open, settled once, never forgotten."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.cases.model import CaseRow, PlaceRow
from chalicelib.kit import clock, errors, log, table, tenant
from tests import make


@pytest.fixture(autouse=True)
def _main(world):
    with tenant.acting_for(tenant.MAIN):
        yield


@pytest.fixture
def alarms(monkeypatch):
    raised = []
    monkeypatch.setattr(log, "alarm", lambda name, **fields: raised.append((name, fields["key"])))
    return raised


def open_case(key="k", *, kind="refund", at=make.NOON, **facts):
    return cases.open(kind, key, why="退款异常", facts=facts, action="联系付款人。", now=at)


def settle(key="k", *, kind="refund", note="退了", at=make.NOON + 60):
    return cases.settle(kind, key, staff="admin", note=note, now=at)


def keys(found):
    return [case.key for case in found]


def test_a_case_is_opened_once_with_one_alarm_and_keeps_its_facts(alarms):
    assert [open_case(order="N", amount_fen="100", at=make.NOON + i) for i in range(3)] == [
        True,
        False,
        False,
    ]
    (case,) = cases.open_ones()
    assert (case.why, case.action, case.at) == ("退款异常", "联系付款人。", make.NOON)
    assert case.facts == {"order": "N", "amount_fen": "100"}
    assert alarms == [("cases.opened", "k")]
    assert cases.find("refund", "k") == cases.case(case.case_id) == case
    assert cases.find("payout", "k") is None


def test_one_whose_opener_died_before_it_was_listed_is_listed_by_the_repeat(monkeypatch, alarms):
    def dies(_row):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(PlaceRow, "insert", dies)
        with pytest.raises(RuntimeError):
            open_case()
    assert (cases.open_ones(), alarms) == ([], [])
    assert open_case(at=make.NOON + 9)
    assert ([case.at for case in cases.open_ones()], alarms) == ([make.NOON], [("cases.opened", "k")])


def test_a_settled_case_leaves_the_list_keeps_its_note_and_is_never_opened_again(alarms):
    open_case()
    assert settle(note="  已退，单号 42 ")
    assert not settle(note="again", at=make.NOON + 99)
    assert not open_case(at=make.NOON + clock.DAY)
    assert (cases.open_ones(), cases.count_open()) == ([], {})
    (case,) = cases.settled_ones()
    assert (case.staff, case.note, case.settled_at) == ("admin", "已退，单号 42", make.NOON + 60)
    assert len(alarms) == 1


@pytest.mark.parametrize("note", ["", "  ", "长" * 501])
def test_a_settlement_needs_a_note_of_a_length_people_read(note):
    open_case()
    with pytest.raises(cases.BadNote):
        settle(note=note)
    assert keys(cases.open_ones()) == ["k"]


def test_two_who_settle_at_once_leave_one_note(monkeypatch):
    open_case()
    really = cases.case

    def overtaken(case_id):
        found = really(case_id)
        monkeypatch.setattr(cases, "case", really)
        settle(note="first")
        return found

    monkeypatch.setattr(cases, "case", overtaken)
    with pytest.raises(errors.Conflict):
        settle(note="second")
    assert [case.note for case in cases.settled_ones()] == ["first"]


def test_lists_are_newest_first_by_kind_and_by_page():
    for i in range(5):
        open_case(f"r{i}", at=make.NOON + i)
    open_case("p", kind="payout", at=make.NOON + 9)
    for key, at in (("r1", 100), ("r0", 200)):
        settle(key, at=make.NOON + at)
    assert keys(cases.open_ones()) == ["p", "r4", "r3", "r2"]
    assert keys(cases.open_ones(kind="refund", limit=2)) == ["r4", "r3"]
    cursor = cases.open_ones(kind="refund", limit=2)[-1].cursor
    assert keys(cases.open_ones(kind="refund", before=cursor)) == ["r2"]
    assert keys(cases.open_ones(before="no cursor" * 200)) == ["p", "r4", "r3", "r2"]
    assert keys(cases.settled_ones()) == ["r0", "r1"]
    assert keys(cases.settled_ones(before=cases.settled_ones()[0].cursor)) == ["r1"]
    assert cases.count_open() == {"refund": 3, "payout": 1}


def test_what_a_person_sets_going_goes_once_and_only_while_the_case_is_open():
    open_case()
    case_id = cases.id_of("refund", "k")
    begun = cases.begin(case_id, "give_back", staff="admin", now=make.NOON + 5)
    assert (begun.begun, begun.begun_by, begun.begun_at) == ("give_back", "admin", make.NOON + 5)
    with pytest.raises(errors.Conflict):
        cases.begin(case_id, "give_back", staff="other", now=make.NOON + 6)
    open_case("settled")
    settle("settled")
    with pytest.raises(errors.Conflict):
        cases.begin(cases.id_of("refund", "settled"), "give_back", staff="admin", now=make.NOON)
    with pytest.raises(errors.NotFound):
        cases.begin(cases.id_of("refund", "none"), "give_back", staff="admin", now=make.NOON)


def test_what_came_to_nothing_makes_room_for_something_else():
    open_case()
    case_id = cases.id_of("refund", "k")
    cases.begin(case_id, "claim", staff="admin", now=make.NOON)
    with pytest.raises(errors.Conflict):
        cases.stop(case_id, "give_back")
    cases.stop(case_id, "claim")
    assert cases.begin(case_id, "give_back", staff="other", now=make.NOON).begun == "give_back"
    with pytest.raises(errors.NotFound):
        cases.stop(cases.id_of("refund", "none"), "claim")


@pytest.mark.parametrize("case_id", ["", "open", "settled", "x" * 20, "0" * 20, "../" * 7, "é" * 20])
def test_a_case_that_never_was_is_not_found(case_id):
    with pytest.raises(errors.NotFound):
        cases.case(case_id)


def test_a_place_whose_case_is_gone_is_left_out():
    open_case()
    PlaceRow.of(tenant.MAIN)("CASE#open", f"{make.NOON + 1:010}#{'0' * 20}", kind="refund").insert()
    assert keys(cases.open_ones()) == ["k"]


def test_a_long_text_does_not_outgrow_its_row():
    open_case("k" * 3000, text="长" * 9000)
    row = CaseRow.of(tenant.MAIN).read(f"CASE#{cases.id_of('refund', 'k' * 3000)}", ".")
    assert (len(row.key), len(row.facts["text"])) == (200, 300)


def test_a_lost_transaction_is_told_as_a_conflict(monkeypatch):
    def lost(*_named):
        raise table.Refused

    open_case()
    monkeypatch.setattr(table, "Together", lost)
    with pytest.raises(errors.Conflict):
        settle()
