"""People who run sites. A scope is "main", the code of the sub-site whose owner somebody is, or "partner"."""

from dataclasses import dataclass

from chalicelib.kit import accounts, tenant
from chalicelib.kit.accounts import BadLogin, Forbidden, WrongLogin
from chalicelib.kit.accounts import check as check_login

__all__ = ["BadLogin", "Forbidden", "WrongLogin", "check_login"]

_STAY = 12 * 3600


@dataclass(frozen=True)
class Staff:
    """A person signed in to a console."""

    login: str
    scope: str
    role: str


def enlist(scope: str, login: str, secret: str, *, role: str, now: int) -> None:
    """Let a person sign in to a scope's console; a repeat changes nothing. Raises BadLogin, Conflict."""
    accounts.enlist(realm_of(scope), login, secret, role=role, now=now)


def sign_in(scope: str, login: str, secret: str, *, address: str, now: int) -> tuple[Staff, str]:
    """Check a password and open a session, named by a token. Raises WrongLogin, TooMany."""
    account, token = accounts.sign_in(realm_of(scope), login, secret, address=address, now=now)
    return Staff(account.login, scope, account.role), token


def staff_of(scope: str, token: str, *, now: int) -> Staff | None:
    """Who a session token belongs to, if it is alive and of this scope."""
    account = accounts.who(realm_of(scope), token, now=now)
    return Staff(account.login, scope, account.role) if account else None


def sign_out(scope: str, token: str) -> None:
    """End a session."""
    accounts.sign_out(realm_of(scope), token)


def form_token(scope: str, token: str) -> str:
    """What a form of this session carries."""
    return accounts.form_token(realm_of(scope), token)


def check_form(scope: str, token: str, given: str) -> None:
    """Raise Forbidden unless the form was made for this session."""
    accounts.check_form(realm_of(scope), token, given)


def realm_of(scope: str) -> accounts.Realm:
    """Where people of a scope sign in."""
    return accounts.Realm(tenant.MAIN, "staff", scope, _STAY)
