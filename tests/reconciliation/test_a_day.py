"""A day with 5,000 orders between the real gateways and the sandbox, every fault of it, and the last fen."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, tenant
from chalicelib.reconciliation import service as reconciliation
from chalicelib.reconciliation import worker
from tests.reconciliation import day as days

pytestmark = pytest.mark.slow

ORDERS = 5000
HOUR = 3600
CHANNELS = ["alipay", "ecny", "unionpay", "wechat"]
FOREIGN = "账单里有别的商户号的行"
SHORT = "渠道已收款，账单里没有"
NIGHT = days.START + clock.DAY
BILLS = NIGHT + 10 * HOUR + 2400  # 10:40 in Beijing
WRONG = ["long", "amount", "less", "fee", "duplicate", "awkward", "midnight", "refunds_later"]
SHIFTED = ["midnight", "refunds_later"]
WINDOWS = [clock.day_of(days.START + i * clock.DAY) for i in range(-1, 4)]


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The day is over, its windows are closed, and nobody has asked for a bill yet."""
    with days.opened(tmp_path_factory.mktemp("keys")) as opened:
        opened.trade(ORDERS)
        opened.hourly(NIGHT + 2 * HOUR, days.CLOSE)
        opened.pass_to(NIGHT + 5 * HOUR)
        opened.staff_look()
        opened.pass_to(BILLS)
        yield opened


def books(day):
    with tenant.acting_for(tenant.MAIN):
        found = reconciliation.of_month(days.DAY[:6])
        return {book.channel: book for book in found if book.day == days.DAY}


def ask(day, *faults, hours=1):
    """Let the hour strike, with these faults in the bills."""
    day.faults.set({"bill": list(faults)} if faults else {})
    for _ in range(hours):
        day.tick(worker.ask_for_bills)
        day.pass_to(day.now + HOUR)


def classes(day):
    return {channel: set(book.totals["counts"]) for channel, book in books(day).items()}


def open_cases(kind="difference"):
    with tenant.acting_for(tenant.MAIN):
        return cases.open_ones(kind=kind, limit=10_000)


def test_a_day_of_5000_orders_is_reconciled_to_the_last_fen(day):
    """One story, since each bill comes after the one before."""
    every_fate_was_met(day)
    the_bills_are_held_against_the_books(day)
    another_bill_changes_only_what_differs(day)
    a_corrected_bill_leaves_nothing_open_and_every_account_at_zero(day)


def every_fate_was_met(day):
    assert sum(day.met[fate] for fate in days.FATES) == ORDERS
    assert min(day.met[fate] for fate in days.FATES) >= ORDERS // 100
    assert day.met["refused"]
    assert set(day.states()) <= {"delivered", "expired", "refunded"}


def the_bills_are_held_against_the_books(day):
    unheard = [state for state in day.states().items() if state[0] == "expired"]
    before = day.balances(WINDOWS)

    ask(day, "late")
    assert {book.state for book in books(day).values()} == {"unready"}
    ask(day, "truncated")
    ask(day, "changed")
    assert {book.state for book in books(day).values()} == {"damaged"}
    assert day.balances(WINDOWS) == before

    # Rows of another merchant are told and left out; a file of Alipay's has one merchant, so it is left out whole.
    ask(day, "foreign")
    assert [channel for channel, book in books(day).items() if book.state == "damaged"] == ["alipay"]
    foreign = [case.facts["channel"] for case in open_cases("bill") if case.why == FOREIGN]
    assert sorted(foreign) == [channel for channel in CHANNELS if channel != "alipay"]

    # A bill with differences: what only the bill has is asked for and found, what is wrong becomes a case.
    day.faults.set({"bill": WRONG})
    again(day)
    ask(day, *WRONG)
    assert {book.state for book in books(day).values()} <= {"waiting", "closed"}
    healed = day.met["lost_and_expired"] + day.met["paid_twice_unheard"]
    assert sum(line.healed for line in lines(day)) >= healed * 9 // 10  # some were paid after midnight
    assert day.states()["expired"] < unheard[0][1]

    # The next day's bill ends all waiting; then only what was put into the bills is left.
    day.faults.set({"bill": SHIFTED})
    day.hourly(NIGHT + 38 * HOUR, days.CLOSE, worker.ask_for_bills)
    assert {book.state for book in books(day).values()} == {"closed"}
    for book in books(day).values():
        assert book.totals["unexplained_fen"] == 0
        wrong = {name: count for name, (count, _) in book.totals["counts"].items()}
        assert (wrong["long"], wrong["amount"], wrong["duplicate"]) == (1, 2, 1)
    assert len(open_cases()) == len(CHANNELS) * 4

    # The same bill again changes nothing.
    day.faults.set({"bill": WRONG})
    seen = day.balances(WINDOWS), [case.key for case in open_cases()]
    again(day)
    assert (day.balances(WINDOWS), [case.key for case in open_cases()]) == seen


def another_bill_changes_only_what_differs(day):
    day.faults.set({"bill": ["short", *SHIFTED]})
    again(day)
    found = [(case.facts["channel"], case.why) for case in open_cases()]
    assert sorted(found) == [(channel, SHORT) for channel in CHANNELS]
    with tenant.acting_for(tenant.MAIN):
        ended = [case.staff for case in cases.settled_ones(kind="difference")]
    assert ended == ["系统"] * 4 * len(CHANNELS)


def a_corrected_bill_leaves_nothing_open_and_every_account_at_zero(day):
    day.faults.set({})
    for back in range(-1, 3):
        again(day, clock.day_of(days.START + back * clock.DAY))
    day.hourly(NIGHT + 70 * HOUR, days.CLOSE, worker.ask_for_bills)
    for book in books(day).values():
        assert (book.state, book.totals["unexplained_fen"]) == ("closed", 0)
        assert set(book.totals["counts"]) <= {"matched", "fee"}
    assert open_cases() == []
    found = day.balances(WINDOWS)
    for channel in day.channels:
        assert found[f"clearing:{channel}"] == 0
        assert found[f"refund_clearing:{channel}"] == 0
        assert found[f"fee_accrued:{channel}"] == 0
    received = [day.received(channel) for channel in day.channels]
    assert found["bank:main"] == sum(paid - back for paid, back in received) - day.fees()


def lines(day):
    with tenant.acting_for(tenant.MAIN):
        return [
            line
            for book in books(day).values()
            for found in reconciliation.lines(book).values()
            for line in found
        ]


def again(day, name=days.DAY):
    with tenant.acting_for(tenant.MAIN):
        for book in reconciliation.of_month(days.DAY[:6]):
            if book.day == name:
                reconciliation.ask_again(book.name)
    day.pass_to(day.now + HOUR)
    ask_plain(day)


def ask_plain(day):
    for _ in range(2):
        day.tick(worker.ask_for_bills)
        day.pass_to(day.now + HOUR)
