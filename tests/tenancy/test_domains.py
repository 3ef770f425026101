"""Domains of owners' own: who may have which, and how one comes to answer whatever dies on the way."""

import itertools
import json
import socket
import ssl
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import clock, config, errors, tenant
from chalicelib.lifecycle import worker
from chalicelib.tenancy import binding, domains, edge, rules
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import HostRow
from tests import dying, make

HOST = "cards.example.org"
SETTINGS = {"distribution": "E1", "group": "cg_1", "names": "d111.cloudfront.net"}
EFFECTS = (*dying.EFFECTS, "CreateStack", "DeleteStack")


class Cloud:
    """CloudFormation's stacks of domains, the DNS of the world, and the certificates that the edge shows."""

    def __init__(self):
        self.stacks, self.dns, self.certified, self.asked = {}, {}, set(), []
        self.refuses = ""  # an error code, or what a creation fails of
        self.slow = False

    def create_stack(self, **call):
        if self.refuses in ("LimitExceededException", "Throttling", "AccessDenied"):
            raise ClientError({"Error": {"Code": self.refuses}}, "CreateStack")
        name = call["StackName"]
        if name in self.stacks:
            raise ClientError({"Error": {"Code": "AlreadyExistsException"}}, "CreateStack")
        self.asked.append(call)
        done = "ROLLBACK_COMPLETE" if self.refuses else "CREATE_COMPLETE"
        self.stacks[name] = "CREATE_IN_PROGRESS" if self.slow else done

    def describe_stacks(self, **call):
        if call["StackName"] not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.stacks[call["StackName"]]}]}

    def describe_stack_events(self, **call):
        named = {"StackName": call["StackName"], "LogicalResourceId": "Tenant"}
        failed = {**named, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": self.refuses}
        return {"StackEvents": [{**named, "ResourceStatus": "ROLLBACK_COMPLETE"}, failed]}

    def delete_stack(self, **call):
        name = call["StackName"]
        if self.slow and name in self.stacks:
            self.stacks[name] = "DELETE_IN_PROGRESS"
        else:
            self.stacks.pop(name, None)

    def resolve(self, host):
        if host not in self.dns:
            raise socket.gaierror
        return self.dns[host]


@pytest.fixture
def cloud(monkeypatch, world):
    """An edge that takes domains; the world's sites are there beside it."""
    made = Cloud()
    monkeypatch.setenv("EDGE", json.dumps(SETTINGS))
    monkeypatch.setenv("DOMAIN_TEMPLATE", "template")
    config.load.cache_clear()
    real = edge.aws.client
    monkeypatch.setattr(
        edge,
        "aws",
        SimpleNamespace(client=lambda name: _checked(made) if name == "cloudformation" else real(name)),
    )
    monkeypatch.setattr(edge.socket, "gethostbyname_ex", made.resolve)
    monkeypatch.setattr(edge, "serves", lambda host: host in made.certified)
    yield made
    config.load.cache_clear()


def _checked(cloud):
    """A client whose calls count as those of botocore's do: under the function's policy, and as effects."""
    from botocore.client import BaseClient

    class Client:
        meta = SimpleNamespace(service_model=SimpleNamespace(service_name="cloudformation"))
        _request_signer = SimpleNamespace(_credentials=None)

        def _really(self, operation, given):
            verb = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation)[1:]
            return getattr(cloud, verb)(**given)

        def __getattr__(self, verb):
            operation = verb.title().replace("_", "")
            return lambda **given: BaseClient._make_api_call(self, operation, given)

    return Client()


@pytest.fixture(autouse=True)
def stubbed_calls(monkeypatch):
    """What reaches botocore for our stubbed client is answered by the stub."""
    from botocore.client import BaseClient

    real = BaseClient._make_api_call

    def call(client, operation, given):
        return (
            client._really(operation, given) if hasattr(client, "_really") else real(client, operation, given)
        )

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


@pytest.fixture
def site(world, cloud):
    return make.make_site(world)


def bind(world, code, host=HOST):
    with tenant.acting_for(tenant.MAIN):
        return tenancy.bind(code, host, now=world.now)


def lead(cloud, host=HOST, to="demo.cardmesh.test"):
    cloud.dns[host] = (SETTINGS["names"], [host, to], ["192.0.2.1"])


def domain(code, host=HOST):
    return tenancy.site(code, fresh=True).domain(host)


def holder(host=HOST):
    row = HostRow.of(tenant.MAIN).read(f"HOST#{host}", ".")
    return row.site if row else ""


