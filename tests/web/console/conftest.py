"""The console as a person meets it: signed in at a host, reading pages and posting forms."""

import json
import re
from urllib.parse import urlencode

import pytest
from chalice.test import Client

import app
from chalicelib.kit import clock, config, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.tenancy import edge
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SITES, SiteRow
from tests import make

MAIN = "main.cardmesh.test"
SECRET = "correct horse"
FORM = "application/x-www-form-urlencoded"


class Person:
    """Somebody at a console. `token` is the session's, in the cookie of the desk at `home`."""

    home, cookie = "/console", "staff"

    def __init__(self, client, host, token=""):
        self.client = client
        self.host = host
        self.token = token

    def get(self, path, **headers):
        return self._ask("GET", path, b"", headers)

    def post(self, path, fields, **headers):
        """Post a form with the token that this session's pages carry."""
        return self.post_raw(path, {"form_token": self.form_token, **fields}, **headers)

    def post_raw(self, path, fields, **headers):
        return self._ask("POST", path, urlencode(fields).encode(), {"Content-Type": FORM, **headers})

    @property
    def form_token(self):
        return re.search(r'name="form_token" value="(\w+)"', page(self.get(self.home)))[1]

    def _ask(self, method, path, body, headers):
        cookie = {"Cookie": f"{self.cookie}={self.token}"} if self.token else {}
        headers = {"Host": self.host, **cookie, **headers}
        return self.client.http.request(method, path, headers=headers, body=body)


class Partner(Person):
    """A distributor at main's host."""

    home, cookie = "/partner", "partner"


def buy(world, shop, **asked):
    """An order that was paid, taken as far as it goes by itself, and is known to the list of all orders."""
    order = shop.place(**asked)
    shop.pay(order)
    world.run("fulfil", "settle")
    with tenant.acting_for(tenant.MAIN):
        orders.add_to_feed([order.number], now=world.now)
    return shop.order(order.number)


def page(answer):
    """An answer's text."""
    return answer.body.decode()


def invitation(staff, agent):
    shown = page(staff.post(f"/console/agents/{agent}/invite", {}))
    return re.search(r'value="https://[^"]*/partner/join\?invite=([^"]+)"', shown)[1]


def taken(console, answer):
    """The desk that an answer which signed somebody in leads to."""
    (cookie,) = answer.headers["Set-Cookie"]
    assert ("Path=/partner" in cookie, "HttpOnly" in cookie) == (True, True)
    return Partner(console, MAIN, re.match(r"partner=(\w+)", cookie)[1])


def join(console, staff, agent, login):
    fields = {"invite": invitation(staff, agent), "login": login, "password": SECRET}
    return taken(console, Person(console, MAIN).post_raw("/partner/join", fields))


def east_party():
    with tenant.acting_for(tenant.MAIN):
        return next(one.party for one in tenancy.agents() if one.name == "华东渠道")


@pytest.fixture(scope="session")
def console():
    """The console's faces alone, as one app."""
    with Client(app.app) as client:
        yield client


@pytest.fixture
def staff(world, console):
    """A member of the main site's staff, signed in."""
    with tenant.acting_for(tenant.MAIN):
        tenancy.enlist("main", "admin", "correct horse", role="staff", now=clock.now())
    return Person(console, MAIN, sign_in(tenant.MAIN, "admin"))


@pytest.fixture
def owner(shop, console):
    """The owner of the sub-site `demo`, signed in; ten codes of main goods are on the shelf."""
    return Person(console, "demo.cardmesh.test", sign_in(shop.site, "demo-owner"))


@pytest.fixture
def tenants(monkeypatch, world):
    """An edge that takes domains; nobody's DNS leads anywhere, and stacks are asked for nowhere."""
    monkeypatch.setenv("EDGE", json.dumps({"distribution": "E1", "group": "cg_1", "names": "d1.example"}))
    config.load.cache_clear()
    monkeypatch.setattr(edge, "leads_to", lambda *_: False)
    monkeypatch.setattr(edge, "status", lambda *_: "")
    monkeypatch.setattr(edge, "create", lambda *_: "CREATE_IN_PROGRESS")
    yield monkeypatch
    config.load.cache_clear()


@pytest.fixture
def agents(world, shop):
    """Two distributors; the first brought the shop."""
    with tenant.acting_for(tenant.MAIN):
        made = [
            tenancy.add_agent(name, [f"{name}@example.com"], parent="", key=name, now=world.now)
            for name in ("华东渠道", "华南渠道")
        ]
        ledger.put_plan(make.replace(ledger.plan_in_force("standard"), l1_bps=500), now=world.now)
        tenancy.bring(shop.site, made[0].agent)
    tenancy.forget()
    return made


@pytest.fixture
def east(console, staff, agents):
    """The first of them, signed in."""
    return join(console, staff, agents[0].agent, "east")


def put_domains(shop, bound):
    """Domains of a shop in the states that workers would have brought them to."""
    SiteRow.of(tenant.MAIN).change(SITES, shop.site, [SiteRow.bound.set(bound)], None)


def sign_in(scope, login):
    with tenant.acting_for(tenant.MAIN):
        return tenancy.sign_in(scope, login, "correct horse", address="1.2.3.4", now=clock.now())[1]
