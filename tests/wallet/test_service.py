import pytest

from chalicelib.kit import errors, table, tenant
from chalicelib.wallet import rules
from chalicelib.wallet import service as wallet
from tests import make

PIN = "135790"
ME = "buyer@example.com"


@pytest.fixture
def site(cloud):
    code = make.make_owner()
    wallet._tries._levels.clear()
    with tenant.acting_for(code):
        yield code


def enter(site, what, fen, *, member="m1", about="o1", now=make.NOON, unasked=False):
    with table.Together(site, "") as write:
        return wallet.enter(write, site, member, what, fen, about=about, now=now, unasked=unasked)


def allow(site, fen=100, *, secret="", device="", contact=ME, now=make.NOON):
    return wallet.allow(site, "m1", fen, secret=secret, device=device, contact=contact, now=now)


def agree(site, cap=5000, secret=PIN):
    cookie = wallet.agree(site, "m1", cap, secret=secret, address="1.2.3.4", now=make.NOON)
    return cookie, wallet.device_of(site, "m1", cookie)


def test_a_wallet_never_used_is_empty(site):
    assert wallet.newest(site, "m1") == wallet.Entry()
    assert wallet.history(site, "m1") == []
    assert wallet.terms(site, "m1") == wallet.Terms()


def test_the_history_is_what_stands(site):
    enter(site, "topup", 1000)
    enter(site, "reserve", 300, about="o2")
    enter(site, "void", 300, about="o2")
    last = enter(site, "spend", 400, about="o3")
    assert (last.available, last.reserved) == (600, 0)
    assert wallet.newest(site, "m1") == last
    assert [one.change for one in wallet.history(site, "m1")] == [-400, 300, -300, 1000]
    assert wallet.newest(site, "m2") == wallet.Entry()
    assert wallet.sound(wallet.all_entries(site, "m1"))


def test_pages_of_a_history_follow_each_other(site):
    for _ in range(31):
        enter(site, "refund", 1)
    first = wallet.history(site, "m1")
    assert [one.seq for one in first] == list(range(31, 1, -1))
    assert [one.seq for one in wallet.history(site, "m1", before=2)] == [1]


def test_two_at_once_cannot_spend_the_same_balance(site):
    enter(site, "topup", 100)

    def spend(about):
        with table.Together(site, "") as write:
            wallet.enter(write, site, "m1", "spend", 100, about=about, now=make.NOON)
            if about == "o1":
                spend("o2")

    with pytest.raises(table.Refused):
        spend("o1")
    assert wallet.newest(site, "m1").available == 0
    with pytest.raises(wallet.Short):
        enter(site, "spend", 1, about="o3")


def test_a_refund_goes_back_within_the_transaction_that_says_so(site):
    with table.Together(site, "") as write:
        wallet.credit_within(write, site, "m1", 70, about="o1", now=make.NOON)
    assert wallet.newest(site, "m1").change == 70


def test_room_is_what_the_law_leaves(site):
    enter(site, "topup", 90_000)
    wallet.check_room(site, "m1", 10_000)
    with pytest.raises(wallet.OverCap):
        wallet.check_room(site, "m1", 10_001)
    rows = wallet.TermsRow.of(site)
    rows.change("WALLET#m1", ".", [rows.named.set(True)], None)
    wallet.check_room(site, "m1", 410_000)
    with pytest.raises(wallet.OverCap):
        wallet.check_room(site, "m1", 410_001)


def test_nothing_is_paid_before_a_pay_password_is_set(site):
    with pytest.raises(wallet.PasswordNeeded) as refused:
        allow(site, secret=PIN)
    assert refused.value.detail == {"why": "unset"}


def test_the_pay_password_pays(site):
    wallet.set_password(site, "m1", PIN)
    assert allow(site, secret=PIN) == wallet.Leave(unasked=False)
    with pytest.raises(wallet.PasswordNeeded):
        allow(site)


def test_five_wrong_passwords_lock_for_a_day(site):
    wallet.set_password(site, "m1", PIN)
    for left in (4, 3, 2, 1):
        with pytest.raises(wallet.PasswordWrong) as wrong:
            allow(site, secret="000000")
        assert wrong.value.detail == {"left": left}
    with pytest.raises(wallet.Locked):
        allow(site, secret="000000")
    with pytest.raises(wallet.Locked):
        allow(site, secret=PIN, now=make.NOON + rules.LOCKED - 1)
    with pytest.raises(wallet.PasswordWrong) as wrong:
        allow(site, secret="000000", now=make.NOON + rules.LOCKED)
    assert wrong.value.detail == {"left": 4}
    allow(site, secret=PIN, now=make.NOON + rules.LOCKED)
    assert wallet.terms(site, "m1").tries == 0


def test_wrong_passwords_at_the_same_time_are_all_counted(site, monkeypatch):
    wallet.set_password(site, "m1", PIN)
    really = wallet.password.matches

    def overtaken(secret, record):
        monkeypatch.setattr(wallet.password, "matches", really)
        for _ in range(3):
            with pytest.raises(wallet.PasswordWrong):
                allow(site, secret="111111")
        return really(secret, record)

    monkeypatch.setattr(wallet.password, "matches", overtaken)
    with pytest.raises(wallet.PasswordWrong) as wrong:
        allow(site, secret="000000")
    assert wrong.value.detail == {"left": 1}


