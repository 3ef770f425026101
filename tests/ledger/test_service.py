"""The books: events once, windows closed by differences alone, plans by version."""

from dataclasses import replace

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from pynamodb.exceptions import TransactWriteError

from chalicelib.kit import errors, table, tenant
from chalicelib.ledger import planning
from chalicelib.ledger import service as ledger
from chalicelib.ledger.model import PLANS, PlanRow
from tests import make

DAY = "20261123"
PLAN = ledger.Plan("gold", 0, 1500, 2500, "site", 38)


def number(last="0", salt=0):
    return f"{salt:027}{last}"


def legs(site, fen):
    return [("clearing:wechat", fen), (f"subsite:{site}:pending", -fen)]


@pytest.fixture
def site(cloud):
    code = make.make_owner()
    with tenant.acting_for(code):
        yield code


def post(site, fen, *, event="sale", salt=0, last="0", window=DAY):
    return ledger.post(site, window, number(last, salt), event, legs(site, fen), at=1, about="goods")


def test_an_event_is_posted_once_and_never_changed(site):
    assert post(site, 100)
    assert not post(site, 999)
    (journal,) = ledger.journals(site, DAY)
    assert journal == ledger.Journal(number(), "sale", tuple(legs(site, 100)), 1, "goods")


def test_legs_out_of_balance_are_never_written(site):
    with pytest.raises(RuntimeError, match="clearing"):
        ledger.post(site, DAY, number(), "sale", [("clearing:wechat", 1)], at=1)
    assert ledger.journals(site, DAY) == []


def test_events_of_an_order_stand_together_and_windows_apart(site):
    post(site, 100)
    post(site, -40, event="refund#1")
    post(site, 7, salt=1)
    post(site, 9, window="20261124")
    assert [
        (one.event, dict(one.legs)["clearing:wechat"]) for one in ledger.journals_of(site, DAY, number())
    ] == [
        ("refund#1", -40),
        ("sale", 100),
    ]
    assert len(ledger.journals(site, DAY)) == 3


def test_a_window_holds_the_journals_of_all_its_buckets(site):
    for salt, last in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ"):
        post(site, 1, salt=salt, last=last)
    assert len(ledger.journals(site, DAY)) == 32
    assert ledger.close(site, DAY, now=1) == 32


def test_a_close_posts_what_the_journals_add_up_to(site):
    post(site, 100)
    post(site, 250, salt=1)
    assert ledger.statement(site, DAY) is None
    assert ledger.close(site, DAY, now=1) == 350
    assert ledger.available(site) == 350
    assert ledger.statement(site, DAY) == {"clearing:wechat": 350, f"subsite:{site}:pending": -350}


def test_a_close_after_the_journals_were_lost_takes_back_what_they_gave(site, monkeypatch):
    post(site, 100)
    ledger.close(site, DAY, now=1)
    monkeypatch.setattr(ledger, "journals", lambda *_named: [])
    assert [ledger.close(site, DAY, now=now) for now in (2, 3)] == [-100, 0]
    assert (ledger.available(site), ledger.statement(site, DAY)) == (0, {})


def test_closing_again_posts_nothing_and_late_journals_only_their_difference(site):
    post(site, 100)
    assert [ledger.close(site, DAY, now=1) for _ in range(3)] == [100, 0, 0]
    post(site, -30, event="refund#1")
    assert [ledger.close(site, DAY, now=2) for _ in range(2)] == [-30, 0]
    assert ledger.available(site) == 70


def test_windows_add_up_in_one_account(site):
    post(site, 100)
    post(site, 11, window="20261124")
    assert (
        ledger.close(site, DAY, now=1) + ledger.close(site, "20261124", now=1)
        == ledger.available(site)
        == 111
    )


def test_an_empty_window_leaves_no_statement(site):
    assert ledger.close(site, DAY, now=1) == 0
    assert ledger.statement(site, DAY) is None
    assert ledger.available(site) == 0


def test_a_window_that_owes_nobody_is_stated_without_touching_the_account(site):
    ledger.post(site, DAY, number(), "taken", [("clearing:wechat", 5), ("refund_clearing:wechat", -5)], at=1)
    assert ledger.close(site, DAY, now=1) == 0
    assert ledger.statement(site, DAY) == {"clearing:wechat": 5, "refund_clearing:wechat": -5}
    assert ledger.available(site) == 0


