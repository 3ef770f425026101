"""What schedules ask of SQS for a fleet: a tenth as many requests as there are sites, and every site once."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from bench import fleet, prices
from chalicelib.catalog import service as catalog
from chalicelib.checkout import auditing
from chalicelib.checkout import service as checkout
from chalicelib.kit import aws
from chalicelib.payouts import payees
from chalicelib.payouts import service as payouts
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

FLEET = 10_000


@pytest.fixture
def asked(shop, monkeypatch):
    """The sites that were asked for, a request after the other, of a fleet and one that has left."""
    one = tenancy.site(shop.site)
    gone = replace(one, site="gone", state="closed")
    codes = [f"f{n:04}" for n in range(FLEET)]
    known = [gone, *(replace(one, site=code) for code in codes)]
    monkeypatch.setattr(tenancy, "each_site", lambda **_: iter(known))
    monkeypatch.setattr(payees, "auto", lambda parties: dict.fromkeys(parties, 1))
    requests = []

    def take(*, Entries, **_):  # noqa: N803  the SDK's name
        requests.append([json.loads(one["MessageBody"]) for one in Entries])
        return {}

    monkeypatch.setattr(aws.client("sqs"), "send_message_batch", take)
    return requests


@pytest.mark.parametrize(
    ("verb", "whose", "beside"),
    [
        (lambda now: checkout.walk_all(now=now), "site", set()),
        (lambda _: checkout.audit_all(), "site", {"main"}),
        (lambda _: settlement.close_all(), "site", set()),
        (lambda _: catalog.publish_all(), "site", set()),
        (lambda _: payouts.ask_daily([f"f{n:04}" for n in range(FLEET)]), "party", set()),
    ],
    ids=["walk", "audit", "close", "publish", "daily payouts"],
)
def test_a_schedule_asks_for_every_site_once_with_a_tenth_as_many_requests(asked, world, verb, whose, beside):
    assert verb(world.now) == FLEET + len(beside)
    times = Counter(message[whose] for batch in asked for message in batch)
    assert times.keys() == {f"f{n:04}" for n in range(FLEET)} | beside
    assert set(times.values()) == {1}
    assert len(asked) <= FLEET / 10 + 1


def test_a_run_of_main_s_own_audit_fits_into_its_minute_and_that_of_a_fleet_into_a_day():
    assert fleet.audited(auditing.AT_ONCE) < 45
    assert fleet.audited(10 * FLEET) < 24 * 3600


def test_a_fleet_of_a_hundred_thousand_is_asked_for_within_half_of_what_a_schedule_may_run():
    assert fleet.asking(FLEET) == FLEET / 10 + 10
    assert fleet.asking(10 * FLEET) * prices.ANSWER_SECONDS < 300
