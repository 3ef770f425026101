"""Somebody applies, two people decide: one site per name, once, and only with licence and deposit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit import errors
from chalicelib.tenancy import applications, rules
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import APPLICATIONS, ApplicationRow

FORM = tenancy.Form(
    "campus",
    "校园卡站",
    "深圳某某科技有限公司",
    "914403001922038216",
    0,
    tenancy.Contact("张三", "138 0013 8000"),
    "campus-owner",
    "correct horse",
    tenancy.AGREEMENT,
)
TERMS = {"deposit": 200_000, "plan": "standard", "months": 12}
KEY = "k" * 26


@pytest.fixture(autouse=True)
def unhurried():
    applications._filings._levels.clear()


def apply(world, *, key=KEY, address="1.2.3.4", **changes):
    return tenancy.file(replace(FORM, **changes), key=key, address=address, now=world.now)


def proposed(world, **changes):
    number = apply(world, **changes)[:8]
    return tenancy.propose(number, **TERMS, by="anna", now=world.now)


def test_an_application_is_followed_by_its_reference_alone(world):
    reference = apply(world)
    one = tenancy.followed(reference)
    assert (one.id, one.state, one.name) == (reference[:8], "filed", "校园卡站")
    assert tenancy.contact_of(one.id) == tenancy.Contact("张三", "13800138000")
    for wrong in ("", one.id, reference[:-1], one.id + "0" * 26, "x" * 40):
        with pytest.raises(errors.NotFound):
            tenancy.followed(wrong)


def test_a_second_click_applies_once(world):
    assert apply(world) == apply(world)
    assert len(tenancy.applications()) == 1


def test_the_person_s_name_and_phone_and_the_password_are_not_readable_in_the_table(world):
    number = apply(world)[:8]
    stored = str(ApplicationRow.of("main").read(APPLICATIONS, number).serialize())
    for text in ("张三", "13800138000", "correct horse"):
        assert text not in stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "admin"),
        ("slug", "apply"),
        ("slug", "../etc"),
        ("slug", "shop.evil.test"),
        ("slug", "xn--80ak6aa92e"),
        ("name", ""),
        ("name", "a\x00b"),
        ("company", "x"),
        ("licence", "914403001922038217"),
        ("licence_until", 1_795_406_400),
        ("contact", tenancy.Contact("", "13800138000")),
        ("contact", tenancy.Contact("张三", "12345")),
        ("secret", "short"),
        ("login", "a b"),
        ("agreement", "2020-01"),
    ],
)
def test_what_cannot_be_accepted_is_refused_at_its_field(world, field, value):
    with pytest.raises(errors.ShopError) as refused:
        apply(world, **{field: value})
    assert refused.value.status == 422
    assert tenancy.applications() == []


def test_a_form_without_its_key_and_a_flood_are_refused(world):
    with pytest.raises(tenancy.BadField):
        apply(world, key="short")
    for n in range(5):
        apply(world, key=f"{n}" * 26)
    with pytest.raises(errors.TooMany):
        apply(world, key="z" * 26)


def test_a_number_that_is_taken_by_another_application_is_a_conflict(world):
    number = apply(world)[:8]
    rows = ApplicationRow.of("main")
    rows.change(APPLICATIONS, number, [rows.follow.set("another")], None)
    with pytest.raises(errors.Conflict):
        apply(world)


def test_who_wants_a_site_keeps_its_name_but_no_door_opens(world):
    one = proposed(world)
    site = tenancy.site(one.site, fresh=True)
    assert (one.state, site.state, site.slug, site.plan) == ("proposed", "applied", "campus", "standard")
    assert tenancy.sites() == []
    with pytest.raises(errors.NotFound):
        tenancy.site_at(site.host)
    with pytest.raises(tenancy.BadField):
        apply(world, key="z" * 26)


def test_of_two_applications_for_a_name_the_first_wanted_has_it(world):
    first, second = (apply(world, key=key * 26)[:8] for key in "ab")
    tenancy.propose(first, **TERMS, by="anna", now=world.now)
    with pytest.raises(errors.Conflict, match="taken"):
        tenancy.propose(second, **TERMS, by="anna", now=world.now)
    assert tenancy.application(second).state == "filed"


def test_two_people_and_the_deposit_make_a_site(world):
    one = proposed(world)
    with pytest.raises(tenancy.SamePerson):
        tenancy.confirm(one.id, paid=200_000, by="anna", now=world.now)
    with pytest.raises(tenancy.DepositMissing) as missing:
        tenancy.confirm(one.id, paid=199_999, by="ben", now=world.now)
    assert missing.value.detail == {"missing_fen": 1}
    for _ in range(2):
        assert tenancy.confirm(one.id, paid=200_000, by="ben", now=world.now).state == "admitted"
    world.run("provision", "publish")
    site = tenancy.site(one.site, fresh=True)
    assert (site.state, site.licence.number, site.licence.by) == ("active", FORM.licence, "anna、ben")
    assert site.term == world.now + 365 * 86_400
    assert tenancy.sign_in(site.site, "campus-owner", "correct horse", address="a", now=world.now)
    assert ApplicationRow.of("main").read(APPLICATIONS, one.id).record is None


def test_a_licence_that_expired_while_it_waited_admits_nobody(world):
    one = proposed(world, licence_until=world.now + 10)
    with pytest.raises(tenancy.BadField):
        tenancy.confirm(one.id, paid=200_000, by="ben", now=world.now + 10)
    assert tenancy.site(one.site, fresh=True).state == "applied"


def test_what_was_decided_is_not_decided_otherwise(world):
    one = proposed(world)
    assert tenancy.propose(one.id, **TERMS, by="anna", now=world.now) == one
    with pytest.raises(errors.Conflict):
        tenancy.propose(one.id, **TERMS, by="ben", now=world.now)
    tenancy.confirm(one.id, paid=200_000, by="ben", now=world.now)
    with pytest.raises(errors.Conflict):
        tenancy.refuse(one.id, "资料不全", by="anna", now=world.now)
    with pytest.raises(errors.Conflict):
        tenancy.confirm(one.id, paid=200_000, by="cleo", now=world.now)


def test_a_refusal_says_why_and_frees_the_name_for_the_next(world):
    one = proposed(world)
    refused = tenancy.refuse(one.id, " 执照与公示系统不符 ", by="ben", now=world.now)
    assert (refused.state, refused.reason) == ("refused", "执照与公示系统不符")
    assert tenancy.site(one.site, fresh=True).state == "refused"
    again = proposed(world, key="z" * 26)
    assert again.site != one.site
    tenancy.confirm(again.id, paid=200_000, by="ben", now=world.now)
    world.run("provision", "publish")
    assert tenancy.site_at(tenancy.site(again.site).host).site == again.site
    with pytest.raises(errors.Conflict):
        tenancy.confirm(one.id, paid=200_000, by="ben", now=world.now)


def test_a_name_that_was_freed_may_be_main_s_own_site(world):
    one = proposed(world)
    tenancy.refuse(one.id, "资料不全", by="ben", now=world.now)
    opened = tenancy.open_site(
        "campus",
        brand=tenancy.Brand("校园"),
        owner_login="main-owner",
        owner_password="correct horse",
        plan="standard",
        now=world.now,
    )
    assert opened.site != one.site
    world.run("provision", "publish")
    assert tenancy.site_at(opened.host).site == opened.site


def test_an_application_that_was_never_wanted_is_refused_without_a_site(world):
    number = apply(world)[:8]
    for reason in ("", "x" * 201):
        with pytest.raises(tenancy.BadField):
            tenancy.refuse(number, reason, by="ben", now=world.now)
    assert tenancy.refuse(number, "资料不全", by="ben", now=world.now).site == ""
    assert ApplicationRow.of("main").read(APPLICATIONS, number).ttl == world.now + 180 * 86_400


@pytest.mark.parametrize("terms", [{"deposit": -1}, {"months": 61}, {"months": -1}, {"deposit": 10**9}])
def test_terms_out_of_bounds_are_refused(world, terms):
    number = apply(world)[:8]
    with pytest.raises(tenancy.BadField):
        tenancy.propose(number, **{**TERMS, **terms}, by="anna", now=world.now)


def test_no_code_is_left_for_a_name(world, monkeypatch):
    taken = proposed(world)
    number = apply(world, key="z" * 26, slug="other")[:8]
    monkeypatch.setattr(rules, "code_of", lambda *_: taken.site)
    with pytest.raises(errors.Conflict):
        tenancy.propose(number, **TERMS, by="anna", now=world.now)


def test_every_state_leads_to_the_end_and_none_is_out_of_reach():
    reached = {"applied"}
    for _ in rules.MOVES:
        reached |= {target for source in reached for target in rules.MOVES[source]}
    assert reached == set(rules.MOVES)
    for table in (rules.MOVES, rules.STEPS):
        assert {target for targets in table.values() for target in targets} <= set(table)


@given(st.integers(0, 10**6), st.integers(1, 40 * 86_400))
def test_a_warning_grows_until_the_end(until, before):
    now = until - before
    told = rules.warning(until, now=now)
    assert until == 0 or (told in (0, 1, 7, 30) and (told == 0) == (before > 30 * 86_400))
    assert until == 0 or rules.warning(until, now=until) == -1
    assert rules.warning(0, now=now) == 0


def test_the_earlier_end_counts_and_none_never_comes():
    assert rules.end_of({"licence": 0, "term": 0}) == ("", 0)
    assert rules.end_of({"licence": 5, "term": 0}) == ("licence", 5)
    assert rules.end_of({"licence": 5, "term": 3}) == ("term", 3)
