"""The rehearsal of a deployment, in a small form: stacks of sub-sites come, change and go."""

import pytest

from infra.rehearsal import deployed, limits, sites
from localcloud import cloud, place
from localcloud.terminal import Stopped
from tests.stories.running import _free_ports

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An embedded cloud without anything in it."""
    if not cloud.PROGRAM.exists():
        pytest.skip("The embedded cloud is not installed.")
    found = place.Place(_free_ports(), tmp_path_factory.mktemp("rehearsal"))
    child = limits.strict(found)
    child.start()
    try:
        child.wait_until(lambda: cloud.answers(f"{found.cloud_url}/_ministack/health"))
        yield found
    finally:
        child.stop()


def test_what_cannot_be_made_is_refused_and_leaves_nothing(empty):
    said = []
    sites.refuse(empty, say=said.append)
    assert len(said) == 1


def test_what_fails_halfway_is_told_and_in_the_end_nothing_is_left(empty):
    said = []
    sites.halfway(empty, say=said.append)
    assert [line.rpartition("; ")[2] for line in said] == ["0 stacks, 0 tables"]


def test_an_account_without_room_says_so_and_makes_the_table_once_there_is_room(empty):
    said = []
    sites.fill(empty, say=said.append)
    assert [line.rpartition("; ")[2] for line in said] == ["0 stacks, 0 tables"]


def test_three_sub_sites_come_change_and_go(empty):
    said = []
    sites.rehearse(empty, 3, say=said.append)
    assert [line.rpartition("; ")[2] for line in said] == [
        "3 stacks, 3 tables",
        "3 stacks, 3 tables",
        "0 stacks, 0 tables",
    ]


def test_a_stack_that_ends_otherwise_stops_the_rehearsal(empty):
    sites._create(empty, "odd0")
    with pytest.raises(Stopped, match="ended in CREATE_COMPLETE, not UPDATE_COMPLETE"):
        deployed.settled(empty, sites._stack("odd0"), "UPDATE_COMPLETE")
    sites._delete(empty, "odd0")
