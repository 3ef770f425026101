"""Who asks, and at which host: what an edge says counts, what a visitor says of themselves does not."""

from types import SimpleNamespace

import pytest

from chalicelib.kit import config
from chalicelib.web.visit import Visit

SETTINGS = {"KEY_ID": "alias/key", "SITE_DOMAIN": "shops.example"}


@pytest.fixture
def visited(monkeypatch):
    """A function that makes a visit with these headers, where the edge shows one of these secrets."""

    def make(secrets="", **headers):
        read = config.read({**SETTINGS, "ORIGIN_SECRET": secrets})
        monkeypatch.setattr(config, "load", lambda: read)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = SimpleNamespace(headers=named, context={"identity": {"sourceIp": "192.0.2.9"}})
        return Visit(request, now=0)

    return make


def test_without_an_edge_the_host_is_what_the_gateway_saw(visited):
    assert visited(host="A.shops.example", x_forwarded_host="b.shops.example").host == "a.shops.example"


@pytest.mark.parametrize("shown", ["new", "old"])
def test_the_edge_is_believed_by_either_secret_while_one_follows_the_other(visited, shown):
    visit = visited("new,old", host="origin", x_forwarded_host="A.shops.example", x_origin_secret=shown)
    assert visit.host == "a.shops.example"


@pytest.mark.parametrize("shown", ["", "new,old", "ne", "geheim\u00e4", ","])
def test_whoever_cannot_show_the_secret_is_at_no_host(visited, shown):
    at = "a.shops.example"
    visit = visited("new,old", host=at, x_forwarded_host=at, x_origin_secret=shown)
    assert visit.host == ""
    assert visited("new,old", host=at).host == ""


def test_an_edge_that_cannot_name_the_host_passes_it_on(visited):
    assert visited("new", host="A.shops.example", x_origin_secret="new").host == "a.shops.example"


def test_the_visitors_address_is_what_the_edge_saw_not_what_the_visitor_says(visited):
    by_edge = {"secrets": "new", "x_origin_secret": "new"}
    assert visited(**by_edge, x_forwarded_for="198.51.100.7, 203.0.113.1").address == "198.51.100.7"
    said = "10.0.0.1, 10.0.0.2,198.51.100.7 , 203.0.113.1"
    assert visited(**by_edge, x_forwarded_for=said).address == "198.51.100.7"


def test_without_the_edges_proof_the_address_is_the_gateways(visited):
    assert visited(x_forwarded_for="198.51.100.7, 203.0.113.1").address == "192.0.2.9"
    assert visited("new", x_forwarded_for="198.51.100.7, 203.0.113.1").address == "192.0.2.9"
    assert visited("new", x_origin_secret="new", x_forwarded_for="198.51.100.7").address == "192.0.2.9"
