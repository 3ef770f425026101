"""Members: the shoppers of one site."""

import pytest

from chalicelib.kit import errors, tenant
from chalicelib.membership import service as membership
from chalicelib.tenancy import service as tenancy
from tests import make

SECRET = "correct horse"


@pytest.fixture
def site(cloud):
    code = make.make_owner()
    with tenant.acting_for(code):
        yield code


def sign_up(cloud, site, login="ada", address="1.1.1.1"):
    return membership.sign_up(site, login, SECRET, address=address, now=cloud.now)


def test_who_signs_up_is_signed_in_and_stays_the_same_member(cloud, site):
    member = membership.member_of(site, sign_up(cloud, site), now=cloud.now)
    token = membership.log_in(site, "Ada", SECRET, address="1.1.1.1", now=cloud.now)
    assert membership.member_of(site, token, now=cloud.now) == member
    assert member.login == "ada"


def test_a_member_stays_signed_in_for_thirty_days_or_until_the_log_out(cloud, site):
    token, other = sign_up(cloud, site), sign_up(cloud, site)
    assert membership.member_of(site, token, now=cloud.now + 30 * 86_400 - 1)
    assert membership.member_of(site, token, now=cloud.now + 30 * 86_400) is None
    membership.log_out(site, token)
    assert membership.member_of(site, token, now=cloud.now) is None
    assert membership.member_of(site, other, now=cloud.now)


def test_a_taken_login_is_refused_and_a_wrong_password_too(cloud, site):
    sign_up(cloud, site)
    with pytest.raises(membership.Taken):
        membership.sign_up(site, "ada", "another horse", address="1.1.1.1", now=cloud.now)
    with pytest.raises(membership.WrongLogin):
        membership.log_in(site, "ada", "another horse", address="1.1.1.1", now=cloud.now)


def test_an_address_signs_up_twenty_times_an_hour(cloud, site):
    for i in range(20):
        sign_up(cloud, site, f"robot{i}", "6.6.6.6")
    with pytest.raises(errors.TooMany):
        sign_up(cloud, site, "robot20", "6.6.6.6")
    assert sign_up(cloud, site, "person", "7.7.7.7")


def test_the_same_person_on_two_sites_is_two_members(cloud):
    found = []
    for code in (make.make_owner(), make.make_owner()):
        with tenant.acting_for(code):
            found.append(membership.member_of(code, sign_up(cloud, code), now=cloud.now))
    assert found[0].login == found[1].login
    assert found[0].member != found[1].member


def test_a_members_token_is_no_staff_token_and_the_reverse(cloud, site):
    member = sign_up(cloud, site)
    tenancy.enlist(site, "ada", SECRET, role="owner", now=cloud.now)
    _, staff = tenancy.sign_in(site, "ada", SECRET, address="1.1.1.1", now=cloud.now)
    assert membership.member_of(site, staff, now=cloud.now) is None
    assert tenancy.staff_of(site, member, now=cloud.now) is None
    assert tenancy.staff_of(tenant.MAIN, staff, now=cloud.now) is None
    assert tenancy.staff_of(site, staff, now=cloud.now) == tenancy.Staff("ada", site, "owner")


def test_forms_of_members_and_staff_are_not_exchanged(site):
    for mine, other in ((membership, tenancy), (tenancy, membership)):
        mine.check_form(site, "token", mine.form_token(site, "token"))
        with pytest.raises(mine.Forbidden):
            mine.check_form(site, "token", other.form_token(site, "token"))


def test_a_staff_session_ends_after_half_a_day_and_with_its_sign_out(cloud, site):
    tenancy.enlist(site, "bob", SECRET, role="owner", now=cloud.now)
    (_, token), (_, other) = (
        tenancy.sign_in(site, "bob", SECRET, address="1.1.1.1", now=cloud.now) for _ in range(2)
    )
    assert tenancy.staff_of(site, token, now=cloud.now + 12 * 3600 - 1)
    assert tenancy.staff_of(site, token, now=cloud.now + 12 * 3600) is None
    tenancy.sign_out(site, other)
    assert tenancy.staff_of(site, other, now=cloud.now) is None
