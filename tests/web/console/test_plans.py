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
        ("fee", "5.01"),
        ("main_base", "list"),
        ("own_base", "margin"),
        ("l1", "12.51"),
        ("l2", "1"),
        ("release", "T+2"),
        ("t0_cap", "100"),
        ("t0_cap", "a lot"),
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
    for line in (
        '<td>主站分成：毛利的 12.5%</td><td class="num">1.00</td>',
        '<td>分站所得</td><td class="num">6.70</td>',
    ):
        assert line in shown
    assert [p.name for p in ledger.plans()] == ["standard"]


@given(
    main=st.integers(1000, 3000),
    own=st.integers(1000, 3000),
    agents=st.tuples(st.integers(0, 600), st.integers(0, 400)),
    fee_bearer=st.sampled_from(["main", "site"]),
    main_base=st.sampled_from([*plans.BASES]),
    own_base=st.sampled_from([*plans.OWN_BASES]),
)
def test_an_example_divides_all_of_what_was_paid(main, own, agents, **chosen):
    main, own, l1, l2 = (f"{bps / 100:.2f}" for bps in (main, own, *agents))
    typed = plans.PlanForm("any", main, own=own, l1=l1, l2=l2, second_level="1", **chosen)
    found = plans.examples(typed)
    assert len(found) == 2
    for example in found:
        lines = dict(example.lines)
        others = sum(fen for name, fen in lines.items() if name.startswith(("支付通道费", "其中付给")))
        assert lines["主站所得"] + lines["分站所得"] + others == lines["顾客实付"]


def test_a_plan_with_everything_is_kept_as_typed_and_shown_with_its_warning(staff):
    typed = {
        "l1": "5",
        "l2": "2",
        "second_level": "1",
        "release": "T+0",
        "t0_cap": "20000",
        "main_base": "net",
    }
    assert (
        staff.post("/console/plans", {**FORM, **typed, "own_base": "net", "fee": "0.38"}).status_code == 303
    )
    plan = ledger.plan_in_force("partner")
    assert (plan.l1_bps, plan.l2_bps, plan.second_level, plan.fee_bps) == (500, 200, True, 38)
    assert (plan.release, plan.t0_cap_fen, plan.main_base, plan.own_base) == ("T+0", 2_000_000, "net", "net")
    shown = page(staff.get("/console/plans"))
    for text in ("实付的 12.5%", "5% + 2%", "T+0，每日 ¥20000.00 内", "《禁止传销条例》第七条"):
        assert text in shown


def test_an_example_says_who_would_pay_for_the_sale(staff):
    shown = page(staff.post("/console/plans/try", {**FORM, "main_base": "gross", "main": "20"}))
    assert "分站每笔亏 2.30 元" in shown  # 10.00 of 50.00 are more than the margin of 8.00, and 0.30 of fee
    shown = page(staff.post("/console/plans/try", {**FORM, "fee_bearer": "main", "fee": "5"}))
    assert "主站每笔亏 1.50 元" in shown


@given(st.text(max_size=8), st.text(max_size=8))
def test_figures_that_are_none_have_no_example(main, own):
    for example in plans.examples(plans.PlanForm("any", main, own)):
        assert 10 <= float(main) <= 30
        assert dict(example.lines)
