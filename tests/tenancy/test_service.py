"""The registry: one site per name, doors that open when it is ready, settings within bounds."""

import itertools

import botocore.client
import pytest

from chalicelib.kit import errors, tenant
from chalicelib.tenancy import registry
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SITES, HostRow, SiteRow
from tests.dying import Died

LICENCE = "914403001922038216"
BRAND = tenancy.Brand("Demo", color="#123456")
_slugs = (f"shop-{n}" for n in itertools.count(1))


def dying_at(patches, number):
    """The machine dies before its call of that number, counted from 0."""
    real, seen = botocore.client.BaseClient._make_api_call, itertools.count()

    def call(client, operation, given):
        if next(seen) == number:
            raise Died
        return real(client, operation, given)

    patches.setattr(botocore.client.BaseClient, "_make_api_call", call)


def open_site(cloud, slug, **changes):
    asked = {
        "brand": BRAND,
        "owner_login": f"{slug}-owner",
        "owner_password": "correct horse",
        "plan": "standard",
    }
    return tenancy.open_site(slug, **{**asked, **changes}, now=cloud.now)


@pytest.fixture
def slug(cloud):
    tenancy.forget()
    return next(_slugs)


@pytest.fixture
def site(cloud, slug):
    """A site that was asked for; its registry row says it is active."""
    code = open_site(cloud, slug).site
    tenancy.move(code, "active", expected=("asked",))
    return tenancy.site(code)


def test_a_new_site_waits_for_its_stack_and_answers_nobody(cloud, slug):
    site = open_site(cloud, slug)
    assert (site.state, site.slug, site.brand, site.plan) == ("asked", slug, BRAND, "standard")
    assert site.host == f"{slug}.cardmesh.test"
    assert {"site": site.site} in cloud.messages("provision")
    with pytest.raises(errors.NotFound):
        tenancy.site_at(site.host)


def test_asking_again_continues_the_same_site(cloud, slug):
    first, again = open_site(cloud, slug), open_site(cloud, slug)
    assert first == again
    assert len([one for one in tenancy.sites() if one.slug == slug]) == 1
    assert cloud.messages("provision").count({"site": first.site}) == 2


def test_a_site_that_stands_keeps_its_name(cloud, site):
    with pytest.raises(errors.Conflict, match="taken"):
        open_site(cloud, site.slug)
    assert tenancy.site(site.site, fresh=True) == site


def test_a_host_that_points_elsewhere_keeps_pointing_there(cloud, slug):
    HostRow.of(tenant.MAIN)(f"HOST#{slug}.cardmesh.test", ".", site="zzzz").insert()
    with pytest.raises(errors.Conflict, match="host"):
        open_site(cloud, slug)


def test_a_code_in_use_by_another_name_is_passed_over(cloud, slug):
    first = tenancy.code_of(slug, 0)
    row = SiteRow.of(tenant.MAIN)(
        SITES, first, slug="other", state="asked", plan="p", opened=1, brand={"name": "x"}
    )
    row.insert()
    assert open_site(cloud, slug).site == tenancy.code_of(slug, 1)


def test_a_name_without_any_free_code_is_a_conflict(cloud, slug, monkeypatch):
    monkeypatch.setattr(tenancy, "code_of", lambda *_: tenancy.sites()[0].site)
    open_site(cloud, next(_slugs)) if not tenancy.sites() else None
    with pytest.raises(errors.Conflict, match="No free code"):
        open_site(cloud, slug)


@pytest.mark.parametrize("bad", ["admin", "../etc", "A", "a--b", ""])
def test_a_hostile_or_reserved_name_leaves_no_trace(cloud, bad):
    before = len(tenancy.sites())
    with pytest.raises(tenancy.BadField):
        open_site(cloud, bad)
    assert len(tenancy.sites()) == before


