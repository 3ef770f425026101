from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock
from chalicelib.ledger import service as ledger
from chalicelib.settlement import rules

DAY_START = clock.day_start("20261123")


def test_yesterday_and_older_days_close_after_midnight_and_yesterday_again_an_hour_later():
    assert rules.windows_to_close(DAY_START + 1800) == ["20261122", "20261121", "20261116", "20261023"]
    assert rules.windows_to_close(DAY_START + 3600 + 1800) == ["20261122"]


@given(st.integers(min_value=2 * 3600, max_value=clock.DAY - 1))
def test_no_window_closes_at_another_hour(second):
    assert rules.windows_to_close(DAY_START + second) == []


def test_a_refund_is_tried_ever_more_rarely_up_to_a_quarter_of_an_hour():
    delays = [rules.retry_delay(tries) for tries in range(12)]
    assert delays == [15, 30, 60, 120, 240, 480, *[900] * 6]


@given(
    paid=st.integers(min_value=1, max_value=10**9),
    cost=st.integers(min_value=0, max_value=10**9),
    main=st.integers(min_value=1000, max_value=3000),
    own=st.booleans(),
    bearer=st.sampled_from(["main", "site"]),
)
def test_a_line_of_a_statement_divides_what_was_paid_to_the_fen(paid, cost, main, own, bearer):
    plan = ledger.Plan("standard", 1, main, main, bearer)
    sale = ledger.Sale("k3f9", "wechat", paid, min(cost, paid), own)
    row = rules.row_of("k3f9", "N", "sale", 1, "", dict(ledger.sale_legs(sale, plan)))
    assert row.paid_fen == paid
    assert row.site_fen + row.main_fen + row.agents_fen + row.fee_fen == paid
    parts = ledger.shares(sale, plan)
    assert row.site_fen == parts.site_fen - (parts.fee_fen if bearer == "site" else 0)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_refund_leaves_nothing_on_a_statement(fen):
    legs = (ledger.taken_legs("wechat", fen), ledger.returned_legs("wechat", fen))
    rows = tuple(rules.row_of("k3f9", "N", "x", 1, "", dict(one)) for one in legs)
    assert rules.totals(rows).paid_fen == 0
    assert (rows[0].site_fen, rows[0].main_fen, rows[0].fee_fen) == (0, 0, 0)
