"""One name from a request to the last message it led to, in every line of the log on the way."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import log, queue, trace, worker

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af76519-16cd-43dd-8448-eb211c80319c"
SPAN = "00f067aa0ba902b7"


def names_of(*candidates):
    with trace.following(*candidates):
        return trace.name()


def test_the_first_that_is_a_name_is_followed():
    assert names_of(TRACE, OTHER) == TRACE
    assert names_of("", OTHER, TRACE) == OTHER.replace("-", "")
    assert names_of(None, {}, 7) == names_of() == ""


@pytest.mark.parametrize(
    "text", ["0" * 32, TRACE[1:], TRACE + "0", TRACE.upper(), "x" * 32, TRACE + "\n", "１" * 32]
)
def test_what_is_no_name_is_not_followed(text):
    assert names_of(text) == ""


@given(st.text() | st.from_regex(r"[0-9a-f-]{30,36}"))
def test_whatever_is_sent_a_name_is_32_digits_or_nothing(text):
    assert len(names_of(text)) in (0, 32)
    assert set(names_of(text)) <= set("0123456789abcdef")


def test_after_the_block_the_name_before_it_is_followed():
    with trace.following(TRACE):
        assert names_of(OTHER) == OTHER.replace("-", "")
        assert trace.name() == TRACE
    assert trace.name() == ""


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-{SPAN}-01", TRACE),
        (f"01-{TRACE}-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}-01-more", ""),
        (f"00-{TRACE}-{SPAN}", ""),
        (TRACE, ""),
        ("", ""),
    ],
)
def test_a_caller_names_its_trace_as_the_standard_says(header, found):
    assert trace.of_parent(header) == found


def test_every_kind_of_line_says_what_it_belongs_to(caplog):
    caplog.set_level(logging.INFO, "cardmesh")
    with trace.following(TRACE):
        log.event("orders.moved", order="1")
        log.alarm("cases.opened", order="1")
        log.crash("worker.failed", order="1")
    assert [(line.trace, line.order) for line in caplog.records] == [(TRACE, "1")] * 3
    log.event("orders.moved", order="1")
    assert not hasattr(caplog.records[-1], "trace")


def test_a_message_carries_it_to_whoever_handles_it(cloud, monkeypatch):
    sent, followed = [], []
    monkeypatch.setattr(
        queue.aws.client("sqs"), "send_message", lambda **call: sent.append(call["MessageBody"])
    )
    with trace.following(TRACE):
        queue.send("fulfil", site="aaaa", order="1")
    assert json.loads(sent[0]) == {"site": "aaaa", "order": "1", "trace": TRACE}
    records = [{"messageId": "m1", "body": sent[0]}]
    worker.each_message({"Records": records}, lambda _: followed.append(trace.name()))
    assert (followed, trace.name()) == ([TRACE], "")


@pytest.mark.parametrize("given", [{}, {"trace": "'; drop"}, {"trace": ["x"]}, {"trace": None}])
def test_a_message_without_one_is_followed_under_its_own_id(given):
    followed = []
    records = [{"messageId": OTHER, "body": json.dumps({"site": "aaaa", **given})}]
    answer = worker.each_message({"Records": records}, lambda _: followed.append(trace.name()))
    assert (answer, followed) == ({"batchItemFailures": []}, [OTHER.replace("-", "")])
