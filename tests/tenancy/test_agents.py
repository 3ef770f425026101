"""Distributors: at most two levels, no circles, and whoever buys of themselves earns nothing."""

import itertools

import pytest

from chalicelib.kit import errors, tenant
from chalicelib.tenancy import agents as module
from chalicelib.tenancy import service as tenancy
from tests import make

_names = (f"partner-{n}" for n in itertools.count(1))


def add(parent="", *, contacts=("a@example.com",), name=None, key=None):
    name = name or next(_names)
    return tenancy.add_agent(name, contacts, parent=parent, key=key or name, now=make.NOON)


@pytest.fixture
def site(cloud):
    tenancy.forget()
    brand = tenancy.Brand("Demo")
    asked = {"brand": brand, "owner_login": "an-owner", "owner_password": "correct horse", "plan": "standard"}
    with tenant.acting_for(tenant.MAIN):
        yield tenancy.open_site(f"of-{next(_names)}", **asked, now=cloud.now).site


def earners(site, contact="buyer@example.com"):
    return tenancy.site(site, fresh=True).earners(contact)


def test_a_form_posted_twice_registers_one_distributor_and_another_one_clashes(cloud):
    one = add(key="k1", name="华东渠道")
    assert add(key="k1", name="华东渠道") == one
    assert (len(one.agent), one.party, one.state) == (4, f"dist:{one.agent}", "active")
    with pytest.raises(errors.Conflict):
        add(key="k1", name="华南渠道")
    assert one in tenancy.agents()


def test_nobody_stands_above_the_parent_of_a_distributor(cloud):
    second = add(add().agent)
    with pytest.raises(tenancy.BadField) as refused:
        add(second.agent)
    assert refused.value.detail["field"] == "parent"
    with pytest.raises(errors.NotFound):
        add("zzzz")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "名" * 41}),
        ("contacts", {"contacts": ()}),
        ("contacts", {"contacts": "abcd"}),
    ],
)
def test_a_distributor_has_a_name_and_contacts_of_their_own(cloud, field, changes):
    with pytest.raises(tenancy.BadField) as refused:
        add(**changes)
    assert refused.value.detail["field"] == field


def test_a_site_s_orders_pay_whoever_brought_it_and_whoever_brought_them(site):
    assert earners(site) == ()
    first = add()
    second = add(first.agent)
    tenancy.bring(site, second.agent)
    assert earners(site) == (second.agent, first.agent)
    tenancy.bring(site, first.agent)
    assert earners(site) == (first.agent,)
    tenancy.bring(site, "")
    assert (earners(site), tenancy.site(site).agent) == ((), "")


def test_a_purchase_of_any_of_them_earns_nobody_anything(site):
    first = add(contacts=("first@example.com", "13800000001"))
    second = add(first.agent, contacts=("second@example.com",))
    tenancy.bring(site, second.agent)
    for contact in ("first@example.com", "13800000001", "second@example.com"):
        assert earners(site, contact) == ()
    assert earners(site, "third@example.com") == (second.agent, first.agent)


def test_who_stopped_earns_no_more_until_they_may_again(site):
    first = add()
    second = add(first.agent)
    tenancy.bring(site, second.agent)
    tenancy.switch_agent(first.agent, "stopped")
    assert earners(site) == (second.agent,)
    tenancy.switch_agent(second.agent, "stopped")
    assert earners(site) == ()
    assert tenancy.site(site).agent == second.agent
    with pytest.raises(tenancy.BadField):
        tenancy.bring(site, second.agent)
    for agent in (first, second):
        tenancy.switch_agent(agent.agent, "active")
    assert earners(site) == (second.agent, first.agent)
    with pytest.raises(errors.Invalid):
        tenancy.switch_agent(first.agent, "gone")
    with pytest.raises(errors.NotFound):
        tenancy.switch_agent("zzzz", "stopped")


def test_whoever_stops_while_a_site_is_given_to_them_earns_nothing_of_it(site, monkeypatch):
    agent = add()
    really_change, stops = module.registry.change, iter([True])

    def change(*call):
        really_change(*call)
        if next(stops, False):
            tenancy.switch_agent(agent.agent, "stopped")

    monkeypatch.setattr(module.registry, "change", change)
    tenancy.bring(site, agent.agent)
    assert earners(site) == ()
