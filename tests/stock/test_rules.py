"""What an import's rows mean, and which originals stand behind returned positions."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.stock import rules
from chalicelib.stock.rules import Problem, Range

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters='\r\n",'), max_size=30)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
SEGS = st.sampled_from(["cA", "cB", "cC"])


@st.composite
def maps(draw):
    """Original ranges that do not overlap."""
    found, at = [], dict.fromkeys(("cA", "cB", "cC"), 0)
    for seg, gap, count in draw(
        st.lists(st.tuples(SEGS, st.integers(0, 9), st.integers(1, 40)), min_size=1, max_size=9)
    ):
        found.append(Range(seg, at[seg] + gap, count))
        at[seg] += gap + count
    return found


def codes(text):
    return [code for _, code in rules.parse(text).codes]


def whats(text):
    return [(problem.line, problem.what) for problem in rules.parse(text).problems]


@given(st.text(max_size=200))
@example('a\n"b\nc","d\n\n\x00\n')
def test_every_row_of_any_text_is_a_code_or_a_named_problem(text):
    parsed = rules.parse(text)
    lines = [line for line, _ in parsed.codes] + [problem.line for problem in parsed.problems]
    assert sorted(lines) == list(range(1, parsed.rows + 1))
    assert len({code for _, code in parsed.codes}) == len(parsed.codes)


@given(st.lists(PLAIN, min_size=1, max_size=30), ENDS)
def test_rows_keep_their_line_numbers_whatever_ends_a_line(rows, end):
    rows = [*rows, "LAST"]
    parsed = rules.parse(end.join(rows) + end)
    assert parsed.rows == len(rows)
    assert all(rows[line - 1].strip() == code for line, code in parsed.codes)


@given(st.text(max_size=200))
def test_every_code_can_be_stored(text):
    for code in codes(text):
        assert 1 <= len(code) <= rules.LONGEST
        assert code.encode()


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_the_first_code():
    assert codes("\ufeffA-1\r\nA-2\r\n") == ["A-1", "A-2"]
    assert codes('\ufeff"A-1"\r\n') == ["A-1"]


def test_several_columns_become_one_code():
    assert codes('user1,pass1\n"u,2","p""w"\nu3,,p3,\n') == ["user1 pass1", 'u,2 p"w', "u3 p3"]


def test_quotes_are_taken_off_and_spaces_around_a_row_too():
    assert codes('"A-1"\n  A-2\t\nA"3\n') == ["A-1", "A-2", 'A"3']


@pytest.mark.parametrize(
    "row", ['"open', '"a"b', "a\x00b", "a\x1bb", "a\x7fb", "a,\x00", "x" * 600, "a\ud800"]
)
def test_rows_nobody_could_use_are_bad_and_their_neighbours_are_not(row):
    text = f"FIRST\n{row}\nLAST"
    assert codes(text) == ["FIRST", "LAST"]
    assert whats(text) == [(2, "bad")]


def test_the_longest_code_is_taken_and_one_letter_more_is_not():
    assert codes("x" * 512) == ["x" * 512]
    assert whats("x" * 513) == [(1, "bad")]


def test_blank_rows_and_repeated_codes_are_named_by_line():
    assert whats("A\n\nB\n , \nA\n A \n") == [(2, "blank"), (4, "blank"), (5, "duplicate"), (6, "duplicate")]
    assert codes("A\n\nB\n , \nA\n A \n") == ["A", "B"]


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "\ufeff"])
def test_nothing_is_no_row(text):
    assert rules.parse(text) == rules.Parsed((), (), 0)


def test_more_rows_than_one_run_takes_are_refused_whole(monkeypatch):
    monkeypatch.setattr(rules, "MOST_ROWS", 3)
    assert rules.parse("1\n2\n3\n").rows == 3
    with pytest.raises(rules.TooManyRows):
        rules.parse("1\n2\n3\n4")


@given(st.text(max_size=600))
def test_a_masked_code_cannot_be_used(code):
    shown = rules.mask(code)
    assert "…" in shown
    assert len(shown) <= 5
    assert len(code) < 2 or code not in shown


def test_a_duplicates_report_shows_no_whole_code():
    (problem,) = rules.parse("SECRET-0001\nSECRET-0001").problems
    assert problem == Problem(2, "duplicate", "SE…01")


@given(st.lists(st.integers(), max_size=120))
def test_chunks_hold_every_code_once_at_most_32_together(numbers):
    runs = list(rules.chunks([str(number) for number in numbers]))
    assert [code for _, run in runs for code in run] == [str(number) for number in numbers]
    assert all(first % 32 == 0 and 1 <= len(run) <= 32 for first, run in runs)


@given(st.integers(0, 500), st.integers(1, 200))
def test_the_chunks_of_a_range_are_those_that_hold_its_positions(start, count):
    wanted = Range("cA", start, count)
    assert list(rules.chunks_of(wanted)) == sorted({at // 32 * 32 for at in range(start, wanted.end)})


def positions(ranges):
    return [(one.seg, at) for one in ranges for at in range(one.start, one.end)]


@given(maps(), st.data())
def test_returned_positions_stand_for_their_originals_one_to_one(mapped, data):
    whole = positions(mapped)
    start = data.draw(st.integers(0, len(whole) - 1))
    count = data.draw(st.integers(1, len(whole) - start))
    found = positions(rules.originals(mapped, Range("rX", start, count)))
    assert found == whole[start : start + count]
    assert len(set(found)) == count


@given(SEGS, st.integers(0, 10**9), st.integers(1, 10_000))
def test_a_range_reads_back_from_its_short_form(seg, start, count):
    assert rules.parse_range(str(Range(seg, start, count))) == Range(seg, start, count)