def live(world, cloud, code, host=HOST):
    bind(world, code, host)
    lead(cloud, host, f"{tenancy.site(code).slug}.cardmesh.test")
    cloud.certified.add(host)
    assert world.run("provision") == []
    assert domain(code, host).state == "live"


def test_a_site_answers_at_a_domain_of_its_owner_once_dns_stack_and_certificate_are_there(world, cloud, site):
    assert bind(world, site, f" {HOST.upper()}. ") == HOST
    world.run("provision")
    assert (domain(site).state, domain(site).looked, holder()) == ("dns", world.now, "")
    lead(cloud)
    tenancy.look(site, HOST, now=world.now)
    world.run("provision", rounds=2)
    assert (domain(site).state, holder()) == ("certificate", site)
    (asked,) = cloud.asked
    assert asked["StackName"] == edge.name_of(site, HOST)
    assert asked["TemplateBody"] == "template"
    given = {each["ParameterKey"]: each["ParameterValue"] for each in asked["Parameters"]}
    assert given == {"Site": site, "Domain": HOST, "Distribution": "E1", "ConnectionGroup": "cg_1"}
    cloud.certified.add(HOST)
    make.fire(worker.tend_sites)
    world.run("provision")
    tenancy.forget()
    assert (domain(site).state, tenancy.site_at(HOST).site) == ("live", site)


def test_whoever_wishes_again_or_looks_again_has_one_domain_and_one_stack(world, cloud, site):
    for _ in range(2):
        bind(world, site)
    lead(cloud)
    cloud.certified.add(HOST)
    world.run("provision")
    bind(world, site)
    tenancy.look(site, HOST, now=world.now)
    assert world.run("provision") == []
    assert [one.state for one in tenancy.site(site, fresh=True).domains] == ["live"]
    assert len(cloud.asked) == 1


def test_a_domain_that_goes_leaves_nothing_and_is_free_for_another(world, cloud, site):
    live(world, cloud, site)
    for _ in range(2):
        tenancy.unbind(site, HOST, now=world.now)
    assert world.run("provision") == []
    assert (domain(site), holder(), cloud.stacks) == (None, "", {})
    with pytest.raises(errors.NotFound):
        tenancy.site_at(HOST)
    with pytest.raises(errors.NotFound):
        tenancy.unbind(site, HOST, now=world.now)
    other = make.make_site(world, "campus")
    live(world, cloud, other)
    assert holder() == other


def test_a_wish_reserves_nothing_and_the_dns_decides(world, cloud, site):
    other = make.make_site(world, "campus")
    bind(world, site)
    bind(world, other)
    lead(cloud, to="campus.cardmesh.test")
    cloud.certified.add(HOST)
    assert world.run("provision") == []
    assert (domain(site).state, domain(other).state, holder()) == ("dns", "live", other)
    lead(cloud)
    tenancy.look(site, HOST, now=world.now)
    world.run("provision")
    assert (domain(site).state, domain(site).why, holder()) == ("failed", "taken", other)
    tenancy.unbind(site, HOST, now=world.now)
    world.run("provision")
    assert (domain(site), holder()) == (None, other)
    with pytest.raises(domains.Taken):
        bind(world, site)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("CNAMEAlreadyExists: already associated with another resource", "elsewhere"),
        ("EntityLimitExceeded", "quota"),
        ("Internal Failure", "stack"),
        ("LimitExceededException", "quota"),
    ],
)
def test_a_stack_that_fails_is_taken_back_and_says_why(world, cloud, site, told, why):
    bind(world, site)
    lead(cloud)
    cloud.refuses = told
    assert world.run("provision") == []
    assert (domain(site).state, domain(site).why, cloud.stacks) == ("failed", why, {})
    cloud.refuses = ""
    cloud.certified.add(HOST)
    make.fire(worker.tend_sites)
    world.run("provision")
    assert domain(site).state == ("live" if why == "quota" else "failed")
    tenancy.look(site, HOST, now=world.now)
    world.run("provision")
    assert (domain(site).state, domain(site).why) == ("live", "")


def test_what_takes_too_long_is_given_up_with_a_reason_and_without_a_stack(world, cloud, site):
    bind(world, site)
    world.now += binding.WAITS_FOR_DNS
    world.run("provision")
    assert (domain(site).state, domain(site).why) == ("failed", "dns")
    lead(cloud)
    tenancy.look(site, HOST, now=world.now)
    world.run("provision", rounds=2)
    world.now += binding.WAITS_FOR_CERTIFICATE
    make.fire(worker.tend_sites)
    world.run("provision")
    assert (domain(site).state, domain(site).why, cloud.stacks) == ("failed", "certificate", {})


