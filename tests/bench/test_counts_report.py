from bench import drawing, report
from bench.report import Figure, Goal, Plot, Section, Table


def section(name, *findings):
    return Section(name, name.title(), "Why it matters.", list(findings))


def test_a_goal_that_is_missed_is_told_first_and_in_its_table():
    told = section(
        "one",
        Figure("kept", 5.0, "units", Goal("≤", 5.1)),
        Figure("missed", 5.2, "units", Goal("≤", 5.1)),
        Figure("only told", 1_234_567, "calls"),
        Table("Behind it", ("a", "b"), [("x", 0.5)]),
    )
    text = report.merge("", [told], intro="# Results\n", order=("one",))
    assert "1 goals are met, 1 missed:\n\n- missed: 5.200 units, goal ≤ 5.100\n" in text
    assert "| kept | 5 | units | count | ≤ 5.100 | yes |" in text
    assert "| missed | 5.200 | units | count | ≤ 5.100 | **no** |" in text
    assert "| only told | 1,234,567 | calls | count |  |  |" in text
    assert "| x | 0.5000 |" in text
    assert [one.name for one in told.missed] == ["missed"]


def test_a_benchmark_run_alone_leaves_the_others_as_they_stood():
    order = ("one", "two")
    before = report.merge("", [section("two", Figure("b", 2, "")), section("one")], intro="#", order=order)
    after = report.merge(before, [section("one", Figure("a", 1, ""))], intro="#", order=order)
    assert after.index("## One") < after.index("| a | 1 |") < after.index("## Two") < after.index("| b | 2 |")


def test_a_goal_is_at_most_at_least_or_exactly_its_bound():
    assert [Goal(sign, 2).met_by(value) for sign in "≤≥=" for value in (1, 2, 3)] == [
        *(True, True, False),
        *(False, True, True),
        *(False, True, False),
    ]


def test_a_plot_is_the_same_file_each_time(tmp_path):
    plot = Plot("law", "A law", "size", "cost", {"flat": [(1, 5), (1000, 5)]})
    drawing.draw(plot, tmp_path / "a")
    drawing.draw(plot, tmp_path / "b")
    first, second = ((tmp_path / name / "law.svg").read_bytes() for name in "ab")
    assert first == second
    assert b"A law" in first
