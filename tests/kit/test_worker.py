"""Batches: each message by itself, for its own site, and only the failed ones come again."""

import json
import logging

import pytest

from chalicelib.kit import errors, queue, tenant, worker


def batch(*messages):
    bodies = [one if isinstance(one, str) else json.dumps(one) for one in messages]
    return {
        "Records": [
            {"messageId": str(i), "body": body, "eventSource": "aws:sqs"} for i, body in enumerate(bodies)
        ]
    }


def failed(answer):
    return [int(one["itemIdentifier"]) for one in answer["batchItemFailures"]]


def test_each_message_is_handled_for_its_own_site():
    seen = []
    answer = worker.each_message(
        batch({"site": "aaaa", "order": "1"}, {"site": "bbbb"}),
        lambda message: seen.append((tenant.acting(), message)),
    )
    assert failed(answer) == []
    assert seen == [("aaaa", {"site": "aaaa", "order": "1"}), ("bbbb", {"site": "bbbb"})]


@pytest.mark.parametrize("reason", [worker.TryLater(), errors.Conflict(), KeyError("fault")])
def test_a_message_that_failed_comes_again_and_the_others_are_done(reason):
    done = []

    def handle(message):
        if message["order"] == "2":
            raise reason
        done.append(message["order"])

    messages = [{"site": "aaaa", "order": str(i)} for i in (1, 2, 3)]
    assert failed(worker.each_message(batch(*messages), handle)) == [1]
    assert done == ["1", "3"]


def test_a_batch_that_failed_whole_is_reported_message_by_message():
    def handle(message):
        raise worker.TryLater

    assert failed(worker.each_message(batch({"site": "a"}, {"site": "b"}), handle)) == [0, 1]


@pytest.mark.parametrize("body", ["", "no json", "[]", '"site"', "{}", '{"order": "1"}'])
def test_a_message_that_is_none_is_reported_and_never_handled(body):
    seen = []
    answer = worker.each_message(batch(body, {"site": "aaaa"}), seen.append)
    assert failed(answer) == [0]
    assert seen == [{"site": "aaaa"}]


def test_no_site_is_acted_for_after_the_batch():
    worker.each_message(batch({"site": "aaaa"}), lambda _: None)
    with pytest.raises(tenant.ForeignSite):
        tenant.acting()


def test_only_an_unexpected_failure_raises_the_alarm(caplog):
    for reason, alarms in ((worker.TryLater(), 0), (errors.Conflict(), 0), (KeyError("fault"), 1)):
        caplog.clear()

        def handle(_, reason=reason):
            raise reason

        worker.each_message(batch({"site": "aaaa", "order": "77"}), handle)
        loud = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert len(loud) == alarms
        assert all(record.alarm and record.site == "aaaa" and record.order == "77" for record in loud)


def test_what_nobody_can_read_is_told_to_the_log(caplog):
    assert failed(worker.each_message(batch("{", {"order": "1"}), print)) == [0, 1]
    loud = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.alarm, record.exc_info is not None) for record in loud] == [(True, True)] * 2


def test_a_message_carries_names_its_sites_group_and_no_longer_delay_than_sqs_takes(cloud, monkeypatch):
    sent = []
    monkeypatch.setattr(queue.aws.client("sqs"), "send_message", lambda **call: sent.append(call))
    queue.send("timer", site="aaaa", order="1", delay=5000)
    queue.send("fulfil", site="bbbb")
    assert [json.loads(call["MessageBody"]) for call in sent] == [
        {"site": "aaaa", "order": "1"},
        {"site": "bbbb"},
    ]
    assert [(call["MessageGroupId"], call["DelaySeconds"]) for call in sent] == [("aaaa", 900), ("bbbb", 0)]
    assert sent[0]["QueueUrl"].endswith("cardmesh-timer")


def test_a_message_to_no_queue_of_ours_is_a_fault(cloud):
    with pytest.raises(KeyError):
        queue.send("nowhere", site="aaaa")


def test_a_quiet_sites_messages_do_not_wait_behind_a_flood_in_their_batch():
    sites = ["loud", "loud", "calm", "loud", "mild", "mild"]
    records = [{"attributes": {"MessageGroupId": site}, "n": n} for n, site in enumerate(sites)]
    assert [record["n"] for record in worker.in_turn(records)] == [2, 4, 5, 0, 1, 3]


def test_a_batch_of_one_site_keeps_its_order():
    records = [{"n": n} for n in range(10)]
    assert worker.in_turn(records) == records
