"""Who may read an order: the guest who knows contact and query password, and the browser that placed it."""

import hmac
import json

from chalicelib.kit import errors, password, throttle, vault

from . import record, rules
from .model import OrderRow

_KNOWN = 900  # seconds for which a right answer is remembered, so that polling costs no hash
_STAY = 30 * 86_400
_MOST_RECEIPTS = 20

_wrong = throttle.Bucket(size=15, seconds=1800)  # per number and address
_guesses = throttle.Bucket(size=200, seconds=1800)  # per address, whatever the number
_known: dict[bytes, int] = {}


def may_read(site: str, text: str, contact: str, secret: str, *, address: str, now: int) -> record.Order:
    """The order behind number, contact and query password.

    Anything wrong is the same NotFound, after the same work; after fifteen wrong tries of an address at a number,
    or two hundred at any numbers, within half an hour it is TooMany.
    """
    number = _number(site, text)
    key = f"{site}|{number}|{address}"
    for bucket, name in ((_wrong, key), (_guesses, address)):
        if bucket.empty(name):
            bucket.take(name)
    proof = vault.mac(site, "lookup", f"{number}|{contact}|{secret}")
    if _known.get(proof, 0) <= now:
        _check(site, number, contact, secret, key, address)
        _remember(proof, now)
    return record.read(site, number)


def receipt_cookie(site: str, cookie: str, number: str, *, now: int) -> str:
    """The cookie with one more order that this browser placed or looked up."""
    kept = [one for one in receipts(site, cookie, now=now) if one != number]
    body = json.dumps({"n": [number, *kept][:_MOST_RECEIPTS], "t": now + _STAY}, separators=(",", ":"))
    return f"{body.encode().hex()}.{vault.mac(site, 'receipts', body)[:20].hex()}"


def receipts(site: str, cookie: str, *, now: int) -> tuple[str, ...]:
    """The orders a browser's cookie vouches for; a forged or old cookie vouches for none."""
    text, _, signature = cookie.partition(".")
    try:
        body = bytes.fromhex(text).decode()
    except ValueError:
        return ()
    expected = vault.mac(site, "receipts", body)[:20].hex()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return ()
    given = json.loads(body)
    return tuple(given["n"]) if given["t"] > now else ()


def forget() -> None:
    """Drop what this instance remembers of right answers."""
    _known.clear()


def _number(site: str, text: str) -> str:
    try:
        number = rules.parse_number(text)
    except errors.NotFound:
        return ""
    return number if rules.site_of(number) == site else ""


def _check(site: str, number: str, contact: str, secret: str, key: str, address: str) -> None:
    row = OrderRow.of(site).read(rules.partition(number), number) if number else None
    if row is None:
        password.waste(secret)
    right = row is not None and password.matches(secret, row.password) and _same(site, row, contact)
    if not right:
        _wrong.take(key)
        _guesses.take(address)
        raise errors.NotFound("No order matches this number, contact and password.")


def _same(site: str, row: OrderRow, given: str) -> bool:
    stored = record.open_contact(site, row.sk, row.contact).encode()
    try:
        return hmac.compare_digest(stored, rules.contact(given).encode())
    except rules.BadContact:
        return False


def _remember(proof: bytes, now: int) -> None:
    if len(_known) > 10_000:
        _known.clear()
    _known[proof] = now + _KNOWN
