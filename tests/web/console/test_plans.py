import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger import service as ledger
from chalicelib.web.console import plans

from .conftest import page

FORM = {"name": "partner", "main": "12.5", "own": "15", "fee_bearer": "site"}


def test_a_new_version_is_kept_beside_the_old_ones(staff):
    for share in ("12.5", "20"):
        assert staff.post("/console/plans", {**FORM, "main": share}).status_code == 303
    kept = [(p.name, p.version, p.main_bps, p.fee_bearer) for p in ledger.plans() if p.name == "partner"]
    assert kept == [("partner", 1, 1250, "site"), ("partner", 2, 2000, "site")]
    assert page(staff.get("/console/plans")).count("现行") == 2


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("main", "9.99"),
        ("main", "30.01"),
        ("own", "0"),
        ("own", "abc"),
        ("name", ""),
        ("fee_bearer", "shopper"),
    ],
)
def test_a_plan_outside_the_house_rule_is_refused_at_its_field(staff, field, typed):
    answer = staff.post("/console/plans", {**FORM, field: typed})
    assert answer.status_code == 422
    assert 'role="alert"' in page(answer)
    assert [p.name for p in ledger.plans()] == ["standard"]


def test_trying_figures_stores_nothing_and_shows_who_gets_what(staff):
    shown = page(staff.post("/console/plans/try", FORM))
    # 50.00 sold, 42.00 wholesale: main takes 12.5 % of 8.00; the site pays the fee of 0.30.
    for line in ('<td>主站分成</td><td class="num">1.00</td>', '<td>分站所得</td><td class="num">6.70</td>'):
        assert line in shown
    assert [p.name for p in ledger.plans()] == ["standard"]


@given(st.integers(1000, 3000), st.integers(1000, 3000), st.sampled_from(["main", "site"]))
def test_an_example_divides_all_of_what_was_paid(main, own, bearer):
    typed = plans.PlanForm("any", f"{main / 100:.2f}", f"{own / 100:.2f}", bearer)
    for example in plans.examples(typed):
        lines = dict(example.lines)
        fee = next(fen for name, fen in lines.items() if name.startswith("支付通道费"))
        assert lines["主站所得"] + lines["分站所得"] + fee == lines["顾客实付"]


@given(st.text(max_size=8), st.text(max_size=8))
def test_figures_that_are_none_have_no_example(main, own):
    for example in plans.examples(plans.PlanForm("any", main, own)):
        assert 10 <= float(main) <= 30
        assert dict(example.lines)