def test_a_stack_is_looked_at_for_an_hour_by_messages_and_then_every_hour(world, cloud, site):
    bind(world, site)
    lead(cloud)
    cloud.slow = True
    world.run("provision", rounds=3)
    assert domain(site).state == "stack"
    assert world.sent_to("provision")[-1]["delay"] >= 2
    world.now += 3600
    before = len(world.sent_to("provision"))
    binding.advance(site, HOST, now=world.now)
    assert len(world.sent_to("provision")) == before
    make.fire(worker.tend_sites)
    assert len(world.sent_to("provision")) == before + 1


def test_a_domain_that_will_not_go_asks_for_a_person(world, cloud, site, monkeypatch):
    live(world, cloud, site)
    alarms = []
    monkeypatch.setattr(binding.log, "alarm", lambda name, **_: alarms.append(name))
    tenancy.unbind(site, HOST, now=world.now)
    cloud.slow = True
    binding.advance(site, HOST, now=world.now)
    assert cloud.stacks == {edge.name_of(site, HOST): "DELETE_IN_PROGRESS"}
    binding.advance(site, HOST, now=world.now)
    assert alarms == []
    binding.advance(site, HOST, now=world.now + clock.DAY)
    assert (alarms, domain(site).state) == (["tenancy.domain_stays"], "going")


def test_whoever_asks_too_fast_comes_again_and_another_refusal_is_an_error(world, cloud, site):
    bind(world, site)
    lead(cloud)
    cloud.refuses = "Throttling"
    assert world.run("provision", rounds=3) == []
    assert (domain(site).state, world.sent_to("provision")[-1]["domain"]) == ("stack", HOST)
    cloud.refuses = "AccessDenied"
    with pytest.raises(ClientError):
        binding.advance(site, HOST, now=world.now)


def test_a_site_that_closes_lets_its_domains_go_before_its_table_may(world, cloud, site):
    live(world, cloud, site)
    tenancy.leave(site, by="demo-owner", now=world.now)
    world.now += 32 * clock.DAY
    make.fire(worker.tend_sites)
    make.fire(worker.tend_sites)
    assert tenancy.site(site, fresh=True).state == "closed"
    assert domain(site).state == "going"
    for _ in range(2):
        assert world.run("provision") == []
        make.fire(worker.tend_sites)
    assert (tenancy.site(site, fresh=True).domains, holder(), cloud.stacks) == ((), "", {})
    with pytest.raises(errors.Conflict):
        bind(world, site)


class Journey:
    """An owner who repeats what got no answer, and a queue and a schedule that go on by themselves."""

    def __init__(self, world, code, host):
        self.world, self.code, self.host, self.died = world, code, host, False

    def until_answered(self, act):
        try:
            act()
        except dying.Died:
            self.died = True
            act()

    def go(self, wish):
        self.until_answered(lambda: wish(self.code, self.host, now=self.world.now))
        for _ in range(3):
            self.until_answered(lambda: self.world.run("provision", rounds=5))
            self.until_answered(lambda: make.fire(worker.tend_sites))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_effect_a_domain_comes_and_goes_without_an_orphan(
    world, cloud, site, monkeypatch, after
):
    monkeypatch.setattr(dying, "EFFECTS", EFFECTS)
    ends = {tenancy.bind: "live", tenancy.unbind: None}
    for number in itertools.count(1):
        host = f"n{number}.example.org"
        lead(cloud, host)
        cloud.certified.add(host)
        journey = Journey(world, site, host)
        for wish, end in ends.items():
            with dying.Killer(number, after=after).watching(monkeypatch), tenant.acting_for(tenant.MAIN):
                journey.go(wish)
            found = domain(site, host)
            assert (found.state if found else None) == end
            assert holder(host) == (site if end else "")
            assert (edge.name_of(site, host) in cloud.stacks) == bool(end)
        if not journey.died:
            break
    assert number >= 8


def test_two_domains_of_a_site_that_move_at_once_both_arrive(world, cloud, site, monkeypatch):
    first, second = HOST, "www.example.org"
    for host in (first, second):
        bind(world, site, host)
        lead(cloud, host)
    real = domains._written

    def raced(row, host, after):
        monkeypatch.setattr(domains, "_written", real)
        assert domains.claim(site, second, now=world.now)
        return real(row, host, after)

    monkeypatch.setattr(domains, "_written", raced)
    assert domains.claim(site, first, now=world.now)
    assert [domain(site, host).state for host in (first, second)] == ["stack", "stack"]