@pytest.mark.parametrize("closed_before", [False, True])
def test_two_closes_at_once_post_once(site, monkeypatch, closed_before):
    if closed_before:
        post(site, 1, salt=9)
        ledger.close(site, DAY, now=1)
    post(site, 100)
    real = ledger._post_window

    def raced(*call):
        monkeypatch.setattr(ledger, "_post_window", real)
        assert ledger.close(site, DAY, now=1) == 100
        real(*call)

    monkeypatch.setattr(ledger, "_post_window", raced)
    with pytest.raises(table.Refused):
        ledger.close(site, DAY, now=1)
    assert ledger.available(site) == 100 + closed_before
    assert ledger.close(site, DAY, now=2) == 0


def test_a_close_that_died_after_its_write_is_repeated_without_effect(site, monkeypatch):
    post(site, 100)
    real = BaseClient._make_api_call

    def lost(client, operation, given):
        answer = real(client, operation, given)
        if operation != "TransactWriteItems":
            return answer
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "TransactWriteItems")

    with monkeypatch.context() as patches:
        patches.setattr(BaseClient, "_make_api_call", lost)
        with pytest.raises(TransactWriteError):
            ledger.close(site, DAY, now=1)
    assert ledger.close(site, DAY, now=1) == 0
    assert ledger.available(site) == 100


def test_a_sites_journals_cannot_be_written_by_another(site):
    with tenant.acting_for("zzzz"), pytest.raises(tenant.ForeignSite):
        post(site, 1)


def test_each_change_of_a_plan_is_a_version_and_orders_keep_theirs(cloud):
    first = ledger.put_plan(PLAN, now=cloud.now)
    second = ledger.put_plan(replace(PLAN, main_bps=3000), now=cloud.now + 5)
    assert (first.version, second.version, second.since) == (1, 2, cloud.now + 5)
    assert ledger.plan_in_force("gold") == second
    assert ledger.plan_of("gold@1") == first
    ledger.forget()
    assert ledger.plan_of(second.ref) == second


def test_plans_of_other_names_count_by_themselves(cloud):
    assert ledger.put_plan(replace(PLAN, name="silver"), now=1).version == 1
    assert ledger.put_plan(replace(PLAN, name="silver#2"), now=1).version == 1
    assert ledger.plan_in_force("silver").name == "silver"


@pytest.mark.parametrize("bps", [999, 3001])
def test_a_plan_out_of_bounds_is_not_kept(cloud, bps):
    with pytest.raises(ledger.OutOfBounds):
        ledger.put_plan(replace(PLAN, name="greedy", main_bps=bps), now=1)
    with pytest.raises(errors.NotFound):
        ledger.plan_in_force("greedy")


def test_a_version_made_by_another_instance_is_found_at_once(cloud):
    ledger.put_plan(replace(PLAN, name="shared"), now=1)
    ledger.plans()
    row = PlanRow.of(tenant.MAIN)(PLANS, "shared#000002", since=1, fee_bps=0, main_bps=1000, own_bps=1000)
    row.fee_bearer = "main"
    row.insert()
    assert ledger.plan_in_force("shared").version == 1
    assert ledger.plan_of("shared@2").main_bps == 1000
    assert ledger.put_plan(replace(PLAN, name="shared"), now=2).version == 3


def test_a_change_after_one_made_elsewhere_takes_the_next_version(cloud):
    ledger.put_plan(replace(PLAN, name="elsewhere"), now=1)
    held = dict(planning._plans) or {PLANS: (cloud.now, ledger.plans())}
    ledger.put_plan(replace(PLAN, name="elsewhere"), now=2)
    planning._plans.update(held)
    assert ledger.put_plan(replace(PLAN, name="elsewhere"), now=3).version == 3


def test_two_changes_at_once_are_a_conflict(cloud, monkeypatch):
    ledger.put_plan(replace(PLAN, name="raced"), now=1)
    real = PlanRow.insert

    def raced(row):
        monkeypatch.setattr(PlanRow, "insert", real)
        ledger.put_plan(replace(PLAN, name="raced"), now=2)
        return real(row)

    monkeypatch.setattr(PlanRow, "insert", raced)
    with pytest.raises(errors.Conflict):
        ledger.put_plan(replace(PLAN, name="raced"), now=2)
    assert ledger.plan_in_force("raced").version == 2


@pytest.mark.parametrize("ref", ["gold@99", "none@1", "gold", ""])
def test_an_unknown_plan_is_not_found(cloud, ref):
    with pytest.raises(errors.NotFound):
        ledger.plan_of(ref)
