"""Secrets at rest: AES-256-GCM under a data key per owner, which KMS wraps with the owner as context.

A sealed text is version(1) + nonce(12) + ciphertext and tag. The additional data says where the text belongs, so
that moving it elsewhere makes it unreadable. Plaintext data keys stay in memory for at most five minutes.
"""

import contextlib
import hashlib
import hmac
import threading
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pynamodb.attributes import BinaryAttribute

from . import aws, clock, config, ids, table, tenant

_KEEP = 300  # seconds a plaintext data key may stay in memory
_VERSION = b"\x01"
_DESTROYED = b"destroyed"

PAYEES = "payees"  # where parties are paid; like main's, its key stands in the main table
SHARED = (tenant.MAIN, PAYEES)


class Unreadable(Exception):
    """The text is not what was sealed for this place."""


class WrappedKey(table.Row):
    """The owner's data key as KMS wrapped it."""

    wrapped = BinaryAttribute(legacy_encoding=False)


_keys: dict[str, tuple[bytes, int]] = {}
_lock = threading.Lock()


def make_key(owner: str) -> None:
    """Give an owner its data key; a second call changes nothing."""
    made = _kms(owner).generate_data_key_without_plaintext(
        KeyId=config.load().key_id, KeySpec="AES_256", EncryptionContext={"site": owner}
    )
    try:
        _rows(owner)(f"KEY#{owner}", "1", wrapped=made["CiphertextBlob"]).insert()
    except table.Refused:
        return


def fingerprint(owner: str) -> str:
    """The SHA-256 of an owner's data key as KMS wrapped it; empty once it was destroyed. Raises LookupError."""
    wrapped = _wrapped(owner).wrapped
    return "" if wrapped == _DESTROYED else hashlib.sha256(wrapped).hexdigest()


def destroy(owner: str) -> None:
    """Overwrite a site's data key: what was sealed under it can't be read any more. Doing it again changes nothing.

    An instance that has the key in memory has it for at most five minutes more, and a point in time to which the
    table can be restored has it for 35 days. Raises LookupError.
    """
    if owner in SHARED:
        raise LookupError(f"the data key of {owner} is everybody's")
    row, rows = _wrapped(owner), _rows(owner)
    with contextlib.suppress(table.Refused):
        rows.change(row.pk, row.sk, [rows.wrapped.set(_DESTROYED)], rows.pk.exists())
    _keys.pop(owner, None)


def rewrap(owner: str, *, rehearse: bool = False) -> bool:
    """Have an operator wrap an owner's data key by the deployment's KMS key; whether another one had wrapped it.

    What the data key sealed stays as it is, and instances that have it in memory go on. Repeating it changes nothing;
    where it is only rehearsed, nothing is written. Raises LookupError.
    """
    row, rows = _wrapped(owner), _rows(owner)
    if row.wrapped == _DESTROYED:
        return False
    context = {"site": owner}
    anew = aws.client("kms").re_encrypt(
        CiphertextBlob=row.wrapped,
        SourceEncryptionContext=context,
        DestinationKeyId=config.load().key_id,
        DestinationEncryptionContext=context,
    )
    if anew["SourceKeyId"] == anew["KeyId"]:
        return False
    if not rehearse:
        with contextlib.suppress(table.Refused):  # somebody else wrapped it, or destroyed it, meanwhile
            rows.change(
                row.pk, row.sk, [rows.wrapped.set(anew["CiphertextBlob"])], rows.wrapped == row.wrapped
            )
    return True


def seal(owner: str, plain: bytes, place: str) -> bytes:
    """Encrypt for one place of an owner."""
    nonce = ids.draw(12)
    return _VERSION + nonce + AESGCM(_key(owner)).encrypt(nonce, plain, _bound(owner, place))


def unseal(owner: str, sealed: bytes, place: str) -> bytes:
    """Decrypt what was sealed for the same place. Raises Unreadable."""
    if not sealed.startswith(_VERSION):
        raise Unreadable(place)
    try:
        return AESGCM(_key(owner)).decrypt(sealed[1:13], sealed[13:], _bound(owner, place))
    except (InvalidTag, ValueError):
        raise Unreadable(place) from None


def mac(owner: str, purpose: str, text: str) -> bytes:
    """A keyed digest (32 bytes) under a key of the owner's that serves this purpose alone."""
    key = hmac.digest(_key(owner), f"purpose:{purpose}".encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256)


def forget() -> None:
    """Drop the plaintext keys held in memory."""
    _keys.clear()


def _bound(owner: str, place: str) -> bytes:
    return f"{owner}|{place}".encode()


def _key(owner: str) -> bytes:
    if owner not in SHARED:
        tenant.check(owner)  # a key in memory serves its own site only
    now = clock.now()
    known = _keys.get(owner)
    if known and known[1] > now:
        return known[0]
    with _lock:
        plain = _unwrap(owner)
        _keys[owner] = (plain, now + _KEEP)
    return plain


def _wrapped(owner: str) -> WrappedKey:
    row = _rows(owner).read(f"KEY#{owner}", "1")
    if row is None:
        raise LookupError(f"{owner} has no data key")
    return row


def _unwrap(owner: str) -> bytes:
    row = _wrapped(owner)
    if row.wrapped == _DESTROYED:
        raise LookupError(f"the data key of {owner} was destroyed")
    plain = _kms(owner).decrypt(CiphertextBlob=row.wrapped, EncryptionContext={"site": owner})
    return bytes(plain["Plaintext"])


def _kms(owner: str) -> Any:
    return aws.client("kms") if owner in SHARED else tenant.client("kms")


def _rows(owner: str) -> type[WrappedKey]:
    return WrappedKey.of(tenant.MAIN if owner in SHARED else owner)
