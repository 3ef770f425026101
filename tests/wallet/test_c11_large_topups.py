"""C-11: more than 5,000 yuan at once or within a day, and sums made to stay below it, wait for two people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cases import service as cases
from chalicelib.fulfilment import service as fulfilment
from chalicelib.fulfilment import topups
from chalicelib.kit import clock, errors
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.wallet import holding
from chalicelib.wallet.model import TermsRow
from sim.iam.enforce import acting_as
from tests import make

NOW = make.NOON
DAY = clock.DAY
EVIDENCE = "ID card seen by video, 2026-11-23"


@pytest.mark.parametrize(
    ("before", "fen", "why"),
    [
        ([], 500_000, ""),
        ([], 500_001, "single"),
        ([(100_000, NOW - DAY + 1)], 400_000, ""),
        ([(100_000, NOW - DAY + 1)], 400_001, "day"),
        ([(100_000, NOW - DAY)], 400_001, ""),
        ([(499_900, NOW - DAY)], 499_900, ""),
        ([(499_900, NOW - DAY), (499_900, NOW - 2 * DAY)], 499_900, "structured"),
        ([(450_000, NOW - DAY), (450_000, NOW - 7 * DAY + 1)], 450_000, "structured"),
        ([(450_000, NOW - DAY), (450_000, NOW - 7 * DAY)], 450_000, ""),
        ([(450_000, NOW - DAY), (449_999, NOW - 2 * DAY)], 450_000, ""),
        ([(450_000, NOW - DAY), (450_000, NOW - 2 * DAY)], 449_999, ""),
    ],
)
def test_c11_a_top_up_waits_beyond_the_limit_and_not_at_it(before, fen, why):
    assert holding.why_held(before, fen, NOW) == why


TOPUPS = st.lists(st.tuples(st.integers(1, 500_000), st.integers(NOW - 8 * DAY, NOW)), max_size=8)


@given(TOPUPS, st.integers(1, 600_000))
def test_c11_never_is_more_than_the_limit_on_a_balance_within_a_day_unseen(before, fen):
    today = sum(each for each, at in before if at > NOW - DAY)
    assert holding.why_held(before, fen, NOW) or today + fen <= holding.HOLD


@pytest.fixture
def named(shop):
    """A member whose name is known, so that 5,000 yuan may be held."""
    rows = TermsRow.of(shop.site)
    rows.change("WALLET#m1", ".", [rows.named.set(True)], None)
    return shop


@pytest.fixture
def held(named):
    """A top-up that waits: 4,000 yuan were paid in and spent today, and here are 1,001 more."""
    pay_in(named, 4000)
    spend(named)
    return pay_in(named, 1001)


def pay_in(shop, yuan):
    order = shop.place(member="m1", goods_id="topup", quantity=yuan)
    shop.pay(order)
    with acting_as("deliver_orders"):
        assert shop.world.run("fulfil") == []
    assert shop.world.run("settle") == []
    return shop.order(order.number)


def spend(shop):
    with make.table.Together(shop.site, "") as write:
        last = make.wallet.newest(shop.site, "m1")
        make.wallet.enter(
            write, shop.site, "m1", "spend", last.available, about=make.ids.token(8), now=shop.world.now
        )


def agree(shop, by, evidence=EVIDENCE):
    (case,) = cases.open_ones(kind="topup_review")
    return fulfilment.agree_topup(case.case_id, evidence, by=by, now=shop.world.now)


pytestmark = pytest.mark.usefixtures("at_the_shop")


def test_c11_the_limit_itself_is_on_the_balance_at_once(named):
    assert pay_in(named, 5000).status == "delivered"
    assert (named.wallet(), cases.open_ones()) == ((500_000, 0), [])


def test_c11_what_is_held_is_on_the_balance_once_two_different_people_agree(named, held, world):
    assert (held.status, named.wallet()) == ("review", (0, 0))
    assert make.work("fulfil", [{"site": named.site, "order": held.number}]) == []
    with pytest.raises(topups.BadEvidence):
        agree(named, "ann", " ok ")
    assert agree(named, "ann") is False
    with pytest.raises(topups.SamePerson):
        agree(named, "ann")
    assert named.wallet() == (0, 0)
    assert agree(named, "bob") is True
    assert (named.order(held.number).status, named.wallet()) == ("delivered", (100_100, 0))
    case = cases.find("topup_review", held.number)
    assert (case.staff, EVIDENCE in case.note, "ann" in case.note) == ("bob", True, True)
    world.run("settle")
    assert [one.event for one in settlement.journals_of(named.order(held.number))] == ["sale"]
    with pytest.raises(errors.Conflict):
        fulfilment.agree_topup(case.case_id, EVIDENCE, by="eve", now=world.now)


def test_c11_who_dies_after_the_balance_has_it_does_it_once(named, held, monkeypatch):
    agree(named, "ann")
    monkeypatch.setattr(cases, "settle", lambda *_named, **_more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        agree(named, "bob")
    monkeypatch.undo()
    assert agree(named, "bob") is True
    assert named.wallet() == (100_100, 0)


def test_c11_what_is_not_agreed_to_goes_back(named, held, world):
    agree(named, "ann")
    fulfilment.refund_instead(named.site, held.number, reason="not known", staff="bob", now=world.now)
    assert world.run("refund") == []
    assert world.channel.refunds == {f"{held.number}01R1": 100_100}
    with pytest.raises(errors.Conflict):
        agree(named, "bob")
    assert named.wallet() == (0, 0)


def test_c11_who_is_moved_while_held_is_left_alone(named, monkeypatch):
    order = named.place(member="m1", goods_id="topup", quantity=5)
    named.pay(order)
    paid = named.order(order.number)
    orders.move(named.site, order.number, "refunding", now=named.world.now)
    topups._hold(paid, "day", named.world.now)
    assert topups.fill(paid, now=named.world.now) is False
    assert named.order(order.number).status == "refunding"
