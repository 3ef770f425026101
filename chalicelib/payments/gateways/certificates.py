"""Certificates that come inside the messages they vouch for: believed only under authorities known before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.payments.gateways import wire


def open_certificate(pem: str, authorities: Sequence[str], *, now: int) -> tuple[str, str]:
    """The common name and the public key (PEM) of a certificate.

    `authorities` are the certificates (PEM) above it, the one that issued it first, the root last. Raises Malformed
    unless each is issued by the next, all are valid now, and those above may issue.
    """
    chain = [_load(pem), *(_authority(each) for each in authorities)]
    for issued, issuer in pairwise(chain):
        _check_issuer(issued, issuer)
    at = datetime.fromtimestamp(now, UTC)
    if not all(each.not_valid_before_utc <= at <= each.not_valid_after_utc for each in chain):
        raise wire.Malformed("a certificate is not valid now")
    return _common_name(chain[0]), _public_pem(chain[0])


def key_in(pem: str, *, now: int) -> tuple[int, int, str]:
    """Serial number, begin of validity and public key (PEM) of a certificate that came on a way one can trust.

    Raises Malformed for one that is not valid now.
    """
    found = _load(pem)
    if not found.not_valid_before_utc <= datetime.fromtimestamp(now, UTC) <= found.not_valid_after_utc:
        raise wire.Malformed("a certificate is not valid now")
    return found.serial_number, int(found.not_valid_before_utc.timestamp()), _public_pem(found)


def _load(pem: str) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, x509.InvalidVersion):
        raise wire.Malformed("not a certificate") from None
    # A signature is whole bytes; the parser also takes one that says that some of its last bits, zero, do not count.
    if found.public_bytes(Encoding.DER)[-len(found.signature) - 1]:
        raise wire.Malformed("a certificate signed in bits")
    return found


@lru_cache(maxsize=16)
def _authority(pem: str) -> x509.Certificate:
    """A certificate of the settings, which may issue others."""
    found = _load(pem)
    try:
        may_issue = found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        may_issue = False
    if not may_issue:
        raise wire.Malformed("an issuer that is no authority")
    return found


def _check_issuer(issued: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise wire.Malformed("a certificate of another authority") from None


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if len(names) != 1:
        raise wire.Malformed("a certificate without one name")
    return str(names[0].value)


def _public_pem(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise wire.Malformed("a certificate with another kind of key")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
