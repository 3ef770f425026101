"""From the form to the open shop, killed at every single effect: repeating ends with one live site and no orphan."""

import itertools

import boto3
import pytest

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.lifecycle import service as lifecycle
from chalicelib.lifecycle import worker
from chalicelib.payouts import service as payouts
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import HostRow, SiteRow
from tests import dying, make
from tests.tenancy.test_admission import TERMS, apply, unhurried  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

EFFECTS = (*dying.EFFECTS, "CreateStack", "GenerateDataKeyWithoutPlaintext")


class Journey:
    """People who repeat what got no answer, and queues and a schedule that go on by themselves."""

    def __init__(self, world, n):
        self.world, self.slug, self.key, self.died = world, f"campus{n}", f"{n:026}", False

    def until_answered(self, act):
        try:
            return act()
        except dying.Died:
            self.died = True
            return act()

    def people(self):
        now, world = self.world.now, self.world
        reference = self.until_answered(lambda: apply(world, key=self.key, address=self.key, slug=self.slug))
        number = reference[:8]
        one = self.until_answered(lambda: tenancy.propose(number, **TERMS, by="anna", now=now))
        paid = {"proof": "20261123-0001", "key": self.key, "by": "cleo", "now": now}
        self.until_answered(lambda: payouts.pay_in(one.site, 200_000, **paid))
        self.until_answered(lambda: lifecycle.admit(number, by="ben", now=now))
        return one

    def machines(self):
        """Queues, whose messages come again until they were handled; then the schedule, and the queues once more."""
        for _ in range(2):
            for name in ("provision", "publish"):
                for message in self.world.messages(name):
                    self.until_answered(lambda name=name, message=message: self._handle(name, message))
            self.until_answered(lambda: make.fire(worker.tend_sites))

    def _handle(self, name, message):
        assert make.work(name, [message]) == []


def check(journey, one):
    site = tenancy.site_at(f"{journey.slug}.cardmesh.test")
    assert (site.site, site.state) == (one.site, "active")
    assert tenancy.application(one.id).state == "admitted"
    assert [row.sk for row in SiteRow.of("main").under("SITE#all") if row.slug == journey.slug] == [site.site]
    assert HostRow.of("main").read(f"HOST#{site.host}", ".").site == site.site
    assert ledger.balances(site.site).deposit == 200_000
    assert [paid.fen for paid in payouts.deposits_of(site.site)] == [200_000]
    assert tenancy.sign_in(
        site.site, "campus-owner", "correct horse", address=site.site, now=journey.world.now
    )
    with tenant.acting_for(site.site):
        from chalicelib.catalog import service as catalog

        catalog.forget()
        assert [offer.goods_id for offer in catalog.shelf(site.site).offers]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_site_that_was_killed_anywhere_on_its_way_stands_in_the_end(world, monkeypatch, after):
    with tenant.acting_for(tenant.MAIN):
        make.make_goods()
    for number in itertools.count(1):
        journey = Journey(world, number)
        monkeypatch.setattr(dying, "EFFECTS", EFFECTS)
        with dying.Killer(number, after=after).watching(monkeypatch), tenant.acting_for(tenant.MAIN):
            one = journey.people()
            journey.machines()
        tenancy.forget()
        check(journey, one)
        if not journey.died:
            break
    assert number > 12
    stacks = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    assert sorted(one["StackName"][-4:] for one in stacks) == sorted(one.site for one in tenancy.sites())
    tables = {name for name in boto3.client("dynamodb").list_tables()["TableNames"] if "-site-" in name}
    assert len(tables) == number
