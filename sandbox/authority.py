"""UnionPay's certificates: a root, what it issued, what that issued for signing; and three nobody should believe."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

SIGNER = "041@8310000000083040@中国银联股份有限公司@00016495"
STRANGER = "041@8310000000083041@某某科技有限公司@00016496"

_LONG = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))
_OVER = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))

Keep = Callable[[str, Callable[[], bytes]], str]


class Authority:
    """Who signs for the channel. `keep` remembers the certificates that merchants configure, by name."""

    def __init__(
        self, root: rsa.RSAPrivateKey, middle: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey, *, keep: Keep
    ) -> None:
        self._root = root
        self._middle = middle
        self.signer = signer
        self.root_pem = keep("root", self._make_root)
        self.middle_pem = keep("middle", self._make_middle)
        self.signer_pem = keep("signer", lambda: self._issue(SIGNER, _LONG))

    def presented(self, fault: str) -> tuple[rsa.RSAPrivateKey, str]:
        """The key to sign with and the certificate to show: the true ones, or "forged", "stranger", "expired"."""
        if fault == "forged":
            return self._forged
        pem = {
            "": lambda: self.signer_pem,
            "stranger": lambda: self._stranger,
            "expired": lambda: self._expired,
        }
        return self.signer, pem[fault]()

    @cached_property
    def _forged(self) -> tuple[rsa.RSAPrivateKey, str]:
        """The right names under a signature of nobody."""
        key = rsa.generate_private_key(65537, 2048)
        return key, _certificate(SIGNER, key, "Sandbox Middle CA", key, _LONG, ca=None).decode()

    @cached_property
    def _stranger(self) -> str:
        return self._issue(STRANGER, _LONG).decode()

    @cached_property
    def _expired(self) -> str:
        return self._issue(SIGNER, _OVER).decode()

    def _make_root(self) -> bytes:
        return _certificate("Sandbox Root CA", self._root, "Sandbox Root CA", self._root, _LONG, ca=1)

    def _make_middle(self) -> bytes:
        return _certificate("Sandbox Middle CA", self._middle, "Sandbox Root CA", self._root, _LONG, ca=0)

    def _issue(self, name: str, valid: tuple[datetime, datetime]) -> bytes:
        return _certificate(name, self.signer, "Sandbox Middle CA", self._middle, valid, ca=None)


def own_certificate(name: str, key: rsa.RSAPrivateKey, serial: str) -> bytes:
    """A channel's certificate under a serial (hexadecimal) that it announces; PEM."""
    return _certificate(name, key, name, key, _LONG, ca=None, serial=int(serial, 16))


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: str,
    issuer_key: rsa.RSAPrivateKey,
    valid: tuple[datetime, datetime],
    *,
    ca: int | None,
    serial: int | None = None,
) -> bytes:
    """PEM. `ca`: how many authorities may stand below; None: it may not issue."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=ca is not None, path_length=ca), critical=True)
    )
    return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.PEM)


def _named(name: str) -> x509.Name:
    country = x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "CN")
    return x509.Name([country, x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
