"""Many messages go ten to a request, and what SQS leaves out of one is sent again."""

import json
from types import SimpleNamespace

import pytest

from chalicelib.kit import config, queue


@pytest.fixture
def sqs(cloud, monkeypatch):
    """A queue that leaves out what `refuses` says of a site and how often it was asked; the requests it took."""

    told, asked = SimpleNamespace(requests=[], refuses=lambda _site, _time: False), {}

    def take(*, QueueUrl, Entries):  # noqa: N803  the SDK's names
        told.requests.append((QueueUrl, Entries))
        failed = []
        for one in Entries:
            site = json.loads(one["MessageBody"])["site"]
            asked[site] = asked.get(site, 0) + 1
            if told.refuses(site, asked[site]):
                failed.append({"Id": one["Id"], "Code": "InternalError", "SenderFault": False})
        return {"Failed": failed} if failed else {}

    monkeypatch.setattr(queue.aws.client("sqs"), "send_message_batch", take)
    return told


def sites(told):
    return [json.loads(one["MessageBody"])["site"] for _, entries in told.requests for one in entries]


def of(count):
    return ({"site": f"s{n:03}", "walk": "due"} for n in range(count))


def test_twenty_five_messages_are_three_requests_each_in_its_sites_group(sqs):
    assert queue.send_all("timer", of(25)) == 25
    assert [len(entries) for _, entries in sqs.requests] == [10, 10, 5]
    url, entries = sqs.requests[-1]
    assert url == config.load().queues["timer"]
    assert [one["Id"] for one in entries] == list("01234")
    last = entries[-1]
    assert (last["MessageGroupId"], last["DelaySeconds"]) == ("s024", 0)
    assert json.loads(last["MessageBody"]) == {"site": "s024", "walk": "due"}


def test_nothing_to_send_asks_nothing(sqs):
    assert queue.send_all("timer", []) == 0
    assert sqs.requests == []


def test_messages_are_taken_as_they_are_sent_so_that_a_fleet_need_not_fit_into_memory(sqs):
    def slowly():
        for n, one in enumerate(of(30)):
            assert len(sqs.requests) == n // 10
            yield one

    assert queue.send_all("timer", slowly()) == 30


def test_what_sqs_left_out_is_sent_again_and_nothing_else_is(sqs):
    sqs.refuses = lambda site, time: site in ("s003", "s011") and time < 3
    assert queue.send_all("timer", of(12)) == 12
    assert sites(sqs)[12:] == ["s003", "s011"] * 2


def test_what_sqs_never_takes_is_told_to_whoever_sent_it_after_the_others_went(sqs):
    sqs.refuses = lambda site, _time: site == "s003"
    with pytest.raises(queue.NotTaken, match="1 messages to timer"):
        queue.send_all("timer", of(25))
    assert len(set(sites(sqs))) == 25


def test_the_real_queue_has_what_was_sent(world):
    queue.send_all("timer", [{"site": "aaaa", "order": "1", "delay": 0}, {"site": "bbbb"}])
    assert world.messages("timer") == [{"site": "aaaa", "order": "1"}, {"site": "bbbb"}]