def test_a_bad_brand_leaves_no_trace(cloud, slug):
    before = len(tenancy.sites())
    with pytest.raises(tenancy.BadField):
        open_site(cloud, slug, brand=tenancy.Brand(""))
    assert len(tenancy.sites()) == before


def test_an_opening_that_died_at_any_call_is_done_by_repeating_it(cloud, slug, monkeypatch):
    for number in itertools.count():
        name = next(_slugs)
        with monkeypatch.context() as patches:
            dying_at(patches, number)
            try:
                open_site(cloud, name)
                break
            except Died:
                pass
        site = open_site(cloud, name)
        assert HostRow.of(tenant.MAIN).read(f"HOST#{site.host}", ".").site == site.site
        assert tenancy.sign_in(site.site, f"{name}-owner", "correct horse", address="a", now=cloud.now)
        assert {"site": site.site} in cloud.messages("provision")
    assert number >= 4


def test_the_owner_may_sign_in_before_the_site_stands(cloud, slug):
    site = open_site(cloud, slug)
    staff, token = tenancy.sign_in(site.site, f"{slug}-owner", "correct horse", address="a", now=cloud.now)
    assert tenancy.staff_of(site.site, token, now=cloud.now) == staff
    assert staff.role == "owner"


def test_a_host_names_its_site_and_the_main_host_names_none(site):
    assert tenancy.site_at(site.host) == site
    assert tenancy.site_at("main.cardmesh.test") is None
    for host in ("", "nobody.cardmesh.test", site.slug, f"{site.host}.evil.test", f"x.{site.host}"):
        with pytest.raises(errors.NotFound):
            tenancy.site_at(host)


def test_a_suspended_site_still_answers_says_why_and_sells_again_later(cloud, site):
    tenancy.suspend(site.site, " 核对投诉 ", by="anna", now=cloud.now)
    found = tenancy.site_at(site.host)
    assert (found.state, found.closure) == (
        "suspended",
        tenancy.Closure("staff", "核对投诉", "anna", cloud.now),
    )
    tenancy.resume(site.site, by="anna", now=cloud.now)
    assert (tenancy.site(site.site).state, tenancy.site(site.site).closure) == ("active", None)


@pytest.mark.parametrize("words", ["", "x", "a\nb", "长" * 201])
def test_nobody_is_suspended_without_a_reason_that_can_be_read(cloud, site, words):
    with pytest.raises(tenancy.BadField):
        tenancy.suspend(site.site, words, by="anna", now=cloud.now)
    assert tenancy.site(site.site, fresh=True).state == "active"


def test_a_site_still_being_made_cannot_be_suspended(cloud, slug):
    code = open_site(cloud, slug).site
    with pytest.raises(errors.Conflict):
        tenancy.suspend(code, "核对投诉", by="anna", now=cloud.now)
    with pytest.raises(errors.Conflict):
        tenancy.resume(code, by="anna", now=cloud.now)
    assert not tenancy.move(code, "failed", expected=("creating",))
    assert tenancy.site(code, fresh=True).state == "asked"


def test_a_site_whose_time_is_over_closes_by_itself_and_opens_once_it_was_renewed(cloud, site):
    tenancy.set_term(site.site, cloud.now + 100, now=cloud.now)
    tenancy.license_site(site.site, LICENCE, by="anna", now=cloud.now, until=cloud.now + 50)
    assert not tenancy.end(tenancy.site(site.site, fresh=True), now=cloud.now + 49)
    for at, kind in ((50, "licence"), (100, "term")):
        now = cloud.now + at
        assert tenancy.end(tenancy.site(site.site, fresh=True), now=now)
        closed = tenancy.site(site.site, fresh=True)
        assert (closed.state, closed.closure.kind, closed.closure.at) == ("suspended", kind, now)
        assert not tenancy.end(closed, now=now)
        with pytest.raises(tenancy.Ended):
            tenancy.resume(site.site, by="anna", now=now)
        tenancy.license_site(site.site, LICENCE, by="anna", now=now)
        tenancy.set_term(site.site, cloud.now + 100 if kind == "licence" else 0, now=now)
        tenancy.resume(site.site, by="anna", now=now)


