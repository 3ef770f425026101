"""Sign-up, login and sessions of a site's members, all in the site's own table."""

from dataclasses import dataclass

from chalicelib.kit import accounts, throttle
from chalicelib.kit.accounts import BadLogin, Forbidden, Taken, WrongLogin

__all__ = ["BadLogin", "Forbidden", "Taken", "WrongLogin"]

_STAY = 30 * 86_400
_sign_ups = throttle.Bucket(size=20, seconds=3600)


@dataclass(frozen=True)
class Member:
    """A shopper signed in. `member` is what orders refer to."""

    member: str
    login: str


def sign_up(site: str, login: str, password: str, *, address: str, now: int) -> str:
    """Make a member and sign them in; the session's token. Raises BadLogin, Taken, TooMany."""
    _sign_ups.take(f"{site}|{address}")
    realm = _realm(site)
    return accounts.open_session(
        realm, accounts.enlist(realm, login, password, role="member", now=now), now=now
    )


def log_in(site: str, login: str, password: str, *, address: str, now: int) -> str:
    """Check a password and open a session; its token. Raises WrongLogin, TooMany."""
    return accounts.sign_in(_realm(site), login, password, address=address, now=now)[1]


def prove(site: str, member: Member, password: str, *, address: str) -> None:
    """That a signed-in member knows the password of the account. Raises WrongLogin, TooMany."""
    accounts.prove(_realm(site), member.login, password, address=address)


def member_of(site: str, token: str, *, now: int) -> Member | None:
    """Whose session this is, if it is alive."""
    account = accounts.who(_realm(site), token, now=now)
    return Member(account.ident, account.login) if account else None


def log_out(site: str, token: str) -> None:
    """End a session."""
    accounts.sign_out(_realm(site), token)


def form_token(site: str, token: str) -> str:
    """What a form of this session carries."""
    return accounts.form_token(_realm(site), token)


def check_form(site: str, token: str, given: str) -> None:
    """Raise Forbidden unless the form was made for this session."""
    accounts.check_form(_realm(site), token, given)


def _realm(site: str) -> accounts.Realm:
    return accounts.Realm(site, "member", site, _STAY)
