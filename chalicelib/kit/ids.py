"""Names for things: Crockford base32, random tokens, UUIDv7 keys.

`source` is the one place randomness comes from, so that a run can be replayed.
"""

import secrets
import uuid
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

source: Callable[[int], bytes] = secrets.token_bytes


def draw(size: int) -> bytes:
    """Fresh random bytes."""
    return source(size)


def base32(raw: bytes, length: int) -> str:
    """The first characters of the bytes in Crockford base32 (5 bits each, most significant first)."""
    return number32(int.from_bytes(raw) >> max(0, len(raw) * 8 - length * 5), length)


def number32(number: int, length: int) -> str:
    """A number in base32, padded; the order of the texts is the order of the numbers."""
    return "".join(ALPHABET[(number >> 5 * i) & 31] for i in reversed(range(length)))


def from32(text: str) -> int:
    """The number behind a base32 text. Raises ValueError for a foreign character."""
    value = 0
    for letter in text:
        value = value * 32 + ALPHABET.index(letter)
    return value


def token(length: int = 26) -> str:
    """A random name: 26 characters carry 130 bits."""
    return base32(draw(-(-length * 5 // 8)), length)


def uuid7_seconds(text: str) -> int:
    """The second in which a UUIDv7 (RFC 9562) was made. Raises ValueError for any other text."""
    key = uuid.UUID(text)
    if key.version != 7 or key.variant != uuid.RFC_4122 or str(key) != text.lower():
        raise ValueError("not a UUIDv7")
    return (key.int >> 80) // 1000
