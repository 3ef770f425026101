import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.settlement import parts

FEN = st.integers(1, 10**9)


@given(total=FEN, wishes=st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), max_size=8))
def test_refunds_never_overlap_and_all_of_them_are_the_whole(total, wishes):
    taken = []
    for fen, closed in wishes:
        left = total - sum(end - start for slices in taken for start, end in slices)
        if fen > left:
            with pytest.raises(parts.TooMuch):
                parts.take(total, [one for slices in taken for one in slices], fen)
            continue
        slices = parts.take(total, [one for slices in taken for one in slices], fen)
        assert sum(end - start for start, end in slices) == fen
        assert parts.read(parts.write(slices)) == slices
        taken.append(slices)
        if closed:
            taken.pop(0)  # the channel closed the oldest one, and leaves a gap
    left = total - sum(end - start for slices in taken for start, end in slices)
    if left:
        taken.append(parts.take(total, [one for slices in taken for one in slices], left))
    flat = sorted(one for slices in taken for one in slices)
    assert [flat[0][0], flat[-1][1]] == [0, total]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(flat))


@given(data=st.data(), channel=st.integers(0, 10**8), balance=st.integers(0, 10**8))
def test_every_tender_gets_exactly_back_what_it_gave(data, channel, balance):
    total = channel + balance
    cuts = sorted(data.draw(st.sets(st.integers(0, total), max_size=6)) | {0, total})
    pieces = list(itertools.pairwise(cuts))
    back = [parts.of_tenders((channel, balance), [one]) for one in pieces]
    assert [sum(each) for each in zip(*back, strict=True)] == ([channel, balance] if total else [])
    assert all(fen >= 0 for each in back for fen in each)
    assert all(sum(each) == end - start for each, (start, end) in zip(back, pieces, strict=True))


@given(total=FEN, quantity=st.integers(1, 50), data=st.data())
def test_all_pieces_cost_the_whole_however_they_are_given_back(total, quantity, data):
    given_back = fen = 0
    while given_back < quantity:
        pieces = data.draw(st.integers(1, quantity - given_back))
        fen += parts.fen_of_pieces(total, quantity, given_back, pieces)
        given_back += pieces
    assert fen == total
    with pytest.raises(parts.TooMuch):
        parts.fen_of_pieces(total, quantity, given_back, 1)


def test_the_worked_example_of_two_tenders():
    """80 yuan of balance and 20 by WeChat; 30 go back, then the rest."""
    assert parts.of_tenders((2000, 8000), parts.take(10_000, [], 3000)) == [600, 2400]
    assert parts.of_tenders((2000, 8000), parts.take(10_000, [(0, 3000)], 7000)) == [1400, 5600]


@pytest.mark.parametrize("fen", [0, -1, 101])
def test_nothing_and_more_than_there_is_are_refused(fen):
    with pytest.raises(parts.TooMuch) as refused:
        parts.take(101, [(0, 1)], fen)
    assert refused.value.detail["left_fen"] == 100


@pytest.mark.parametrize("pieces", [0, -1, 3])
def test_no_pieces_and_too_many_are_refused(pieces):
    with pytest.raises(parts.TooMuch):
        parts.fen_of_pieces(100, 3, 1, pieces)
