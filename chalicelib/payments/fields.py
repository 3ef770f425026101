"""What a merchant types for each channel, field by field, and the settings this makes.

Keys are taken as people have them: PEM, or the bare base64 that Alipay's tool shows. Addresses are not typed: they are
the channel's own, or the sandbox's where it runs. What reads keys is imported where one is typed, since every function
that takes money knows the fields and only the console reads them.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from chalicelib.kit import config
from chalicelib.tenancy import service as tenancy

from . import gateways, merchants

_NAMED_KEY = re.compile(r"([\w-]{6,64})\s+(-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----)", re.ASCII)


class BadSetting(tenancy.BadField):
    """A field that cannot be what it should be; `field` names it."""

    code = "bad_setting"


@dataclass(frozen=True)
class Field:
    """One field. `kind`: "text" | "secret" | "private_key" | "public_key" | "certificate" | "keys" | "percent"."""

    name: str
    kind: str = "text"
    pattern: str = ".+"
    needed: bool = True


FIELDS: dict[str, tuple[Field, ...]] = {
    "wechat": (
        Field("mchid", pattern="[0-9]{8,12}"),
        Field("appid", pattern="wx[0-9a-z]{8,30}"),
        Field("serial", pattern="[0-9A-F]{16,40}"),
        Field("private_key_pem", "private_key"),
        Field("api_v3_key", "secret", pattern="[0-9A-Za-z]{32}"),
        Field("platform_keys", "keys", needed=False),
        Field("split_cap_bps", "percent"),
    ),
    "alipay": (
        Field("app_id", pattern="[0-9]{16}"),
        Field("seller_id", pattern="2088[0-9]{12}"),
        Field("private_key_pem", "private_key"),
        Field("alipay_public_key_pem", "public_key"),
        Field("split_cap_bps", "percent"),
    ),
    "unionpay": (
        Field("mer_id", pattern="[0-9A-Z]{15}"),
        Field("cert_id", pattern="[0-9]{5,40}"),
        Field("private_key_pem", "private_key"),
        Field("middle_cert_pem", "certificate"),
        Field("root_cert_pem", "certificate"),
    ),
    "ecny": (
        Field("merchant_no", pattern="[0-9A-Za-z]{6,40}"),
        Field("wallet_id", pattern="[0-9A-Za-z]{6,40}"),
        Field("private_key_pem", "private_key"),
        Field("institution_key_pem", "public_key"),
        Field("base_url", pattern="https://[0-9a-z.-]+(:[0-9]{2,5})?(/[0-9A-Za-z._/-]*[0-9A-Za-z_-])?"),
    ),
}


SPLITTING = tuple(name for name, fields in FIELDS.items() if any(each.kind == "percent" for each in fields))


def save(channel: str, typed: Mapping[str, str], *, owner: str) -> str:
    """Keep what somebody typed; the merchant's id. An empty secret is the one that is kept.

    Raises BadSetting, and what `put_channel` does.
    """
    if channel not in FIELDS:
        raise BadSetting("There is no such channel.", field="channel")
    if strange := typed.keys() - {each.name for each in FIELDS[channel]}:
        raise BadSetting("There is no such field.", field=min(strange))
    fixed = _addresses(channel)
    asked = [each for each in FIELDS[channel] if each.name not in fixed]
    settings = {each.name: _read(each, typed.get(each.name, "").strip()) for each in asked}
    if channel == "wechat":
        settings["refund_notify_url"] = merchants.notify_url(channel, settings["mchid"])
    return merchants.put_channel(channel, {**settings, **fixed}, owner=owner)


def shown(channel: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as they are typed, without the secrets."""
    return {each.name: _shown(each, settings.get(each.name)) for each in FIELDS[channel]}


def _read(field: Field, text: str) -> Any:
    if not text and (field.name in gateways.SECRETS or not field.needed):
        return {} if field.kind == "keys" else ""
    if not text:
        raise BadSetting("A field is empty.", field=field.name)
    try:
        return _READ.get(field.kind, _plain)(field, text)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: a key under a password, too
        raise BadSetting("A field is not what it should be.", field=field.name) from None


def _plain(field: Field, text: str) -> str:
    if not re.fullmatch(field.pattern, text, re.ASCII):
        raise ValueError(field.name)
    return text


def _private_key(_field: Field, text: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = serialization.load_der_private_key(_der(text), None)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2048:
        raise ValueError("not a private key of RSA, or a short one")
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public_key(_field: Field, text: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = serialization.load_der_public_key(_der(text))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not a public key of RSA")
    upright = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, upright).decode()


def _certificate(_field: Field, text: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    return x509.load_der_x509_certificate(_der(text)).public_bytes(serialization.Encoding.PEM).decode()


def _keys(field: Field, text: str) -> dict[str, str]:
    """Pairs of a key's name and the key itself. Raises ValueError."""
    found = {name: _public_key(field, pem) for name, pem in _NAMED_KEY.findall(text)}
    if _NAMED_KEY.sub("", text).strip():
        raise ValueError("something between the keys")
    return found


def _percent(_field: Field, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or int(text) > 100:
        raise ValueError("not a percentage")
    return int(text) * 100


def _der(text: str) -> bytes:
    bare = re.sub(r"-----[A-Z0-9 ]+-----|\s", "", text)
    try:
        return base64.b64decode(bare, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _shown(field: Field, value: Any) -> str:
    if field.kind == "percent":
        return str((3000 if value is None else value) // 100)
    if value is None or field.name in gateways.SECRETS:
        return ""
    if field.kind == "keys":
        return "\n".join(f"{name}\n{pem}".strip() for name, pem in value.items())
    return str(value).strip()


def _addresses(channel: str) -> dict[str, str]:
    """Where the sandbox's channels are, if it runs."""
    url = config.load().sandbox_url
    if not url:
        return {}
    more = {"alipay": {"bills_url": url}, "unionpay": {"files_url": f"{url}/filedownload/", "origins": url}}
    return {"base_url": url, **more.get(channel, {})}


_READ: dict[str, Callable[[Field, str], Any]] = {
    "private_key": _private_key,
    "public_key": _public_key,
    "certificate": _certificate,
    "keys": _keys,
    "percent": _percent,
}
