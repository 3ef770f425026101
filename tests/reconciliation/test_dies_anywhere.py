"""A site's part of a book killed at every single effect and repeated: what it comes to is the same."""

import copy

import pytest

from chalicelib.cases import service as cases
from chalicelib.checkout.worker import walk_sites
from chalicelib.kit import clock, tenant
from chalicelib.reconciliation import service as reconciliation
from tests.dying import Died, Killer
from tests.reconciliation import day as days

FATES = ("plain", "plain", "plain", "lost_and_expired", "paid_twice_unheard", "refunded")
NIGHT = days.START + clock.DAY
WINDOWS = [clock.day_of(days.START + i * clock.DAY) for i in range(3)]
BILLS = {"first": ["long", "amount", "fee", "duplicate"], "corrected": ["short", "fee"]}


class Play:
    """A day whose bill is there, as often as it is wanted. `site` has the most to heal."""

    def __init__(self, day):
        self.day = day
        self.site = day.stage.sites[0]
        self.name = f"{days.DAY}#wechat#{day.channels['wechat'].merchant}"
        self.states = {}

    def keep(self, bill):
        """Have a bill downloaded and kept by site, and remember this moment."""
        self.day.faults.set({"bill": BILLS[bill]})
        with tenant.acting_for(tenant.MAIN):
            reconciliation.drive(self.name, now=int(self.day.now), again=True)
            digest = reconciliation.find(self.name).digest
        self.day._letters.clear()
        rows = {name: dict(table.rows) for name, table in self.day.database.tables.items()}
        self.states[bill] = digest, self.day.now, rows, copy.deepcopy(self.day.books._trades)

    def begin(self, bill):
        """Everything as it was then."""
        self.digest, self.day.now, rows, trades = self.states[bill]
        for name, table in self.day.database.tables.items():
            for key in [key for key in table.rows if key not in rows[name]]:
                table.put(key, None)
            for key, row in rows[name].items():
                if table.rows.get(key) is not row:
                    table.put(key, row)
        self.day._letters.clear()
        self.day.books._trades = copy.deepcopy(trades)
        self.day.database._tokens = type(self.day.database._tokens)(self.day.clock)
        self.day.restart()

    def compare(self):
        with tenant.acting_for(self.site):
            reconciliation.compare(self.site, self.name, self.digest, now=int(self.day.now))

    def end(self):
        """What it all comes to, once the queues are empty."""
        self.day.pass_to(self.day.now + 1800)
        self.compare()
        self.day.hourly(self.day.now + 3600, walk_sites, days.CLOSE)
        self.day.pass_to(self.day.now + 1800)
        with tenant.acting_for(tenant.MAIN):
            book = reconciliation.find(self.name)
            counts, clearing, adjusted = reconciliation.parts(book)[self.site]
            # What was healed is told once; who healed it and died before saying so leaves a plain match.
            odd = [line for line in reconciliation.lines(book)[self.site] if line.name != "matched"]
            open_ = sorted(case.key for case in cases.open_ones(limit=1000))
            settled = sorted(case.key for case in cases.settled_ones(limit=1000))
        sums = +self.day.balances(WINDOWS), -self.day.balances(WINDOWS)
        return (
            counts,
            clearing,
            adjusted,
            sorted((line.name, line.key, line.answer) for line in odd),
            open_,
            settled,
            sums,
            self.day.states(),
        )


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    with days.opened(tmp_path_factory.mktemp("keys")) as day:
        site = day.stage.sites[0]
        day.stage.sites = (site,)
        for number, fate in enumerate(FATES):
            day.pass_to(days.START + 3600 * (number + 1))
            by_hand = fate == "refunded"
            getattr(day, fate)(day.order(site, day.stage.goods[3 if by_hand else 0].goods_id, "wechat"))
        day.hourly(NIGHT + 3600, days.CLOSE)
        day.pass_to(NIGHT + 11 * 3600)
        made = Play(day)
        made.keep("first")
        made.begin("first")
        made.compare()
        day.pass_to(day.now + 1800)
        made.keep("corrected")
        yield made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("bill", BILLS)
def test_dying_at_any_effect_comes_to_the_same(play, monkeypatch, bill, after):
    play.begin(bill)
    total = Killer(0, after=after)
    with total.watching(monkeypatch, calls=False):
        play.compare()
    expected = play.end()
    assert total.count > 3
    for at in range(1, total.count + 1):
        play.begin(bill)
        with Killer(at, after=after).watching(monkeypatch, calls=False), pytest.raises(Died):
            play.compare()
        assert play.end() == expected, f"at effect {at}"
