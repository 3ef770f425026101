"""What the dialects share: RSA-SHA256 signatures, and forms and JSON that are believed field by field."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from chalicelib.kit import outbound

T = TypeVar("T")

_BILLED = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,2})0*)?", re.ASCII)


class Malformed(ValueError):
    """Bytes that do not have the shape they must have."""


def sign(private_key_pem: str, content: bytes) -> str:
    """Base64 of the RSA-PKCS1v15-SHA256 signature."""
    return base64.b64encode(_private(private_key_pem).sign(content, PKCS1v15(), SHA256())).decode()


def encrypt(public_key_pem: str, text: str) -> str:
    """Base64 of the text for the owner of the key alone: RSA-OAEP, of at most 214 bytes under 2048 bits."""
    padding = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303 - the channel's choice; OAEP needs no collision resistance
    return base64.b64encode(_public(public_key_pem).encrypt(text.encode(), padding)).decode()


def is_signed(public_key_pem: str, signature: str, content: bytes) -> bool:
    """Whether the base64 signature (in its one canonical spelling) is the key's own over the content."""
    try:
        raw = unbase64(signature)
        _public(public_key_pem).verify(raw, content, PKCS1v15(), SHA256())
    except (Malformed, InvalidSignature):
        return False
    return True


def unbase64(text: str) -> bytes:
    """Decode base64 strictly. Raises Malformed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Malformed("base64 with stray bits")
    return raw


def form(body: bytes) -> dict[str, str]:
    """A form, decoded once. Raises Malformed, which says nothing of the content: a stranger's must not fill a log."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise Malformed("not a form") from None
    return once(pairs)


def once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields of which none may come twice. Raises Malformed."""
    listed = list(pairs)
    fields = dict(listed)
    if len(fields) != len(listed):
        raise Malformed("a field comes twice")
    return fields


def joined(fields: Mapping[str, str]) -> bytes:
    """Fields as channels sign them: `name=value` in the order of the names, joined by `&`, not encoded."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises Malformed."""
    try:
        record = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(record, dict):
        raise Malformed("not a JSON object")
    return record


def take(record: object, *path: str, kind: type[T]) -> T:
    """The value at a path of keys, of exactly this type (a bool is no int). Raises Malformed."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    if type(record) is not kind:
        raise Malformed(f"{'.'.join(path)} is missing or not {kind.__name__}")
    return record


def billed_fen(text: str) -> int:
    """Yuan as bills write it: signed, and with zeros behind the second decimal. Raises Malformed."""
    found = _BILLED.fullmatch(text)
    if not found:
        raise Malformed("not an amount of whole fen")
    fen = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
    return -fen if found[1] else fen


def answered(answer: dict[str, Any], field: str) -> str:
    """A text that must be in the channel's answer. Raises outbound.Unknown: who knows what happened."""
    try:
        return take(answer, field, kind=str)
    except Malformed as error:
        raise outbound.Unknown(str(error)) from None


# Checking a private key takes about 50 ms, and settings are read anew for each request.
@lru_cache(maxsize=64)
def _private(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the channels sign with RSA keys")
    return key


@lru_cache(maxsize=64)
def _public(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the channels sign with RSA keys")
    return key
