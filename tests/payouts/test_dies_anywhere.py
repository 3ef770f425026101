"""Payouts killed at every single effect, and in any order of events: nothing is paid twice and nothing is lost."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.kit import errors, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from tests.dying import Died, Killer

from .conftest import ACCOUNT, MONDAY, held

FEN = 8_000
EVENTS = ("ask", "ask_all", "agree", "reject", "take_back", "drive", "hour", "change", "verify", "deposit")
FAULTS = ("lost", "down", "slow", "fail", "return", "poor")
STORY = st.lists(st.sampled_from([*EVENTS, "agree", "drive", "drive", *FAULTS]), max_size=25)


def stubbornly(act):
    """People press again, messages come again."""
    for _ in range(3):
        with contextlib.suppress(Died):
            return act()
    raise AssertionError("it dies every time")


def live(desk):
    """A party's payout from asking to its end; whatever dies is done again."""
    party = desk.party(10_000)

    def agree():
        with contextlib.suppress(errors.Conflict):
            desk.agree(payout)

    payout = stubbornly(lambda: desk.ask(party, FEN))
    stubbornly(agree)
    return stubbornly(lambda: desk.finish(payout))


@pytest.mark.parametrize("fault", ["", "lost", "fail"])
@pytest.mark.parametrize("after", [False, True])
def test_dying_at_any_effect_pays_once(desk, monkeypatch, after, fault):
    total = Killer(0, after=after)
    with total.watching(monkeypatch):
        live(desk)
    assert total.count > 8
    for at in range(1, total.count + 1):
        desk.bank._faults.clear()
        desk.bank.set_faults({fault: 1} if fault else {})
        with Killer(at, after=after).watching(monkeypatch):
            payout = live(desk) if at > 3 else stubbornly(lambda: live(desk))
        expected = ("failed", (10_000, 0, 0), 0) if fault == "fail" else ("success", (2_000, 0, 0), FEN)
        assert (payout.state, held(payout.party), desk.bank.moved[payout.id]) == expected
        check(desk, payout.party, 10_000, 0)


class Story:
    """One party, and whatever comes to whose mind."""

    def __init__(self, desk):
        self.desk, self.count, self.rev = desk, 0, 1
        desk.world.now = MONDAY
        self.party = desk.party(40_000, deposit=9_000)

    def play(self, event):
        if event in FAULTS:
            self.desk.bank.set_faults({event: 1})
            return
        with contextlib.suppress(errors.ShopError):
            getattr(self, event)()

    def ask(self):
        self.count += 1
        self.desk.ask(self.party, 7_000, key=str(self.count))

    def ask_all(self):
        self.desk.ask(self.party, None, key="all")

    def deposit(self):
        self.desk.ask(self.party, 2_000, key="d", source="deposit")

    def agree(self):
        self.each("requested", self.desk.agree)

    def reject(self):
        now = self.desk.now
        self.each("approved", lambda p: payouts.reject(p.party, p.id, by="bob", why="", now=now))

    def take_back(self):
        self.each("requested", lambda p: payouts.take_back(p.party, p.id, now=self.desk.now))

    def drive(self):
        for state in ("approved", "sent", "success"):
            self.each(state, self.desk.drive)

    def hour(self):
        self.desk.world.now += 3600

    def change(self):
        self.rev = payouts.register(self.party, ACCOUNT, by="owner", now=self.desk.now).rev

    def verify(self):
        payouts.judge(self.party, self.rev, "verified", by="ann", note="", now=self.desk.now)

    def each(self, state, act):
        for payout in payouts.of_party(self.party):
            if payout.state == state:
                act(payout)

    def end(self):
        """Everybody finishes what is begun; the bank is well."""
        self.desk.bank._faults.clear()
        for payout in payouts.of_party(self.party):
            if payout.state == "requested":
                payouts.take_back(payout.party, payout.id, now=self.desk.now)
            elif payout.state in ("approved", "sent"):
                self.desk.finish(payout)
            elif payout.state == "success":
                self.desk.drive(payout)


def check(desk, party, given_fen, deposit_fen):
    """What must be true at any time."""
    available, transit, deposit = held(party)
    flow = ledger.sum_of(ledger.flows_since(party, 0))
    assert (flow.available, flow.transit, flow.deposit) == (available, transit, deposit)
    assert min(available, transit, deposit) >= 0
    found = payouts.of_party(party)
    gone = sum(payout.fen for payout in found if payout.state == "success")
    assert available + transit + deposit + gone == given_fen + deposit_fen
    assert transit == sum(p.fen for p in found if p.state in ("requested", "approved", "sent"))
    assert all(0 <= desk.bank.moved[payout.id] <= payout.fen for payout in found)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STORY)
def test_whatever_happens_in_whatever_order_the_money_adds_up(desk, events):
    with tenant.acting_for(tenant.MAIN):
        story = Story(desk)
        for event in events:
            story.play(event)
            check(desk, story.party, 40_000, 9_000)
        story.end()
        check(desk, story.party, 40_000, 9_000)
        found = payouts.of_party(story.party)
        paid = sum(payout.fen for payout in found if payout.state == "success")
        assert sum(desk.bank.moved[payout.id] for payout in found) == paid
        sums = desk.sums(story.party)
        assert sum(sums.values()) == 0
        assert sums.get("payout_transit", 0) == 0
        assert -sums.get("bank:main", 0) - sums.get("bank:deposit", 0) == paid
