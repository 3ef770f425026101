"""Domains that owners bring along."""

import pytest

from chalicelib.kit import errors
from chalicelib.tenancy import service as tenancy
from tests import make


def test_a_site_answers_at_a_domain_of_its_owner_too(world):
    site = make.make_site(world)
    for _ in range(2):
        tenancy.add_domain(site, " Shop.Example.COM. ")
    tenancy.add_domain(site, "second.example.com")
    assert tenancy.site_at("shop.example.com").site == site
    assert tenancy.site(site).domains == ("shop.example.com", "second.example.com")


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "x",
        "-a.example.com",
        "a_b.example.com",
        "campus.cardmesh.test",
        "cardmesh.test",
        "1.2.3.4",
        "a." * 140 + "com",
    ],
)
def test_a_domain_that_is_none_or_ours_is_refused(world, domain):
    site = make.make_site(world)
    with pytest.raises(tenancy.BadField):
        tenancy.add_domain(site, domain)


def test_a_domain_belongs_to_one_site(world):
    first, second = make.make_site(world), make.make_site(world, "campus")
    tenancy.add_domain(first, "shop.example.com")
    with pytest.raises(errors.Conflict):
        tenancy.add_domain(second, "shop.example.com")
    assert tenancy.site(second, fresh=True).domains == ()
