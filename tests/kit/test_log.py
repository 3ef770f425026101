"""A line that is counted, as CloudWatch reads it."""

import json
import logging

import pytest

from chalicelib.kit import clock, log


@pytest.fixture
def written(caplog, monkeypatch):
    """The lines written so far, as they leave a function."""
    caplog.set_level(logging.INFO, "cardmesh")
    monkeypatch.setattr(clock, "source", lambda: 1_795_406_400.9)
    form = log.logger.registered_formatter
    return lambda: [json.loads(form.format(record)) for record in caplog.records]


def test_what_is_counted_of_a_channel_has_it_as_the_only_dimension(written):
    log.measure("checkout.placed", {"OrdersPlaced": 1}, channel="wechat", site="demo", order="1")
    (line,) = written()
    assert {line[name] for name in ("message", "site", "order", "channel")} == {
        "checkout.placed",
        "demo",
        "1",
        "wechat",
    }
    assert line["OrdersPlaced"] == 1
    assert line["_aws"] == {
        "Timestamp": 1_795_406_400_000,
        "CloudWatchMetrics": [
            {"Namespace": "CardMesh", "Dimensions": [["channel"]], "Metrics": [{"Name": "OrdersPlaced"}]}
        ],
    }


def test_what_is_counted_of_all_has_no_dimension(written):
    log.measure("fulfilment.delivered", {"Delivered": 1, "DeliveredLate": 0}, site="demo")
    (line,) = written()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [[]]
    assert directive["Metrics"] == [{"Name": "Delivered"}, {"Name": "DeliveredLate"}]
    assert (line["Delivered"], line["DeliveredLate"], "channel" in line) == (1, 0, False)


def test_a_line_that_is_not_counted_says_nothing_of_counting(written):
    log.event("orders.moved", site="demo")
    assert "_aws" not in written()[0]
