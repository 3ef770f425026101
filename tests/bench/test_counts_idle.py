"""What an idle site costs: below the goal, and mostly for being asked whether anything is due."""

import pytest

from bench import idle
from bench.report import Figure


@pytest.fixture(scope="module")
def found():
    return list(idle.measure())


def test_an_idle_site_costs_less_than_a_cent_a_month(found):
    month = next(one for one in found if isinstance(one, Figure) and one.goal)
    assert month.met
    assert month.value > 0.001


def test_the_parts_are_the_whole(found):
    (month, reads, table) = found
    assert sum(float(row[-1]) for row in table.rows) == pytest.approx(month.value, abs=0.0001)
    assert sum(row[2] for row in table.rows[:-1]) == pytest.approx(reads.value, abs=0.1)


def test_a_quiet_site_is_seldom_looked_through(found):
    walks = next(row for row in found[-1].rows if row[0] == "walks")
    whole = 8 * 16  # queries of two days' partitions, twice in six hours
    looks = 24  # at the shape of its rows, once an hour
    assert walks[3] <= 96 + whole + looks
    assert walks[4] == 96
