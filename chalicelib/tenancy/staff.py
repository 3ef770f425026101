"""People who run sites: sign-in, sessions, and the token that proves a form came from our own page."""

import hashlib
import hmac
from dataclasses import dataclass

from chalicelib.kit import errors, ids, password, table, tenant, throttle

from .model import SessionRow, StaffRow
from .rules import check_login

_STAY = 12 * 3600  # seconds a session lasts
_tries = throttle.Bucket(size=10, seconds=600)


class WrongLogin(errors.ShopError):
    """Unknown login and wrong password look and last the same."""

    status = 401
    code = "wrong_login"
    sentence = "Login or password is wrong."


class Forbidden(errors.ShopError):
    """The form was not made for this session."""

    status = 403
    code = "forbidden"
    sentence = "This form has expired; open the page again."


@dataclass(frozen=True)
class Staff:
    """A person signed in. `scope` is "main" or the code of the sub-site whose owner this is."""

    login: str
    scope: str
    role: str


def enlist(scope: str, login: str, secret: str, *, role: str, now: int) -> None:
    """Let a person sign in to a scope's console; a repeat with the same password changes nothing.

    Raises BadField, and Conflict when the login exists with another password.
    """
    login = check_login(login, secret)
    record = password.hashed(secret)
    try:
        StaffRow.of(tenant.MAIN)(_key(scope, login), ".", record=record, role=role, since=now).insert()
    except table.Refused as refused:
        if not password.matches(secret, refused.row.record):
            raise errors.Conflict("This login is taken.") from None


def sign_in(scope: str, login: str, secret: str, *, address: str, now: int) -> tuple[Staff, str]:
    """Check a password and open a session, named by a token. Raises WrongLogin, TooMany."""
    login = login.strip().lower()[:64]
    _tries.take(f"{scope}|{login}|{address}")
    row = StaffRow.of(tenant.MAIN).read(_key(scope, login), ".")
    if row is None:
        password.waste(secret)
        raise WrongLogin
    if not password.matches(secret, row.record):
        raise WrongLogin
    token = ids.token()
    SessionRow.of(tenant.MAIN)(
        _session(token), ".", login=login, scope=scope, until=now + _STAY, ttl=now + _STAY
    ).insert()
    return Staff(login, scope, row.role), token


def staff_of(scope: str, token: str, *, now: int) -> Staff | None:
    """Who a session token belongs to, if it is alive and of this scope."""
    if not token:
        return None
    row = SessionRow.of(tenant.MAIN).read(_session(token), ".")
    if row is None or row.scope != scope or row.until <= now:
        return None
    return Staff(row.login, scope, "staff" if scope == tenant.MAIN else "owner")


def sign_out(scope: str, token: str) -> None:
    """End a session; ending it twice is fine."""
    rows = SessionRow.of(tenant.MAIN)
    try:
        rows.change(_session(token), ".", [rows.until.set(0)], rows.scope == scope)
    except table.Refused:
        return


def form_token(scope: str, token: str) -> str:
    """What a form of this session carries, so that no other site can post it."""
    return hmac.new(token.encode(), f"form|{scope}".encode(), hashlib.sha256).hexdigest()[:32]


def check_form(scope: str, token: str, given: str) -> None:
    """Raise Forbidden unless the form was made for this session."""
    if not token or not hmac.compare_digest(form_token(scope, token).encode(), given.encode()):
        raise Forbidden


def _key(scope: str, login: str) -> str:
    return f"STAFF#{scope}#{login}"


def _session(token: str) -> str:
    return f"SESSION#{hashlib.sha256(token.encode()).hexdigest()[:40]}"
