"""How money reaches accounts: early up to a cap, the rest after midnight, whatever is repeated, killed or raced."""

import pytest
from botocore.client import BaseClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.kit import table, tenant
from chalicelib.ledger import accounts, postings
from chalicelib.ledger import service as ledger
from tests import make
from tests.dying import Died

DAY = "20261123"
CAP = 500


@pytest.fixture
def site(cloud):
    code = make.make_owner()
    with tenant.acting_for(code):
        yield code


def post(site, fen, *, salt=0, agent=0):
    legs = [("clearing:wechat", fen + agent), (f"subsite:{site}:pending", -fen), ("dist:d1:pending", -agent)]
    ledger.post(site, DAY, f"{salt:028}", "sale", legs, at=1)


def early(site):
    return ledger.close(site, DAY, now=1, early_fen=CAP)


def late(site):
    return ledger.close(site, DAY, now=1)


def deposit(site, fen):
    with table.Together(tenant.MAIN, "") as write:
        accounts.change_deposit(write, site, fen)


def test_a_site_has_money_of_the_running_day_up_to_the_cap_and_the_rest_after_it(site):
    post(site, 400, agent=30)
    assert [early(site), early(site)] == [400, 0]
    post(site, 300, salt=1)
    assert [early(site), early(site)] == [100, 0]
    posted = ledger.posted(site, DAY)
    assert (posted.released, posted.at) == ({site: 500}, 1)
    assert [late(site), late(site)] == [230, 0]
    assert (ledger.available(site), ledger.available("dist:d1")) == (700, 30)
    parts = [flow.parts for flow in ledger.flows_since(site, 0)]
    assert parts == [{"deferred": 400}, {"deferred": 100}, {"deferred": -500, "sale": 700}]


def test_what_was_refunded_on_the_day_is_taken_back_and_the_cap_counts_what_was_had(site):
    post(site, 900)
    assert early(site) == 500
    post(site, -300, salt=1)
    assert early(site) == 0
    post(site, -200, salt=2)
    assert early(site) == -100
    post(site, 900, salt=3)
    assert early(site) == 100
    assert late(site) == 800


def test_a_lower_cap_takes_nothing_back(site):
    post(site, 900)
    assert early(site) == 500
    assert ledger.close(site, DAY, now=1, early_fen=100) == 0
    assert ledger.available(site) == 500


def test_more_distributors_than_one_transaction_holds_all_get_theirs_once(site, monkeypatch):
    monkeypatch.setattr("chalicelib.ledger.service._TOGETHER", 2)
    names = [f"dist:{site}{n}" for n in range(5)]
    legs = [("clearing:wechat", 15), *((f"{name}:pending", -3) for name in names)]
    ledger.post(site, DAY, "0" * 28, "sale", legs, at=1)
    assert [late(site), late(site)] == [15, 0]
    assert [ledger.available(name) for name in names] == [3] * 5


def test_another_sites_account_in_a_sites_journals_is_never_paid(site):
    ledger.post(site, DAY, "0" * 28, "sale", [("subsite:zzzz:pending", -70), ("main:sales", 70)], at=1)
    assert late(site) == 0
    assert ledger.available("zzzz") == 0


STEPS = st.one_of(
    st.tuples(st.just("post"), st.integers(-400, 600), st.integers(0, 20)),
    st.tuples(st.sampled_from(["early", "late"]), st.sampled_from(["", "before", "after", "raced"])),
)


def striking(patches, how, again):
    """Let the transactions of a close die before or after they happen, or be overtaken by another close."""
    real = BaseClient._make_api_call
    state = {"struck": False}

    def call(client, operation, given):
        if operation != "TransactWriteItems" or state["struck"]:
            return real(client, operation, given)
        state["struck"] = True
        if how == "raced":
            again()
            return real(client, operation, given)
        if how == "after":
            real(client, operation, given)
        raise Died

    patches.setattr(BaseClient, "_make_api_call", call)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=8))
