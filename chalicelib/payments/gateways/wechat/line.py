"""The line to WeChat Pay: requests signed by the merchant, answers and notifications signed by the channel."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.kit import clock, ids, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import certificates, wire

NOT_THERE = {
    "ORDER_NOT_EXIST",
    "ORDERNOTEXIST",
    "RESOURCE_NOT_EXISTS",
}  # both generations of names are in use

_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_PROBE = "WECHATPAY/SIGNTEST/"  # deliberately wrong signatures, to see that we look
_WINDOW = int(timedelta(minutes=5).total_seconds())
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_LARGEST = 64 << 20  # bytes of a bill
_PATIENCE = 30.0  # seconds for one
_PAUSE = int(timedelta(minutes=5).total_seconds())  # between two questions for new keys
_HEX = re.compile(r"[0-9a-fA-F]+")  # serials of certificates have no case


# The keys that the channel's certificates have brought since, newest first, and when they were asked for, by merchant:
# whichever line asks, all lines of this instance know.
_learned: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}


class UnknownSerial(wire.Malformed):
    """Signed with a key that is not known yet."""


@dataclass(frozen=True)
class Settings:
    """One merchant. `platform_keys`: the public key (PEM) of each certificate serial or PUB_KEY_ID.

    A merchant that has certificates, not a public key, may leave them out: they are downloaded.
    """

    mchid: str
    appid: str
    serial: str  # of the merchant's own certificate
    private_key_pem: str = field(repr=False)
    api_v3_key: str = field(repr=False)  # 32 characters
    platform_keys: Mapping[str, str] = field(default_factory=dict)
    base_url: str = "https://api.mch.weixin.qq.com"
    split_cap_bps: int = 3000  # more by agreement
    refund_notify_url: str = ""  # where refunds are told; empty: as the channel's own pages say


class Line:
    """One merchant's line."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.mchid
        self.app = settings.appid
        self.home = settings.base_url

    def call(
        self, method: str, path: str, ask: Mapping[str, object] | None = None, *, now: int
    ) -> dict[str, Any]:
        """The content of a verified answer. Raises Declined, NotSent, Unknown."""
        body = b"" if ask is None else json.dumps(ask, ensure_ascii=False).encode()
        url = self._settings.base_url + path
        headers = self._headers(method, url, body, now=now)
        reply = outbound.call(method, url, headers=headers, body=body)
        return self._believe(reply, lambda: self._check(reply, now=now))

    def fetch(self, url: str, *, now: int) -> bytes:
        """A file, which comes without a signature. Raises NotSent, Unknown."""
        if not url.startswith(f"{self._settings.base_url}/"):
            raise outbound.Unknown("a file that is somewhere else")  # and our signature is not for them
        headers = self._headers("GET", url, b"", now=now)
        reply = outbound.call("GET", url, headers=headers, seconds=_PATIENCE, largest=_LARGEST)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        return reply.body

    def sealed(self, text: str) -> str:
        """Base64 of what only the channel may read; `call` names the key. Raises NotSent."""
        serial = self._key_serial()
        if not serial:
            raise outbound.NotSent("no key of the channel is known yet")
        return wire.encrypt(self._keys()[serial], text)

    def signed(self, content: str) -> str:
        """Base64 of the merchant's signature."""
        return wire.sign(self._settings.private_key_pem, content.encode())

    def _headers(self, method: str, url: str, body: bytes, *, now: int) -> dict[str, str]:
        """`Wechatpay-Serial` names the key under which names are sealed and that the answer is to be signed with."""
        serial = self._key_serial()
        return ({"Wechatpay-Serial": serial} if serial else {}) | {
            "Authorization": self._authorization(method, url, body, now=now),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "cardmesh",
        }

    def _authorization(self, method: str, url: str, body: bytes, *, now: int) -> str:
        where = urlsplit(url)
        target = f"{where.path}?{where.query}" if where.query else where.path
        nonce = ids.token(32)
        content = f"{method}\n{target}\n{now}\n{nonce}\n".encode() + body + b"\n"
        signature = wire.sign(self._settings.private_key_pem, content)
        return (
            f'{_SCHEME} mchid="{self.merchant}",nonce_str="{nonce}",timestamp="{now}",'
            f'serial_no="{self._settings.serial}",signature="{signature}"'
        )

    def _key_serial(self) -> str:
        """WeChat Pay's own public key before certificates; of those the first, so that one to come can be added.

        Empty as long as none is known.
        """
        serials = list(self._keys())
        public = [serial for serial in serials if serial.startswith("PUB_KEY_ID_")]
        return next(iter(public + serials), "")

    def _believe(self, reply: outbound.Reply, check: Callable[[], None]) -> dict[str, Any]:
        """The content of an answer that `check` found genuine: it raises Malformed.

        A refusal needs no signature: acting on it moves no money.
        """
        try:
            if 400 <= reply.status < 500 and reply.status != 429:
                refusal = wire.parse(reply.body)
                raise gateways.Declined(wire.take(refusal, "code", kind=str), str(refusal.get("message", "")))
            if not 200 <= reply.status < 300:
                raise outbound.Unknown(f"status {reply.status}")
            check()
            return wire.parse(reply.body) if reply.body else {}
        except wire.Malformed as error:
            raise outbound.Unknown(str(error)) from None

    def _check(self, reply: outbound.Reply, *, now: int) -> None:
        """Raises Malformed."""
        try:
            self.verify(reply.headers, reply.body, now=now)
        except UnknownSerial:
            if not self.learn(now=now):
                raise
            self.verify(reply.headers, reply.body, now=now)

    def learn(self, *, now: int) -> bool:
        """Download the channel's certificates: at most every five minutes, since anybody can name an unknown key."""
        whose = (self._settings.base_url, self.merchant)
        asked_at, known = _learned.get(whose, (0, {}))
        if now - asked_at < _PAUSE:
            return False
        _learned[whose] = now, known
        try:
            found = self.download_keys(now=now)
        except (gateways.Declined, outbound.NotSent, outbound.Unknown):
            return False
        _learned[whose] = now, found
        return bool(found.keys() - self._settings.platform_keys.keys() - known.keys())

    def download_keys(self, *, now: int) -> dict[str, str]:
        """The keys by serial, newest first. The seal proves them, since they sign the answer they come in."""
        url = f"{self._settings.base_url}/v3/certificates"
        reply = outbound.call("GET", url, headers=self._headers("GET", url, b"", now=now), body=b"")
        found: dict[str, str] = {}

        def check() -> None:
            found.update(self._sealed_keys(wire.parse(reply.body), now=now))
            self.verify(reply.headers, reply.body, now=now, keys={**found, **self._keys()})

        self._believe(reply, check)
        return found

    def _sealed_keys(self, told: dict[str, Any], *, now: int) -> dict[str, str]:
        """Raises Malformed."""
        dated = []
        for each in wire.take(told, "data", kind=list):
            pem = self.opened(wire.take(each, "encrypt_certificate", kind=dict)).decode(errors="replace")
            number, since, key = certificates.key_in(pem, now=now)
            dated.append((since, f"{number:040X}", key))
        return {serial: key for _, serial, key in sorted(dated, reverse=True)}

    def _keys(self) -> Mapping[str, str]:
        _, learned = _learned.get((self._settings.base_url, self.merchant), (0, {}))
        return {**learned, **self._settings.platform_keys}

    def verify(
        self, headers: Mapping[str, str], body: bytes, *, now: int, keys: Mapping[str, str] | None = None
    ) -> None:
        """Raises Malformed, UnknownSerial."""
        names = ("timestamp", "nonce", "signature", "serial")
        at, nonce, signature, serial = (headers.get(f"wechatpay-{name}", "") for name in names)
        if not (at and nonce and signature and serial):
            raise wire.Malformed("a signature header is missing")
        if not _SECONDS.fullmatch(at) or abs(now - int(at)) > _WINDOW:
            raise wire.Malformed("the timestamp is not of now")
        key = _named(serial, self._keys() if keys is None else keys)
        if headers.get("wechatpay-signature-type", _SCHEME) != _SCHEME:
            raise wire.Malformed("another kind of signature")
        if signature.startswith(_PROBE):
            raise wire.Malformed("a probe")
        try:
            content = f"{at}\n{nonce}\n".encode() + body + b"\n"
        except UnicodeEncodeError:
            raise wire.Malformed("an unprintable nonce") from None
        if not wire.is_signed(key, signature, content):
            raise wire.Malformed("the signature does not fit")

    def unseal(self, notice: dict[str, Any]) -> dict[str, Any]:
        """Raises Malformed."""
        return wire.parse(self.opened(wire.take(notice, "resource", kind=dict)))

    def opened(self, resource: dict[str, Any]) -> bytes:
        """What is sealed under the merchant's symmetric key. Raises Malformed."""
        nonce = wire.take(resource, "nonce", kind=str).encode(errors="replace")
        if resource.get("algorithm") != "AEAD_AES_256_GCM" or len(nonce) != 12:
            raise wire.Malformed("another kind of seal")
        sealed = wire.unbase64(wire.take(resource, "ciphertext", kind=str))
        extra = str(resource.get("associated_data") or "").encode(errors="replace")
        key = AESGCM(self._settings.api_v3_key.encode())
        try:
            return key.decrypt(nonce, sealed, extra)
        except (InvalidTag, ValueError):
            raise wire.Malformed("the seal is broken") from None


def _named(serial: str, keys: Mapping[str, str]) -> str:
    name = serial.upper() if _HEX.fullmatch(serial) else serial
    if name not in keys:
        raise UnknownSerial("an unknown key serial")
    return keys[name]


def moment(text: str) -> int:
    try:
        return clock.from_iso(text)
    except ValueError as error:
        raise wire.Malformed(str(error)) from None