def test_a_domain_that_was_let_go_while_its_dns_was_asked_is_not_claimed(world, cloud, site, monkeypatch):
    bind(world, site)
    lead(cloud)
    real = edge.leads_to

    def meanwhile(host, address):
        tenancy.unbind(site, HOST, now=world.now)
        return real(host, address)

    monkeypatch.setattr(edge, "leads_to", meanwhile)
    binding.advance(site, HOST, now=world.now)
    assert (domain(site).state, holder()) == ("going", "")


def test_a_site_has_three_domains_at_most(world, cloud, site):
    for n in range(3):
        bind(world, site, f"n{n}.example.org")
    with pytest.raises(domains.TooManyDomains):
        bind(world, site)


def test_where_the_edge_takes_none_nobody_binds(world):
    code = make.make_site(world)
    with pytest.raises(domains.NotOffered):
        bind(world, code)
    assert not edge.serves(HOST)
    assert edge.create(code, HOST) == ""


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        ("", tenancy.BadField),
        ("x", tenancy.BadField),
        ("-a.example.com", tenancy.BadField),
        ("a_b.example.com", tenancy.BadField),
        ("https://a.example.com/", tenancy.BadField),
        ("*.example.com", tenancy.BadField),
        ("1.2.3.4", tenancy.BadField),
        ("a." * 140 + "com", tenancy.BadField),
        (f"{'a' * 64}.com", tenancy.BadField),
        ("xn--\u00e9.com", tenancy.BadField),
        ("printer.local", tenancy.BadField),
        ("metadata.internal", tenancy.BadField),
        ("x.cloudfront.net", tenancy.BadField),
        ("cardmesh.test", rules.OurDomain),
        ("main.cardmesh.test", rules.OurDomain),
        ("campus.cardmesh.test", rules.OurDomain),
        ("main.cardrnesh.test", rules.LikeDomain),
        ("card-mesh.test", rules.LikeDomain),
        ("c\u0430rds.example.com", rules.LikeDomain),  # a Cyrillic letter
        ("xn--crds-53d.example.com", rules.LikeDomain),  # the same, as DNS has it
        ("xn--a.example.com", rules.LikeDomain),  # no letters at all
    ],
)
def test_a_domain_that_is_none_or_ours_or_looks_like_another_is_refused(host, refusal):
    with pytest.raises(tenancy.BadField) as told:
        rules.check_host(host, "cardmesh.test")
    assert type(told.value) is refusal


def test_chinese_names_are_kept_as_dns_has_them_and_wide_letters_as_narrow_ones():
    assert rules.check_host("卡密.example.com", "cardmesh.test") == "xn--hlr48q.example.com"
    assert rules.check_host("ｓｈｏｐ.example.com", "cardmesh.test") == "shop.example.com"


@given(st.text(max_size=80))
def test_whatever_is_typed_is_refused_or_is_a_plain_host(typed):
    try:
        host = rules.check_host(typed, "cardmesh.test")
    except tenancy.BadField:
        return
    assert rules.check_host(host, "cardmesh.test") == host
    assert host.isascii()
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


def test_the_edge_is_asked_for_its_certificate_by_the_name_of_the_host(monkeypatch):
    asked = []

    class Wrapped:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def wrap(_self, plain, *, server_hostname):
        asked.append(server_hostname)
        if server_hostname != HOST:
            raise ssl.SSLCertVerificationError("not its name")
        return Wrapped()

    known = SimpleNamespace(edge=config.Edge(**SETTINGS))
    monkeypatch.setattr(config, "load", lambda: known)
    monkeypatch.setattr(edge.socket, "create_connection", lambda place, _: asked.append(place) or Wrapped())
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    assert edge.serves(HOST)
    assert not edge.serves("other.example.org")
    assert asked == [("d111.cloudfront.net", 443), HOST, ("d111.cloudfront.net", 443), "other.example.org"]


def test_an_edge_that_is_no_description_stops_the_function():
    with pytest.raises(config.Misconfigured, match="EDGE"):
        config.read({"KEY_ID": "k", "SITE_DOMAIN": "x", "EDGE": '{"names": 1}'})


def test_a_state_is_left_only_along_the_rules():
    with pytest.raises(ValueError, match="live"):
        domains.move("demo", HOST, "live", expected="dns", now=0)