def test_whatever_is_killed_raced_or_repeated_everybody_gets_what_is_owed_once(cloud, steps):
    site = make.make_owner()
    agent = f"dist:{site}"
    owed = {site: 0, agent: 0}
    with tenant.acting_for(site):
        for number, (what, *how) in enumerate(steps):
            if what == "post":
                fen, part = how
                owed[site], owed[agent] = owed[site] + fen, owed[agent] + part
                legs = [
                    ("clearing:x", fen + part),
                    (f"subsite:{site}:pending", -fen),
                    (f"{agent}:pending", -part),
                ]
                ledger.post(site, DAY, f"{number:028}", "sale", legs, at=1)
                continue
            close = early if what == "early" else late
            with pytest.MonkeyPatch.context() as patches:
                if how[0]:
                    striking(patches, how[0], lambda: early(site))
                try:
                    close(site)
                except (Died, table.Refused):
                    continue
            if what == "late":
                assert ledger.available(site) == owed[site]
        late(site)
        late(site)
        assert (ledger.available(site), ledger.available(agent)) == (owed[site], owed[agent])
        for party in (site, agent):  # what moved adds up to what is there
            assert ledger.sum_of(ledger.flows_since(party, 0)).available == owed[party]
        if owed[site] and (posted := ledger.posted(site, DAY)):
            assert posted.released[site] == owed[site]


def test_a_deposit_pays_what_a_refund_left_owing_as_far_as_it_goes(site):
    post(site, -5000)
    late(site)
    deposit(site, 3000)
    assert [ledger.recover(site, now=make.NOON), ledger.recover(site, now=make.NOON)] == [3000, 0]
    assert ledger.balances(site) == ledger.Balances(-2000, 0, 0, 0)
    (journal,) = [one for one in ledger.journals(tenant.MAIN, DAY) if one.number == site]
    assert dict(journal.legs) == {f"deposit:{site}": 3000, f"subsite:{site}:available": -3000}
    post(site, 2500, salt=1)
    late(site)
    assert ledger.available(site) == 500  # the next sales offset the rest


def test_a_deposit_keeps_what_is_not_owed(site):
    deposit(site, 3000)
    assert ledger.recover(site, now=make.NOON) == 0
    post(site, -700)
    late(site)
    assert ledger.recover(site, now=make.NOON) == 700
    assert ledger.balances(site) == ledger.Balances(0, 0, 0, 2300)


def test_two_recoveries_at_once_take_the_deposit_once(site, monkeypatch):
    post(site, -700)
    late(site)
    deposit(site, 3000)
    with monkeypatch.context() as patches:
        striking(patches, "raced", lambda: ledger.recover(site, now=make.NOON + 1))
        with pytest.raises(table.Refused):
            ledger.recover(site, now=make.NOON)
    assert ledger.balances(site) == ledger.Balances(0, 0, 0, 2300)


@pytest.mark.parametrize("amount", ["available", "held", "transit"])
def test_no_amount_of_an_account_falls_below_zero_unless_it_is_said_to(site, amount):
    def change(fen, **more):
        with table.Together(tenant.MAIN, "") as write:
            accounts.change_account(write, site, **{amount: fen}, **more)

    with pytest.raises(table.Refused):
        change(-1)
    change(5)
    change(-5)
    with pytest.raises(table.Refused):
        change(-1)
    change(-1, floor=False)
    assert getattr(ledger.balances(site), amount) == -1


def test_money_moves_within_an_account_only_as_a_whole(site):
    with table.Together(tenant.MAIN, "") as write:
        accounts.change_account(write, site, available=10)
    for fen in (11, 10):
        moved = fen == 10
        try:
            with table.Together(tenant.MAIN, "") as write:
                accounts.change_account(write, site, available=-fen, transit=fen)
        except table.Refused:
            assert not moved
    assert ledger.balances(site) == ledger.Balances(0, 0, 10, 0)


def test_a_deposit_never_falls_below_zero(site):
    deposit(site, 5)
    with pytest.raises(table.Refused):
        deposit(site, -6)
    assert ledger.balances(site).deposit == 5


def test_a_journal_within_a_transaction_stands_once_and_refuses_the_whole_when_repeated(site):
    for _ in range(2):
        try:
            with table.Together(tenant.MAIN, "") as write:
                accounts.change_account(write, site, available=100)
                legs = [("payout_transit", 100), (f"subsite:{site}:available", -100)]
                ledger.post_within(write, tenant.MAIN, DAY, f"p-{site}", "returned", legs, at=1)
        except table.Refused:
            continue
    assert ledger.available(site) == 100


@given(st.integers(-900, 900), st.integers(-900, 900), st.integers(0, 900))
def test_early_money_is_never_more_than_is_owed_or_allowed_and_nothing_is_taken_back_for_the_cap(
    owed, had, cap
):
    due = postings.due_of({"subsite:s:pending": -owed}, {"s": had}, "s", cap).get("s", 0)
    assert had + due <= max(owed, 0) or had + due == owed
    assert due <= max(0, cap - had)
    assert due >= min(0, owed - had)
    assert postings.due_of({"subsite:s:pending": -owed}, {"s": had + due}, "s", cap) == {}
