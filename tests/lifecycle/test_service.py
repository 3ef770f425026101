"""Admission asks the books for the deposit; the hourly look goes on with what stands still and closes what ended."""

import pytest
from botocore.exceptions import ClientError

from chalicelib.cases import service as cases
from chalicelib.kit import aws, clock, errors
from chalicelib.lifecycle import service as lifecycle
from chalicelib.lifecycle import worker
from chalicelib.payouts import service as payouts
from chalicelib.tenancy import service as tenancy
from tests import make
from tests.tenancy.test_admission import proposed, unhurried  # noqa: F401  a fixture

DAY = clock.DAY


def fresh(code):
    return tenancy.site(code, fresh=True)


def pay_in(world, party, fen, key="k"):
    payouts.pay_in(party, fen, proof="20261123-0001", key=key, by="cleo", now=world.now)


def test_a_site_is_made_once_its_deposit_is_in_the_books(world):
    one = proposed(world)
    assert lifecycle.paid_for(tenancy.application(one.id)) == 0
    with pytest.raises(tenancy.DepositMissing):
        lifecycle.admit(one.id, by="ben", now=world.now)
    pay_in(world, one.site, 150_000)
    with pytest.raises(tenancy.DepositMissing) as missing:
        lifecycle.admit(one.id, by="ben", now=world.now)
    assert missing.value.detail["missing_fen"] == 50_000
    pay_in(world, one.site, 50_000, "l")
    lifecycle.admit(one.id, by="ben", now=world.now)
    assert world.run() == []
    assert fresh(one.site).state == "active"


def test_what_nobody_wanted_yet_has_paid_nothing_and_is_not_admitted(world):
    from tests.tenancy.test_admission import apply

    number = apply(world)[:8]
    assert lifecycle.paid_for(tenancy.application(number)) == 0
    with pytest.raises(errors.Conflict):
        lifecycle.admit(number, by="ben", now=world.now)


def test_a_provisioning_whose_message_was_lost_is_gone_on_with(world):
    one = proposed(world)
    pay_in(world, one.site, 200_000)
    lifecycle.admit(one.id, by="ben", now=world.now)
    world.messages("provision")
    assert make.fire(worker.tend_sites) == {"sites": 1, "failed": 0}
    assert world.run("provision", "publish") == []
    assert fresh(one.site).state == "active"


def full(*_, **__):
    raise ClientError({"Error": {"Code": "LimitExceededException"}}, "CreateStack")


def test_a_full_account_is_said_and_tried_again_until_there_is_room(world, monkeypatch):
    one = proposed(world)
    pay_in(world, one.site, 200_000)
    lifecycle.admit(one.id, by="ben", now=world.now)
    with monkeypatch.context() as patches:
        patches.setattr(aws.client("cloudformation"), "create_stack", full)
        for _ in range(2):
            assert world.run("provision") == []
            assert (fresh(one.site).state, fresh(one.site).note) == ("failed", tenancy.QUOTA)
            make.fire(worker.tend_sites)
            assert fresh(one.site).state == "asked"
    assert world.run("provision", "publish") == []
    assert fresh(one.site).state == "active"


def test_a_stack_that_failed_waits_for_a_person(world):
    one = proposed(world)
    pay_in(world, one.site, 200_000)
    lifecycle.admit(one.id, by="ben", now=world.now)
    tenancy.move(one.site, "failed", expected=("asked",), note="The stack ended in ROLLBACK_COMPLETE.")
    make.fire(worker.tend_sites)
    assert fresh(one.site).state == "failed"


def test_staff_hears_a_week_before_an_end_once_and_the_site_closes_at_it(world, shop):
    end = world.now + 10 * DAY
    tenancy.set_term(shop.site, end, now=world.now)
    for days, opened in ((0, 0), (3, 1), (9, 1)):
        world.now = end - 10 * DAY + days * DAY
        make.fire(worker.tend_sites)
        assert cases.count_open().get("ending", 0) == opened
        assert fresh(shop.site).state == "active"
    world.now = end
    for _ in range(2):
        make.fire(worker.tend_sites)
        assert (fresh(shop.site).state, fresh(shop.site).closure.kind) == ("suspended", "term")
    assert cases.count_open()["ending"] == 1


def test_a_site_closed_by_its_end_delivers_what_was_paid_and_sells_nothing(world, shop):
    order = shop.place()
    tenancy.set_term(shop.site, world.now + 1, now=world.now)
    world.now += 1
    make.fire(worker.tend_sites)
    shop.pay(order)
    assert world.run() == []
    assert shop.order(order.number).status == "delivered"


def test_one_site_s_trouble_is_not_another_s(world, shop, monkeypatch):
    other = make.make_site(world, "campus")
    for code in (shop.site, other):
        tenancy.set_term(code, world.now + 1, now=world.now)
    world.now += 1
    real = tenancy.end

    def failing(site, *, now):
        if site.site == shop.site:
            raise RuntimeError("boom")
        return real(site, now=now)

    monkeypatch.setattr(tenancy, "end", failing)
    assert make.fire(worker.tend_sites) == {"sites": 2, "failed": 1}
    assert fresh(other).state == "suspended"
