"""Passwords: Argon2id (RFC 9106), cost in configuration, parameters kept beside the digest."""

import hmac

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from . import config, ids

_SALT = 16
_DIGEST = 24


def hashed(password: str, salt: bytes = b"") -> bytes:
    """A record of the password: memory in KiB (4 bytes), passes (1), salt (16), digest (24)."""
    settings = config.load()
    salt = salt or ids.draw(_SALT)
    memory, passes = settings.hash_memory_kib, settings.hash_passes
    head = memory.to_bytes(4) + passes.to_bytes(1)
    return head + salt + _derive(password, salt, memory, passes)


def matches(password: str, record: bytes) -> bool:
    """Whether the password made this record."""
    memory, passes = int.from_bytes(record[:4]), record[4]
    salt, digest = record[5 : 5 + _SALT], record[5 + _SALT :]
    return hmac.compare_digest(digest, _derive(password, salt, memory, passes))


def waste(password: str) -> None:
    """Spend the time of one check, so that an unknown name answers no faster than a wrong password."""
    hashed(password, b"\x00" * _SALT)


def _derive(password: str, salt: bytes, memory: int, passes: int) -> bytes:
    kdf = Argon2id(salt=salt, length=_DIGEST, iterations=passes, lanes=1, memory_cost=memory)
    return kdf.derive(password.encode())