def test_an_end_that_somebody_else_carried_out_is_carried_out_once(cloud, site):
    tenancy.set_term(site.site, cloud.now + 1, now=cloud.now)
    seen = tenancy.site(site.site, fresh=True)
    tenancy.suspend(site.site, "核对投诉", by="anna", now=cloud.now)
    assert not tenancy.end(seen, now=cloud.now + 1)
    assert tenancy.site(site.site, fresh=True).closure.kind == "staff"


def test_a_licence_or_a_term_in_the_past_is_refused(cloud, site):
    for change in (
        lambda: tenancy.set_term(site.site, cloud.now, now=cloud.now),
        lambda: tenancy.license_site(site.site, LICENCE, by="anna", now=cloud.now, until=cloud.now),
    ):
        with pytest.raises(tenancy.BadField):
            change()
    with pytest.raises(errors.NotFound):
        tenancy.resume("zzz0", by="anna", now=cloud.now)


def test_settings_are_kept(site):
    tenancy.set_brand(site.site, tenancy.Brand("New", logo="新"))
    tenancy.set_blocks(site.site, {"members"})
    tenancy.set_channels(site.site, ["alipay", "wechat"])
    tenancy.set_follow(site.site, follow=False)
    tenancy.set_plan(site.site, "gold")
    now = tenancy.site(site.site)
    assert (now.brand.name, now.blocks, now.channels) == ("New", {"members"}, ("wechat", "alipay"))
    assert (now.follow, now.plan) == (False, "gold")


@pytest.mark.parametrize(
    "setting",
    [
        lambda code: tenancy.set_brand(code, tenancy.Brand("x", color="red")),
        lambda code: tenancy.set_blocks(code, {"members", "everything"}),
        lambda code: tenancy.set_channels(code, ["cash"]),
        lambda code: tenancy.set_channels(code, []),
    ],
)
def test_a_setting_out_of_bounds_changes_nothing(site, setting):
    with pytest.raises(tenancy.BadField):
        setting(site.site)
    assert tenancy.site(site.site, fresh=True) == site


def test_an_unknown_site_is_not_found_and_not_made_by_a_setting(cloud):
    for change in (lambda: tenancy.set_plan("zzz0", "gold"), lambda: tenancy.site("zzz0")):
        with pytest.raises(errors.NotFound):
            change()
    assert SiteRow.of(tenant.MAIN).read(SITES, "zzz0") is None


def test_a_registry_row_is_remembered_for_five_seconds(cloud, site):
    rows = SiteRow.of(tenant.MAIN)
    rows.change(SITES, site.site, [rows.plan.set("elsewhere")], None)
    cloud.now += 4
    assert tenancy.site(site.site).plan == "standard"
    assert tenancy.site(site.site, fresh=True).plan == "elsewhere"
    rows.change(SITES, site.site, [rows.plan.set("again")], None)
    cloud.now += 5
    assert tenancy.site(site.site).plan == "again"


def test_what_the_registry_remembers_is_bounded(site):
    registry._cache.update({f"host:{i}": (0, None) for i in range(10_001)})
    assert tenancy.site_at(site.host) == site
    assert len(registry._cache) <= 1


def test_what_a_later_release_knows_of_a_brand_or_a_licence_is_left_alone(cloud):
    opened = open_site(cloud, next(_slugs))
    brand, licence = {"name": "One", "font": "serif"}, {"number": "x", "by": "anna", "at": 1, "scan": 2}
    registry.change(opened.site, [SiteRow.brand.set(brand), SiteRow.licence.set(licence)])
    found = tenancy.site(opened.site, fresh=True)
    assert (found.brand, found.licence) == (tenancy.Brand(name="One"), tenancy.Licence("x", "anna", 1))
