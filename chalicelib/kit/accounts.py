"""Accounts and sessions of one kind in one owner's table: logins with Argon2id records, tokens stored as digests.

ACCOUNT#{kind}#{scope}#{login} / .     who may sign in
SESSION#{digest of the token} / .      that somebody did; the token itself is never stored
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.transactions import TransactWrite

from . import ids, password, table, throttle
from .errors import Conflict, ShopError

_LOGIN = re.compile(r"[\w.@+-]{3,64}")
_tries = throttle.Bucket(size=10, seconds=600)


class BadLogin(ShopError):
    """A login or password that cannot be accepted; `field` names which."""

    status = 422
    code = "bad_login"
    sentence = "A login has 3 to 64 letters, digits or . @ + - _; a password 8 to 128 characters."


class Taken(Conflict):
    """Somebody else has this login."""

    code = "login_taken"
    sentence = "This login is taken."


class WrongLogin(ShopError):
    """Unknown login and wrong password look and last the same."""

    status = 401
    code = "wrong_login"
    sentence = "Login or password is wrong."


class Forbidden(ShopError):
    """The form was not made for this session."""

    status = 403
    code = "form_expired"
    sentence = "This form has expired; open the page again."


class AccountRow(table.Row):
    """An account."""

    ident = UnicodeAttribute()
    record = BinaryAttribute(legacy_encoding=False)
    role = UnicodeAttribute()
    since = table.IntegerAttribute()


class SessionRow(table.Row):
    """A session."""

    ident = UnicodeAttribute()
    login = UnicodeAttribute()
    role = UnicodeAttribute()
    realm = UnicodeAttribute()
    until = table.IntegerAttribute()
    ttl = table.IntegerAttribute()


@dataclass(frozen=True)
class Realm:
    """A place to sign in to: the table's owner, the kind of account, and a scope within the table."""

    owner: str
    kind: str
    scope: str
    stay: int  # seconds a session lasts

    @property
    def name(self) -> str:
        return f"{self.kind}#{self.scope}"


@dataclass(frozen=True)
class Account:
    """Who is signed in. `ident` stays when the login changes."""

    ident: str
    login: str
    role: str


def enlist(realm: Realm, login: str, secret: str, *, role: str, now: int) -> Account:
    """Make an account; repeating it with the same password changes nothing. Raises BadLogin, Taken."""
    login = check(login, secret)
    row = AccountRow.of(realm.owner)(_key(realm, login), ".", ident=ids.token(13).lower(), role=role)
    row.record, row.since = password.hashed(secret), now
    try:
        row.insert()
    except table.Refused as refused:
        row = refused.row
        if not password.matches(secret, row.record):
            raise Taken from None
    return Account(row.ident, login, row.role)


def enlist_within(
    write: TransactWrite, realm: Realm, login: str, record: bytes, *, role: str, now: int
) -> str:
    """Within a transaction of the owner's table, make an account, or a role's own one anew; its identity.

    The login was checked, and the record is of its password. The transaction is refused where another role has it.
    """
    rows = AccountRow.of(realm.owner)
    row = rows(_key(realm, login), ".", ident=ids.token(13).lower(), role=role)
    row.record, row.since = record, now
    write.save(row, condition=rows.pk.does_not_exist() | (rows.role == role))
    return row.ident


def sign_in(realm: Realm, login: str, secret: str, *, address: str, now: int) -> tuple[Account, str]:
    """Check a password and open a session, named by a token. Raises WrongLogin, TooMany."""
    account = prove(realm, login, secret, address=address)
    return account, open_session(realm, account, now=now)


def prove(realm: Realm, login: str, secret: str, *, address: str) -> Account:
    """The account of a login and its password. Raises WrongLogin, TooMany."""
    login = login.strip().lower()[:64]
    _tries.take(f"{realm.owner}|{realm.name}|{login}|{address}")
    row = AccountRow.of(realm.owner).read(_key(realm, login), ".")
    if row is None:
        password.waste(secret)
        raise WrongLogin
    if not password.matches(secret, row.record):
        raise WrongLogin
    return Account(row.ident, login, row.role)


def open_session(realm: Realm, account: Account, *, now: int) -> str:
    """A new session's token."""
    token = ids.token()
    row = SessionRow.of(realm.owner)(_session(token), ".", ident=account.ident, login=account.login)
    row.role, row.realm = account.role, realm.name
    row.until = row.ttl = now + realm.stay
    row.insert()
    return token


def who(realm: Realm, token: str, *, now: int) -> Account | None:
    """The account of a living session of this realm."""
    row = SessionRow.of(realm.owner).read(_session(token), ".") if token else None
    if row is None or row.realm != realm.name or row.until <= now:
        return None
    return Account(row.ident, row.login, row.role)


def sign_out(realm: Realm, token: str) -> None:
    """End a session; ending it twice is fine."""
    rows = SessionRow.of(realm.owner)
    try:
        rows.change(_session(token), ".", [rows.until.set(0)], rows.realm == realm.name)
    except table.Refused:
        return


def form_token(realm: Realm, token: str) -> str:
    """What a form of this session carries, so that no other site can post it."""
    return hmac.new(token.encode(), f"form|{realm.name}".encode(), hashlib.sha256).hexdigest()[:32]


def check_form(realm: Realm, token: str, given: str) -> None:
    """Raise Forbidden unless the form was made for this session."""
    if not token or not hmac.compare_digest(form_token(realm, token).encode(), given.encode()):
        raise Forbidden


def check(login: str, secret: str) -> str:
    """The login in its stored form. Raises BadLogin for it or the password."""
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise BadLogin(field="login")
    if not 8 <= len(secret) <= 128:
        raise BadLogin(field="password")
    return login


def _key(realm: Realm, login: str) -> str:
    return f"ACCOUNT#{realm.name}#{login}"


def _session(token: str) -> str:
    return f"SESSION#{hashlib.sha256(token.encode()).hexdigest()[:40]}"