def test_who_was_locked_by_others_meanwhile_is_told_so(site, monkeypatch):
    wallet.set_password(site, "m1", PIN)
    really = wallet.password.matches

    def overtaken(secret, record):
        monkeypatch.setattr(wallet.password, "matches", really)
        for _ in range(5):
            with pytest.raises((wallet.PasswordWrong, wallet.Locked)):
                allow(site, secret="111111")
        return really(secret, record)

    monkeypatch.setattr(wallet.password, "matches", overtaken)
    with pytest.raises(wallet.Locked):
        allow(site, secret="000000")
    assert wallet.terms(site, "m1").tries == 5


def test_a_flood_of_tries_is_refused_before_any_is_checked(site):
    wallet.set_password(site, "m1", PIN)
    for _ in range(10):
        allow(site, secret=PIN)
    with pytest.raises(errors.TooMany):
        allow(site, secret=PIN)


def test_paying_without_password_is_agreed_to_on_one_device(site):
    wallet.set_password(site, "m1", PIN)
    _, device = agree(site)
    with pytest.raises(wallet.PasswordNeeded) as refused:
        allow(site, device=device)
    assert refused.value.detail == {"why": "contact"}
    allow(site, secret=PIN)
    assert allow(site, device=device) == wallet.Leave(unasked=True)
    for elsewhere in ("", "another"):
        with pytest.raises(wallet.PasswordNeeded) as refused:
            allow(site, device=elsewhere)
        assert refused.value.detail == {"why": "device"}


def test_what_was_paid_today_without_password_is_counted(site):
    wallet.set_password(site, "m1", PIN)
    _, device = agree(site, 20_000)
    allow(site, secret=PIN)
    enter(site, "topup", 90_000)
    enter(site, "spend", 15_000, about="o2", unasked=True)
    allow(site, 5000, device=device)
    with pytest.raises(wallet.PasswordNeeded) as refused:
        allow(site, 5001, device=device)
    assert refused.value.detail == {"why": "daily"}


def test_one_tap_takes_it_back_and_both_are_on_record(site):
    wallet.set_password(site, "m1", PIN)
    _, device = agree(site)
    for _ in range(2):
        wallet.revoke(site, "m1", address="1.2.3.4", now=make.NOON + 1)
    with pytest.raises(wallet.PasswordNeeded) as refused:
        allow(site, device=device)
    assert refused.value.detail == {"why": "off"}
    at = make.NOON
    assert wallet.consents(site, "m1") == [(at + 1, rules.CONSENT, 0), (at, rules.CONSENT, 5000)]


def test_a_new_password_ends_what_was_agreed_under_the_old_one(site):
    wallet.set_password(site, "m1", PIN)
    agree(site)
    wallet.set_password(site, "m1", "246802")
    assert wallet.terms(site, "m1").cap_fen is None
    with pytest.raises(wallet.PasswordWrong):
        allow(site, secret=PIN)


@pytest.mark.parametrize(
    ("cap", "secret", "refusal"),
    [
        (5000, "", wallet.PasswordNeeded),
        (5000, "000000", wallet.PasswordWrong),
        (20_001, PIN, wallet.Refusal),
        (0, PIN, wallet.Refusal),
    ],
)
def test_no_agreement_without_the_password_or_above_the_highest_cap(site, cap, secret, refusal):
    wallet.set_password(site, "m1", PIN)
    with pytest.raises(refusal):
        agree(site, cap, secret)
    assert wallet.consents(site, "m1") == []
    assert wallet.terms(site, "m1").cap_fen is None


def test_no_agreement_before_a_password_is_set(site):
    with pytest.raises(wallet.PasswordNeeded) as refused:
        agree(site)
    assert refused.value.detail == {"why": "unset"}


def test_no_agreement_under_a_password_that_was_changed_meanwhile(site, monkeypatch):
    wallet.set_password(site, "m1", PIN)
    really = wallet._consent

    def overtaken(*given):
        wallet.set_password(site, "m1", "246802")
        really(*given)

    monkeypatch.setattr(wallet, "_consent", overtaken)
    with pytest.raises(errors.Conflict):
        agree(site)
    assert wallet.terms(site, "m1").cap_fen is None


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: "x" + c, lambda _: "", lambda _: "é.é"])
def test_a_forged_device_is_no_device(site, spoil):
    wallet.set_password(site, "m1", PIN)
    cookie, device = agree(site)
    assert device
    assert wallet.device_of(site, "m1", spoil(cookie)) == ""
    assert wallet.device_of(site, "m2", cookie) == ""


def test_two_first_payments_at_once_remember_one_contact(site, monkeypatch):
    wallet.set_password(site, "m1", PIN)
    _, device = agree(site)
    really = wallet._remember

    def overtaken(*given):
        monkeypatch.setattr(wallet, "_remember", really)
        allow(site, secret=PIN, contact="other@example.com")
        really(*given)

    monkeypatch.setattr(wallet, "_remember", overtaken)
    allow(site, secret=PIN)
    assert allow(site, device=device, contact="other@example.com").unasked
